/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the call on the bus to the guest's first byte, and back in place. */

#include "config.h"
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/bench/bench-machine.h"
#include "tests/bench/bench-service.h"
#include "tests/bench/floor.h"

#define PATIENCE_MS (60 * 1000)

/* A console's log gets its first byte. */
static void
wait_for_log (int watch)
{
  struct pollfd pollfd = { .fd = watch, .events = POLLIN };

  if (poll (&pollfd, 1, PATIENCE_MS) != 1)
    bench_die ("the restored guest has not answered");
}

static double
restore_product (Bench *bench, BenchService *service, const char *snapshot, guint i)
{
  g_autofree char *name = g_strdup_printf ("restored%u", i);
  g_autofree char *log = bench_path (bench, "console.log");
  g_autofree char *vm = NULL;
  int watch = inotify_init1 (IN_CLOEXEC);
  double start, took;
  int fd = open (log, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

  close (fd);
  if (watch < 0 || inotify_add_watch (watch, log, IN_MODIFY) < 0)
    bench_die ("cannot watch %s", log);
  start = bench_now_ms ();
  bench_service_begin_restore (service, name, snapshot, log);
  wait_for_log (watch);
  took = bench_now_ms () - start;
  vm = bench_service_end_restore (service);
  bench_service_delete (service, vm);
  close (watch);
  return took;
}

/* the same, when a clone of it waits */
static double
restore_prepared (Bench *bench, BenchService *service, const char *snapshot, guint i)
{
  bench_service_prepare (service, snapshot, 1);
  return restore_product (bench, service, snapshot, i);
}

static double
restore_floor (BenchFloor *sealed)
{
  BenchFloor *clone;
  double took = bench_floor_restore (sealed, &clone);

  bench_floor_free (clone);
  return took;
}

static void
add_per_size (Bench *bench, const char *name, guint mib, const BenchSample *sample)
{
  g_autofree char *key = g_strdup_printf ("%s.%u", name, mib);

  bench_figures_add_sample (bench->figures, key, sample, "ms");
}

static void
restore_of (Bench *bench, BenchService *service, guint mib, guint repetitions)
{
  g_autofree char *name = g_strdup_printf ("restore-%u", mib);
  g_autofree char *snapshot = bench_machine_make_snapshot (bench, name, mib, 0);
  g_autofree char *floor_file = bench_path (bench, "floor-ram");
  BenchFloor *sealed;
  BenchSample restore = { 0 }, prepared = { 0 }, floor = { 0 };

  sealed = bench_floor_new (bench, floor_file, mib);
  unlink (floor_file);
  bench_floor_seal (sealed);
  for (guint i = 0; i < repetitions; i++)
    {
      bench_sample_add (&floor, restore_floor (sealed));
      bench_sample_add (&restore, restore_product (bench, service, snapshot, i));
    }
  for (guint i = 0; i < repetitions; i++)
    {
      bench_sample_add (&floor, restore_floor (sealed));
      bench_sample_add (&prepared, restore_prepared (bench, service, snapshot, i));
    }
  bench_service_prepare (service, snapshot, 0);
  bench_floor_free (sealed);
  bench_remove_tree (snapshot);
  add_per_size (bench, "restore_first_answer_ms", mib, &restore);
  add_per_size (bench, "restore_floor_ms", mib, &floor);
  if (mib <= 256)
    bench_figures_add_sample (bench->figures, "restore_prepared_ms", &prepared, "ms");
  else
    add_per_size (bench, "restore_prepared_big_ms", mib, &prepared);
}

static void
wait_answer (int console)
{
  char byte = 0;

  while (byte != 'A')
    {
      struct pollfd pollfd = { .fd = console, .events = POLLIN };

      if (poll (&pollfd, 1, PATIENCE_MS) != 1 || read (console, &byte, 1) != 1)
        bench_die ("the guest has not answered");
    }
}

/* The guest, each time it is put back, changes pages, answers, and halts. */
static void
go_back (Bench *bench, BenchService *service, guint mib, guint repetitions)
{
  g_autofree char *snapshot = bench_machine_make_snapshot (bench, "go-back", mib, BENCH_PAGES_CHANGED);
  g_autofree char *vm = NULL;
  BenchSample took = { 0 };
  int console;

  bench_service_begin_restore (service, "goingback", snapshot, NULL);
  vm = bench_service_end_restore (service);
  console = bench_service_open_console (service, vm);
  wait_answer (console);
  for (guint i = 0; i < repetitions; i++)
    {
      double start = bench_now_ms ();

      bench_service_call_vm (service, vm, "Restore", "sa{sv}", snapshot, 1, "paused", "b", FALSE);
      bench_sample_add (&took, bench_now_ms () - start);
      wait_answer (console);
    }
  close (console);
  bench_service_delete (service, vm);
  bench_remove_tree (snapshot);
  bench_figures_add_sample (bench->figures, "go_back_ms", &took, "ms");
}

void
bench_restore (Bench *bench)
{
  g_autoptr (BenchService) service = bench_service_new (bench);
  Bench sized;

  if (bench->quick)
    {
      restore_of (bench, service, 32, 1);
      go_back (bench, service, 32, 5);
      return;
    }
  restore_of (bench, service, 256, 15);
  sized = bench_for_size (bench, 4096);
  restore_of (&sized, service, 4096, 9);
  go_back (bench, service, 256, 50);
}
