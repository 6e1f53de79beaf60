/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * floor.h: the bare KVM calls of a freeze and of a restore, and nothing else
 *
 * No device, no check, no file format, no bus: what is left is what the kernel takes, which no VMM can be faster than
 * unless it asks the kernel for less.
 */

#pragma once

#include "tests/bench/bench.h"

G_BEGIN_DECLS

typedef struct _BenchFloor BenchFloor;

/**
 * bench_floor_new:
 * @file: the RAM file, which is made
 *
 * A running ram-filler that has written to all its RAM.
 */
BenchFloor *bench_floor_new (const Bench *bench, const char *file, guint mib);
void bench_floor_free (BenchFloor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchFloor, bench_floor_free)

/**
 * bench_floor_freeze:
 *
 * Stops the VP, reads all state, flips RAM to a private view of its file, and lets the VP run. Once a floor. Returns:
 * milliseconds
 */
double bench_floor_freeze (BenchFloor *self);

/**
 * bench_floor_seal:
 *
 * Stops the VP for good, told to answer with no page changed; its file and state are what bench_floor_restore() takes.
 */
void bench_floor_seal (BenchFloor *self);

/**
 * bench_floor_restore:
 * @clone: (out) (transfer full): what was made, still there
 *
 * From opening /dev/kvm to the guest's first byte. Returns: milliseconds
 */
double bench_floor_restore (BenchFloor *sealed, BenchFloor **clone);

G_END_DECLS
