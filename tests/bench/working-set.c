/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A restore from the disk, until the guest has used some of its RAM, here and there. In the VMM alone. */

#include "config.h"
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/bench/bench-machine.h"
#include "vmm/fd.h"

#define PATIENCE_MS (60 * 1000)

static char *
make_snapshot (Bench *bench, guint mib, guint pages)
{
  g_autoptr (BenchMachine) machine = bench_machine_new (bench, "scatter", mib);
  guint32 orders[2] = { (guint32) (mib * BENCH_MIB), pages };
  char *path = bench_path (bench, "working-set");

  bench_machine_wait (machine, '>');
  bench_machine_say (machine, orders, sizeof orders);
  bench_machine_wait (machine, 'F');
  bench_machine_pause (machine);
  (void) bench_machine_save (machine, path);
  return path;
}

/* no machine has it mapped, and it was synced when it was saved */
static void
drop_from_cache (const char *snapshot)
{
  g_autofree char *path = g_build_filename (snapshot, "memory.bin", NULL);
  VMM_AUTO_FD int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
    bench_die ("cannot drop %s from the page cache", path);
}

static gboolean
be_lazy (VmmMachine *machine, const char *record, GError **error)
{
  return TRUE;
}

static gboolean
use_working_set (VmmMachine *machine, const char *record, GError **error)
{
  return vmm_machine_use_working_set (machine, record, NULL, NULL, NULL, error);
}

static gboolean
populate (VmmMachine *machine, const char *record, GError **error)
{
  return vmm_machine_populate (machine, NULL, NULL, NULL, error);
}

typedef gboolean (*Prefetch) (VmmMachine *machine, const char *record, GError **error);

static BenchMachine *
restore (const char *path, const char *record, Prefetch prefetch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  BenchMachine *machine;

  bench_check (error, "open");
  machine = bench_machine_new_restored (snapshot);
  if (!prefetch (machine->machine, record, &error) || !vmm_machine_resume (machine->machine, &error))
    bench_check (error, "restore");
  bench_machine_say (machine, "g", 1);
  bench_machine_wait (machine, 'A');
  return machine;
}

static void
make_record (const char *path, const char *record)
{
  g_autoptr (BenchMachine) machine = NULL;
  double deadline = bench_now_ms () + PATIENCE_MS;

  drop_from_cache (path);
  machine = restore (path, record, use_working_set);
  while (!g_file_test (record, G_FILE_TEST_EXISTS))
    {
      if (bench_now_ms () > deadline)
        bench_die ("there is no record of the working set");
      g_usleep (10000);
    }
}

void
bench_working_set (Bench *bench)
{
  static const struct
  {
    const char *key;
    Prefetch prefetch;
  } ways[] = {
    { "restore_working_set_ms.lazy", be_lazy },
    { "restore_working_set_ms.recorded", use_working_set },
    { "restore_working_set_ms.populate", populate },
  };
  guint mib = bench->quick ? 32 : 512;
  guint pages = bench->quick ? 256 : 4096;
  guint repetitions = bench->quick ? 1 : 5;
  g_autofree char *path = make_snapshot (bench, mib, pages);
  g_autofree char *record = bench_path (bench, "record");
  BenchSample samples[G_N_ELEMENTS (ways)] = { 0 };

  make_record (path, record);
  for (guint i = 0; i < repetitions; i++)
    for (gsize way = 0; way < G_N_ELEMENTS (ways); way++)
      {
        g_autoptr (BenchMachine) machine = NULL;
        double start;

        drop_from_cache (path);
        start = bench_now_ms ();
        machine = restore (path, record, ways[way].prefetch);
        bench_sample_add (&samples[way], bench_now_ms () - start);
      }
  for (gsize way = 0; way < G_N_ELEMENTS (ways); way++)
    bench_figures_add_sample (bench->figures, ways[way].key, &samples[way], "ms");
  bench_remove_tree (path);
}
