/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* status.h: how openvmmctl ends, and how it words what the bus says */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * OvmCtlStatus:
 *
 * Exit statuses; scripts depend on the numbers, and openvmmctl(1) lists them. They are also the codes of
 * %OVM_CTL_ERROR, for what the client itself finds wrong.
 */
typedef enum
{
  OVM_CTL_STATUS_OK = 0,
  OVM_CTL_STATUS_FAILED = 1,         /* it was tried and went wrong */
  OVM_CTL_STATUS_USAGE = 2,          /* the command line, or a value in it, is wrong */
  OVM_CTL_STATUS_NOT_FOUND = 3,      /* no such VM, snapshot or file */
  OVM_CTL_STATUS_NOT_AUTHORIZED = 4, /* not allowed to */
  OVM_CTL_STATUS_UNREACHABLE = 5,    /* no bus, no service on it, or it went away */
  OVM_CTL_STATUS_CONFLICT = 6,       /* not in this state, busy, or the name is taken */
  OVM_CTL_STATUS_BAD_SNAPSHOT = 7,   /* the snapshot is damaged or does not fit this host */
  OVM_CTL_STATUS_CANCELLED = 130,    /* Ctrl-C, as shells count it */
} OvmCtlStatus;

#define OVM_CTL_ERROR (ovm_ctl_error_quark ())
GQuark ovm_ctl_error_quark (void);

/** ovm_ctl_status_from_error: the exit status that @error calls for; never %OVM_CTL_STATUS_OK. */
OvmCtlStatus ovm_ctl_status_from_error (const GError *error);

/**
 * ovm_ctl_status_get_error_name:
 *
 * Returns: (transfer full): the name @error had on the bus, or one of ours, org.openvmm.Ctl.Error.*
 */
char *ovm_ctl_status_get_error_name (const GError *error);

/**
 * ovm_ctl_status_describe:
 *
 * The meaning of the error's name in the user's language, then what the service said in detail. Fit for a
 * terminal: control characters are made visible.
 *
 * Returns: (transfer full): one line without a full stop
 */
char *ovm_ctl_status_describe (const GError *error);

/**
 * ovm_ctl_status_get_bus_error:
 * @index: from 0
 *
 * Walks the error names that are known here.
 *
 * Returns: (nullable): a name, or %NULL after the last
 */
const char *ovm_ctl_status_get_bus_error (guint index);

G_END_DECLS
