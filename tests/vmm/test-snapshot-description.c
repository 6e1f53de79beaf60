/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/sample-snapshot.h"

typedef struct
{
  char *scratch;
  char *directory;
  char *note;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->scratch = scratch_new (NULL);
  fixture->directory = sample_write (fixture->scratch);
  fixture->note = g_build_filename (fixture->directory, VMM_SNAPSHOT_DESCRIPTION, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->note);
  g_free (fixture->directory);
  scratch_free (fixture->scratch);
}

static VmmSnapshot *
open_with (Fixture *fixture, FaultyOps *faulty)
{
  g_autoptr (GError) error = NULL;
  VmmSnapshot *snapshot = vmm_snapshot_open_with_ops (faulty != NULL ? &faulty->base : NULL,
                                                      fixture->directory,
                                                      &error);

  g_assert_no_error (error);
  return snapshot;
}

static char *
read_description (Fixture *fixture)
{
  g_autoptr (VmmSnapshot) snapshot = open_with (fixture, NULL);

  return g_strdup (vmm_snapshot_get_description (snapshot));
}

static void
assert_description (Fixture *fixture, const char *expected)
{
  g_autofree char *description = read_description (fixture);

  g_assert_cmpstr (description, ==, expected);
}

static void
set_description (Fixture *fixture, const char *text)
{
  g_autoptr (VmmSnapshot) snapshot = open_with (fixture, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_snapshot_set_description (snapshot, text, &error));
  g_assert_no_error (error);
}

static void
test_takes_the_place_of_what_was_saved (Fixture *fixture, gconstpointer data)
{
  g_autofree char *saved = read_description (fixture);
  g_autoptr (GBytes) manifest = scratch_read (fixture->directory, VMM_SNAPSHOT_MANIFEST);
  g_autoptr (GBytes) manifest_after = NULL;
  struct stat st;

  g_assert_cmpstr (saved, !=, "later");
  set_description (fixture, "later");
  assert_description (fixture, "later");
  set_description (fixture, "");
  assert_description (fixture, "");
  g_assert_cmpint (g_stat (fixture->note, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0440);
  manifest_after = scratch_read (fixture->directory, VMM_SNAPSHOT_MANIFEST);
  g_assert_true (g_bytes_equal (manifest, manifest_after));
  sample_assert_sound (fixture->directory);
}

static void
test_goes_with_the_snapshot (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) snapshot = open_with (fixture, NULL);
  g_autoptr (GError) error = NULL;

  set_description (fixture, "later");
  g_assert_true (vmm_snapshot_delete (snapshot, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (fixture->directory, G_FILE_TEST_EXISTS));
  g_assert_false (vmm_snapshot_set_description (snapshot, "too late", &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_FILE);
}

static void
test_changes_nothing_for_who_has_it_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) snapshot = open_with (fixture, NULL);
  g_autofree char *saved = g_strdup (vmm_snapshot_get_description (snapshot));

  set_description (fixture, "later");
  g_assert_cmpstr (vmm_snapshot_get_description (snapshot), ==, saved);
  g_assert_true (vmm_snapshot_is_current (snapshot));
}

/* a note that is not sound is none, and keeps nobody from opening the snapshot */
static void
test_unsound_note_is_none (Fixture *fixture, gconstpointer data)
{
  g_autofree char *saved = read_description (fixture);
  g_autofree char *too_long = g_strnfill (VMM_MANIFEST_DESCRIPTION_MAX + 1, 'x');

  g_assert_true (g_file_set_contents (fixture->note, "\xff\xfe", 2, NULL));
  assert_description (fixture, saved);
  g_assert_true (g_file_set_contents (fixture->note, "a\0b", 3, NULL));
  assert_description (fixture, saved);
  g_assert_true (g_file_set_contents (fixture->note, too_long, -1, NULL));
  assert_description (fixture, saved);
  g_assert_cmpint (g_unlink (fixture->note), ==, 0);
  g_assert_cmpint (symlink (fixture->scratch, fixture->note), ==, 0);
  assert_description (fixture, saved);
  g_assert_cmpint (g_unlink (fixture->note), ==, 0);
  g_assert_cmpint (mkfifo (fixture->note, 0600), ==, 0);
  assert_description (fixture, saved);
  set_description (fixture, "sound");
  assert_description (fixture, "sound");
}

static void
test_refuses_what_is_no_text (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) snapshot = open_with (fixture, NULL);
  g_autofree char *too_long = g_strnfill (VMM_MANIFEST_DESCRIPTION_MAX + 1, 'x');
  g_autoptr (GError) error = NULL;

  g_assert_false (vmm_snapshot_set_description (snapshot, too_long, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&error);
  g_assert_false (vmm_snapshot_set_description (snapshot, "\xff", &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
}

/*
 * whatever fails, or wherever the process ends, there is the old text or the new one, and the snapshot can be deleted
 */
static void
check_after (Fixture *fixture, const char *old, const char *new)
{
  g_autofree char *description = read_description (fixture);

  g_assert_true (g_str_equal (description, old) || g_str_equal (description, new));
  sample_assert_sound (fixture->directory);
  set_description (fixture, old);
}

static void
test_each_call_fails_in_turn (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gboolean ended = FALSE;
  guint failures = 0;

  set_description (fixture, "old");
  for (guint number = 1; !ended; number++)
    {
      FaultyOps faulty = FAULTY_OPS_INIT;
      g_autoptr (VmmSnapshot) snapshot = open_with (fixture, &faulty);

      faulty.calls = 0;
      faulty.fail_at = number;
      faulty.error_number = EIO;
      failures += !vmm_snapshot_set_description (snapshot, "new", &error);
      ended = faulty.calls < number;
      g_assert_true (error == NULL || error->code == VMM_ERROR_HOST);
      g_clear_error (&error);
      check_after (fixture, "old", "new");
    }
  g_assert_cmpuint (failures, >=, 6); /* open, write, sync, open, rename, sync */
}

static void
test_ends_at_each_call (Fixture *fixture, gconstpointer data)
{
  gboolean ended = FALSE;

  set_description (fixture, "old");
  for (guint number = 1; !ended; number++)
    {
      pid_t child = fork ();
      int status;

      if (child == 0)
        {
          FaultyOps faulty = FAULTY_OPS_INIT;
          VmmSnapshot *snapshot = open_with (fixture, &faulty);

          faulty.calls = 0;
          faulty.fail_at = number;
          (void) !vmm_snapshot_set_description (snapshot, "new", NULL);
          _exit (1); /* there was no such call */
        }
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_true (WIFEXITED (status));
      ended = WEXITSTATUS (status) == 1;
      check_after (fixture, "old", "new");
    }
  test_goes_with_the_snapshot (fixture, NULL);
}

#define ADD(name, function)                                                                                  \
  g_test_add ("/vmm/snapshot-description/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("takes-the-place-of-what-was-saved", test_takes_the_place_of_what_was_saved);
  ADD ("goes-with-the-snapshot", test_goes_with_the_snapshot);
  ADD ("changes-nothing-for-who-has-it-open", test_changes_nothing_for_who_has_it_open);
  ADD ("unsound-note-is-none", test_unsound_note_is_none);
  ADD ("refuses-what-is-no-text", test_refuses_what_is_no_text);
  ADD ("each-call-fails-in-turn", test_each_call_fails_in_turn);
  ADD ("ends-at-each-call", test_ends_at_each_call);
  return g_test_run ();
}
