/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Snapshots that hold only what has changed, or share the rest: what they take, and a restore through a chain. */

#include "config.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>

#include "tests/bench/bench-machine.h"
#include "tests/vmm/loop-place.h"
#include "vmm/machine.h"
#include "vmm/snapshot-chain.h"

#define LINKS 10u
#define CHANGED_PAGES 4000u

static double
save_incremental (BenchMachine *machine, const char *path)
{
  g_autoptr (GError) error = NULL;
  VmmSaveResult result = { 0 };

  if (!vmm_machine_save (machine->machine,
                         &(VmmSavePlan){ .directory = path, .incremental = TRUE },
                         &result,
                         &error))
    bench_check (error, "incremental save");
  return result.freeze_usec / 1e3;
}

static VmmSnapshot *
open_chain (const char *path)
{
  g_autoptr (GError) error = NULL;
  VmmSnapshot *snapshot = vmm_snapshot_open (path, &error);

  bench_check (error, path);
  if (!vmm_snapshot_open_chain (snapshot, &error))
    bench_check (error, path);
  return snapshot;
}

/* A chain of a guest that goes on writing. Returns: the path of its last snapshot (transfer full) */
static char *
make_chain (Bench *bench, BenchMachine *machine)
{
  BenchSample freeze = { 0 };
  guint64 on_disk = 0;
  guint64 changed = 0;
  char *path = bench_path (bench, "chain-base");

  (void) bench_machine_save (machine, path);
  for (guint i = 0; i < LINKS; i++)
    {
      g_autofree char *name = g_strdup_printf ("chain-%u", i);
      g_autoptr (VmmSnapshot) snapshot = NULL;

      g_free (path);
      path = bench_path (bench, name);
      g_usleep (bench->quick ? G_USEC_PER_SEC / 50 : G_USEC_PER_SEC / 10);
      bench_sample_add (&freeze, save_incremental (machine, path));
      snapshot = open_chain (path);
      on_disk += vmm_snapshot_get_size_on_disk (snapshot);
      changed += vmm_page_set_count (vmm_snapshot_get_pages (snapshot)) * VMM_PAGE_SIZE;
    }
  bench_figures_add_sample (bench->figures, "freeze_incremental_ms", &freeze, "ms");
  bench_figures_add (bench->figures, "incremental_bytes.on_disk", (double) on_disk / LINKS, "bytes each");
  bench_figures_add (bench->figures, "incremental_bytes.changed", (double) changed / LINKS, "bytes each");
  return path;
}

static void
time_restores (const char *path, guint repetitions, BenchSample *sample)
{
  for (guint i = 0; i < repetitions; i++)
    {
      double start = bench_now_ms ();
      g_autoptr (VmmSnapshot) snapshot = open_chain (path);
      g_autoptr (BenchMachine) machine = bench_machine_new_restored (snapshot);

      bench_sample_add (sample, bench_now_ms () - start);
    }
}

static gboolean
read_change (guint64 offset, guint64 length, int fd, gpointer user_data, GError **error)
{
  guint8 *buffer = user_data;

  for (guint64 done = 0; done < length; done += BENCH_MIB)
    if (vmm_file_ops_read (NULL, fd, "memory.bin", buffer, MIN (BENCH_MIB, length - done), offset + done) < 0)
      bench_die ("a snapshot cannot be read");
  return TRUE;
}

static void
time_reading (const char *path, guint repetitions, BenchSample *sample)
{
  g_autofree guint8 *buffer = g_malloc (BENCH_MIB);
  g_autoptr (VmmSnapshot) snapshot = open_chain (path);

  for (guint i = 0; i < repetitions; i++)
    {
      double start = bench_now_ms ();

      if (!vmm_snapshot_chain_foreach_change (snapshot, NULL, read_change, buffer, NULL))
        bench_die ("%s: cannot be read", path);
      bench_sample_add (sample, bench_now_ms () - start);
    }
}

