/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inspector.h: snapshot directories looked at, without a VM */

#pragma once

#include "src/job-list.h"

G_BEGIN_DECLS

#define OVM_TYPE_INSPECTOR (ovm_inspector_get_type ())
G_DECLARE_FINAL_TYPE (OvmInspector, ovm_inspector, OVM, INSPECTOR, GObject)

#define OVM_INSPECTOR_MAX 64

/** OvmInspectorDone: @snapshot is %NULL if there is an @error. On the main thread. */
typedef void (*OvmInspectorDone) (VmmSnapshot *snapshot, const GError *error, gpointer user_data);

/** OvmInspectorVerifyDone: what was found, %NULL if nothing is damaged. On the main thread. */
typedef void (*OvmInspectorVerifyDone) (const GError *error, gpointer user_data);

OvmInspector *ovm_inspector_new (OvmJobList *jobs);

/**
 * ovm_inspector_begin_open:
 *
 * Opens a snapshot, which can take a second and has no job: at most OVM_INSPECTOR_MAX at a time.
 * Errors: at once, %OVM_ERROR_INVALID_CONFIG, %OVM_ERROR_LIMIT_EXCEEDED; then @done is not called.
 */
gboolean ovm_inspector_begin_open (OvmInspector *inspector,
                                   const char *directory,
                                   OvmInspectorDone done,
                                   gpointer user_data,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_inspector_begin_verify:
 * @chain: whether the snapshots under it are verified, too
 * @job: (out) (transfer none): the job
 * @done: (nullable)
 *
 * Errors: as ovm_inspector_begin_open().
 */
gboolean ovm_inspector_begin_verify (OvmInspector *inspector,
                                     const char *directory,
                                     gboolean chain,
                                     OvmJob **job,
                                     OvmInspectorVerifyDone done,
                                     gpointer user_data,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
