/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* manager.h: all VMs, and how they come to be */

#pragma once

#include "src/inspector.h"
#include "src/vm-list.h"

G_BEGIN_DECLS

#define OVM_TYPE_MANAGER (ovm_manager_get_type ())
G_DECLARE_FINAL_TYPE (OvmManager, ovm_manager, OVM, MANAGER, GObject)

/** OvmManagerVmDone: @vm is %NULL if there is an @error. On the main thread, as all of these. */
typedef void (*OvmManagerVmDone) (OvmVm *vm, const GError *error, gpointer user_data);
typedef void (*OvmManagerDone) (const GError *error, gpointer user_data);

/** ovm_manager_new: @memory_directory is where RAM files without a name go. */
OvmManager *ovm_manager_new (const char *memory_directory);

OvmVmList *ovm_manager_get_vms (OvmManager *manager);
OvmJobList *ovm_manager_get_jobs (OvmManager *manager);
OvmSnapshotList *ovm_manager_get_snapshots (OvmManager *manager);
OvmInspector *ovm_manager_get_inspector (OvmManager *manager);

/**
 * ovm_manager_begin_create:
 * @config: a{sv}, see ovm_vm_config_new()
 *
 * Errors at once: those of ovm_vm_config_new(), %OVM_ERROR_NAME_IN_USE, %OVM_ERROR_UUID_IN_USE,
 * %OVM_ERROR_LIMIT_EXCEEDED; then @done is not called. Others come to @done. So with all begin functions.
 */
gboolean ovm_manager_begin_create (OvmManager *manager,
                                   const char *name,
                                   GVariant *config,
                                   OvmManagerVmDone done,
                                   gpointer user_data,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_manager_begin_restore:
 * @options: a{sv}, see ovm_vm_config_check_restore()
 * @job: (out) (transfer none): the job
 *
 * @done is called when the VM is restored, or, if the option `wait` is false, once it is defined.
 */
gboolean ovm_manager_begin_restore (OvmManager *manager,
                                    const char *name,
                                    const char *directory,
                                    GVariant *options,
                                    OvmJob **job,
                                    OvmManagerVmDone done,
                                    gpointer user_data,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_manager_add_snapshot: (transfer none): takes one that was opened into the list. */
OvmSnapshot *ovm_manager_add_snapshot (OvmManager *manager, VmmSnapshot *opened);

/** ovm_manager_close: cancels jobs and powers off all VMs; nothing new can be begun. @done says that all is over. */
void ovm_manager_close (OvmManager *manager, OvmManagerDone done, gpointer user_data);

G_END_DECLS
