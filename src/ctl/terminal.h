/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* terminal.h: a terminal that passes every key on, and is put back afterwards */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OvmCtlTerminal OvmCtlTerminal;

/**
 * ovm_ctl_terminal_new:
 * @fd: a terminal; must stay open until ovm_ctl_terminal_free()
 *
 * Switches @fd to raw mode: no echo, no line editing, no signals from keys.
 *
 * Errors: %OVM_CTL_STATUS_FAILED.
 */
OvmCtlTerminal *ovm_ctl_terminal_new (int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_ctl_terminal_free: puts the terminal back as it was found. */
void ovm_ctl_terminal_free (OvmCtlTerminal *terminal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OvmCtlTerminal, ovm_ctl_terminal_free)

G_END_DECLS
