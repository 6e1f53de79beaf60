/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench.h: what the parts of the benchmark share */

#pragma once

#include "tests/bench/bench-figure.h"

G_BEGIN_DECLS

/**
 * Bench:
 * @directory: empty; RAM files and snapshots go there
 * @big_directory: the same for guests of 4 GiB and more
 * @guests: where the tiny guests are
 * @openvmmd: path of the service
 * @quick: small and few
 */
typedef struct
{
  const char *directory;
  const char *big_directory;
  char *guests;
  char *openvmmd;
  gboolean quick;
  guint clones;
  BenchFigures *figures;
} Bench;

#define BENCH_MIB (1024 * 1024ull)
#define BENCH_DIRTY_MIB_PER_S 100u
#define BENCH_PAGES_CHANGED 100u /* before a guest goes back */

/** bench_die: the benchmark cannot go on: says why and ends the program. */
void bench_die (const char *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;

/** bench_check: dies of @error, if there is one. */
void bench_check (const GError *error, const char *what);

/** bench_now_ms: monotonic. */
double bench_now_ms (void);

/** bench_remove_tree: @path and all in it. */
void bench_remove_tree (const char *path);

/** bench_for_size: @bench as it is for guests of @mib: owns nothing. */
Bench bench_for_size (const Bench *bench, guint mib);

/** bench_guest_path, bench_path: (transfer full) */
char *bench_guest_path (const Bench *bench, const char *guest);
char *bench_path (const Bench *bench, const char *name);

/* the parts: each adds its figures */
void bench_freeze_first (Bench *bench);
void bench_freeze_later (Bench *bench);
void bench_chain (Bench *bench);
void bench_space (Bench *bench);
void bench_restore (Bench *bench);
void bench_clones (Bench *bench);
void bench_pause_resume (Bench *bench);
void bench_steps (Bench *bench);
void bench_working_set (Bench *bench);

G_END_DECLS
