/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <glib/gstdio.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vmm/tiny-machine.h"
#include "vmm/snapshot.h"

#define INTERRUPT_CONTROLLERS 3u

static guint n_chips_read;

int __real_ioctl (int fd, gulong request, ...);
int __wrap_ioctl (int fd, gulong request, ...);

int
__wrap_ioctl (int fd, gulong request, ...)
{
  gpointer argument;
  va_list arguments;

  va_start (arguments, request);
  argument = va_arg (arguments, gpointer);
  va_end (arguments);
  if (request == KVM_GET_IRQCHIP)
    n_chips_read++;
  return __real_ioctl (fd, request, argument);
}

static void
use_memfd (VmmConfig *config)
{
  config->memory_backing = VMM_MEMORY_BACKING_MEMFD;
}

static void
use_anonymous (VmmConfig *config)
{
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
}

static const struct
{
  const char *name;
  void (*adjust) (VmmConfig *config);
} backings[] = { { "file", NULL }, { "memfd", use_memfd }, { "anonymous", use_anonymous } };

static char *
digest_of (const char *snapshot)
{
  static const char *const files[] = { VMM_SNAPSHOT_MANIFEST, VMM_SNAPSHOT_STATE, VMM_SNAPSHOT_MEMORY };
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (snapshot, files[i], NULL);
      g_autofree char *content = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &content, &length, NULL));
      g_checksum_update (checksum, (const guchar *) content, length);
    }
  return g_strdup (g_checksum_get_string (checksum));
}

static void
assert_sound (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
}

/*
 * The guest goes on, the snapshot stays as it is, and two restores each go on from it, for every backing and over
 * generations.
 */
static void
test_carries_on (gconstpointer data)
{
  gsize backing = GPOINTER_TO_SIZE (data);
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", backings[backing].adjust);
  guint64 saved_round = 0;

  tiny_machine_resume (tiny);
  for (guint generation = 0; generation < 3; generation++)
    {
      g_autofree char *name = g_strdup_printf ("generation-%u", generation);
      g_autofree char *path = NULL;
      g_autofree char *digest = NULL;

      tiny_machine_wait_word (tiny, 0, saved_round + 2);
      path = tiny_machine_save (tiny, name);
      digest = digest_of (path);
      assert_sound (path);
      saved_round = tiny_machine_get_word (tiny, 0);
      tiny_machine_wait_word (tiny, 0, saved_round + 2);

      for (guint copy = 0; copy < 2; copy++)
        {
          g_autoptr (TinyMachine) restored = tiny_machine_new_restored (path);
          guint64 round = tiny_machine_get_word (restored, 0);
          g_autofree char *after = NULL;

          g_assert_cmpuint (round, >, 0);
          g_assert_cmpuint (round, <=, saved_round);
          tiny_machine_resume (restored);
          tiny_machine_wait_word (restored, 0, round + 2);
          g_assert_cmpuint (tiny_machine_get_word (restored, 1), ==, 0);
          after = digest_of (path);
          g_assert_cmpstr (after, ==, digest);
        }
    }
  g_assert_cmpuint (tiny_machine_get_word (tiny, 1), ==, 0);
}

static void
test_restored_can_be_saved (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree char *path = NULL;
  guint64 round;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 2);
  round = tiny_machine_get_word (tiny, 0);
  path = tiny_machine_save (tiny, "first");
  for (guint generation = 0; generation < 5; generation++)
    {
      g_autoptr (TinyMachine) restored = tiny_machine_new_restored (path);

      g_assert_cmpuint (tiny_machine_get_word (restored, 0), >=, round);
      tiny_machine_resume (restored);
      tiny_machine_wait_word (restored, 0, round + 2);
      round = tiny_machine_get_word (restored, 0);
      g_free (path);
      path = tiny_machine_save (restored, "next");
      g_assert_cmpuint (tiny_machine_get_word (restored, 1), ==, 0);
      /* the directory goes with the tiny machine, but what was opened stays */
      g_free (path);
      path = g_build_filename (tiny->directory, "next", NULL);
      {
        g_autofree char *old = g_build_filename (restored->directory, "next", NULL);
        g_autofree char *numbered = g_strdup_printf ("%s-%u", path, generation);

        g_assert_cmpint (g_rename (old, numbered), ==, 0);
        g_free (path);
        path = g_steal_pointer (&numbered);
      }
    }
}

