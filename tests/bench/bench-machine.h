/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-machine.h: a machine of the product in this process, with one of the tiny guests */

#pragma once

#include "tests/bench/bench.h"
#include "vmm/memory.h"

G_BEGIN_DECLS

typedef struct
{
  VmmConfig *config;
  VmmConsole *console;
  VmmMachine *machine;
  int console_fd;
} BenchMachine;

/** bench_machine_new: runs @guest in @mib of RAM in a file. */
BenchMachine *bench_machine_new (const Bench *bench, const char *guest, guint mib);

/** bench_machine_new_restored: out of @snapshot, paused. */
BenchMachine *bench_machine_new_restored (VmmSnapshot *snapshot);

/** bench_machine_new_dirtier: page-dirtier, which has written to all its RAM and goes on at 100 MiB/s. */
BenchMachine *bench_machine_new_dirtier (const Bench *bench, guint mib);

/** bench_machine_new_around: with RAM as @memory has it, which is taken over; without a guest's state, paused. */
BenchMachine *bench_machine_new_around (const VmmConfig *config, VmmMemory *memory);
void bench_machine_free (BenchMachine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchMachine, bench_machine_free)

/** bench_machine_wait: until the guest says @byte. */
void bench_machine_wait (BenchMachine *self, char byte);
void bench_machine_say (BenchMachine *self, gconstpointer data, gsize length);

guint64 bench_machine_get_word (BenchMachine *self, guint index);
void bench_machine_set_word (BenchMachine *self, guint index, guint64 value);

void bench_machine_pause (BenchMachine *self);

/** bench_machine_save: returns how long the guest stood still, in milliseconds. */
double bench_machine_save (BenchMachine *self, const char *path);

/** bench_machine_freeze: the same of a save that is cancelled as soon as the guest runs again. */
double bench_machine_freeze (BenchMachine *self, const char *path);

/**
 * bench_machine_make_snapshot:
 * @pages: how many pages the guest changes, when it is restored, before it answers A and halts
 *
 * A snapshot of a paused guest that has written to all its RAM. Returns: its path (transfer full)
 */
char *bench_machine_make_snapshot (const Bench *bench, const char *name, guint mib, guint pages);

G_END_DECLS
