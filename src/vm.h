/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vm.h: a VM as the service sees it */

#pragma once

#include "src/action.h"
#include "src/snapshot-list.h"

G_BEGIN_DECLS

#define OVM_TYPE_VM (ovm_vm_get_type ())
G_DECLARE_FINAL_TYPE (OvmVm, ovm_vm, OVM, VM, GObject)

/**
 * OvmVm:
 *
 * Lives on the main thread. Signals: `changed` when a property may have another value; `state-changed` (OvmState old,
 * OvmState new, const char *reason) for every step, before `changed`; `deleted` at the end, after which nothing
 * can be done with it.
 */

#define OVM_VM_STATE_REASON_LENGTH_MAX 256 /* bytes; a longer one is cut */

/** OvmVmDone: a begun operation has ended. On the main thread. @action is freed afterwards. */
typedef void (*OvmVmDone) (OvmVm *vm, OvmAction *action, const GError *error, gpointer user_data);

/**
 * ovm_vm_new:
 * @config: (transfer full):
 *
 * Thread: a worker. Errors: those of the driver's define().
 */
OvmVm *ovm_vm_new (OvmVmConfig *config, OvmJobList *jobs, OvmSnapshotList *snapshots, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_vm_new_busy:
 * @action: (transfer full): also when it fails
 *
 * As ovm_vm_new(), of a VM that has something to do from the beginning: ovm_vm_work() does it, ovm_vm_end_work() tells
 * the end of it. Until then it is busy with @action and @job, which the caller completes.
 *
 * Thread: a worker. Errors: also %OVM_ERROR_NOT_SUPPORTED, %OVM_ERROR_INVALID_STATE.
 */
OvmVm *ovm_vm_new_busy (OvmVmConfig *config,
                        OvmJobList *jobs,
                        OvmSnapshotList *snapshots,
                        OvmAction *action,
                        OvmJob *job,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_work: Thread: the same worker. Errors: those of ovm_action_run(). */
gboolean ovm_vm_work (OvmVm *vm, const OvmDriverTask *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_end_work: on the main thread; once. @error is what ovm_vm_work() said, or %NULL. */
void ovm_vm_end_work (OvmVm *vm, const GError *error);

const OvmVmConfig *ovm_vm_get_config (OvmVm *vm);
const char *ovm_vm_get_name (OvmVm *vm);
const char *ovm_vm_get_path (OvmVm *vm);
OvmState ovm_vm_get_state (OvmVm *vm);
const char *ovm_vm_get_state_reason (OvmVm *vm);
const char *ovm_vm_get_snapshot_path (OvmVm *vm); /* OVM_NO_PATH for none */
char *ovm_vm_get_snapshot_blocker (OvmVm *vm);    /* (nullable): why no snapshot can be made now */
guint64 ovm_vm_get_last_downtime_usec (OvmVm *vm);
OvmJob *ovm_vm_get_job (OvmVm *vm); /* (nullable) (transfer none): what works on it */

/**
 * ovm_vm_begin:
 * @action: (transfer full): also when it fails
 * @done: (nullable): %NULL for a caller that does not wait: then the action's job, if it has one, is shown at once
 *
 * Errors at once: %OVM_ERROR_BUSY, %OVM_ERROR_NOT_SUPPORTED, %OVM_ERROR_INVALID_STATE, %OVM_ERROR_LIMIT_EXCEEDED, and
 * %OVM_ERROR_CANCELLED once the list of jobs is closed, but for %OVM_OPERATION_DELETE_FORCED; then @done is not
 * called. Others come to @done.
 */
gboolean ovm_vm_begin (OvmVm *vm, OvmAction *action, OvmVmDone done, gpointer user_data, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_open_console: a stream socket, or -1. Errors: %OVM_ERROR_NOT_SUPPORTED, those of the driver. */
int ovm_vm_open_console (OvmVm *vm, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_forget: takes a stopped VM away from its driver, and says `deleted`. Harmless if it is done already. */
void ovm_vm_forget (OvmVm *vm);

G_END_DECLS
