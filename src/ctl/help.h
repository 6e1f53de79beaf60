/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* help.h: what --help says */

#pragma once

#include "src/ctl/ctl.h"

G_BEGIN_DECLS

/** ovm_ctl_help_new_context: (transfer full): a context that can explain @command, without options yet */
GOptionContext *ovm_ctl_help_new_context (const OvmCtlCommand *command);

/** ovm_ctl_help_print_command: usage, options and examples of @command, on stdout */
void ovm_ctl_help_print_command (GOptionContext *context, const OvmCtlCommand *command);

/** ovm_ctl_help_print: the whole program: commands, options, environment, exit statuses, a first session */
void ovm_ctl_help_print (void);

G_END_DECLS
