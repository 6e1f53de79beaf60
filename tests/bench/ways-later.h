/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ways-later.h: ways to get RAM that is a private view already out to a file */

#pragma once

#include "tests/bench/bench.h"

G_BEGIN_DECLS

/**
 * bench_ways_later:
 * @mib: RAM of the guest, which writes to 100 MiB of it a second
 *
 * Prints a table: how long the guest stands still, how long until all is written, and how fast the guest is meanwhile.
 */
void bench_ways_later (const Bench *bench, guint mib, guint repetitions);

G_END_DECLS