/* Gives pages that lie apart another content. */
static void
change_pages (BenchMachine *machine, guint mib)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint8 page[VMM_PAGE_SIZE];
  guint64 pages = mib * BENCH_MIB / VMM_PAGE_SIZE;

  /* one in each of as many parts of RAM, from the fifth MiB on */
  for (guint i = 0; i < CHANGED_PAGES; i++)
    {
      guint64 first = 1280 + (pages - 1280) * i / CHANGED_PAGES;
      guint64 length = (pages - 1280) / CHANGED_PAGES;
      guint64 gpa = (first + (guint64) g_rand_int_range (random, 0, (gint32) length)) * VMM_PAGE_SIZE;

      memset (page, g_rand_int_range (random, 1, 256), sizeof page);
      if (!vmm_memory_write (machine->machine->memory, gpa, page, sizeof page, NULL))
        bench_die ("RAM cannot be written to");
    }
}

static void
add_sample (Bench *bench, const char *what, const char *which, BenchSample *sample)
{
  g_autofree char *key = g_strdup_printf ("restore_%s_ms.%s", what, which);

  bench_figures_add_sample (bench->figures, key, sample, "ms");
}

/* the same snapshot, over its chain and made complete */
static void
restore_chain (Bench *bench, const char *path, guint repetitions, const char *what)
{
  BenchSample chain = { 0 }, complete = { 0 }, reading = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = open_chain (path);

  time_restores (path, repetitions, &chain);
  time_reading (path, repetitions, &reading);
  if (!vmm_snapshot_consolidate (snapshot, NULL, NULL, NULL, &error))
    bench_check (error, "consolidate");
  time_restores (path, repetitions, &complete);
  add_sample (bench, what, "chain", &chain);
  add_sample (bench, what, "complete", &complete);
  add_sample (bench, what, "reading", &reading);
}

/* a chain of two, the upper of pages that lie apart */
static void
restore_scattered (Bench *bench, guint mib, guint repetitions)
{
  g_autofree char *base = bench_path (bench, "scattered-base");
  g_autofree char *over = bench_path (bench, "scattered");
  g_autoptr (BenchMachine) machine = bench_machine_new (bench, "ram-filler", mib);

  bench_machine_wait (machine, 'F');
  bench_machine_pause (machine);
  (void) bench_machine_save (machine, base);
  change_pages (machine, mib);
  (void) save_incremental (machine, over);
  bench_machine_free (g_steal_pointer (&machine));
  restore_chain (bench, over, repetitions, "scattered");
}

void
bench_chain (Bench *bench)
{
  guint mib = bench->quick ? 32 : 512;
  guint repetitions = bench->quick ? 2 : 15;
  g_autoptr (BenchMachine) machine = bench_machine_new_dirtier (bench, mib);
  g_autofree char *last = make_chain (bench, machine);

  bench_machine_free (g_steal_pointer (&machine));
  restore_chain (bench, last, repetitions, "chain");
  restore_scattered (bench, bench->quick ? 64 : 128, repetitions);
}

void
bench_space (Bench *bench)
{
  guint mib = bench->quick ? 64 : 128;
  g_autofree char *reason = NULL;
  g_autoptr (LoopPlace) place = loop_place_new ("xfs", &reason);
  g_autoptr (BenchMachine) machine = NULL;
  g_autofree char *base = NULL;
  g_autofree char *later = NULL;
  Bench placed = *bench;
  guint64 before;

  if (place == NULL)
    {
      printf ("later_complete_bytes is left out: %s\n", reason);
      return;
    }
  placed.directory = place->path;
  base = bench_path (&placed, "base");
  later = bench_path (&placed, "later");
  machine = bench_machine_new (&placed, "ram-filler", mib);
  bench_machine_wait (machine, 'F');
  bench_machine_pause (machine);
  (void) bench_machine_save (machine, base);
  change_pages (machine, mib);
  before = loop_place_get_used (place);
  (void) bench_machine_save (machine, later);
  bench_figures_add (bench->figures,
                     "later_complete_bytes.on_disk",
                     (double) (loop_place_get_used (place) - before),
                     "bytes");
  bench_figures_add (bench->figures,
                     "later_complete_bytes.changed",
                     (double) CHANGED_PAGES * VMM_PAGE_SIZE,
                     "bytes");
  bench_machine_free (g_steal_pointer (&machine)); /* which has files open there */
}
