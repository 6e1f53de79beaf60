/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/working-set.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/scratch.h"
#include "vmm/memory.h"

#define SIZE VMM_MEMORY_SIZE_MIN
#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define NAME "sets/" UUID

typedef struct
{
  char *directory;
  char *path;
  GBytes *sha256;
  VmmWorkingSetKey key;
  VmmPageSet *pages;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const guint8 sha256[32] = { 1, 2, 3 };

  fixture->directory = scratch_new (NULL);
  fixture->path = g_build_filename (fixture->directory, NAME, NULL);
  fixture->sha256 = g_bytes_new_static (sha256, sizeof sha256);
  fixture->key = (VmmWorkingSetKey){ UUID, fixture->sha256, SIZE };
  fixture->pages = vmm_page_set_new (SIZE);
  vmm_page_set_add (fixture->pages, 0);
  vmm_page_set_add_bytes (fixture->pages, 100 * VMM_PAGE_SIZE, 50 * VMM_PAGE_SIZE);
  vmm_page_set_add (fixture->pages, SIZE / VMM_PAGE_SIZE - 1);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_page_set_free (fixture->pages);
  g_bytes_unref (fixture->sha256);
  g_free (fixture->path);
  scratch_free (fixture->directory);
}

static void
assert_same (const VmmPageSet *a, const VmmPageSet *b)
{
  g_assert_nonnull (a);
  g_assert_cmpuint (a->n_pages, ==, b->n_pages);
  g_assert_cmpmem (a->bits, a->n_words * sizeof a->bits[0], b->bits, b->n_words * sizeof b->bits[0]);
}

static void
write_sound (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_working_set_write (NULL, fixture->path, &fixture->key, fixture->pages, &error));
  g_assert_no_error (error);
}

static void
assert_reads (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmPageSet) pages = vmm_working_set_read (NULL, fixture->path, &fixture->key, &error);

  g_assert_no_error (error);
  assert_same (pages, fixture->pages);
}

static void
assert_corrupt (GBytes *bytes, const VmmWorkingSetKey *key)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmPageSet) pages = vmm_working_set_unpack (bytes, key, &error);

  g_assert_null (pages);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
}

static void
test_is_read_as_written (Fixture *fixture, gconstpointer data)
{
  struct stat st;

  write_sound (fixture);
  assert_reads (fixture);
  scratch_assert_list (fixture->directory, "sets");
  g_assert_cmpint (stat (fixture->path, &st), ==, 0);
  g_assert_cmphex (st.st_mode & 07777, ==, 0600);
  vmm_page_set_add (fixture->pages, 7);
  write_sound (fixture); /* in its place */
  assert_reads (fixture);
}

static void
test_of_no_pages (Fixture *fixture, gconstpointer data)
{
  vmm_page_set_clear (fixture->pages);
  write_sound (fixture);
  assert_reads (fixture);
}

static void
test_cut (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) whole = vmm_working_set_pack (&fixture->key, fixture->pages);

  for (gsize length = 0; length < g_bytes_get_size (whole); length++)
    {
      g_autoptr (GBytes) cut = g_bytes_new_from_bytes (whole, 0, length);

      assert_corrupt (cut, &fixture->key);
    }
}

static void
test_longer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) whole = vmm_working_set_pack (&fixture->key, fixture->pages);
  gsize length = g_bytes_get_size (whole);
  g_autofree guint8 *bytes = g_malloc0 (length + 1);
  g_autoptr (GBytes) longer = NULL;

  memcpy (bytes, g_bytes_get_data (whole, NULL), length);
  longer = g_bytes_new (bytes, length + 1);
  assert_corrupt (longer, &fixture->key);
}

static void
test_flipped_bits (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) whole = vmm_working_set_pack (&fixture->key, fixture->pages);
  gsize length = g_bytes_get_size (whole);

  for (gsize bit = 0; bit < length * 8; bit++)
    {
      guint8 *bytes = g_memdup2 (g_bytes_get_data (whole, NULL), length);
      g_autoptr (GBytes) flipped = NULL;

      bytes[bit / 8] ^= 1u << (bit % 8);
      flipped = g_bytes_new_take (bytes, length);
      assert_corrupt (flipped, &fixture->key);
    }
}

