/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot-chain.h"

#include <glib/gstdio.h>

#include "tests/vmm/sample-chain.h"

#define LENGTH 6u

/* a complete snapshot "0" and five over it, each over the one before */
typedef struct
{
  char *scratch;
  char *directories[LENGTH];
  guint8 *memories[LENGTH];
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree guint8 *memory = g_malloc0 (VMM_MEMORY_SIZE_MIN);

  fixture->scratch = scratch_new (NULL);
  for (guint i = 0; i < LENGTH; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autoptr (VmmPageSet) pages = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);

      sample_chain_change (memory, pages, 500);
      fixture->directories[i] = g_build_filename (fixture->scratch, name, NULL);
      fixture->memories[i] = g_memdup2 (memory, VMM_MEMORY_SIZE_MIN);
      sample_chain_write (fixture->directories[i], i > 0 ? fixture->directories[i - 1] : NULL, pages, memory);
    }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < LENGTH; i++)
    {
      g_free (fixture->directories[i]);
      g_free (fixture->memories[i]);
    }
  scratch_free (fixture->scratch);
}

static void
test_puts_memory_together (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < LENGTH; i++)
    sample_chain_assert_memory (fixture->directories[i], fixture->memories[i]);
}

typedef struct
{
  VmmPageSet *seen;
  guint64 bytes;
} Count;

static gboolean
count (guint64 offset, guint64 length, int fd, gpointer user_data, GError **error)
{
  Count *counted = user_data;
  guint64 before = vmm_page_set_count (counted->seen);

  vmm_page_set_add_bytes (counted->seen, offset, length);
  g_assert_cmpuint (vmm_page_set_count (counted->seen), ==, before + length / VMM_PAGE_SIZE);
  counted->bytes += length;
  return TRUE;
}

static void
test_reads_each_page_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directories[LENGTH - 1], &error);
  g_autoptr (VmmPageSet) seen = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmPageSet) wanted = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
  Count all = { .seen = seen };
  Count some = { .seen = wanted };

  g_assert_true (vmm_snapshot_open_chain (snapshot, &error));
  g_assert_cmpuint (vmm_snapshot_get_chain_length (snapshot), ==, LENGTH);
  g_assert_true (vmm_snapshot_chain_foreach_change (snapshot, NULL, count, &all, &error));
  g_assert_cmpuint (all.bytes, >, 500 * VMM_PAGE_SIZE);

  some.seen = seen;
  vmm_page_set_clear (seen);
  vmm_page_set_add_all (wanted, vmm_snapshot_get_pages (snapshot));
  g_assert_true (vmm_snapshot_chain_foreach_change (snapshot, wanted, count, &some, &error));
  g_assert_cmpuint (some.bytes, ==, vmm_page_set_count (wanted) * VMM_PAGE_SIZE);
}

static void
assert_broken (const char *directory, VmmError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, &error);

  g_assert_no_error (error);
  g_assert_false (vmm_snapshot_open_chain (snapshot, &error));
  g_assert_error (error, VMM_ERROR, (int) code);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' does not say '%s'", error->message, part);
}

static void
test_finds_moved_parents (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = g_build_filename (fixture->scratch, "elsewhere", NULL);
  g_autofree char *renamed = g_build_filename (fixture->scratch, "renamed", NULL);
  g_autofree char *last = g_build_filename (elsewhere, "5", NULL);

  g_assert_cmpint (g_rename (fixture->directories[2], renamed), ==, 0);
  sample_chain_assert_memory (fixture->directories[5], fixture->memories[5]);

  /* the whole tree, to another place */
  g_assert_cmpint (g_mkdir (elsewhere, 0700), ==, 0);
  for (guint i = 0; i < LENGTH; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autofree char *target = g_build_filename (elsewhere, name, NULL);

      g_assert_cmpint (g_rename (i == 2 ? renamed : fixture->directories[i], target), ==, 0);
    }
  sample_chain_assert_memory (last, fixture->memories[5]);
}

static void
test_names_missing_parent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) doomed = vmm_snapshot_open (fixture->directories[2], NULL);

  g_assert_true (vmm_snapshot_delete (doomed, NULL));
  assert_broken (fixture->directories[5], VMM_ERROR_PARENT_MISSING, vmm_snapshot_get_uuid (doomed));
  assert_broken (fixture->directories[5], VMM_ERROR_PARENT_MISSING, fixture->directories[3]);
  sample_chain_assert_memory (fixture->directories[1], fixture->memories[1]);
}

static void
test_names_damaged_parent (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directories[2], VMM_SNAPSHOT_PAGES, NULL);
  VMM_AUTO_FD int fd = -1;

  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "\x7f", 1, 3), ==, 1);
  assert_broken (fixture->directories[5], VMM_ERROR_CORRUPT, path);
}

