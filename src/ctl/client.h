/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* client.h: the service, as seen from here */

#pragma once

#include "dbus/openvmm-dbus.h"
#include "src/ctl/ctl.h"

G_BEGIN_DECLS

/** OVM_CTL_NO_TIMEOUT: for methods that answer when their work is done */
#define OVM_CTL_NO_TIMEOUT G_MAXINT

/**
 * ovm_ctl_client_get_manager:
 *
 * Connects, and starts the service if the bus can.
 *
 * Errors: %OVM_CTL_STATUS_UNREACHABLE, saying how to start it.
 */
OvmDBusManager *ovm_ctl_client_get_manager (OvmCtl *ctl, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_ctl_client_get_vm:
 *
 * Errors: what the service says to GetVM.
 */
OvmDBusVM *ovm_ctl_client_get_vm (OvmDBusManager *manager,
                                  const char *name,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_ctl_client_get_vm_at: the VM at an object path the service gave */
OvmDBusVM *ovm_ctl_client_get_vm_at (OvmDBusManager *manager,
                                     const char *path,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_ctl_client_get_snapshot_at: the snapshot at an object path the service gave */
OvmDBusSnapshot *ovm_ctl_client_get_snapshot_at (OvmDBusManager *manager,
                                                 const char *path,
                                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_ctl_client_find_snapshot:
 * @word: directory, relative to ours or absolute, or UUID
 *
 * Errors: %OVM_CTL_STATUS_NOT_FOUND if the service knows no such snapshot.
 */
OvmDBusSnapshot *ovm_ctl_client_find_snapshot (OvmDBusManager *manager,
                                               const char *word,
                                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_ctl_client_list:
 * @interface: such as "org.openvmm.VM"
 *
 * Returns: (transfer full) (element-type GDBusProxy): every object that has @interface, by object path
 */
GPtrArray *ovm_ctl_client_list (OvmDBusManager *manager,
                                const char *interface,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_ctl_client_open_snapshot: the snapshot in @directory, also one that the service has not seen yet. */
OvmDBusSnapshot *ovm_ctl_client_open_snapshot (OvmDBusManager *manager,
                                               const char *directory,
                                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_ctl_client_describe:
 *
 * Returns: (transfer floating): a{sv} of all properties under their names on the bus, and Path
 */
GVariant *ovm_ctl_client_describe (GDBusProxy *proxy);

/**
 * ovm_ctl_client_get_vm_path:
 *
 * Returns: (transfer full): the object path that a VM of this name has or would have, see dbus/org.openvmm.VM.xml
 */
char *ovm_ctl_client_get_vm_path (const char *name);

/**
 * ovm_ctl_client_make_absolute:
 *
 * Behind a symbolic link ".." leads elsewhere than the text says, so the service takes no snapshot's directory with it:
 * here it is resolved as the kernel does, unless there is nothing that it leads to.
 *
 * Returns: (transfer full): @path as the service needs it, which has another working directory; an empty one
 * stays empty
 */
char *ovm_ctl_client_make_absolute (const char *path);

G_END_DECLS
