/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/worker.h"

#include "tests/src/model.h"

typedef struct
{
  GThread *thread;
  gboolean fails;
  gboolean says_why;
  gboolean had_cancellable;
  gint *gate; /* atomic: wait until it is 0 */
  gboolean done;
  GError *error;
} Work;

static gboolean
run (gpointer data, const OvmDriverTask *task, GError **error)
{
  Work *work = data;

  work->thread = g_thread_self ();
  work->had_cancellable = task->cancellable != NULL;
  while (work->gate != NULL && g_atomic_int_get (work->gate) > 0)
    g_usleep (1000);
  if (work->fails && work->says_why)
    g_set_error_literal (error, VMM_ERROR, VMM_ERROR_HOST, "why");
  return !work->fails;
}

static void
on_done (gpointer data, const GError *error)
{
  Work *work = data;

  g_assert_true (g_thread_self () != work->thread);
  work->done = TRUE;
  work->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
test_runs_elsewhere_and_tells_here (void)
{
  g_autoptr (OvmWorker) worker = ovm_worker_new ();
  Work work = { 0 };

  ovm_worker_run (worker, NULL, run, on_done, &work);
  g_assert_cmpuint (ovm_worker_get_pending (worker), ==, 1);
  g_assert_false (work.done);
  model_wait_until (work.done);
  g_assert_no_error (work.error);
  g_assert_false (work.had_cancellable);
  g_assert_cmpuint (ovm_worker_get_pending (worker), ==, 0);
}

static void
test_passes_the_error (void)
{
  g_autoptr (OvmWorker) worker = ovm_worker_new ();
  Work work = { .fails = TRUE, .says_why = TRUE };

  ovm_worker_run (worker, NULL, run, on_done, &work);
  model_wait_until (work.done);
  g_assert_error (work.error, VMM_ERROR, VMM_ERROR_HOST);
  g_clear_error (&work.error);
}

/* a driver that fails without a word must not look as if it had succeeded */
static void
test_failure_without_a_word_is_one (void)
{
  g_autoptr (OvmWorker) worker = ovm_worker_new ();
  Work work = { .fails = TRUE };

  ovm_worker_run (worker, NULL, run, on_done, &work);
  model_wait_until (work.done);
  g_assert_error (work.error, VMM_ERROR, VMM_ERROR_FAILED);
  g_clear_error (&work.error);
}

static void
test_gives_the_task_of_the_job (void)
{
  g_autoptr (OvmWorker) worker = ovm_worker_new ();
  g_autoptr (OvmJob) job = ovm_job_new (1, "save", NULL, TRUE);
  Work work = { 0 };

  ovm_worker_run (worker, job, run, on_done, &work);
  model_wait_until (work.done);
  g_assert_true (work.had_cancellable);
}

/* what a worker says under way, and whether it was done by then */
typedef struct
{
  OvmWorker *worker;
  GThread *told_on;
  gboolean done;
  gboolean told_after_done;
} Telling;

static void
on_told (gpointer data)
{
  Telling *telling = data;

  telling->told_on = g_thread_self ();
  telling->told_after_done = telling->done;
}

static gboolean
run_telling (gpointer data, const OvmDriverTask *task, GError **error)
{
  Telling *telling = data;

  ovm_worker_tell_main (telling->worker, on_told, telling);
  return TRUE;
}

static void
on_telling_done (gpointer data, const GError *error)
{
  ((Telling *) data)->done = TRUE;
}

static void
test_tells_under_way (void)
{
  g_autoptr (OvmWorker) worker = ovm_worker_new ();
  Telling telling = { .worker = worker };

  ovm_worker_run (worker, NULL, run_telling, on_telling_done, &telling);
  model_wait_until (telling.done);
  g_assert_true (telling.told_on == g_thread_self ());
  g_assert_false (telling.told_after_done);
}

/* fifty that wait for the disk do not keep another one waiting */
static void
test_slow_ones_do_not_block_others (void)
{
  g_autoptr (OvmWorker) worker = ovm_worker_new ();
  gint gate = 1;
  Work slow[50] = { 0 };
  Work quick = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (slow); i++)
    {
      slow[i].gate = &gate;
      ovm_worker_run (worker, NULL, run, on_done, &slow[i]);
    }
  ovm_worker_run (worker, NULL, run, on_done, &quick);
  model_wait_until (quick.done);
  g_assert_cmpuint (ovm_worker_get_pending (worker), ==, 50);
  g_atomic_int_set (&gate, 0);
  model_wait_until (ovm_worker_get_pending (worker) == 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/worker/runs-elsewhere-and-tells-here", test_runs_elsewhere_and_tells_here);
  g_test_add_func ("/src/worker/passes-the-error", test_passes_the_error);
  g_test_add_func ("/src/worker/failure-without-a-word-is-one", test_failure_without_a_word_is_one);
  g_test_add_func ("/src/worker/gives-the-task-of-the-job", test_gives_the_task_of_the_job);
  g_test_add_func ("/src/worker/tells-under-way", test_tells_under_way);
  g_test_add_func ("/src/worker/slow-ones-do-not-block-others", test_slow_ones_do_not_block_others);
  return g_test_run ();
}
