/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many VMs of one snapshot, alive at once. */

#include "config.h"
#include "tests/bench/bench.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench-machine.h"
#include "tests/bench/bench-service.h"
#include "tests/bench/floor.h"

#define CALLS_AT_ONCE 4u
#define PATIENCE_MS (60 * 1000)

/* What the whole machine can still give, in KiB. */
static gint64
read_available_kib (void)
{
  FILE *file = fopen ("/proc/meminfo", "re");
  char line[256];
  long kib = 0;

  while (file != NULL && fgets (line, sizeof line, file) != NULL)
    if (sscanf (line, "MemAvailable: %ld", &kib) == 1)
      break;
  if (file != NULL)
    fclose (file);
  return kib;
}

/* @took: (out): each; how long all of them took, in ms. */
static double
clone_floor (Bench *bench, guint mib, guint n, BenchSample *took)
{
  g_autofree char *path = bench_path (bench, "floor-ram");
  g_autoptr (BenchFloor) sealed = bench_floor_new (bench, path, mib);
  g_autofree BenchFloor **clones = g_new0 (BenchFloor *, n);
  double start, all;

  unlink (path);
  bench_floor_seal (sealed);
  start = bench_now_ms ();
  for (guint i = 0; i < n; i++)
    bench_sample_add (took, bench_floor_restore (sealed, &clones[i]));
  all = bench_now_ms () - start;
  for (guint i = 0; i < n; i++)
    bench_floor_free (clones[i]);
  return all;
}

static gboolean
has_answered (BenchService *service, const char *vm)
{
  int console = bench_service_open_console (service, vm);
  struct pollfd pollfd = { .fd = console, .events = POLLIN };
  char byte = 0;
  gboolean answered = poll (&pollfd, 1, PATIENCE_MS) == 1 && read (console, &byte, 1) == 1 && byte == 'A';

  close (console);
  return answered;
}

static guint
count_answers (BenchService *service, GPtrArray *vms)
{
  guint answers = 0;

  for (guint i = 0; i < vms->len; i++)
    answers += has_answered (service, g_ptr_array_index (vms, i));
  return answers;
}

void
bench_clones (Bench *bench)
{
  guint mib = bench->quick ? 32 : 256;
  g_autoptr (GPtrArray) vms = NULL;
  g_autofree char *snapshot = bench_machine_make_snapshot (bench, "cloned", mib, 0);
  BenchSample floor = { 0 };
  g_autoptr (BenchService) service = bench_service_new (bench);
  guint64 before;
  gint64 available;
  double floor_took, start, took;

  floor_took = clone_floor (bench, mib, bench->clones, &floor);
  before = bench_service_get_memory_kib (service);
  available = read_available_kib ();
  start = bench_now_ms ();
  vms = bench_service_restore_many (service, snapshot, bench->clones, CALLS_AT_ONCE);
  took = bench_now_ms () - start;
  bench_figures_add (bench->figures,
                     "vm_overhead_kib",
                     (double) (bench_service_get_memory_kib (service) - before) / bench->clones,
                     "KiB");
  bench_figures_add (bench->figures, "clones.created_s", took / 1e3, "s");
  bench_figures_add (bench->figures, "clones.created_ms_each", took / bench->clones, "ms");
  bench_figures_add (bench->figures, "clones.floor_s", floor_took / 1e3, "s");
  bench_figures_add_sample (bench->figures, "clones.floor_ms_each", &floor, "ms");
  bench_figures_add (bench->figures,
                     "clones.machine_kib_each",
                     (double) (available - read_available_kib ()) / bench->clones,
                     "KiB");
  bench_figures_add (bench->figures, "clones.alive", count_answers (service, vms), "VMs that answered");
  bench_remove_tree (snapshot);
}
