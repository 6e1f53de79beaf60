/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The promise: a bit that flipped anywhere in any file of a snapshot, and a file that was cut or is missing, is found
 * by verifying, which names the file, the bytes and the digests; and is refused by a restore that reads the memory
 * first, or, unless it is the memory that is damaged, by any restore.
 */

#include "config.h"
#include "vmm/snapshot.h"

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/sample-chain.h"

typedef struct
{
  char *scratch;
  char *base;  /* directory of a complete snapshot */
  char *child; /* of one over it */
  char *top;   /* of one over that */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree guint8 *memory = g_malloc0 (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);

  fixture->scratch = scratch_new (NULL);
  fixture->base = sample_write (fixture->scratch);
  fixture->child = g_build_filename (fixture->scratch, "child", NULL);
  fixture->top = g_build_filename (fixture->scratch, "top", NULL);
  sample_chain_change (memory, pages, 40);
  sample_chain_write (fixture->child, fixture->base, pages, memory);
  sample_chain_write (fixture->top, fixture->child, pages, memory);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->base);
  g_free (fixture->child);
  g_free (fixture->top);
  scratch_free (fixture->scratch);
}

static gboolean
verify (const char *directory, gboolean chain, GError **error)
{
  return vmm_snapshot_verify_directory (directory, NULL, chain, NULL, NULL, NULL, error);
}

static void
assert_sound (const char *directory)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (verify (directory, TRUE, &error));
  g_assert_no_error (error);
}

static void
assert_says (const GError *error, const char *part)
{
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' is not in: %s", part, error->message);
}

/* that verifying finds exactly so many places, and each of @parts is told of */
static void
assert_finds (const char *directory, guint n_places, const char *const *parts)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_false (verify (directory, TRUE, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  lines = g_strsplit (error->message, "\n", -1);
  if (g_strv_length (lines) != n_places + 1)
    g_error ("expected %u places: %s", n_places, error->message);
  for (guint i = 0; parts[i] != NULL; i++)
    assert_says (error, parts[i]);
}

/* what any restore does first */
static gboolean
opens (const char *directory, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, error);

  return snapshot != NULL && vmm_snapshot_open_chain (snapshot, error);
}

/* what a restore with verify-memory does first */
static gboolean
opens_and_verifies (const char *directory, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, error);

  return snapshot != NULL && vmm_snapshot_open_chain (snapshot, error) &&
         vmm_snapshot_verify (snapshot, NULL, NULL, NULL, error);
}

static void
assert_no_restore (const char *directory, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (opens (directory, &error));
  g_assert_nonnull (error);
  assert_says (error, part);
}

static void
assert_no_checked_restore (const char *directory, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (opens_and_verifies (directory, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  assert_says (error, part);
}

static void
flip (const char *directory, const char *name, guint64 offset, guint bit)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  VMM_AUTO_FD int fd = -1;
  guint8 byte;

  g_assert_cmpint (chmod (path, 0600), ==, 0);
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (pread (fd, &byte, 1, (off_t) offset), ==, 1);
  byte ^= (guint8) (1u << bit);
  g_assert_cmpint (pwrite (fd, &byte, 1, (off_t) offset), ==, 1);
}

static guint64
size_of (const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  struct stat st;

  g_assert_cmpint (stat (path, &st), ==, 0);
  return (guint64) st.st_size;
}

/* digest of what is in the file now, in hexadecimal */
static char *
digest_of (const char *directory, const char *name, guint64 offset, guint64 length)
{
  g_autoptr (GBytes) bytes = scratch_read (directory, name);
  guint8 sha256[VMM_DIGEST_SIZE];

  vmm_digest_bytes ((const guint8 *) g_bytes_get_data (bytes, NULL) + offset, length, sha256);
  return vmm_digest_to_string (sha256);
}

/* flips one bit of each byte of a small file, or of every so manieth, the next bit each time */
static void
check_flips (const char *directory, const char *name, gsize digested, guint step)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  guint64 size = size_of (directory, name);
  g_autofree char *expected = digest_of (directory, name, 0, digested);

  for (guint64 i = 0; i < size; i += step)
    {
      g_autofree char *found = NULL;

      flip (directory, name, i, i % 8);
      found = digest_of (directory, name, 0, digested);
      if (i < digested)
        assert_finds (directory, 1, (const char *[]){ path, "from offset 0 ", found, expected, NULL });
      else
        assert_finds (directory, 1, (const char *[]){ path, NULL });
      assert_no_restore (directory, name);
      assert_no_checked_restore (directory, name);
      flip (directory, name, i, i % 8);
    }
}

