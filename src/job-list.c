/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Telling the bus of a job, and of its end, costs as much as a short operation itself. So one that somebody waits for
 * is told of only when there is something to wait for.
 */

#include "config.h"
#include "src/job-list.h"

#include "src/error.h"

struct _OvmJobList
{
  GObject parent_instance;

  OvmWorker *worker;
  GHashTable *jobs; /* path -> OvmJob */
  GQueue ended;     /* of OvmJob that were shown, the oldest first */
  GQueue late;      /* of OvmJob that run and are not shown yet; the hash table owns them */
  guint running;
  guint64 last_number;
  guint linger_ms;
  gboolean closed;
  guint sweep_id;
  guint late_id;
};

G_DEFINE_FINAL_TYPE (OvmJobList, ovm_job_list, G_TYPE_OBJECT)

enum
{
  SIGNAL_ADDED,
  SIGNAL_REMOVED,
  SIGNAL_COUNT,
};
static guint signals[SIGNAL_COUNT];

static void
ovm_job_list_dispose (GObject *object)
{
  OvmJobList *list = OVM_JOB_LIST (object);

  g_clear_handle_id (&list->sweep_id, g_source_remove);
  g_clear_handle_id (&list->late_id, g_source_remove);
  g_queue_clear (&list->late);
  g_queue_clear_full (&list->ended, g_object_unref);
  g_clear_pointer (&list->jobs, g_hash_table_unref);
  g_clear_object (&list->worker);
  G_OBJECT_CLASS (ovm_job_list_parent_class)->dispose (object);
}

static void
ovm_job_list_class_init (OvmJobListClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ovm_job_list_dispose;
  signals[SIGNAL_ADDED] = g_signal_new (
      "added", OVM_TYPE_JOB_LIST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, OVM_TYPE_JOB);
  signals[SIGNAL_REMOVED] = g_signal_new (
      "removed", OVM_TYPE_JOB_LIST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, OVM_TYPE_JOB);
}

static void
ovm_job_list_init (OvmJobList *list)
{
  list->worker = ovm_worker_new ();
  list->jobs = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  list->linger_ms = OVM_JOB_LIST_LINGER_MS;
  g_queue_init (&list->ended);
  g_queue_init (&list->late);
}

OvmJobList *
ovm_job_list_new (void)
{
  return g_object_new (OVM_TYPE_JOB_LIST, NULL);
}

OvmWorker *
ovm_job_list_get_worker (OvmJobList *list)
{
  return list->worker;
}

void
ovm_job_list_set_linger (OvmJobList *list, guint linger_ms)
{
  list->linger_ms = linger_ms;
}

static void
remove_oldest (OvmJobList *list)
{
  g_autoptr (OvmJob) job = g_queue_pop_head (&list->ended);

  g_hash_table_remove (list->jobs, ovm_job_get_path (job));
  g_signal_emit (list, signals[SIGNAL_REMOVED], 0, job);
}

static gint64
get_end_usec (OvmJob *job)
{
  return ovm_job_get_expected_end_usec (job); /* of a job that has ended, when it did */
}

static void schedule_sweep (OvmJobList *list);

static gboolean
on_sweep (gpointer user_data)
{
  OvmJobList *list = user_data;
  gint64 horizon_usec = g_get_real_time () - (gint64) list->linger_ms * 1000;

  list->sweep_id = 0;
  while (!g_queue_is_empty (&list->ended) && get_end_usec (g_queue_peek_head (&list->ended)) <= horizon_usec)
    remove_oldest (list);
  schedule_sweep (list);
  return G_SOURCE_REMOVE;
}

/* one timer for all: it comes round when the oldest is due, or a moment later */
static void
schedule_sweep (OvmJobList *list)
{
  if (list->sweep_id == 0 && !g_queue_is_empty (&list->ended))
    list->sweep_id = g_timeout_add (MAX (list->linger_ms, 1), on_sweep, list);
}

