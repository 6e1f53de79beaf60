/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the time of a freeze, of a restore and of going back goes, in the VMM alone, without bus and service. */

#include "config.h"
#include "tests/bench/bench.h"

#include "tests/bench/bench-machine.h"
#include "vmm/machine.h"
#include "vmm/snapshot.h"

typedef struct
{
  const char *name;
  const char *const *steps;
  guint n;
  BenchSample samples[4];
  double last_ms;
} Steps;

static void
begin (Steps *steps)
{
  steps->last_ms = bench_now_ms ();
}

static void
step (Steps *steps, guint i)
{
  double now = bench_now_ms ();

  bench_sample_add (&steps->samples[i], now - steps->last_ms);
  steps->last_ms = now;
}

static void
report (Bench *bench, const Steps *steps)
{
  for (guint i = 0; i < steps->n; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s.%s", steps->name, steps->steps[i]);

      bench_figures_add_sample (bench->figures, key, &steps->samples[i], "ms");
    }
}

static void
freeze_by_step (Bench *bench, guint mib, guint repetitions)
{
  static const char *const names[] = { "stop", "state", "flip", "run" };
  Steps steps = { .name = "freeze_step_ms", .steps = names, .n = G_N_ELEMENTS (names) };

  for (guint i = 0; i < repetitions; i++)
    {
      g_autoptr (BenchMachine) machine = bench_machine_new (bench, "ram-filler", mib);
      g_autoptr (VmmSavedState) state = NULL;
      g_autoptr (GError) error = NULL;
      gboolean ok;

      bench_machine_wait (machine, 'F');
      g_mutex_lock (&machine->machine->lock);
      ok = vmm_memory_prepare_flip (machine->machine->memory, &error);
      vmm_machine_rehearse_save (machine->machine);
      begin (&steps);
      ok = ok && vmm_machine_stop_vps_locked (machine->machine, &error);
      step (&steps, 0);
      state = ok ? vmm_machine_save_state (machine->machine, &error) : NULL;
      step (&steps, 1);
      ok = state != NULL && vmm_memory_flip (machine->machine->memory, -1, &error);
      step (&steps, 2);
      ok = ok && vmm_machine_release_vps_locked (machine->machine, &error);
      step (&steps, 3);
      g_mutex_unlock (&machine->machine->lock);
      bench_check (error, "freeze by step");
    }
  report (bench, &steps);
}

static void
restore_by_step (Bench *bench, const char *path, guint repetitions)
{
  static const char *const names[] = { "open", "build", "run", "answer" };
  Steps steps = { .name = "restore_step_ms", .steps = names, .n = G_N_ELEMENTS (names) };

  for (guint i = 0; i < repetitions; i++)
    {
      g_autoptr (VmmSnapshot) snapshot = NULL;
      g_autoptr (BenchMachine) machine = NULL;
      g_autoptr (GError) error = NULL;

      begin (&steps);
      snapshot = vmm_snapshot_open (path, &error);
      bench_check (error, "open");
      step (&steps, 0);
      machine = bench_machine_new_restored (snapshot);
      step (&steps, 1);
      if (!vmm_machine_resume (machine->machine, &error))
        bench_check (error, "resume");
      step (&steps, 2);
      bench_machine_wait (machine, 'A');
      step (&steps, 3);
    }
  report (bench, &steps);
}

static void
go_back_in_process (Bench *bench, const char *path, guint repetitions)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  g_autoptr (BenchMachine) machine = NULL;
  BenchSample sample = { 0 };

  bench_check (error, "open");
  machine = bench_machine_new_restored (snapshot);
  if (!vmm_machine_resume (machine->machine, &error))
    bench_check (error, "resume");
  for (guint i = 0; i < repetitions; i++)
    {
      double start;

      bench_machine_wait (machine, 'A');
      start = bench_now_ms ();
      if (!vmm_machine_go_back (machine->machine, snapshot, FALSE, &error))
        bench_check (error, "go back");
      bench_sample_add (&sample, bench_now_ms () - start);
    }
  bench_figures_add_sample (bench->figures, "go_back_without_bus_ms", &sample, "ms");
}

void
bench_steps (Bench *bench)
{
  guint mib = bench->quick ? 32 : 256;
  guint repetitions = bench->quick ? 2 : 15;
  g_autofree char *path = bench_machine_make_snapshot (bench, "steps", mib, BENCH_PAGES_CHANGED);

  freeze_by_step (bench, mib, bench->quick ? 2 : 5);
  restore_by_step (bench, path, repetitions);
  go_back_in_process (bench, path, repetitions);
  bench_remove_tree (path);
}