static void
test_paused_stays_paused (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autofree char *path = NULL;
  guint64 count;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 100);
  tiny_machine_pause (tiny);
  count = tiny_machine_get_word (tiny, 0);
  path = tiny_machine_save (tiny, "snapshot");
  g_usleep (10000);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 0), ==, count);

  snapshot = vmm_snapshot_open (path, NULL);
  g_assert_false (vmm_snapshot_get_running (snapshot));
  g_assert_cmpuint (vmm_snapshot_get_freeze_usec (snapshot), ==, 0);
}

/* the state is read while the guest runs, and again when it stands still; of a paused one, once */
static void
test_rehearses_what_runs (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree char *running = NULL;
  g_autofree char *paused = NULL;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  n_chips_read = 0;
  running = tiny_machine_save (tiny, "running");
  g_assert_cmpuint (n_chips_read, ==, 2 * INTERRUPT_CONTROLLERS);
  tiny_machine_pause (tiny);
  n_chips_read = 0;
  paused = tiny_machine_save (tiny, "paused");
  g_assert_cmpuint (n_chips_read, ==, INTERRUPT_CONTROLLERS);
}

static void
test_never_ran (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (path);

  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 0, 100);
}

static void
name_file (VmmConfig *config)
{
  config->memory_file = g_build_filename (g_get_tmp_dir (), "openvmm-test-named-ram", NULL);
}

static void
test_named_file_becomes_the_snapshots (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", name_file);
  g_autofree char *path = NULL;
  g_autofree char *memory = NULL;
  struct stat before, after;

  g_assert_cmpint (stat (tiny->config->memory_file, &before), ==, 0);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  path = tiny_machine_save (tiny, "snapshot");
  memory = g_build_filename (path, VMM_SNAPSHOT_MEMORY, NULL);
  g_assert_cmpint (stat (memory, &after), ==, 0);
  g_assert_cmpuint (after.st_ino, ==, before.st_ino);
  g_assert_cmpuint (after.st_nlink, ==, 1);
  g_assert_false (g_file_test (tiny->config->memory_file, G_FILE_TEST_EXISTS));
}

static void
use_shm (VmmConfig *config)
{
  config->memory_directory = g_strdup ("/dev/shm");
}

static void
test_other_filesystem (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", use_shm);
  struct stat ram, directory;

  g_assert_cmpint (fstat (vmm_memory_get_fd (tiny->machine->memory), &ram), ==, 0);
  g_assert_cmpint (stat (tiny->directory, &directory), ==, 0);
  g_assert_cmpuint (ram.st_dev, !=, directory.st_dev);
  tiny_machine_resume (tiny);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *name = g_strdup_printf ("snapshot-%u", i);
      g_autofree char *path = NULL;
      g_autoptr (TinyMachine) restored = NULL;

      tiny_machine_wait_word (tiny, 0, 2);
      path = tiny_machine_save (tiny, name);
      assert_sound (path);
      restored = tiny_machine_new_restored (path);
      tiny_machine_resume (restored);
      tiny_machine_wait_word (restored, 0, tiny_machine_get_word (restored, 0) + 2);
      g_assert_cmpuint (tiny_machine_get_word (restored, 1), ==, 0);
    }
}

