/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <string.h>
#include <unistd.h>

#include "tests/vmm/tiny-machine.h"
#include "vmm/acpi.h"
#include "vmm/fd.h"
#include "vmm/snapshot.h"

static VmmSnapshot *
open_snapshot (const char *path)
{
  g_autoptr (GError) error = NULL;
  VmmSnapshot *snapshot = vmm_snapshot_open (path, &error);

  g_assert_no_error (error);
  return snapshot;
}

static void
go_back (TinyMachine *tiny, VmmSnapshot *snapshot, gboolean paused)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_go_back (tiny->machine, snapshot, paused, &error));
  g_assert_no_error (error);
}

/* Each time the guest is found where it was, and makes no mistake from there on: RAM and state belong together. */
static void
come_and_go (TinyMachine *tiny, VmmSnapshot *snapshot, guint64 round)
{
  for (guint i = 0; i < 20; i++)
    {
      tiny_machine_wait_word (tiny, 0, round + 2);
      go_back (tiny, snapshot, TRUE);
      g_assert_cmpuint (tiny_machine_get_word (tiny, 0), ==, round);
      tiny_machine_resume (tiny);
    }
  tiny_machine_wait_word (tiny, 0, round + 2);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 1), ==, 0);
}

static void
test_saved_machine_goes_back (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);

  tiny_machine_resume (tiny);
  for (guint generation = 0; generation < 3; generation++)
    {
      g_autofree char *name = g_strdup_printf ("snapshot-%u", generation);
      g_autofree char *path = NULL;
      g_autoptr (VmmSnapshot) snapshot = NULL;
      guint64 round;

      tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 2);
      path = tiny_machine_save (tiny, name);
      snapshot = open_snapshot (path);
      go_back (tiny, snapshot, TRUE);
      round = tiny_machine_get_word (tiny, 0);
      tiny_machine_resume (tiny);
      come_and_go (tiny, snapshot, round);
    }
}

static void
test_restored_machine_goes_back (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autoptr (TinyMachine) restored = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autofree char *path = NULL;
  guint64 round;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 2);
  path = tiny_machine_save (tiny, "snapshot");
  snapshot = open_snapshot (path);
  restored = tiny_machine_new_restored (path);
  round = tiny_machine_get_word (restored, 0);
  tiny_machine_resume (restored);
  come_and_go (restored, snapshot, round);
}

static void
test_goes_back_running (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autofree char *path = NULL;
  guint64 round;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 2);
  tiny_machine_pause (tiny);
  path = tiny_machine_save (tiny, "snapshot");
  round = tiny_machine_get_word (tiny, 0);
  snapshot = open_snapshot (path);
  for (guint i = 0; i < 200; i++)
    go_back (tiny, snapshot, FALSE);
  g_assert_true (tiny->machine->running);
  tiny_machine_wait_word (tiny, 0, round + 2);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 1), ==, 0);
}

/* a machine that has never been resumed */
static void
test_hears_after_going_back (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("echo", NULL);
  g_autoptr (TinyMachine) restored = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  VMM_AUTO_FD int saved_console = vmm_console_open (tiny->console, &error);
  VMM_AUTO_FD int console = -1;

  tiny_machine_resume (tiny);
  tiny_machine_wait_byte (saved_console, 'E');
  path = tiny_machine_save (tiny, "snapshot");
  snapshot = open_snapshot (path);
  restored = tiny_machine_new_restored (path);
  console = vmm_console_open (restored->console, &error);
  g_assert_no_error (error);
  go_back (restored, snapshot, FALSE);
  g_usleep (20000); /* so that what comes next finds a guest that waits for it */
  g_assert_cmpint (write (console, "a", 1), ==, 1);
  tiny_machine_wait_byte (console, 'b');
}

static void
test_refuses_another_snapshot (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autoptr (VmmSnapshot) first = NULL;
  g_autofree char *first_path = NULL;
  g_autofree char *second_path = NULL;
  g_autoptr (GError) error = NULL;
  guint64 round;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 2);
  first_path = tiny_machine_save (tiny, "first");
  first = open_snapshot (first_path);
  g_assert_true (vmm_machine_runs_from (tiny->machine, first));
  second_path = tiny_machine_save (tiny, "second");
  g_assert_false (vmm_machine_runs_from (tiny->machine, first));

  round = tiny_machine_get_word (tiny, 0);
  g_assert_false (vmm_machine_go_back (tiny->machine, first, FALSE, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_STATE);
  tiny_machine_wait_word (tiny, 0, round + 2);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 1), ==, 0);
}

/*
 * The state of a snapshot in which the last device that is loaded is damaged: all before it has been put back by then.
 */
static VmmSavedState *
damaged_state (VmmSavedState *sound)
{
  VmmSavedState *state = vmm_saved_state_new ();
  g_autofree const char **names = vmm_saved_state_get_names (sound);

  for (const char **name = names; *name != NULL; name++)
    {
      const ProtobufCMessageDescriptor *type = &openvmm__x86__platform_state__descriptor;
      g_autoptr (GBytes) bytes = NULL;
      gboolean is_last = FALSE;

      if (g_str_has_prefix (*name, "vp-"))
        type = &openvmm__x86__vp_state__descriptor;
      for (const VmmDeviceType *const *device = vmm_device_types; *device != NULL; device++)
        if (g_str_equal ((*device)->name, *name))
          {
            type = (*device)->state;
            is_last = device[1] == NULL;
          }
      bytes = vmm_saved_state_lookup (sound, *name, type, NULL);
      if (is_last)
        {
          g_bytes_unref (bytes);
          bytes = g_bytes_new_static ("\xff", 1);
        }
      vmm_saved_state_add (state, *name, type, bytes);
    }
  return state;
}

