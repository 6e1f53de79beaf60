/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* caller.h: who calls */

#pragma once

#include "src/job.h"

G_BEGIN_DECLS

/**
 * ovm_caller_note:
 *
 * Asks the bus which user made the call, once @job is shown, and notes it there when the answer comes.
 */
void ovm_caller_note (GDBusMethodInvocation *invocation, OvmJob *job);

G_END_DECLS
