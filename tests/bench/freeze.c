/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long a guest stands still for a snapshot, and what the snapshot takes. */

#include "config.h"
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/bench-machine.h"
#include "tests/bench/floor.h"

static double
freeze_floor (Bench *bench, guint mib)
{
  g_autofree char *path = bench_path (bench, "floor-ram");
  g_autoptr (BenchFloor) floor = bench_floor_new (bench, path, mib);

  unlink (path);
  return bench_floor_freeze (floor);
}

static guint64
bytes_on_disk (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  guint64 total = 0;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);
      struct stat status;

      if (stat (path, &status) == 0)
        total += (guint64) status.st_blocks * 512;
    }
  return total;
}

/* Milliseconds to write and sync @bytes, in a plain way. */
static double
write_plainly (Bench *bench, guint64 bytes)
{
  g_autofree char *path = bench_path (bench, "plain");
  g_autofree char *block = g_malloc (BENCH_MIB);
  double start = bench_now_ms ();
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  memset (block, 0x5a, BENCH_MIB);
  for (guint64 done = 0; done < bytes; done += BENCH_MIB)
    if (write (fd, block, BENCH_MIB) != (gssize) BENCH_MIB)
      bench_die ("%s: cannot be written", path);
  if (fsync (fd) != 0)
    bench_die ("%s: cannot be synced", path);
  start = bench_now_ms () - start;
  close (fd);
  unlink (path);
  return start;
}

static double
freeze_product (Bench *bench, guint mib)
{
  g_autofree char *path = bench_path (bench, "first");
  g_autoptr (BenchMachine) machine = bench_machine_new (bench, "ram-filler", mib);

  bench_machine_wait (machine, 'F');
  return bench_machine_freeze (machine, path);
}

static double
save_product (Bench *bench, guint mib, double *whole_ms, guint64 *bytes)
{
  g_autofree char *path = bench_path (bench, "first");
  g_autoptr (BenchMachine) machine = bench_machine_new (bench, "ram-filler", mib);
  double start, freeze;

  bench_machine_wait (machine, 'F');
  start = bench_now_ms ();
  freeze = bench_machine_save (machine, path);
  *whole_ms = bench_now_ms () - start;
  *bytes = bytes_on_disk (path);
  bench_remove_tree (path);
  return freeze;
}

static void
add_per_size (Bench *bench, const char *name, guint mib, const BenchSample *sample)
{
  g_autofree char *key = g_strdup_printf ("%s.%u", name, mib);

  bench_figures_add_sample (bench->figures, key, sample, "ms");
}

/* of @repetitions @saves are saves to their end, the others are cancelled after the freeze */
static void
freeze_first_of (Bench *bench, guint mib, guint repetitions, guint saves)
{
  BenchSample freeze = { 0 }, floor = { 0 }, ratio = { 0 };
  guint64 bytes = 0;

  for (guint i = 0; i < repetitions; i++)
    {
      double whole_ms;

      bench_sample_add (&floor, freeze_floor (bench, mib));
      if (i >= saves)
        {
          bench_sample_add (&freeze, freeze_product (bench, mib));
          continue;
        }
      bench_sample_add (&freeze, save_product (bench, mib, &whole_ms, &bytes));
      bench_sample_add (&ratio, whole_ms / write_plainly (bench, mib * BENCH_MIB));
    }
  add_per_size (bench, "freeze_first_ms", mib, &freeze);
  add_per_size (bench, "freeze_floor_ms", mib, &floor);
  if (saves == 0)
    return;
  bench_figures_add_sample (bench->figures, "durable_ratio", &ratio, "");
  bench_figures_add (bench->figures, "snapshot_bytes.on_disk", bytes, "bytes");
  bench_figures_add (bench->figures, "snapshot_bytes.dirtied", (mib - 4.0) * BENCH_MIB, "bytes");
}

void
bench_freeze_first (Bench *bench)
{
  static const struct
  {
    guint mib, repetitions, saves;
  } sizes[] = { { 256, 21, 7 }, { 1024, 11, 0 }, { 4096, 3, 0 }, { 8192, 3, 0 } };

  if (bench->quick)
    {
      freeze_first_of (bench, 32, 1, 1);
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      Bench sized = bench_for_size (bench, sizes[i].mib);

      freeze_first_of (&sized, sizes[i].mib, sizes[i].repetitions, sizes[i].saves);
    }
}

void
bench_freeze_later (Bench *bench)
{
  guint mib = bench->quick ? 32 : 2048;
  guint repetitions = 2;
  g_autoptr (BenchMachine) machine = bench_machine_new_dirtier (bench, mib);
  BenchSample freeze = { 0 }, rate = { 0 };

  for (guint i = 0; i <= repetitions; i++)
    {
      g_autofree char *name = g_strdup_printf ("later-%u", i);
      g_autofree char *path = bench_path (bench, name);
      double start = bench_now_ms ();
      guint64 before = bench_machine_get_word (machine, 0);
      double freeze_ms;

      g_usleep (bench->quick ? G_USEC_PER_SEC / 10 : G_USEC_PER_SEC / 2);
      bench_sample_add (&rate,
                        (bench_machine_get_word (machine, 0) - before) * 1e3 / (bench_now_ms () - start));
      freeze_ms = bench_machine_save (machine, path);
      if (i > 0)
        bench_sample_add (&freeze, freeze_ms);
      bench_remove_tree (path);
    }
  bench_figures_add_sample (bench->figures, "freeze_later_ms", &freeze, "ms");
  bench_figures_add_sample (bench->figures, "freeze_later_dirty_mib_s", &rate, "MiB/s");
}
