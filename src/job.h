/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* job.h: an operation that takes its time */

#pragma once

#include "src/driver.h"

G_BEGIN_DECLS

#define OVM_TYPE_JOB (ovm_job_get_type ())
G_DECLARE_FINAL_TYPE (OvmJob, ovm_job, OVM, JOB, GObject)

/**
 * OvmJob:
 *
 * Lives on the main thread; only the #OvmDriverTask of ovm_job_get_task() belongs to the thread that works.
 *
 * Signals: `shown`, once at most, when clients are to see it; `changed` when a property may have another value;
 * `completed` (gboolean success, const char *error, const char *message), once, with the bus name of the error.
 */

typedef enum
{
  OVM_JOB_RUNNING,
  OVM_JOB_SUCCEEDED,
  OVM_JOB_FAILED,
  OVM_JOB_CANCELLED,
} OvmJobState;

#define OVM_JOB_UID_UNKNOWN G_MAXUINT32
#define OVM_JOB_MESSAGE_LENGTH_MAX 8192 /* bytes; a longer one is cut */
#define OVM_JOB_BUS_SIZE 1024 /* bytes that it takes, at most, in a message that tells all of it but that */

/** ovm_job_new: @number makes the path; @object is the path of what it works on, or %NULL. */
OvmJob *ovm_job_new (guint64 number, const char *operation, const char *object, gboolean cancelable);

const char *ovm_job_get_path (OvmJob *job);
const char *ovm_job_get_operation (OvmJob *job);
const char *const *ovm_job_get_objects (OvmJob *job);
gboolean ovm_job_get_cancelable (OvmJob *job);
OvmJobState ovm_job_get_state (OvmJob *job);
const char *ovm_job_state_to_string (OvmJobState state);
const char *ovm_job_get_error_name (OvmJob *job);
const char *ovm_job_get_message (OvmJob *job);
const char *ovm_job_get_result (OvmJob *job); /* object path; OVM_NO_PATH for none */
guint64 ovm_job_get_bytes_done (OvmJob *job);
guint64 ovm_job_get_bytes_total (OvmJob *job);
gint64 ovm_job_get_start_usec (OvmJob *job);        /* since the epoch */
gint64 ovm_job_get_expected_end_usec (OvmJob *job); /* since the epoch; 0 while not known */
guint32 ovm_job_get_uid (OvmJob *job);
void ovm_job_set_uid (OvmJob *job, guint32 uid);

/** ovm_job_show: clients are to see it from now on; does nothing a second time. See job-list.h for who decides. */
void ovm_job_show (OvmJob *job);
gboolean ovm_job_get_shown (OvmJob *job);

/** ovm_job_get_task: for the thread that works; valid as long as @job. */
OvmDriverTask ovm_job_get_task (OvmJob *job);

/** ovm_job_cancel: asks the thread that works to stop. Errors: %OVM_ERROR_NOT_SUPPORTED, %OVM_ERROR_INVALID_STATE. */
gboolean ovm_job_cancel (OvmJob *job, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_job_complete:
 * @error: (nullable): how it failed
 * @result: (nullable): path of the object it made
 *
 * Ends the job, once.
 */
void ovm_job_complete (OvmJob *job, const GError *error, const char *result);

G_END_DECLS