static void
test_finds_each_byte_of_the_manifest (Fixture *fixture, gconstpointer data)
{
  check_flips (fixture->base, VMM_SNAPSHOT_MANIFEST, size_of (fixture->base, VMM_SNAPSHOT_MANIFEST) - 38, 1);
  assert_sound (fixture->base);
}

static void
test_finds_each_byte_of_the_state (Fixture *fixture, gconstpointer data)
{
  check_flips (fixture->base, VMM_SNAPSHOT_STATE, size_of (fixture->base, VMM_SNAPSHOT_STATE), 1);
  assert_sound (fixture->base);
}

static void
test_finds_each_byte_of_the_pages (Fixture *fixture, gconstpointer data)
{
  check_flips (fixture->child, VMM_SNAPSHOT_PAGES, size_of (fixture->child, VMM_SNAPSHOT_PAGES), 1);
  check_flips (fixture->child, VMM_SNAPSHOT_MANIFEST, size_of (fixture->child, VMM_SNAPSHOT_MANIFEST) - 38, 3);
  assert_sound (fixture->top);
}

static void
check_memory_flip (const char *directory, guint64 offset)
{
  g_autofree char *path = g_build_filename (directory, VMM_SNAPSHOT_MEMORY, NULL);
  guint64 start = offset / SAMPLE_CHUNK * SAMPLE_CHUNK;
  g_autofree char *bytes = g_strdup_printf ("in bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ":",
                                            start,
                                            (guint64) (start + SAMPLE_CHUNK - 1));
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, NULL);
  const guint8 *expected_digest = vmm_snapshot_get_manifest (snapshot)->memory_digests->sha256.data +
                                  start / SAMPLE_CHUNK * VMM_DIGEST_SIZE;
  g_autofree char *expected = vmm_digest_to_string (expected_digest);
  g_autofree char *found = NULL;

  flip (directory, VMM_SNAPSHOT_MEMORY, offset, offset % 8);
  found = digest_of (directory, VMM_SNAPSHOT_MEMORY, start, SAMPLE_CHUNK);
  assert_finds (directory, 1, (const char *[]){ path, bytes, found, expected, NULL });
  assert_no_checked_restore (directory, bytes);
  assert_no_checked_restore (directory, path);
  flip (directory, VMM_SNAPSHOT_MEMORY, offset, offset % 8);
}

/* data, holes, zeros that were written, and the edges of chunks: see sample_fill_memory() */
static void
test_finds_flips_in_memory (Fixture *fixture, gconstpointer data)
{
  static const guint64 offsets[] = {
    0,
    4096,
    4099,
    1234567,
    SAMPLE_CHUNK - 1,
    SAMPLE_CHUNK,
    SAMPLE_CHUNK + 70000,
    2 * SAMPLE_CHUNK - 1,
    2 * SAMPLE_CHUNK + 100000,
    3 * SAMPLE_CHUNK,
    3 * SAMPLE_CHUNK + 8191,
    VMM_MEMORY_SIZE_MIN - 1,
  };

  for (gsize i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      check_memory_flip (fixture->base, offsets[i]);
      check_memory_flip (fixture->child, offsets[i]);
    }
  assert_sound (fixture->top);
}

/* a file of all sizes but its own; all it can be cut to if it is small */
static void
check_sizes (const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GBytes) content = scratch_read (directory, name);
  gsize size = g_bytes_get_size (content);
  gsize step = size < 4096 ? 1 : size / 7;
  g_autofree char *found = NULL;

  for (gsize cut = 0; cut < size; cut += step)
    {
      g_assert_cmpint (truncate (path, (off_t) cut), ==, 0);
      assert_finds (directory, 1, (const char *[]){ path, NULL });
      assert_no_restore (directory, name);
      scratch_write (directory, name, g_bytes_get_data (content, NULL), size);
    }
  g_assert_cmpint (truncate (path, (off_t) size + 1), ==, 0);
  assert_finds (directory, 1, (const char *[]){ path, NULL });
  assert_no_restore (directory, name);
  g_assert_cmpint (unlink (path), ==, 0);
  found = g_strdup_printf ("'%s' is missing", path);
  assert_no_restore (directory, name);
  assert_finds (directory, 1, (const char *[]){ found, NULL });
  scratch_write (directory, name, g_bytes_get_data (content, NULL), size);
}