static void
forget_late (OvmJobList *list, OvmJob *job)
{
  g_queue_remove (&list->late, job);
  if (g_queue_is_empty (&list->late))
    g_clear_handle_id (&list->late_id, g_source_remove);
}

void
ovm_job_list_show (OvmJobList *list, OvmJob *job)
{
  if (ovm_job_get_shown (job))
    return;
  forget_late (list, job);
  g_signal_emit (list, signals[SIGNAL_ADDED], 0, job);
  ovm_job_show (job);
}

static gboolean
on_late (gpointer user_data)
{
  OvmJobList *list = user_data;

  list->late_id = 0;
  while (!g_queue_is_empty (&list->late))
    ovm_job_list_show (list, g_queue_peek_head (&list->late));
  return G_SOURCE_REMOVE;
}

static void
on_completed (OvmJob *job, gboolean success, const char *error, const char *message, OvmJobList *list)
{
  list->running--;
  if (!ovm_job_get_shown (job))
    {
      forget_late (list, job);
      g_hash_table_remove (list->jobs, ovm_job_get_path (job));
      return;
    }
  g_queue_push_tail (&list->ended, g_object_ref (job));
  while (g_queue_get_length (&list->ended) > OVM_JOB_LIST_ENDED_MAX)
    remove_oldest (list);
  schedule_sweep (list);
}

gboolean
ovm_job_list_check_open (OvmJobList *list, GError **error)
{
  if (!list->closed)
    return TRUE;
  g_set_error_literal (error, OVM_ERROR, OVM_ERROR_CANCELLED, "the service is shutting down");
  return FALSE;
}

/* a job that nobody is told of yet */
static OvmJob *
begin (OvmJobList *list, const char *operation, const char *object, gboolean cancelable, GError **error)
{
  OvmJob *job;

  if (!ovm_job_list_check_open (list, error))
    return NULL;
  if (list->running >= OVM_JOB_LIST_RUNNING_MAX)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_LIMIT_EXCEEDED,
                   "%u jobs are running, which is the limit; wait for one",
                   list->running);
      return NULL;
    }
  job = ovm_job_new (++list->last_number, operation, object, cancelable);
  list->running++;
  g_hash_table_insert (list->jobs, (gpointer) ovm_job_get_path (job), g_object_ref (job));
  /* after the handlers of others, so that whoever shows the job hears of its end before of its removal */
  g_signal_connect_object (job, "completed", G_CALLBACK (on_completed), list, G_CONNECT_AFTER);
  return job;
}

OvmJob *
ovm_job_list_begin (OvmJobList *list,
                    const char *operation,
                    const char *object,
                    gboolean cancelable,
                    GError **error)
{
  OvmJob *job = begin (list, operation, object, cancelable, error);

  if (job != NULL)
    ovm_job_list_show (list, job);
  return job;
}

OvmJob *
ovm_job_list_begin_late (OvmJobList *list,
                         const char *operation,
                         const char *object,
                         gboolean cancelable,
                         GError **error)
{
  OvmJob *job = begin (list, operation, object, cancelable, error);

  if (job == NULL)
    return NULL;
  g_queue_push_tail (&list->late, job);
  if (list->late_id == 0)
    list->late_id = g_timeout_add (OVM_JOB_LIST_SHOW_DELAY_MS, on_late, list);
  return job;
}

void
ovm_job_list_close (OvmJobList *list)
{
  g_autoptr (GList) jobs = g_hash_table_get_values (list->jobs);

  list->closed = TRUE;
  for (GList *link = jobs; link != NULL; link = link->next)
    {
      OvmJob *job = link->data;
      g_autoptr (GError) error = NULL;

      if (ovm_job_get_state (job) == OVM_JOB_RUNNING && !ovm_job_cancel (job, &error))
        g_debug ("%s", error->message);
    }
}

OvmJob *
ovm_job_list_lookup (OvmJobList *list, const char *path)
{
  return g_hash_table_lookup (list->jobs, path);
}
