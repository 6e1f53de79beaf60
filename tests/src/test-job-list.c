/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/job-list.h"

#include "tests/src/model.h"

typedef struct
{
  OvmJobList *list;
  GPtrArray *order; /* of what happened */
} Fixture;

static void
on_added (OvmJobList *list, OvmJob *job, Fixture *fixture)
{
  g_ptr_array_add (fixture->order, g_strconcat ("+", ovm_job_get_path (job), NULL));
}

static void
on_removed (OvmJobList *list, OvmJob *job, Fixture *fixture)
{
  g_ptr_array_add (fixture->order, g_strconcat ("-", ovm_job_get_path (job), NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->list = ovm_job_list_new ();
  fixture->order = g_ptr_array_new_with_free_func (g_free);
  g_signal_connect (fixture->list, "added", G_CALLBACK (on_added), fixture);
  g_signal_connect (fixture->list, "removed", G_CALLBACK (on_removed), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_finalize_object (fixture->list);
  g_ptr_array_unref (fixture->order);
}

static OvmJob *
begin (Fixture *fixture, gboolean cancelable)
{
  g_autoptr (GError) error = NULL;
  OvmJob *job = ovm_job_list_begin (fixture->list, "save", NULL, cancelable, &error);

  g_assert_no_error (error);
  return job;
}

static void
test_shows_a_job_and_takes_it_away (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmJob) job = begin (fixture, TRUE);

  ovm_job_list_set_linger (fixture->list, 20);
  g_assert_cmpstr (fixture->order->pdata[0], ==, "+/org/openvmm/job/1");
  g_assert_true (ovm_job_list_lookup (fixture->list, "/org/openvmm/job/1") == job);
  ovm_job_complete (job, NULL, NULL);
  g_assert_cmpuint (fixture->order->len, ==, 1); /* who comes late still finds it */
  model_wait_until (fixture->order->len == 2);
  g_assert_cmpstr (fixture->order->pdata[1], ==, "-/org/openvmm/job/1");
  g_assert_null (ovm_job_list_lookup (fixture->list, "/org/openvmm/job/1"));
}

static void
test_numbers_are_not_used_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmJob) first = begin (fixture, TRUE);
  g_autoptr (OvmJob) second = NULL;

  ovm_job_complete (first, NULL, NULL);
  second = begin (fixture, TRUE);
  g_assert_cmpstr (ovm_job_get_path (second), ==, "/org/openvmm/job/2");
  ovm_job_complete (second, NULL, NULL);
}

static OvmJob *
begin_late (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  OvmJob *job = ovm_job_list_begin_late (fixture->list, "save", NULL, TRUE, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (fixture->order->len, ==, 0);
  return job;
}

static void
test_never_shows_what_is_soon_over (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmJob) job = begin_late (fixture);
  g_autoptr (OvmJob) other = NULL;

  ovm_job_complete (job, NULL, NULL);
  g_assert_null (ovm_job_list_lookup (fixture->list, "/org/openvmm/job/1"));

  /* by the time that this one is shown the first one would have been */
  other = begin_late (fixture);
  model_wait_until (fixture->order->len == 1);
  g_assert_cmpstr (fixture->order->pdata[0], ==, "+/org/openvmm/job/2");
  g_assert_false (ovm_job_get_shown (job));
  ovm_job_complete (other, NULL, NULL);
}

static void
test_shows_what_takes_longer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmJob) job = begin_late (fixture);
  g_autoptr (OvmJob) second = begin_late (fixture);

  ovm_job_list_set_linger (fixture->list, 20);
  model_wait_until (fixture->order->len == 2);
  g_assert_cmpstr (fixture->order->pdata[0], ==, "+/org/openvmm/job/1");
  g_assert_cmpstr (fixture->order->pdata[1], ==, "+/org/openvmm/job/2");
  g_assert_true (ovm_job_get_shown (job));
  ovm_job_complete (job, NULL, NULL);
  ovm_job_complete (second, NULL, NULL);
  model_wait_until (fixture->order->len == 4);
  g_assert_cmpstr (fixture->order->pdata[2], ==, "-/org/openvmm/job/1");
}

static void
test_shows_early_when_told_to (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmJob) job = begin_late (fixture);

  ovm_job_list_close (fixture->list);
  g_assert_true (g_cancellable_is_cancelled (ovm_job_get_task (job).cancellable));
  ovm_job_list_show (fixture->list, job);
  g_assert_cmpstr (fixture->order->pdata[0], ==, "+/org/openvmm/job/1");
  ovm_job_list_show (fixture->list, job);
  g_assert_cmpuint (fixture->order->len, ==, 1);
  ovm_job_complete (job, NULL, NULL);
}

static void
test_limits_those_that_run (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (OvmJob) one_more = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < OVM_JOB_LIST_RUNNING_MAX; i++)
    g_ptr_array_add (jobs, begin (fixture, TRUE));
  one_more = ovm_job_list_begin (fixture->list, "save", NULL, TRUE, &error);
  g_assert_null (one_more);
  g_assert_error (error, OVM_ERROR, OVM_ERROR_LIMIT_EXCEEDED);

  ovm_job_complete (jobs->pdata[0], NULL, NULL);
  one_more = begin (fixture, TRUE);
  ovm_job_complete (one_more, NULL, NULL);
}

static void
test_limits_those_that_ended (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < OVM_JOB_LIST_ENDED_MAX + 5; i++)
    {
      g_autoptr (OvmJob) job = begin (fixture, TRUE);

      ovm_job_complete (job, NULL, NULL);
    }
  g_assert_null (ovm_job_list_lookup (fixture->list, "/org/openvmm/job/5"));
  g_assert_nonnull (ovm_job_list_lookup (fixture->list, "/org/openvmm/job/6"));
}

static void
test_cancels_what_can_be (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmJob) soft = begin (fixture, TRUE);
  g_autoptr (OvmJob) firm = begin (fixture, FALSE);

  ovm_job_list_close (fixture->list);
  g_assert_true (g_cancellable_is_cancelled (ovm_job_get_task (soft).cancellable));
  g_assert_false (g_cancellable_is_cancelled (ovm_job_get_task (firm).cancellable));
}

static void
test_closed_begins_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) late_error = NULL;

  g_assert_true (ovm_job_list_check_open (fixture->list, &error));
  g_assert_no_error (error);
  ovm_job_list_close (fixture->list);
  g_assert_null (ovm_job_list_begin (fixture->list, "save", NULL, TRUE, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_null (ovm_job_list_begin_late (fixture->list, "save", NULL, TRUE, &late_error));
  g_assert_error (late_error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_false (ovm_job_list_check_open (fixture->list, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function) g_test_add ("/src/job-list/" name, Fixture, NULL, set_up, function, tear_down)
  add ("shows-a-job-and-takes-it-away", test_shows_a_job_and_takes_it_away);
  add ("numbers-are-not-used-again", test_numbers_are_not_used_again);
  add ("never-shows-what-is-soon-over", test_never_shows_what_is_soon_over);
  add ("shows-what-takes-longer", test_shows_what_takes_longer);
  add ("shows-early-when-told-to", test_shows_early_when_told_to);
  add ("limits-those-that-run", test_limits_those_that_run);
  add ("limits-those-that-ended", test_limits_those_that_ended);
  add ("cancels-what-can-be", test_cancels_what_can_be);
  add ("closed-begins-nothing", test_closed_begins_nothing);
#undef add
  return g_test_run ();
}