/* each of them a sound record, but not of what is restored */
static void
test_of_something_else (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) whole = vmm_working_set_pack (&fixture->key, fixture->pages);
  g_autoptr (GBytes) other_sha256 = g_bytes_new_static ("another digest of thirty-two by", 32);
  VmmWorkingSetKey key = fixture->key;

  key.uuid = "01234567-89ab-cdef-0123-456789abcdee";
  assert_corrupt (whole, &key);
  key = fixture->key;
  key.manifest_sha256 = other_sha256;
  assert_corrupt (whole, &key);
  key = fixture->key;
  key.memory_size = 2 * SIZE;
  assert_corrupt (whole, &key);
}

static void
assert_not_read (const char *path, const VmmWorkingSetKey *key, VmmError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmPageSet) pages = vmm_working_set_read (NULL, path, key, &error);

  g_assert_null (pages);
  g_assert_error (error, VMM_ERROR, (int) code);
}

static void
test_what_is_no_record (Fixture *fixture, gconstpointer data)
{
  g_autofree char *link = g_build_filename (fixture->directory, "link", NULL);
  g_autofree char *fifo = g_build_filename (fixture->directory, "fifo", NULL);
  g_autofree char *empty = g_build_filename (fixture->directory, "empty", NULL);
  VmmWorkingSetKey key = fixture->key;

  assert_not_read (fixture->path, &key, VMM_ERROR_NO_SUCH_FILE);
  write_sound (fixture);
  g_assert_cmpint (symlink (fixture->path, link), ==, 0);
  assert_not_read (link, &key, VMM_ERROR_HOST);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_not_read (fifo, &key, VMM_ERROR_HOST);
  assert_not_read (fixture->directory, &key, VMM_ERROR_HOST);
  scratch_write (fixture->directory, "empty", "", 0);
  assert_not_read (empty, &key, VMM_ERROR_CORRUPT);
  key.memory_size = 2 * VMM_WORKING_SET_MEMORY_MAX;
  assert_not_read (fixture->path, &key, VMM_ERROR_LIMIT_EXCEEDED);
}

/* the record that was there stays, nothing else is left, and the next one is written */
static void
test_every_call_fails (Fixture *fixture, gconstpointer data)
{
  FaultyOps ops = FAULTY_OPS_INIT;
  g_autofree char *directory = g_path_get_dirname (fixture->path);
  g_autoptr (VmmPageSet) others = vmm_page_set_new (SIZE);
  gboolean ok = FALSE;

  write_sound (fixture);
  ops.error_number = ENOSPC;
  for (ops.fail_at = 1; !ok; ops.fail_at++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpuint (ops.fail_at, <, 20);
      ops.calls = 0;
      ok = vmm_working_set_write (&ops.base, fixture->path, &fixture->key, others, &error);
      if (ok)
        break;
      g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SPACE);
      assert_reads (fixture);
      scratch_assert_list (directory, UUID);
    }
  g_assert_cmpuint (ops.fail_at, >, 4);
  vmm_page_set_clear (fixture->pages);
  assert_reads (fixture);
}

static void
test_reads_fail (Fixture *fixture, gconstpointer data)
{
  FaultyOps ops = FAULTY_OPS_INIT;

  write_sound (fixture);
  ops.error_number = EIO;
  for (ops.fail_at = 1; ops.fail_at <= 3; ops.fail_at++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VmmPageSet) pages = NULL;

      ops.calls = 0;
      pages = vmm_working_set_read (&ops.base, fixture->path, &fixture->key, &error);
      g_assert_null (pages);
      g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
    }
}

static void
test_nowhere_to_write (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  scratch_write (fixture->directory, "sets", "a file", 6);
  g_assert_false (vmm_working_set_write (NULL, fixture->path, &fixture->key, fixture->pages, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (error->domain, ==, VMM_ERROR);
  scratch_assert_list (fixture->directory, "sets");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function) g_test_add ("/vmm/working-set/" name, Fixture, NULL, set_up, function, tear_down)
  add ("is-read-as-written", test_is_read_as_written);
  add ("of-no-pages", test_of_no_pages);
  add ("refuses/cut", test_cut);
  add ("refuses/longer", test_longer);
  add ("refuses/flipped-bits", test_flipped_bits);
  add ("refuses/of-something-else", test_of_something_else);
  add ("refuses/what-is-no-record", test_what_is_no_record);
  add ("every-call-fails", test_every_call_fails);
  add ("reads-fail", test_reads_fail);
  add ("nowhere-to-write", test_nowhere_to_write);
#undef add
  return g_test_run ();
}
