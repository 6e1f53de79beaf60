/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* worker.h: threads that block, so that the main thread does not */

#pragma once

#include "src/job.h"

G_BEGIN_DECLS

#define OVM_TYPE_WORKER (ovm_worker_get_type ())
G_DECLARE_FINAL_TYPE (OvmWorker, ovm_worker, OVM, WORKER, GObject)

/**
 * OvmWorkFunc:
 * @task: progress and cancelling; its members may be %NULL
 *
 * Called on a thread that may block.
 */
typedef gboolean (*OvmWorkFunc) (gpointer data, const OvmDriverTask *task, GError **error);

/** OvmWorkDone: called on the main thread when it is done; @error is %NULL if OvmWorkFunc returned %TRUE. */
typedef void (*OvmWorkDone) (gpointer data, const GError *error);

/** ovm_worker_new: results come back to the caller's main context. */
OvmWorker *ovm_worker_new (void);

/** ovm_worker_run: @job is (nullable); the worker does not complete it. @data belongs to the caller. */
void ovm_worker_run (OvmWorker *worker, OvmJob *job, OvmWorkFunc func, OvmWorkDone done, gpointer data);

/** OvmWorkNote: on the main thread. */
typedef void (*OvmWorkNote) (gpointer data);

/**
 * ovm_worker_tell_main:
 *
 * From within an OvmWorkFunc: has the main thread call @note, before the OvmWorkDone of that work. Does not wait.
 */
void ovm_worker_tell_main (OvmWorker *worker, OvmWorkNote note, gpointer data);

/** ovm_worker_get_pending: how many have not been told that they are done. */
guint ovm_worker_get_pending (OvmWorker *worker);

G_END_DECLS
