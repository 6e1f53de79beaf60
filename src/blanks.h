/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* blanks.h: a machine without content that waits for a snapshot to be restored into it */

#pragma once

#include "src/job-list.h"

G_BEGIN_DECLS

#define OVM_TYPE_BLANKS (ovm_blanks_get_type ())
G_DECLARE_FINAL_TYPE (OvmBlanks, ovm_blanks, OVM, BLANKS, GObject)

/** OVM_BLANKS_KEPT_SEC: how long one waits after the last restore. */
#define OVM_BLANKS_KEPT_SEC 2

OvmBlanks *ovm_blanks_new (OvmJobList *jobs);

/**
 * ovm_blanks_take:
 * @shape: memory size and VP count
 *
 * Thread: any. Returns: (transfer full) (nullable): a blank machine of that shape, for @driver's restore()
 */
OvmDriverSpare *ovm_blanks_take (OvmBlanks *blanks, const OvmDriver *driver, const VmmConfig *shape);

/**
 * ovm_blanks_refill:
 *
 * Has one of that shape made, on a worker, instead of any other that waits; with a driver that makes none it does
 * nothing. Thread: the main one.
 */
void ovm_blanks_refill (OvmBlanks *blanks, const OvmDriver *driver, const VmmConfig *shape);

G_END_DECLS
