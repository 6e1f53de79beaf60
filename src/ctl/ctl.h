/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ctl.h: what all commands of openvmmctl share
 *
 * A command is one file that defines one const OvmCtlCommand; its name in the list of src/ctl/meson.build puts it
 * into ovm_ctl_commands.
 */

#pragma once

#include "src/ctl/status.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _OvmCtl OvmCtl;

/**
 * OvmCtlCommand:
 * @name: the word on the command line
 * @arguments: what follows it, for the usage line; translatable
 * @summary: one line without a full stop; translatable
 * @help: (nullable): paragraphs after the list of options, examples last; translatable
 * @run: does the work; @args are the words after the command
 *
 * @run begins with ovm_ctl_parse().
 */
typedef struct
{
  const char *name;
  const char *arguments;
  const char *summary;
  const char *help;
  OvmCtlStatus (*run) (OvmCtl *ctl, const char *const *args);
} OvmCtlCommand;

/** ovm_ctl_commands: every command there is, %NULL-terminated, in the order of --help. */
extern const OvmCtlCommand *const ovm_ctl_commands[];

/**
 * OvmCtl:
 * @command: (nullable): the command that runs
 * @bus_type: the bus to use
 * @json: whether to print JSON
 * @status: how to end, where ovm_ctl_parse() says so
 *
 * One run of the program.
 */
struct _OvmCtl
{
  const OvmCtlCommand *command;
  GBusType bus_type;
  gboolean json;
  OvmCtlStatus status;
};

/** ovm_ctl_main: the whole program, but for the set-up of the locale. @argv is not changed. */
OvmCtlStatus ovm_ctl_main (const char *const *argv);

/**
 * ovm_ctl_parse:
 * @args: the words after the command
 * @entries: (nullable): the command's own options, without --help, --json, --session and --system
 * @min: fewest words that are not options
 * @max: most of them
 * @words: (out) (transfer full): the words that are not options
 *
 * Returns: %FALSE if the command shall return @ctl->status at once; all there is to say was said
 */
gboolean ovm_ctl_parse (OvmCtl *ctl,
                        const char *const *args,
                        const GOptionEntry *entries,
                        guint min,
                        guint max,
                        char ***words) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_ctl_fail:
 * @error: (transfer full): why
 *
 * Reports @error on stderr, as JSON if that was asked for.
 *
 * Returns: the status to end with
 */
OvmCtlStatus ovm_ctl_fail (OvmCtl *ctl, GError *error);

/**
 * ovm_ctl_print_json:
 * @value: printed on a line of its own; consumed if floating
 */
void ovm_ctl_print_json (GVariant *value);

G_END_DECLS
