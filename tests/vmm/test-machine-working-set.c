/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest is the notebook: each byte that it is told it writes down in the next of 64 pages from 4 MiB on. RAM of its
 * snapshot holds data in every page, so that what is not recorded is what was not used.
 */

#include "config.h"
#include "vmm/machine.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/vmm/notebook.h"
#include "tests/vmm/tiny-machine.h"
#include "vmm/fd.h"
#include "vmm/pagemap.h"
#include "vmm/snapshot.h"
#include "vmm/working-set.h"

#define SIZE VMM_MEMORY_SIZE_MIN
#define FIRST (4 * 1024 * 1024 / VMM_PAGE_SIZE) /* of the notebook's pages */
#define DATA (5 * 1024 * 1024u)                 /* bytes from here on are nobody's */
#define FAR (12 * 1024 * 1024 / VMM_PAGE_SIZE)
#define PATIENCE_USEC (60 * G_USEC_PER_SEC)

typedef struct
{
  TinyMachine *tiny; /* the one that was saved */
  char *snapshot;    /* directory */
  char *path;        /* of the record */
} Fixture;

static void
fill (VmmMemory *memory)
{
  g_autofree guint8 *data = g_malloc (SIZE - DATA);
  g_autoptr (GError) error = NULL;

  memset (data, 0x5a, SIZE - DATA);
  g_assert_true (vmm_memory_write (memory, DATA, data, SIZE - DATA, &error));
  g_assert_no_error (error);
}

static int
open_console (TinyMachine *tiny)
{
  g_autoptr (GError) error = NULL;
  int fd = vmm_console_open (tiny->console, &error);

  g_assert_no_error (error);
  return fd;
}

static void
write_notes (TinyMachine *tiny, guint n)
{
  VMM_AUTO_FD int console = open_console (tiny);
  guint64 before = tiny_machine_get_word (tiny, 0);

  for (guint i = 0; i < n; i++)
    g_assert_cmpint (write (console, "x", 1), ==, 1);
  tiny_machine_wait_word (tiny, 0, before + n);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  TinyMachine *tiny = fixture->tiny = tiny_machine_new ("notebook", NULL);

  fill (tiny->machine->memory);
  tiny_machine_resume (tiny);
  write_notes (tiny, NOTEBOOK_PAGES);
  fixture->snapshot = tiny_machine_save (tiny, "snapshot");
  fixture->path = g_build_filename (tiny->directory, "cache", "record", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  tiny_machine_free (fixture->tiny);
  g_free (fixture->snapshot);
  g_free (fixture->path);
}

static void
use (Fixture *fixture, TinyMachine *tiny)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_use_working_set (tiny->machine, fixture->path, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
}

static TinyMachine *
restore (Fixture *fixture)
{
  TinyMachine *tiny = tiny_machine_new_restored (fixture->snapshot);

  use (fixture, tiny);
  return tiny;
}

static gboolean
is_recorded (Fixture *fixture)
{
  return g_file_test (fixture->path, G_FILE_TEST_EXISTS);
}

static void
wait_recorded (Fixture *fixture)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_USEC;

  while (!is_recorded (fixture))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (10000);
    }
}

static void
assert_never_recorded (Fixture *fixture)
{
  g_usleep (3 * G_USEC_PER_SEC);
  g_assert_false (is_recorded (fixture));
}

static VmmPageSet *
read_record (Fixture *fixture, VmmMachine *machine)
{
  const VmmWorkingSetKey key = { machine->origin_uuid, machine->origin_sha256, SIZE };
  g_autoptr (GError) error = NULL;
  VmmPageSet *pages = vmm_working_set_read (NULL, fixture->path, &key, &error);

  g_assert_no_error (error);
  return pages;
}

static VmmPageSet *
find_held (TinyMachine *tiny)
{
  VmmPageSet *held = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_pagemap_find (tiny->machine->memory, VMM_PAGEMAP_HELD, held, NULL, &error));
  g_assert_no_error (error);
  return held;
}

/* The notebook goes on with its first page: three more are written to. The mailbox and the code are used as well. */
static void
test_first_records_second_has_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TinyMachine) first = restore (fixture);
  g_autoptr (TinyMachine) second = NULL;
  g_autoptr (VmmPageSet) used = NULL;
  g_autoptr (VmmPageSet) held = NULL;

  tiny_machine_resume (first);
  write_notes (first, 3);
  g_assert_false (is_recorded (fixture));
  wait_recorded (fixture);
  used = read_record (fixture, first->machine);
  g_test_message ("%" G_GUINT64_FORMAT " pages", vmm_page_set_count (used));
  for (guint i = 0; i < 3; i++)
    g_assert_true (vmm_page_set_contains (used, FIRST + i));
  g_assert_true (vmm_page_set_contains (used, 0x200000 / VMM_PAGE_SIZE));
  g_assert_false (vmm_page_set_contains (used, FAR));
  g_assert_cmpuint (vmm_page_set_count (used), <, SIZE / VMM_PAGE_SIZE / 4);

  second = restore (fixture);
  held = find_held (second);
  g_assert_false (vmm_page_set_contains (held, FAR));
  vmm_page_set_remove_all (used, held);
  g_assert_cmpuint (vmm_page_set_count (used), ==, 0);
  tiny_machine_resume (second);
  write_notes (second, 3);
}

