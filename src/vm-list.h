/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vm-list.h: the VMs the service has, and the names and UUIDs that are taken */

#pragma once

#include "src/vm.h"

G_BEGIN_DECLS

#define OVM_TYPE_VM_LIST (ovm_vm_list_get_type ())
G_DECLARE_FINAL_TYPE (OvmVmList, ovm_vm_list, OVM, VM_LIST, GObject)

#define OVM_VM_LIST_MAX 4096
#define OVM_VM_LIST_BUS_SIZE_MAX (10 * 1024 * 1024) /* bytes, see ovm_vm_config_get_bus_size() */

/** ovm_vm_list_new: signals are `added` and `removed`, each with the #OvmVm. On the main thread, but for UUIDs. */
OvmVmList *ovm_vm_list_new (void);

/**
 * ovm_vm_list_reserve_name:
 *
 * Takes @name for a VM in the making, which counts from now on.
 *
 * Errors: %OVM_ERROR_NAME_IN_USE, %OVM_ERROR_LIMIT_EXCEEDED.
 */
gboolean ovm_vm_list_reserve_name (OvmVmList *list,
                                   const char *name,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_list_release_name: of a VM that was not made after all. */
void ovm_vm_list_release_name (OvmVmList *list, const char *name);

/**
 * ovm_vm_list_reserve_config:
 *
 * Takes the UUID of @config, and room on the bus for what is said of its VM.
 *
 * Thread: any, as the next. Errors: %OVM_ERROR_UUID_IN_USE, %OVM_ERROR_LIMIT_EXCEEDED.
 */
gboolean ovm_vm_list_reserve_config (OvmVmList *list,
                                     const OvmVmConfig *config,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_list_release_uuid: and the room that was taken with it. */
void ovm_vm_list_release_uuid (OvmVmList *list, const char *uuid);

/** ovm_vm_list_add: @vm takes over its name and its config, which were reserved, and gives them back when deleted. */
void ovm_vm_list_add (OvmVmList *list, OvmVm *vm);

/** ovm_vm_list_lookup: (transfer none): Errors: %OVM_ERROR_NO_SUCH_VM, also while it is in the making. */
OvmVm *ovm_vm_list_lookup (OvmVmList *list, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_vm_list_get_all: (transfer container): sorted by name. */
GPtrArray *ovm_vm_list_get_all (OvmVmList *list);

/** ovm_vm_list_get_length: those in the making, too. */
guint ovm_vm_list_get_length (OvmVmList *list);

G_END_DECLS
