/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* verb.h: one simple thing done to each of several VMs */

#pragma once

#include "src/ctl/client.h"

G_BEGIN_DECLS

typedef gboolean (*OvmCtlVerb) (OvmDBusVM *vm, gpointer user_data, GError **error);

/**
 * ovm_ctl_verb_run:
 * @names: of VMs
 *
 * Does @verb to each in turn; one that fails does not keep the others from their turn. With --json, prints an
 * array with Name, Path and State of each that succeeded; a deleted one has no State.
 *
 * Returns: the status of the first that failed
 */
OvmCtlStatus ovm_ctl_verb_run (OvmCtl *ctl, const char *const *names, OvmCtlVerb verb, gpointer user_data);

/**
 * ovm_ctl_verb_run_plain:
 *
 * As ovm_ctl_verb_run(), with the command line parsed: a verb that has no options of its own.
 */
OvmCtlStatus ovm_ctl_verb_run_plain (OvmCtl *ctl, const char *const *args, OvmCtlVerb verb);

G_END_DECLS