static void
test_finds_each_file_cut_or_missing (Fixture *fixture, gconstpointer data)
{
  check_sizes (fixture->child, VMM_SNAPSHOT_MANIFEST);
  check_sizes (fixture->child, VMM_SNAPSHOT_STATE);
  check_sizes (fixture->child, VMM_SNAPSHOT_PAGES);
  check_sizes (fixture->child, VMM_SNAPSHOT_MEMORY);
  check_sizes (fixture->base, VMM_SNAPSHOT_MANIFEST);
  check_sizes (fixture->base, VMM_SNAPSHOT_MEMORY);
  assert_sound (fixture->top);
}

static void
test_tells_all_damage_at_once (Fixture *fixture, gconstpointer data)
{
  g_autofree char *state = g_build_filename (fixture->base, VMM_SNAPSHOT_STATE, NULL);
  g_autofree char *memory = g_build_filename (fixture->base, VMM_SNAPSHOT_MEMORY, NULL);

  flip (fixture->base, VMM_SNAPSHOT_STATE, 3, 3);
  flip (fixture->base, VMM_SNAPSHOT_MEMORY, 10, 0);
  flip (fixture->base, VMM_SNAPSHOT_MEMORY, 2 * SAMPLE_CHUNK, 0);
  assert_finds (fixture->base,
                3,
                (const char *[]){
                    state, memory, "in bytes 0 to", "in bytes 8388608 to", "in 3 places", NULL });
  g_assert_cmpint (truncate (memory, 2 * SAMPLE_CHUNK + 1), ==, 0);
  assert_finds (fixture->base,
                3,
                (const char *[]){ state, "in bytes 0 to", "has 8388609 bytes, expected 16777216", NULL });
  g_assert_cmpint (unlink (state), ==, 0);
  assert_finds (fixture->base, 3, (const char *[]){ "state.bin' is missing", "in bytes 0 to", NULL });
  flip (fixture->base, VMM_SNAPSHOT_MANIFEST, 50, 1);
  assert_finds (fixture->base, 2, (const char *[]){ "state.bin' is missing", "manifest.bin", NULL });
}

static void
test_names_the_link (Fixture *fixture, gconstpointer data)
{
  g_autofree char *base = g_build_filename (fixture->base, VMM_SNAPSHOT_MEMORY, NULL);
  g_autofree char *child = g_build_filename (fixture->child, VMM_SNAPSHOT_PAGES, NULL);
  g_autofree char *top = g_build_filename (fixture->top, VMM_SNAPSHOT_STATE, NULL);
  g_autoptr (GError) error = NULL;

  flip (fixture->base, VMM_SNAPSHOT_MEMORY, 10, 0);
  flip (fixture->child, VMM_SNAPSHOT_PAGES, 0, 0);
  flip (fixture->top, VMM_SNAPSHOT_STATE, 0, 0);
  assert_finds (fixture->top, 3, (const char *[]){ base, child, top, NULL });

  /* of the top alone, and of those under it what a restore needs */
  g_assert_false (verify (fixture->top, FALSE, &error));
  assert_says (error, top);
  assert_says (error, "in 1 place:");
  flip (fixture->top, VMM_SNAPSHOT_STATE, 0, 0);
  g_clear_error (&error);
  g_assert_true (verify (fixture->top, FALSE, &error));
  g_assert_no_error (error);
  flip (fixture->child, VMM_SNAPSHOT_PAGES, 0, 0);
  flip (fixture->base, VMM_SNAPSHOT_MEMORY, 10, 0);
  flip (fixture->child, VMM_SNAPSHOT_STATE, 0, 0);
  assert_sound (fixture->top);
}

static void
test_names_damage_of_a_moved_parent (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = g_build_filename (fixture->scratch, "elsewhere", NULL);
  g_autofree char *memory = g_build_filename (elsewhere, VMM_SNAPSHOT_MEMORY, NULL);

  g_assert_cmpint (rename (fixture->base, elsewhere), ==, 0);
  assert_sound (fixture->top);
  g_assert_cmpint (truncate (memory, 100), ==, 0);
  assert_finds (fixture->top, 1, (const char *[]){ memory, "has 100 bytes", NULL });
}

