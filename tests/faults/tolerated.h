/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tolerated.h: calls whose failure is no failure of the operation that makes them */

#pragma once

#include "tests/faults/fault-calls.h"

G_BEGIN_DECLS

/**
 * tolerated_check:
 * @tally: of a run of @operation that succeeded although a call failed
 * @seen: of strings; empty before the first run of @operation, and changed only here
 *
 * Fails the test if @operation should have failed, too. What was seen is known by name and number of the call: the
 * number among all calls would not do, as what a guest does meanwhile can make it another one next time.
 */
void tolerated_check (const char *operation, const FaultTally *tally, GHashTable *seen);

G_END_DECLS