/* a snapshot that says it is the one of @uuid */
static void
write_impostor (const char *directory, const char *uuid)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshotWriter) writer = NULL;
  g_autoptr (VmmConfig) config = sample_config_new ();
  g_autoptr (VmmManifest) manifest = vmm_manifest_new (config, TRUE, "another", NULL, 0);
  g_autoptr (VmmSavedState) state = sample_state_new ();
  VMM_AUTO_FD int fd = -1;

  g_free (manifest->uuid);
  manifest->uuid = g_strdup (uuid);
  writer = vmm_snapshot_writer_new (directory, &error);
  g_assert_no_error (error);
  fd = vmm_snapshot_writer_create_memory (writer, VMM_MEMORY_SIZE_MIN, &error);
  g_assert_true (vmm_snapshot_writer_commit (writer, manifest, state, NULL, NULL, NULL, &error));
}

static void
test_names_other_parent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) was = vmm_snapshot_open (fixture->directories[2], &error);

  g_assert_true (vmm_snapshot_delete (was, &error));
  write_impostor (fixture->directories[2], vmm_snapshot_get_uuid (was));
  assert_broken (fixture->directories[5], VMM_ERROR_PARENT_CHANGED, fixture->directories[2]);
}

/* as copies of a parent are that was consolidated since: in whatever order the directory tells them */
static void
test_passes_over_impostors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) parent = vmm_snapshot_open (fixture->directories[2], NULL);
  g_autofree char *renamed = g_build_filename (fixture->scratch, "renamed", NULL);

  g_assert_cmpint (g_rename (fixture->directories[2], renamed), ==, 0);
  for (guint i = 0; i < 8; i++)
    {
      g_autofree char *name = g_strdup_printf ("impostor-%u", i);
      g_autofree char *directory = g_build_filename (fixture->scratch, name, NULL);

      write_impostor (directory, vmm_snapshot_get_uuid (parent));
    }
  sample_chain_assert_memory (fixture->directories[5], fixture->memories[5]);
}

static void
test_verify_finds_damage_below (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directories[1], VMM_SNAPSHOT_MEMORY, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) link = vmm_snapshot_open (fixture->directories[5], &error);
  g_autoptr (VmmSnapshot) chain = vmm_snapshot_open (fixture->directories[5], &error);
  VMM_AUTO_FD int fd = -1;

  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "bad", 3, VMM_MEMORY_SIZE_MIN - 3), ==, 3);
  g_assert_true (vmm_snapshot_verify (link, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_open_chain (chain, &error));
  g_assert_false (vmm_snapshot_verify (chain, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, path));
}

/* 1.02 of what has changed, and 256 KiB; of zeros, nothing */
static void
test_is_small (Fixture *fixture, gconstpointer data)
{
  g_autofree char *zeros = g_build_filename (fixture->scratch, "zeros", NULL);
  g_autofree guint8 *memory = g_malloc0 (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmPageSet) all = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmSnapshot) snapshot = NULL;

  for (guint i = 1; i < LENGTH; i++)
    {
      g_autoptr (VmmSnapshot) link = vmm_snapshot_open (fixture->directories[i], NULL);
      guint64 changed = vmm_page_set_count (vmm_snapshot_get_pages (link)) * VMM_PAGE_SIZE;

      g_assert_cmpuint (vmm_snapshot_get_size_on_disk (link), <=, changed + changed / 50 + 256 * 1024);
    }
  vmm_page_set_add_bytes (all, 0, VMM_MEMORY_SIZE_MIN);
  sample_chain_write (zeros, fixture->directories[5], all, memory);
  sample_chain_assert_memory (zeros, memory);
  snapshot = vmm_snapshot_open (zeros, NULL);
  g_assert_cmpuint (vmm_snapshot_get_size_on_disk (snapshot), <=, 32 * 1024);
}

static void
test_limits_length (Fixture *fixture, gconstpointer data)
{
  g_autofree char *last = g_strdup (fixture->directories[LENGTH - 1]);
  g_autoptr (VmmPageSet) none = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);

  for (guint i = LENGTH; i <= VMM_SNAPSHOT_CHAIN_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("long-%u", i);
      g_autofree char *next = g_build_filename (fixture->scratch, name, NULL);

      sample_chain_write (next, last, none, fixture->memories[0]);
      g_free (last);
      last = g_steal_pointer (&next);
    }
  assert_broken (last, VMM_ERROR_LIMIT_EXCEEDED, "consolidate");
}

#define ADD(name, func) g_test_add ("/vmm/snapshot-chain/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("puts-memory-together", test_puts_memory_together);
  ADD ("reads-each-page-once", test_reads_each_page_once);
  ADD ("finds-moved-parents", test_finds_moved_parents);
  ADD ("names-missing-parent", test_names_missing_parent);
  ADD ("names-damaged-parent", test_names_damaged_parent);
  ADD ("names-other-parent", test_names_other_parent);
  ADD ("passes-over-impostors", test_passes_over_impostors);
  ADD ("verify-finds-damage-below", test_verify_finds_damage_below);
  ADD ("is-small", test_is_small);
  ADD ("limits-length", test_limits_length);
  return g_test_run ();
}
