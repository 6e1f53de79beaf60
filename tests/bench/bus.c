/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long a call takes that only stops the VP or lets it go; the floor is a call that does nothing. */

#include "config.h"
#include "tests/bench/bench.h"

#include "tests/bench/bench-machine.h"
#include "tests/bench/bench-service.h"

static void
time_call (BenchService *service,
           const char *vm,
           const char *interface,
           const char *method,
           BenchSample *sample)
{
  double start = bench_now_ms ();

  bench_service_call (service, vm, interface, method, NULL);
  bench_sample_add (sample, (bench_now_ms () - start) * 1e3);
}

void
bench_pause_resume (Bench *bench)
{
  g_autofree char *snapshot = bench_machine_make_snapshot (bench, "paused", bench->quick ? 32 : 256, 0);
  g_autoptr (BenchService) service = bench_service_new (bench);
  g_autofree char *vm = NULL;
  BenchSample calls = { 0 }, pings = { 0 };

  bench_service_begin_restore (service, "paused", snapshot, NULL);
  vm = bench_service_end_restore (service);
  for (guint i = 0; i < (bench->quick ? 10 : 100); i++)
    {
      time_call (service, vm, "org.openvmm.VM", "Pause", &calls);
      time_call (service, vm, "org.openvmm.VM", "Resume", &calls);
      time_call (service, vm, "org.freedesktop.DBus.Peer", "Ping", &pings);
    }
  bench_service_delete (service, vm);
  bench_remove_tree (snapshot);
  bench_figures_add_sample (bench->figures, "bus_pause_resume_us", &calls, "us");
  bench_figures_add_sample (bench->figures, "bus_ping_us", &pings, "us");
}
