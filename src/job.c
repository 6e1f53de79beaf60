/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Progress comes on the working thread, as often as that thread likes. It is kept under a lock, and taken over by the
 * main thread at most every PROGRESS_INTERVAL_MS.
 */

#include "config.h"
#include "src/job.h"

#include "src/error.h"
#include "src/name.h"
#include "src/text.h"

#define PROGRESS_INTERVAL_MS 100u

struct _OvmJob
{
  GObject parent_instance;

  char *path;
  char *operation;
  char **objects;
  gboolean cancelable;
  GCancellable *cancellable;
  GMainContext *context;
  gint64 start_usec;
  gint64 start_monotonic_usec;
  guint32 uid;
  gboolean shown;

  OvmJobState state;
  char *error_name;
  char *message;
  char *result;
  guint64 bytes_done;
  guint64 bytes_total;
  gint64 expected_end_usec;

  GMutex lock; /* protects the three below */
  guint64 progress_done;
  guint64 progress_total;
  gboolean progress_scheduled;
};

G_DEFINE_FINAL_TYPE (OvmJob, ovm_job, G_TYPE_OBJECT)

enum
{
  SIGNAL_SHOWN,
  SIGNAL_CHANGED,
  SIGNAL_COMPLETED,
  SIGNAL_COUNT,
};
static guint signals[SIGNAL_COUNT];

static void
ovm_job_finalize (GObject *object)
{
  OvmJob *job = OVM_JOB (object);

  g_free (job->path);
  g_free (job->operation);
  g_strfreev (job->objects);
  g_object_unref (job->cancellable);
  g_main_context_unref (job->context);
  g_free (job->error_name);
  g_free (job->message);
  g_free (job->result);
  g_mutex_clear (&job->lock);
  G_OBJECT_CLASS (ovm_job_parent_class)->finalize (object);
}

static void
ovm_job_class_init (OvmJobClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_job_finalize;
  signals[SIGNAL_SHOWN] =
      g_signal_new ("shown", OVM_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_CHANGED] =
      g_signal_new ("changed", OVM_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_COMPLETED] = g_signal_new ("completed",
                                            OVM_TYPE_JOB,
                                            G_SIGNAL_RUN_LAST,
                                            0,
                                            NULL,
                                            NULL,
                                            NULL,
                                            G_TYPE_NONE,
                                            3,
                                            G_TYPE_BOOLEAN,
                                            G_TYPE_STRING,
                                            G_TYPE_STRING);
}

static void
ovm_job_init (OvmJob *job)
{
  g_mutex_init (&job->lock);
  job->cancellable = g_cancellable_new ();
  job->context = g_main_context_ref_thread_default ();
  job->start_usec = g_get_real_time ();
  job->start_monotonic_usec = g_get_monotonic_time ();
  job->uid = OVM_JOB_UID_UNKNOWN;
  job->error_name = g_strdup ("");
  job->message = g_strdup ("");
  job->result = g_strdup (OVM_NO_PATH);
}

OvmJob *
ovm_job_new (guint64 number, const char *operation, const char *object, gboolean cancelable)
{
  OvmJob *job = g_object_new (OVM_TYPE_JOB, NULL);
  const char *const objects[] = { object, NULL };

  job->path = ovm_name_job_path (number);
  job->operation = g_strdup (operation);
  job->objects = g_strdupv ((char **) objects);
  job->cancelable = cancelable;
  return job;
}

const char *
ovm_job_get_path (OvmJob *job)
{
  return job->path;
}

const char *
ovm_job_get_operation (OvmJob *job)
{
  return job->operation;
}

const char *const *
ovm_job_get_objects (OvmJob *job)
{
  return (const char *const *) job->objects;
}

gboolean
ovm_job_get_cancelable (OvmJob *job)
{
  return job->cancelable;
}

OvmJobState
ovm_job_get_state (OvmJob *job)
{
  return job->state;
}

const char *
ovm_job_state_to_string (OvmJobState state)
{
  static const char *const names[] = {
    [OVM_JOB_RUNNING] = "running",
    [OVM_JOB_SUCCEEDED] = "succeeded",
    [OVM_JOB_FAILED] = "failed",
    [OVM_JOB_CANCELLED] = "cancelled",
  };

  g_return_val_if_fail ((guint) state < G_N_ELEMENTS (names), "unknown");
  return names[state];
}

const char *
ovm_job_get_error_name (OvmJob *job)
{
  return job->error_name;
}

const char *
ovm_job_get_message (OvmJob *job)
{
  return job->message;
}

const char *
ovm_job_get_result (OvmJob *job)
{
  return job->result;
}

