/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/job.h"

#include "src/error.h"
#include "src/name.h"
#include "tests/src/model.h"

typedef struct
{
  guint changes;
  guint completions;
  gboolean success;
  char *error_name;
  char *message;
} Seen;

static void
on_changed (OvmJob *job, Seen *seen)
{
  seen->changes++;
}

static void
on_completed (OvmJob *job, gboolean success, const char *error, const char *message, Seen *seen)
{
  seen->completions++;
  seen->success = success;
  g_free (seen->error_name);
  seen->error_name = g_strdup (error);
  g_free (seen->message);
  seen->message = g_strdup (message);
}

static void
seen_clear (Seen *seen)
{
  g_free (seen->error_name);
  g_free (seen->message);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Seen, seen_clear)

static OvmJob *
make (Seen *seen, gboolean cancelable)
{
  OvmJob *job = ovm_job_new (7, "save", "/org/openvmm/vm/a", cancelable);

  memset (seen, 0, sizeof *seen);
  g_signal_connect (job, "changed", G_CALLBACK (on_changed), seen);
  g_signal_connect (job, "completed", G_CALLBACK (on_completed), seen);
  return job;
}

static void
test_begins (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);

  g_assert_cmpstr (ovm_job_get_path (job), ==, "/org/openvmm/job/7");
  g_assert_cmpstr (ovm_job_get_operation (job), ==, "save");
  g_assert_cmpstr (ovm_job_get_objects (job)[0], ==, "/org/openvmm/vm/a");
  g_assert_null (ovm_job_get_objects (job)[1]);
  g_assert_cmpint (ovm_job_get_state (job), ==, OVM_JOB_RUNNING);
  g_assert_cmpstr (ovm_job_get_error_name (job), ==, "");
  g_assert_cmpstr (ovm_job_get_result (job), ==, OVM_NO_PATH);
  g_assert_cmpuint (ovm_job_get_uid (job), ==, OVM_JOB_UID_UNKNOWN);
  g_assert_cmpint (ovm_job_get_start_usec (job), <=, g_get_real_time ());
}

static void
test_succeeds (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);

  ovm_job_complete (job, NULL, "/org/openvmm/snapshot/x");
  g_assert_cmpint (ovm_job_get_state (job), ==, OVM_JOB_SUCCEEDED);
  g_assert_cmpstr (ovm_job_get_result (job), ==, "/org/openvmm/snapshot/x");
  g_assert_cmpuint (seen.completions, ==, 1);
  g_assert_true (seen.success);
  g_assert_cmpstr (seen.error_name, ==, "");
  g_assert_cmpuint (seen.changes, ==, 1);
}

static void
test_fails (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);
  g_autoptr (GError) error = g_error_new_literal (VMM_ERROR, VMM_ERROR_NO_SPACE, "full");

  ovm_job_complete (job, error, NULL);
  g_assert_cmpint (ovm_job_get_state (job), ==, OVM_JOB_FAILED);
  g_assert_false (seen.success);
  g_assert_cmpstr (seen.error_name, ==, "org.openvmm.Error.NoSpace");
  g_assert_cmpstr (seen.message, ==, "full");
  g_assert_cmpstr (ovm_job_get_message (job), ==, "full");
}

static void
test_message_is_bounded (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);
  g_autofree char *text = g_strnfill (2 * OVM_JOB_MESSAGE_LENGTH_MAX, 'x');
  g_autoptr (GError) error = g_error_new_literal (OVM_ERROR, OVM_ERROR_CORRUPT, text);

  ovm_job_complete (job, error, NULL);
  g_assert_cmpuint (strlen (ovm_job_get_message (job)), ==, OVM_JOB_MESSAGE_LENGTH_MAX);
  g_assert_true (g_str_has_suffix (ovm_job_get_message (job), "…"));
}

static void
test_cancels (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);
  OvmDriverTask task = ovm_job_get_task (job);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) stopped = NULL;

  g_assert_false (g_cancellable_is_cancelled (task.cancellable));
  g_assert_true (ovm_job_cancel (job, &error));
  g_assert_no_error (error);
  g_assert_true (g_cancellable_set_error_if_cancelled (task.cancellable, &stopped));
  ovm_job_complete (job, stopped, NULL);
  g_assert_cmpint (ovm_job_get_state (job), ==, OVM_JOB_CANCELLED);
  g_assert_cmpstr (seen.error_name, ==, "org.openvmm.Error.Cancelled");
}

static void
test_refuses_to_cancel (void)
{
  g_auto (Seen) seen;
  g_auto (Seen) other_seen;
  g_autoptr (OvmJob) firm = make (&seen, FALSE);
  g_autoptr (OvmJob) over = make (&other_seen, TRUE);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) other_error = NULL;

  g_assert_false (ovm_job_cancel (firm, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_NOT_SUPPORTED);
  ovm_job_complete (over, NULL, NULL);
  g_assert_false (ovm_job_cancel (over, &other_error));
  g_assert_error (other_error, OVM_ERROR, OVM_ERROR_INVALID_STATE);
}

static gpointer
make_progress (gpointer data)
{
  OvmDriverTask task = ovm_job_get_task (data);

  for (guint64 done = 1; done <= 50; done++)
    task.progress (done, 100, task.progress_data);
  return NULL;
}

static void
test_shows_progress_of_another_thread (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);

  g_thread_join (g_thread_new ("progress", make_progress, job));
  g_assert_cmpuint (ovm_job_get_bytes_done (job), ==, 0);
  model_wait_until (ovm_job_get_bytes_done (job) == 50);
  g_assert_cmpuint (ovm_job_get_bytes_total (job), ==, 100);
  g_assert_cmpuint (seen.changes, ==, 1); /* fifty steps, one change */
  g_assert_cmpint (ovm_job_get_expected_end_usec (job), >, ovm_job_get_start_usec (job));
  ovm_job_complete (job, NULL, NULL);
}

static void
test_last_progress_is_not_lost (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);

  g_thread_join (g_thread_new ("progress", make_progress, job));
  ovm_job_complete (job, NULL, NULL);
  g_assert_cmpuint (ovm_job_get_bytes_done (job), ==, 50);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_notes_caller (void)
{
  g_auto (Seen) seen;
  g_autoptr (OvmJob) job = make (&seen, TRUE);

  ovm_job_set_uid (job, 1000);
  g_assert_cmpuint (ovm_job_get_uid (job), ==, 1000);
  g_assert_cmpuint (seen.changes, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/job/begins", test_begins);
  g_test_add_func ("/src/job/succeeds", test_succeeds);
  g_test_add_func ("/src/job/fails", test_fails);
  g_test_add_func ("/src/job/message-is-bounded", test_message_is_bounded);
  g_test_add_func ("/src/job/cancels", test_cancels);
  g_test_add_func ("/src/job/refuses-to-cancel", test_refuses_to_cancel);
  g_test_add_func ("/src/job/shows-progress-of-another-thread", test_shows_progress_of_another_thread);
  g_test_add_func ("/src/job/last-progress-is-not-lost", test_last_progress_is_not_lost);
  g_test_add_func ("/src/job/notes-caller", test_notes_caller);
  return g_test_run ();
}