static void
cancel (guint64 done_bytes, guint64 total_bytes, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static void
test_tells_freeze_of_failed_save (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = g_build_filename (tiny->directory, "cancelled", NULL);
  g_autofree char *nowhere = g_build_filename (tiny->directory, "missing", "snapshot", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) cancelled = NULL;
  g_autoptr (GError) missing = NULL;
  VmmSavePlan plan = {
    .directory = path,
    .progress = cancel,
    .progress_data = cancellable,
    .cancellable = cancellable,
  };
  VmmSaveResult result = { .freeze_usec = 1 };

  tiny_machine_resume (tiny);
  g_assert_false (vmm_machine_save (tiny->machine, &(VmmSavePlan){ .directory = nowhere }, &result, &missing));
  g_assert_error (missing, VMM_ERROR, VMM_ERROR_NO_SUCH_FILE);
  g_assert_cmpuint (result.freeze_usec, ==, 0);
  g_assert_false (vmm_machine_save (tiny->machine, &plan, &result, &cancelled));
  g_assert_error (cancelled, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_assert_cmpuint (result.freeze_usec, >, 0);
}

static void
test_failed_save_changes_nothing (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *target = g_build_filename (tiny->directory, "there", NULL);
  g_autofree char *nowhere = g_build_filename (tiny->directory, "missing", "snapshot", NULL);
  g_autofree char *cancelled = g_build_filename (tiny->directory, "cancelled", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  g_assert_cmpint (g_mkdir (target, 0700), ==, 0);
  g_assert_false (vmm_machine_save (tiny->machine, &(VmmSavePlan){ .directory = target }, &result, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (vmm_machine_save (tiny->machine, &(VmmSavePlan){ .directory = nowhere }, &result, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);
  g_assert_true (vmm_memory_get_shared (tiny->machine->memory));

  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_machine_save (tiny->machine,
                                    &(VmmSavePlan){ .directory = cancelled, .cancellable = cancellable },
                                    &result,
                                    &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_assert_false (g_file_test (cancelled, G_FILE_TEST_EXISTS));
  tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 1);

  {
    g_autofree char *path = tiny_machine_save (tiny, "after-all");

    assert_sound (path);
  }
}

/* @length: of the snapshot's memory, where nothing is but zeros */
static void
cut (const char *snapshot, off_t length)
{
  g_autofree char *path = g_build_filename (snapshot, VMM_SNAPSHOT_MEMORY, NULL);

  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  g_assert_cmpint (truncate (path, length), ==, 0);
}

/* what was cut off looks like zeros, and what was private there is gone without a trace */
static void
test_refuses_ram_that_was_cut (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *origin = NULL;
  g_autofree char *target = g_build_filename (tiny->directory, "target", NULL);
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  origin = tiny_machine_save (tiny, "origin");
  restored = tiny_machine_new_restored (origin);
  cut (origin, 15 * 1024 * 1024);
  g_assert_false (
      vmm_machine_save (restored->machine, &(VmmSavePlan){ .directory = target }, &result, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "15728640 bytes"));
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
}

static void
test_refuses_ended_machine (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = g_build_filename (tiny->directory, "snapshot", NULL);
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  g_atomic_int_set (&tiny->machine->ended, TRUE);
  g_assert_false (vmm_machine_save (tiny->machine, &(VmmSavePlan){ .directory = path }, &result, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_STATE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (backings); i++)
    {
      g_autofree char *path = g_strdup_printf ("/vmm/machine-save/carries-on/%s", backings[i].name);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_carries_on);
    }
  g_test_add_func ("/vmm/machine-save/restored-can-be-saved", test_restored_can_be_saved);
  g_test_add_func ("/vmm/machine-save/paused-stays-paused", test_paused_stays_paused);
  g_test_add_func ("/vmm/machine-save/rehearses-what-runs", test_rehearses_what_runs);
  g_test_add_func ("/vmm/machine-save/never-ran", test_never_ran);
  g_test_add_func ("/vmm/machine-save/named-file-becomes-the-snapshots",
                   test_named_file_becomes_the_snapshots);
  g_test_add_func ("/vmm/machine-save/other-filesystem", test_other_filesystem);
  g_test_add_func ("/vmm/machine-save/tells-freeze-of-failed-save", test_tells_freeze_of_failed_save);
  g_test_add_func ("/vmm/machine-save/failed-save-changes-nothing", test_failed_save_changes_nothing);
  g_test_add_func ("/vmm/machine-save/refuses-ram-that-was-cut", test_refuses_ram_that_was_cut);
  g_test_add_func ("/vmm/machine-save/refuses-ended-machine", test_refuses_ended_machine);
  return g_test_run ();
}
