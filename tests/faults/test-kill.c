/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A process with a VM is killed before each file operation of a save in turn, and once more after the last. What it
 * leaves is a whole snapshot or none, and the next save to the same place works and leaves nothing beside it.
 */

#include "config.h"
#include "tests/faults/fault-calls.h"
#include "tests/faults/fault-subject.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/snapshot.h"

/* The parent must have no threads and no machine when it forks. */
static void
save_and_die (SubjectSave save, guint at, const char *target)
{
  FaultPlan plan = { .kinds = 1u << FAULT_FILE, .at = at, .action = FAULT_KILL };
  TinyMachine *subject;
  g_autoptr (GError) error = NULL;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  subject = subject_new (save);
  fault_calls_begin (&plan);
  if (subject_save (subject, target, &error))
    _exit (0);
  g_printerr ("%s\n", error->message);
  _exit (2);
}

/* Returns whether it was killed. */
static gboolean
run_child (SubjectSave save, guint at, const char *target)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    save_and_die (save, at, target);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  if (WIFSIGNALED (status))
    g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
  else
    g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  return WIFSIGNALED (status);
}

static void
assert_listed (const char *directory, const char *expected)
{
  g_autofree char *list = subject_list (directory);

  g_assert_cmpstr (list, ==, expected);
}

static void
save_again (const char *target)
{
  g_autoptr (TinyMachine) subject = subject_new (SUBJECT_SAVE_LINK);
  g_autoptr (GError) error = NULL;

  g_assert_true (subject_save (subject, target, &error));
  g_assert_no_error (error);
  subject_assert_verifies (target);
}

/* Where there is a snapshot already, the next one is saved beside it. Returns whether there was. */
static gboolean
check_what_is_left (const char *out, const char *target)
{
  gboolean is_there = g_file_test (target, G_FILE_TEST_EXISTS);
  g_autofree char *next = g_build_filename (out, "next", NULL);

  if (is_there)
    g_assert_cmpuint (subject_assert_restores (target), >, 0);
  save_again (is_there ? next : target);
  assert_listed (out, is_there ? "next target" : "target");
  return is_there;
}

/* Whether each run does: a running guest's changes are written in as many pieces as there happen to be. */
static gboolean
makes_same_calls (SubjectSave save)
{
  return save == SUBJECT_SAVE_LINK || save == SUBJECT_SAVE_COPY;
}

static void
test_leaves_all_or_nothing (gconstpointer data)
{
  SubjectSave save = GPOINTER_TO_UINT (data);
  g_autofree char *scratch = g_build_filename (g_get_tmp_dir (), "scratch", NULL);
  g_autofree char *out = g_build_filename (scratch, "out", NULL);
  g_autofree char *target = g_build_filename (out, "target", NULL);
  guint n_whole = 0;
  gboolean killed = TRUE;
  guint n;

  for (n = 1; killed; n++)
    {
      subject_remove_tree (scratch);
      g_assert_cmpint (g_mkdir (scratch, 0700), ==, 0);
      g_assert_cmpint (g_mkdir (out, 0700), ==, 0);
      killed = run_child (save, n, target);
      n_whole += check_what_is_left (out, target) ? 1 : 0;
    }
  g_test_message ("%s: killed at %u places, a whole snapshot after %u",
                  subject_save_get_name (save),
                  n - 2,
                  n_whole - 1);
  g_assert_cmpuint (n, >, 25);
  /* the last time nothing killed it; where all runs make the same calls, one was killed after the name was given */
  g_assert_cmpuint (n_whole, >, makes_same_calls (save) ? 1 : 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (SubjectSave save = 0; save < SUBJECT_N_SAVES; save++)
    {
      g_autofree char *path = g_strdup_printf ("/faults/kill/%s", subject_save_get_name (save));

      g_test_add_data_func (path, GUINT_TO_POINTER (save), test_leaves_all_or_nothing);
    }
  return subject_run_tests (NULL);
}
