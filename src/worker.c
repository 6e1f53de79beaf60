/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads come as they are needed, up to THREADS_MAX: a save waits a second for the disk without keeping a core
 * busy, and must not keep another VM from being paused meanwhile.
 */

#include "config.h"
#include "src/worker.h"

#define THREADS_MAX 256

struct _OvmWorker
{
  GObject parent_instance;

  GThreadPool *pool;
  GMainContext *context;
  guint pending;
};

G_DEFINE_FINAL_TYPE (OvmWorker, ovm_worker, G_TYPE_OBJECT)

typedef struct
{
  OvmWorker *worker;
  OvmJob *job;
  OvmWorkFunc func;
  OvmWorkDone done;
  gpointer data;
  gboolean succeeded;
  GError *error;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_clear_object (&work->job);
  g_clear_error (&work->error);
  g_object_unref (work->worker);
  g_free (work);
}

static gboolean
on_work_done (gpointer data)
{
  Work *work = data;

  work->worker->pending--;
  if (!work->succeeded && work->error == NULL)
    work->error = g_error_new (VMM_ERROR, VMM_ERROR_FAILED, "the operation failed without saying why");
  work->done (work->data, work->succeeded ? NULL : work->error);
  return G_SOURCE_REMOVE;
}

/*
 * What is told comes in the order of telling. Not g_main_context_invoke(): it would call back here while nobody
 * iterates the context.
 */
static void
tell_main (OvmWorker *worker, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, worker->context);
}

static void
run_work (gpointer data, gpointer user_data)
{
  Work *work = data;
  OvmDriverTask task = { 0 };

  if (work->job != NULL)
    task = ovm_job_get_task (work->job);
  work->succeeded = work->func (work->data, &task, &work->error);
  tell_main (work->worker, on_work_done, work, work_free);
}

typedef struct
{
  OvmWorkNote note;
  gpointer data;
} Note;

static gboolean
on_note (gpointer data)
{
  const Note *note = data;

  note->note (note->data);
  return G_SOURCE_REMOVE;
}

void
ovm_worker_tell_main (OvmWorker *worker, OvmWorkNote note, gpointer data)
{
  Note *told = g_new0 (Note, 1);

  told->note = note;
  told->data = data;
  tell_main (worker, on_note, told, g_free);
}

static void
ovm_worker_finalize (GObject *object)
{
  OvmWorker *worker = OVM_WORKER (object);

  g_thread_pool_free (worker->pool, FALSE, TRUE);
  g_main_context_unref (worker->context);
  G_OBJECT_CLASS (ovm_worker_parent_class)->finalize (object);
}

static void
ovm_worker_class_init (OvmWorkerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_worker_finalize;
}

static void
ovm_worker_init (OvmWorker *worker)
{
  worker->pool = g_thread_pool_new (run_work, worker, THREADS_MAX, FALSE, NULL);
  worker->context = g_main_context_ref_thread_default ();
}

OvmWorker *
ovm_worker_new (void)
{
  return g_object_new (OVM_TYPE_WORKER, NULL);
}

void
ovm_worker_run (OvmWorker *worker, OvmJob *job, OvmWorkFunc func, OvmWorkDone done, gpointer data)
{
  Work *work = g_new0 (Work, 1);
  g_autoptr (GError) error = NULL;

  work->worker = g_object_ref (worker);
  work->job = job != NULL ? g_object_ref (job) : NULL;
  work->func = func;
  work->done = done;
  work->data = data;
  worker->pending++;
  /* where no thread can be made now, the work waits for one that exists */
  if (!g_thread_pool_push (worker->pool, work, &error))
    g_warning ("cannot start a thread: %s", error->message);
}

guint
ovm_worker_get_pending (OvmWorker *worker)
{
  return worker->pending;
}
