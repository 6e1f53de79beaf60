/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* job-list.h: the jobs there are, and those that ended a moment ago */

#pragma once

#include "src/worker.h"

G_BEGIN_DECLS

#define OVM_TYPE_JOB_LIST (ovm_job_list_get_type ())
G_DECLARE_FINAL_TYPE (OvmJobList, ovm_job_list, OVM, JOB_LIST, GObject)

#define OVM_JOB_LIST_RUNNING_MAX 4096
#define OVM_JOB_LIST_ENDED_MAX 256
#define OVM_JOB_LIST_LINGER_MS 10000
#define OVM_JOB_LIST_SHOW_DELAY_MS 5
#define OVM_JOB_LIST_BUS_SIZE_MAX                                                                            \
  ((OVM_JOB_LIST_RUNNING_MAX + OVM_JOB_LIST_ENDED_MAX) * OVM_JOB_BUS_SIZE +                                  \
   OVM_JOB_LIST_ENDED_MAX * OVM_JOB_MESSAGE_LENGTH_MAX) /* bytes */

/** ovm_job_list_new: signals are `added` and `removed`, each with an #OvmJob that is shown. */
OvmJobList *ovm_job_list_new (void);

/** ovm_job_list_get_worker: (transfer none): the threads that jobs run on. */
OvmWorker *ovm_job_list_get_worker (OvmJobList *list);

/** ovm_job_list_set_linger: how long an ended job is kept, in milliseconds. */
void ovm_job_list_set_linger (OvmJobList *list, guint linger_ms);

/**
 * ovm_job_list_begin:
 *
 * A new job, see ovm_job_new(), that is shown at once. It is removed from the list some time after it was completed.
 *
 * Errors: %OVM_ERROR_LIMIT_EXCEEDED, %OVM_ERROR_CANCELLED once the list is closed.
 * Returns: (transfer full):
 */
OvmJob *ovm_job_list_begin (OvmJobList *list,
                            const char *operation,
                            const char *object,
                            gboolean cancelable,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_job_list_begin_late:
 *
 * As ovm_job_list_begin(), for somebody who waits for the end: the job is shown when it takes longer than
 * OVM_JOB_LIST_SHOW_DELAY_MS, or ovm_job_list_show() is called. One that is over sooner is never seen.
 */
OvmJob *ovm_job_list_begin_late (OvmJobList *list,
                                 const char *operation,
                                 const char *object,
                                 gboolean cancelable,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_job_list_show: shows a job that runs, if it is not shown yet. */
void ovm_job_list_show (OvmJobList *list, OvmJob *job);

/** ovm_job_list_close: cancels what can be cancelled; from now on no job can be begun. */
void ovm_job_list_close (OvmJobList *list);

/** ovm_job_list_check_open: for what has no job. Errors: %OVM_ERROR_CANCELLED. */
gboolean ovm_job_list_check_open (OvmJobList *list, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_job_list_lookup: (transfer none) (nullable): the job at @path. */
OvmJob *ovm_job_list_lookup (OvmJobList *list, const char *path);

G_END_DECLS
