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

typedef struct
{
  int fd;
  double came_ms;
} Watch;

/* A console's log gets its first byte. */
static gpointer
watch_thread (gpointer data)
{
  Watch *watch = data;
  struct pollfd pollfd = { .fd = watch->fd, .events = POLLIN };

  if (poll (&pollfd, 1, PATIENCE_MS) != 1)
    bench_die ("the restored guest has not answered");
  watch->came_ms = bench_now_ms ();
  return NULL;
}

static double
restore_product (Bench *bench, BenchService *service, const char *snapshot, guint i)
{
  g_autofree char *name = g_strdup_printf ("restored%u", i);
  g_autofree char *log = bench_path (bench, "console.log");
  g_autofree char *vm = NULL;
  Watch watch = { .fd = inotify_init1 (IN_CLOEXEC) };
  g_autoptr (GThread) thread = NULL;
  double start;
  int fd = open (log, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

  close (fd);
  if (watch.fd < 0 || inotify_add_watch (watch.fd, log, IN_MODIFY) < 0)
    bench_die ("cannot watch %s", log);
  thread = g_thread_new ("watch", watch_thread, &watch);
  start = bench_now_ms ();
  vm = bench_service_restore (service, name, snapshot, log);
  g_thread_join (g_steal_pointer (&thread));
  bench_service_delete (service, vm);
  close (watch.fd);
  return watch.came_ms - start;
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
    bench_sample_add (&prepared, restore_prepared (bench, service, snapshot, i));
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
  g_autofree char *vm = bench_service_restore (service, "goingback", snapshot, NULL);
  int console = bench_service_open_console (service, vm);
  BenchSample took = { 0 };

  wait_answer (console);
  for (guint i = 0; i < repetitions; i++)
    {
      GVariantDict options;
      double start = bench_now_ms ();

      g_variant_dict_init (&options, NULL);
      g_variant_dict_insert (&options, "paused", "b", FALSE);
      bench_service_call_vm (service,
                             vm,
                             "Restore",
                             g_variant_new ("(s@a{sv})", snapshot, g_variant_dict_end (&options)));
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
