/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* name.h: names of VMs, and the paths of objects on the bus */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define OVM_BUS_NAME "org.openvmm.Manager"
#define OVM_ROOT_PATH "/org/openvmm"
#define OVM_MANAGER_PATH OVM_ROOT_PATH "/Manager"
#define OVM_NO_PATH "/" /* what a property of type o says for "none" */

#define OVM_NAME_LENGTH_MAX 64

/** ovm_name_check: 1 to 64 of [A-Za-z0-9._-], beginning with a letter or digit. Errors: %OVM_ERROR_INVALID_NAME. */
gboolean ovm_name_check (const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_name_escape: one element of an object path, as sd_bus_path_encode() makes it. */
char *ovm_name_escape (const char *name);

char *ovm_name_vm_path (const char *name);
char *ovm_name_snapshot_path (const char *uuid); /* '_' for each '-' */
char *ovm_name_job_path (guint64 number);

G_END_DECLS
