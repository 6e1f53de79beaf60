/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <string.h>

#include "tests/vmm/tiny-machine.h"
#include "vmm/acpi.h"
#include "vmm/snapshot-chain.h"

#define SIZE VMM_MEMORY_SIZE_MIN
#define CHAIN 10u

/* what RAM of a paused machine is; the page with the generation ID is different in each machine */
static guint8 *
dump (TinyMachine *tiny)
{
  guint8 *bytes = g_malloc (SIZE);

  g_assert_true (vmm_memory_read (tiny->machine->memory, 0, bytes, SIZE, NULL));
  memset (bytes + VMM_ACPI_GENERATION_ID_GPA, 0, VMM_PAGE_SIZE);
  return bytes;
}

static char *
save_with (TinyMachine *tiny, const char *name, gboolean incremental, GError **error)
{
  g_autofree char *path = g_build_filename (tiny->directory, name, NULL);
  const VmmSavePlan plan = { .directory = path, .incremental = incremental };
  VmmSaveResult result;

  if (!vmm_machine_save (tiny->machine, &plan, &result, error))
    return NULL;
  return g_steal_pointer (&path);
}

static char *
save (TinyMachine *tiny, const char *name, gboolean incremental)
{
  g_autoptr (GError) error = NULL;
  char *path = save_with (tiny, name, incremental, &error);

  g_assert_no_error (error);
  return path;
}

static VmmSnapshot *
open_sound (const char *path)
{
  g_autoptr (GError) error = NULL;
  VmmSnapshot *snapshot = vmm_snapshot_open (path, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_open_chain (snapshot, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  return snapshot;
}

static void
assert_restores (const char *path, const guint8 *expected)
{
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (path);
  g_autofree guint8 *found = dump (restored);
  guint64 round;

  if (expected != NULL)
    g_assert_cmpint (memcmp (found, expected, SIZE), ==, 0);
  round = tiny_machine_get_word (restored, 0);
  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 0, round + 2);
  g_assert_cmpuint (tiny_machine_get_word (restored, 1), ==, 0);
}

/* a paused machine after each save tells what RAM was */
static void
test_chain_of_mixed (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  char *paths[CHAIN];
  guint8 *memories[CHAIN];

  for (guint i = 0; i < CHAIN; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      gboolean incremental = i % 4 != 0;
      g_autoptr (VmmSnapshot) snapshot = NULL;

      tiny_machine_resume (tiny);
      tiny_machine_wait_word (tiny, 0, i + 1);
      tiny_machine_pause (tiny);
      paths[i] = save (tiny, name, incremental);
      memories[i] = dump (tiny);
      snapshot = open_sound (paths[i]);
      g_assert_cmpint (vmm_snapshot_get_incremental (snapshot), ==, incremental);
      g_assert_cmpuint (vmm_snapshot_get_chain_length (snapshot), ==, i % 4 + 1);
    }
  for (guint i = 0; i < CHAIN; i++)
    {
      assert_restores (paths[i], memories[i]);
      g_free (paths[i]);
      g_free (memories[i]);
    }
}

/* the guest runs while it is saved, and checks its own memory; restored ones are saved again */
static void
test_running_and_branching (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree char *path = NULL;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  path = save (tiny, "base", FALSE);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("run-%u", i);
      g_autofree char *child = NULL;
      g_autoptr (TinyMachine) branch = NULL;
      guint64 round = tiny_machine_get_word (tiny, 0);

      tiny_machine_wait_word (tiny, 0, round + 1);
      g_free (path);
      path = save (tiny, name, TRUE);
      assert_restores (path, NULL);

      branch = tiny_machine_new_restored (path);
      round = tiny_machine_get_word (branch, 0);
      tiny_machine_resume (branch);
      tiny_machine_wait_word (branch, 0, round + 1);
      tiny_machine_pause (branch);
      child = save (branch, "branch", TRUE);
      {
        g_autofree guint8 *expected = dump (branch);
        g_autoptr (VmmSnapshot) snapshot = open_sound (child);

        g_assert_cmpuint (vmm_snapshot_get_chain_length (snapshot), ==, i + 3);
        assert_restores (child, expected);
      }
    }
  g_assert_cmpuint (tiny_machine_get_word (tiny, 1), ==, 0);
}

static void
assert_no_parent (TinyMachine *tiny, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (save_with (tiny, "refused", TRUE, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_PARENT);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' does not say '%s'", error->message, part);
}

static void
test_needs_a_parent (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree char *base = NULL;
  g_autofree char *child = NULL;
  g_autofree char *next = NULL;
  g_autoptr (VmmSnapshot) doomed = NULL;

  assert_no_parent (tiny, "complete one first");
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  base = save (tiny, "base", FALSE);
  child = save (tiny, "child", TRUE);
  doomed = vmm_snapshot_open (base, NULL);
  g_assert_true (vmm_snapshot_delete (doomed, NULL));
  assert_no_parent (tiny, base); /* it is under the parent, and gone */
  /* the VM goes on, and its next complete one is whole */
  next = save (tiny, "next", FALSE);
  assert_restores (next, NULL);
  g_free (child);
  child = save (tiny, "next-child", TRUE);
  assert_restores (child, NULL);
}

/* what was written to the file of a save that failed has changed all the same */
static void
test_failed_save_loses_nothing (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree char *base = NULL;
  g_autofree char *child = NULL;
  g_autofree char *grandchild = NULL;
  g_autofree guint8 *expected = NULL;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  base = save (tiny, "base", FALSE);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *path = g_build_filename (tiny->directory, "cancelled", NULL);
      g_autoptr (GError) error = NULL;
      VmmSaveResult result;
      guint64 round = tiny_machine_get_word (tiny, 0);

      tiny_machine_wait_word (tiny, 0, round + 2);
      g_cancellable_cancel (cancellable);
      g_assert_false (vmm_machine_save (tiny->machine,
                                        &(VmmSavePlan){ .directory = path,
                                                        .incremental = TRUE,
                                                        .cancellable = cancellable },
                                        &result,
                                        &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
      tiny_machine_pause (tiny);
      g_free (child);
      child = save (tiny, i == 0 ? "child-0" : "child-1", TRUE);
      g_free (expected);
      expected = dump (tiny);
      assert_restores (child, expected);
      tiny_machine_resume (tiny);
    }
}

/* nothing was written in between: the increment holds a few pages that KVM keeps up to date itself, at most */
static void
test_is_small (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree char *base = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  tiny_machine_pause (tiny);
  base = save (tiny, "base", FALSE);
  first = save (tiny, "first", TRUE);
  second = save (tiny, "second", TRUE);
  snapshot = open_sound (second);
  g_assert_cmpuint (vmm_page_set_count (vmm_snapshot_get_pages (snapshot)), <=, 4);
  g_assert_cmpuint (vmm_snapshot_get_size_on_disk (snapshot), <=, 256 * 1024);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/machine-origin/chain-of-mixed", test_chain_of_mixed);
  g_test_add_func ("/vmm/machine-origin/running-and-branching", test_running_and_branching);
  g_test_add_func ("/vmm/machine-origin/needs-a-parent", test_needs_a_parent);
  g_test_add_func ("/vmm/machine-origin/failed-save-loses-nothing", test_failed_save_loses_nothing);
  g_test_add_func ("/vmm/machine-origin/is-small", test_is_small);
  return g_test_run ();
}