static void
test_failure_leaves_machine_as_it_was (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autoptr (VmmSavedState) damaged = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  guint64 round;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 2);
  path = tiny_machine_save (tiny, "snapshot");
  snapshot = open_snapshot (path);
  damaged = damaged_state (vmm_snapshot_get_saved_state (snapshot));
  tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 3);
  tiny_machine_pause (tiny);
  round = tiny_machine_get_word (tiny, 0);

  g_assert_false (vmm_machine_go_back_to_state_locked (tiny->machine, damaged, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 0), ==, round);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, round + 3);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 1), ==, 0);
}

static char *
save_incremental (TinyMachine *tiny, const char *name)
{
  char *path = g_build_filename (tiny->directory, name, NULL);
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  g_assert_true (vmm_machine_save (tiny->machine,
                                   &(VmmSavePlan){ .directory = path, .incremental = TRUE },
                                   &result,
                                   &error));
  g_assert_no_error (error);
  return path;
}

static guint8 *
dump (TinyMachine *tiny)
{
  guint8 *bytes = g_malloc (VMM_MEMORY_SIZE_MIN);

  g_assert_true (vmm_memory_read (tiny->machine->memory, 0, bytes, VMM_MEMORY_SIZE_MIN, NULL));
  memset (bytes + VMM_ACPI_GENERATION_ID_GPA, 0, VMM_PAGE_SIZE);
  return bytes;
}

static void
assert_memory (TinyMachine *tiny, const guint8 *expected)
{
  g_autofree guint8 *found = dump (tiny);

  g_assert_cmpint (memcmp (found, expected, VMM_MEMORY_SIZE_MIN), ==, 0);
}

/* A paused machine goes back to @path, all of RAM; saved from there, and restored, it is the same. */
static void
assert_goes_back_whole (TinyMachine *tiny, const char *path, const guint8 *expected, const char *next_name)
{
  g_autoptr (VmmSnapshot) snapshot = open_snapshot (path);
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *next = NULL;

  g_assert_true (vmm_machine_runs_from (tiny->machine, snapshot));
  for (guint i = 0; i < 3; i++)
    {
      guint64 round = tiny_machine_get_word (tiny, 0);

      tiny_machine_resume (tiny);
      tiny_machine_wait_word (tiny, 0, round + 1);
      go_back (tiny, snapshot, TRUE);
      assert_memory (tiny, expected);
    }
  next = save_incremental (tiny, next_name);
  restored = tiny_machine_new_restored (next);
  assert_memory (restored, expected);
}

/* over two generations, so that pages come from both, and from the base; then a clone of it */
static void
test_goes_back_to_incremental (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autoptr (TinyMachine) clone = NULL;
  g_autofree char *base = NULL;
  g_autofree char *last = NULL;
  g_autofree guint8 *expected = NULL;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  base = tiny_machine_save (tiny, "base");
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *name = g_strdup_printf ("increment-%u", i);
      g_autofree char *next_name = g_strdup_printf ("after-%u", i);

      tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 1);
      tiny_machine_pause (tiny);
      g_free (last);
      last = save_incremental (tiny, name);
      g_free (expected);
      expected = dump (tiny);
      assert_goes_back_whole (tiny, last, expected, next_name);
      tiny_machine_resume (tiny);
    }
  clone = tiny_machine_new_restored (last);
  assert_goes_back_whole (clone, last, expected, "of-clone");
  tiny_machine_resume (clone);
  tiny_machine_wait_word (clone, 0, tiny_machine_get_word (clone, 0) + 2);
  g_assert_cmpuint (tiny_machine_get_word (clone, 1), ==, 0);
}

static void
test_missing_parent_leaves_machine_running (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autoptr (VmmSnapshot) under = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autofree char *base = NULL;
  g_autofree char *child = NULL;
  g_autoptr (GError) error = NULL;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  base = tiny_machine_save (tiny, "base");
  child = save_incremental (tiny, "child");
  under = open_snapshot (base);
  g_assert_true (vmm_snapshot_delete (under, NULL));
  snapshot = open_snapshot (child);
  g_assert_false (vmm_machine_go_back (tiny->machine, snapshot, FALSE, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_PARENT_MISSING);
  g_assert_true (tiny->machine->running);
  tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/machine-go-back/saved-machine-goes-back", test_saved_machine_goes_back);
  g_test_add_func ("/vmm/machine-go-back/restored-machine-goes-back", test_restored_machine_goes_back);
  g_test_add_func ("/vmm/machine-go-back/goes-back-running", test_goes_back_running);
  g_test_add_func ("/vmm/machine-go-back/hears-after-going-back", test_hears_after_going_back);
  g_test_add_func ("/vmm/machine-go-back/refuses-another-snapshot", test_refuses_another_snapshot);
  g_test_add_func ("/vmm/machine-go-back/failure-leaves-machine-as-it-was",
                   test_failure_leaves_machine_as_it_was);
  g_test_add_func ("/vmm/machine-go-back/goes-back-to-incremental", test_goes_back_to_incremental);
  g_test_add_func ("/vmm/machine-go-back/missing-parent-leaves-machine-running",
                   test_missing_parent_leaves_machine_running);
  return g_test_run ();
}