guint64
ovm_job_get_bytes_done (OvmJob *job)
{
  return job->bytes_done;
}

guint64
ovm_job_get_bytes_total (OvmJob *job)
{
  return job->bytes_total;
}

gint64
ovm_job_get_start_usec (OvmJob *job)
{
  return job->start_usec;
}

gint64
ovm_job_get_expected_end_usec (OvmJob *job)
{
  return job->expected_end_usec;
}

guint32
ovm_job_get_uid (OvmJob *job)
{
  return job->uid;
}

void
ovm_job_set_uid (OvmJob *job, guint32 uid)
{
  job->uid = uid;
  g_signal_emit (job, signals[SIGNAL_CHANGED], 0);
}

void
ovm_job_show (OvmJob *job)
{
  if (job->shown)
    return;
  job->shown = TRUE;
  g_signal_emit (job, signals[SIGNAL_SHOWN], 0);
}

gboolean
ovm_job_get_shown (OvmJob *job)
{
  return job->shown;
}

static void
estimate_end (OvmJob *job)
{
  double elapsed_usec = (double) (g_get_monotonic_time () - job->start_monotonic_usec);

  job->expected_end_usec = 0;
  if (job->bytes_done > 0 && job->bytes_total > 0)
    job->expected_end_usec = job->start_usec +
                             (gint64) (elapsed_usec * (double) job->bytes_total / (double) job->bytes_done);
}

static void
take_over_progress (OvmJob *job)
{
  g_mutex_lock (&job->lock);
  job->bytes_done = job->progress_done;
  job->bytes_total = job->progress_total;
  job->progress_scheduled = FALSE;
  g_mutex_unlock (&job->lock);
  estimate_end (job);
}

static gboolean
on_progress_due (gpointer user_data)
{
  OvmJob *job = user_data;

  if (job->state == OVM_JOB_RUNNING)
    {
      take_over_progress (job);
      g_signal_emit (job, signals[SIGNAL_CHANGED], 0);
    }
  return G_SOURCE_REMOVE;
}

static void
note_progress (guint64 done_bytes, guint64 total_bytes, gpointer user_data)
{
  OvmJob *job = user_data;
  g_autoptr (GSource) source = NULL;
  gboolean scheduled;

  g_mutex_lock (&job->lock);
  job->progress_done = done_bytes;
  job->progress_total = total_bytes;
  scheduled = job->progress_scheduled;
  job->progress_scheduled = TRUE;
  g_mutex_unlock (&job->lock);
  if (scheduled)
    return;

  source = g_timeout_source_new (PROGRESS_INTERVAL_MS);
  g_source_set_callback (source, on_progress_due, g_object_ref (job), g_object_unref);
  g_source_attach (source, job->context);
}

OvmDriverTask
ovm_job_get_task (OvmJob *job)
{
  return (OvmDriverTask){
    .progress = note_progress,
    .progress_data = job,
    .cancellable = job->cancellable,
  };
}

gboolean
ovm_job_cancel (OvmJob *job, GError **error)
{
  if (job->state != OVM_JOB_RUNNING)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_INVALID_STATE,
                   "job %s is over already (%s)",
                   job->path,
                   ovm_job_state_to_string (job->state));
      return FALSE;
    }
  if (!job->cancelable)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_NOT_SUPPORTED,
                   "job %s (%s) cannot be cancelled; wait for its end",
                   job->path,
                   job->operation);
      return FALSE;
    }
  g_cancellable_cancel (job->cancellable);
  return TRUE;
}

void
ovm_job_complete (OvmJob *job, const GError *error, const char *result)
{
  g_return_if_fail (job->state == OVM_JOB_RUNNING);

  take_over_progress (job);
  job->state = OVM_JOB_SUCCEEDED;
  if (error != NULL)
    {
      g_autoptr (GError) ours = ovm_error_translate (error);

      job->state = ours->code == OVM_ERROR_CANCELLED ? OVM_JOB_CANCELLED : OVM_JOB_FAILED;
      g_free (job->error_name);
      job->error_name = g_strdup (ovm_error_get_name ((OvmError) ours->code));
      g_free (job->message);
      job->message = ovm_text_shorten (ours->message, OVM_JOB_MESSAGE_LENGTH_MAX);
    }
  if (result != NULL)
    {
      g_free (job->result);
      job->result = g_strdup (result);
    }
  job->expected_end_usec = g_get_real_time ();
  g_signal_emit (job, signals[SIGNAL_CHANGED], 0);
  g_signal_emit (job, signals[SIGNAL_COMPLETED], 0, error == NULL, job->error_name, job->message);
}