static void
test_damaged_is_recorded_anew (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *cache = g_path_get_dirname (fixture->path);
  gint64 deadline = g_get_monotonic_time () + PATIENCE_USEC;
  struct stat st;

  g_assert_cmpint (g_mkdir (cache, 0700), ==, 0);
  g_assert_true (g_file_set_contents (fixture->path, "OVMWSET1", 8, NULL));
  restored = restore (fixture);
  tiny_machine_resume (restored);
  write_notes (restored, 1);
  do
    {
      g_usleep (10000);
      g_assert_cmpint (stat (fixture->path, &st), ==, 0);
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    }
  while (st.st_size == 8);
  vmm_page_set_free (read_record (fixture, restored->machine));
}

/* the thread of a recording ends at once in each case, or freeing the machine would take two seconds */
static void
test_is_not_waited_for (Fixture *fixture, gconstpointer data)
{
  TinyMachine *freed = restore (fixture);
  g_autoptr (TinyMachine) paused = restore (fixture);
  g_autoptr (TinyMachine) saved = restore (fixture);
  gint64 start = g_get_monotonic_time ();
  g_autofree char *path = NULL;

  tiny_machine_resume (freed);
  g_assert_nonnull (freed->machine->recorder);
  tiny_machine_free (freed);
  tiny_machine_resume (paused);
  tiny_machine_pause (paused);
  g_assert_null (paused->machine->recorder);
  tiny_machine_resume (paused);
  g_assert_null (paused->machine->recorder);
  path = tiny_machine_save (saved, "other");
  g_assert_null (saved->machine->recorder);
  tiny_machine_resume (saved);
  if (g_get_monotonic_time () - start > G_USEC_PER_SEC)
    g_test_message ("the host is slow");
  assert_never_recorded (fixture);
}

static void
test_populated_is_not_recorded (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (fixture->snapshot);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_populate (restored->machine, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  use (fixture, restored);
  g_assert_null (restored->machine->recorder);
}

/* neither where nothing can be written, nor of a snapshot that is gone */
static void
test_failure_harms_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TinyMachine) restored = NULL;
  g_autoptr (TinyMachine) orphan = NULL;
  g_autofree char *path = g_steal_pointer (&fixture->path);
  g_autofree char *memory = g_build_filename (fixture->snapshot, VMM_SNAPSHOT_MEMORY, NULL);

  fixture->path = g_strdup ("/proc/nowhere/record");
  restored = restore (fixture);
  tiny_machine_resume (restored);
  g_free (fixture->path);
  fixture->path = g_steal_pointer (&path);
  orphan = restore (fixture);
  g_assert_cmpint (g_unlink (memory), ==, 0);
  tiny_machine_resume (orphan);
  assert_never_recorded (fixture);
  write_notes (restored, 3);
  write_notes (orphan, 3);
}

static void
test_going_back_uses_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->snapshot, NULL);
  g_autoptr (GError) error = NULL;

  use (fixture, fixture->tiny); /* it runs: nothing that it uses from now on is what is used first */
  g_assert_null (fixture->tiny->machine->recorder);
  g_assert_true (vmm_snapshot_write_working_set (snapshot, fixture->path, &error));
  g_assert_no_error (error);
  use (fixture, fixture->tiny);
  g_assert_true (vmm_machine_go_back (fixture->tiny->machine, snapshot, FALSE, &error));
  g_assert_no_error (error);
  write_notes (fixture->tiny, 3);
}

/* what the restore itself has read of the chain is not recorded: it is there at every restore */
static void
test_of_incremental (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->tiny->directory, "increment", NULL);
  g_autoptr (TinyMachine) restored = NULL;
  g_autoptr (VmmPageSet) used = NULL;
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  write_notes (fixture->tiny, 40);
  g_assert_true (vmm_machine_save (fixture->tiny->machine,
                                   &(VmmSavePlan){ .directory = path, .incremental = TRUE },
                                   &result,
                                   &error));
  g_assert_no_error (error);
  g_free (fixture->snapshot);
  fixture->snapshot = g_steal_pointer (&path);
  restored = restore (fixture);
  tiny_machine_resume (restored);
  write_notes (restored, 3);
  wait_recorded (fixture);
  used = read_record (fixture, restored->machine);
  g_assert_false (vmm_page_set_contains (used, FIRST + 30));
  g_assert_true (vmm_page_set_contains (used, FIRST + 42));
}

static void
test_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TinyMachine) first = restore (fixture);
  g_autoptr (TinyMachine) second = tiny_machine_new_restored (fixture->snapshot);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  tiny_machine_resume (first);
  wait_recorded (fixture);
  g_cancellable_cancel (cancellable);
  g_assert_false (
      vmm_machine_use_working_set (second->machine, fixture->path, NULL, NULL, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function)                                                                                  \
  g_test_add ("/vmm/machine-working-set/" name, Fixture, NULL, set_up, function, tear_down)
  add ("first-records-second-has-it", test_first_records_second_has_it);
  add ("damaged-is-recorded-anew", test_damaged_is_recorded_anew);
  add ("is-not-waited-for", test_is_not_waited_for);
  add ("populated-is-not-recorded", test_populated_is_not_recorded);
  add ("failure-harms-nothing", test_failure_harms_nothing);
  add ("going-back-uses-it", test_going_back_uses_it);
  add ("of-incremental", test_of_incremental);
  add ("can-be-cancelled", test_can_be_cancelled);
#undef add
  return g_test_run ();
}
