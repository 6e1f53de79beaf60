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

/** ovm_job_list_new: signals are `added` and `removed`, each with the #OvmJob. */
OvmJobList *ovm_job_list_new (void);

/** ovm_job_list_get_worker: (transfer none): the threads that jobs run on. */
OvmWorker *ovm_job_list_get_worker (OvmJobList *list);

/** ovm_job_list_set_linger: how long an ended job is kept, in milliseconds. */
void ovm_job_list_set_linger (OvmJobList *list, guint linger_ms);

/**
 * ovm_job_list_begin:
 *
 * A new job, see ovm_job_new(). It is removed from the list some time after it was completed.
 *
 * Errors: %OVM_ERROR_LIMIT_EXCEEDED.
 * Returns: (transfer full):
 */
OvmJob *ovm_job_list_begin (OvmJobList *list,
                            const char *operation,
                            const char *object,
                            gboolean cancelable,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_job_list_begin_unseen, ovm_job_list_show:
 *
 * ovm_job_list_begin() in two steps: nobody is told of the job before it is shown. That must be before it completes.
 */
OvmJob *ovm_job_list_begin_unseen (OvmJobList *list,
                                   const char *operation,
                                   const char *object,
                                   gboolean cancelable,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ovm_job_list_show (OvmJobList *list, OvmJob *job);

/** ovm_job_list_cancel_all: cancels what can be cancelled. */
void ovm_job_list_cancel_all (OvmJobList *list);

/** ovm_job_list_lookup: (transfer none) (nullable): the job at @path. */
OvmJob *ovm_job_list_lookup (OvmJobList *list, const char *path);

G_END_DECLS