static void
test_tells_of_broken_chains (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = g_build_filename (fixture->scratch, ".elsewhere", NULL);
  g_autofree char *manifest = g_build_filename (fixture->base, VMM_SNAPSHOT_MANIFEST, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (rename (fixture->base, elsewhere), ==, 0);
  g_assert_false (verify (fixture->top, TRUE, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_PARENT_MISSING);
  assert_says (error, fixture->base);
  g_clear_error (&error);
  flip (fixture->child, VMM_SNAPSHOT_MEMORY, 0, 0);
  assert_finds (fixture->top, 2, (const char *[]){ fixture->base, "neither in", "child/memory.bin", NULL });
  flip (fixture->child, VMM_SNAPSHOT_MEMORY, 0, 0);
  g_assert_true (verify (fixture->top, FALSE, &error));
  g_assert_no_error (error);

  g_assert_cmpint (rename (elsewhere, fixture->base), ==, 0);
  flip (fixture->base, VMM_SNAPSHOT_MANIFEST, 60, 6);
  assert_finds (fixture->top, 1, (const char *[]){ manifest, "SHA-256", NULL });
}

static void
test_refuses_what_is_none (Fixture *fixture, gconstpointer data)
{
  g_autofree char *none = g_build_filename (fixture->scratch, "none", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (verify (none, TRUE, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT);
  g_clear_error (&error);
  g_assert_false (verify (fixture->scratch, TRUE, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT);
  g_clear_error (&error);
  g_assert_false (vmm_snapshot_verify_directory (fixture->base, SAMPLE_UUID, TRUE, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT);
  assert_says (error, SAMPLE_UUID);
}

typedef struct
{
  guint64 done;
  guint64 total;
} Progress;

static void
note_progress (guint64 done, guint64 total, gpointer user_data)
{
  Progress *progress = user_data;

  g_assert_cmpuint (done, >, progress->done);
  g_assert_cmpuint (done, <=, total);
  progress->done = done;
  progress->total = total;
}

static void
test_tells_progress (Fixture *fixture, gconstpointer data)
{
  Progress chain = { 0 };
  Progress link = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (
      vmm_snapshot_verify_directory (fixture->top, NULL, TRUE, note_progress, &chain, NULL, &error));
  g_assert_cmpuint (chain.done, ==, 3 * VMM_MEMORY_SIZE_MIN);
  g_assert_cmpuint (chain.total, ==, 3 * VMM_MEMORY_SIZE_MIN);
  g_assert_true (
      vmm_snapshot_verify_directory (fixture->top, NULL, FALSE, note_progress, &link, NULL, &error));
  g_assert_cmpuint (link.done, ==, VMM_MEMORY_SIZE_MIN);
}

static void
cancel (guint64 done, guint64 total, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static void
test_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  /* damage that was found by then is not told */
  flip (fixture->top, VMM_SNAPSHOT_STATE, 0, 0);
  g_assert_false (
      vmm_snapshot_verify_directory (fixture->top, NULL, TRUE, cancel, cancellable, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
}

static void
test_tells_what_the_disk_cannot_read (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;

  flip (fixture->base, VMM_SNAPSHOT_MEMORY, VMM_MEMORY_SIZE_MIN - 1, 0);
  snapshot = vmm_snapshot_open_with_ops (&faulty.base, fixture->base, &error);
  g_assert_no_error (error);
  faulty.calls = 0;
  faulty.only_call = "pread";
  faulty.fail_at = 1;
  faulty.error_number = EIO;
  g_assert_false (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  assert_says (error, "cannot be read somewhere in bytes 0 to 4194303: Input/output error");
  assert_says (error, "is damaged in bytes 12582912 to 16777215");
  assert_says (error, "in 2 places");
}

#define ADD(name, func) g_test_add ("/vmm/snapshot-verify/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("finds-each-byte-of-the-manifest", test_finds_each_byte_of_the_manifest);
  ADD ("finds-each-byte-of-the-state", test_finds_each_byte_of_the_state);
  ADD ("finds-each-byte-of-the-pages", test_finds_each_byte_of_the_pages);
  ADD ("finds-flips-in-memory", test_finds_flips_in_memory);
  ADD ("finds-each-file-cut-or-missing", test_finds_each_file_cut_or_missing);
  ADD ("tells-all-damage-at-once", test_tells_all_damage_at_once);
  ADD ("names-the-link", test_names_the_link);
  ADD ("names-damage-of-a-moved-parent", test_names_damage_of_a_moved_parent);
  ADD ("tells-of-broken-chains", test_tells_of_broken_chains);
  ADD ("refuses-what-is-none", test_refuses_what_is_none);
  ADD ("tells-progress", test_tells_progress);
  ADD ("can-be-cancelled", test_can_be_cancelled);
  ADD ("tells-what-the-disk-cannot-read", test_tells_what_the_disk_cannot_read);
  return g_test_run ();
}
