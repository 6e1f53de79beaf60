/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/bench-machine.h"

#include <poll.h>
#include <unistd.h>
#include <x86intrin.h>

#include "vmm/machine.h"

#define MAILBOX 0x200000u
#define PATIENCE_MS (120 * 1000)

static void
on_event (VmmEvent event, const char *reason, gpointer user_data)
{
  bench_die ("a guest came to its end: %s", reason);
}

BenchMachine *
bench_machine_new (const Bench *bench, const char *guest, guint mib)
{
  BenchMachine *self = g_new0 (BenchMachine, 1);
  g_autoptr (GError) error = NULL;

  self->config = vmm_config_new ();
  self->config->name = g_strdup ("bench");
  self->config->memory_size = mib * BENCH_MIB;
  self->config->memory_directory = g_strdup (bench->directory);
  self->config->kernel = bench_guest_path (bench, guest);
  self->console = vmm_console_new (NULL, &error);
  bench_check (error, "console");
  self->machine = vmm_machine_new (self->config, self->console, on_event, self, &error);
  bench_check (error, "machine");
  self->console_fd = vmm_console_open (self->console, &error);
  bench_check (error, "console");
  if (!vmm_machine_resume (self->machine, &error))
    bench_check (error, "resume");
  return self;
}

BenchMachine *
bench_machine_new_restored (VmmSnapshot *snapshot)
{
  BenchMachine *self = g_new0 (BenchMachine, 1);
  g_autoptr (GError) error = NULL;

  self->config = vmm_config_copy (vmm_snapshot_get_config (snapshot));
  self->console = vmm_console_new (NULL, &error);
  bench_check (error, "console");
  self->machine =
      vmm_machine_new_from_snapshot (snapshot, self->config, self->console, on_event, self, &error);
  bench_check (error, "machine");
  self->console_fd = vmm_console_open (self->console, &error);
  bench_check (error, "console");
  return self;
}

BenchMachine *
bench_machine_new_around (const VmmConfig *config, VmmMemory *memory)
{
  BenchMachine *self = g_new0 (BenchMachine, 1);
  g_autoptr (GError) error = NULL;

  self->config = vmm_config_copy (config);
  self->console = vmm_console_new (NULL, &error);
  bench_check (error, "console");
  self->machine = vmm_machine_assemble (self->config, memory, self->console, on_event, self, &error);
  bench_check (error, "machine");
  self->console_fd = vmm_console_open (self->console, &error);
  bench_check (error, "console");
  return self;
}

void
bench_machine_wait (BenchMachine *self, char byte)
{
  char got = 0;

  while (got != byte)
    {
      struct pollfd pollfd = { .fd = self->console_fd, .events = POLLIN };

      if (poll (&pollfd, 1, PATIENCE_MS) != 1 || read (self->console_fd, &got, 1) != 1)
        bench_die ("the guest has not said '%c'", byte);
    }
}

void
bench_machine_say (BenchMachine *self, gconstpointer data, gsize length)
{
  if (write (self->console_fd, data, length) != (gssize) length)
    bench_die ("the guest's console does not take input");
}

/* Cycles of the time-stamp counter in which the guest is to dirty a MiB. */
static guint32
cycles_per_mib (void)
{
  double start = bench_now_ms ();
  guint64 first = __rdtsc ();

  g_usleep (50000);
  return (guint32) ((__rdtsc () - first) * 1000.0 / (bench_now_ms () - start) / BENCH_DIRTY_MIB_PER_S);
}

BenchMachine *
bench_machine_new_dirtier (const Bench *bench, guint mib)
{
  BenchMachine *self = bench_machine_new (bench, "page-dirtier", mib);
  guint32 orders[2] = { mib * BENCH_MIB, cycles_per_mib () };

  bench_machine_wait (self, '>');
  bench_machine_say (self, orders, sizeof orders);
  bench_machine_wait (self, 'F');
  return self;
}

void
bench_machine_free (BenchMachine *self)
{
  if (self == NULL)
    return;
  close (self->console_fd);
  vmm_machine_free (self->machine);
  vmm_console_free (self->console);
  vmm_config_free (self->config);
  g_free (self);
}

guint64
bench_machine_get_word (BenchMachine *self, guint index)
{
  g_autoptr (GError) error = NULL;
  guint64 word = 0;

  if (!vmm_memory_read (self->machine->memory, MAILBOX + index * 8, &word, sizeof word, &error))
    bench_check (error, "mailbox");
  return word;
}

void
bench_machine_set_word (BenchMachine *self, guint index, guint64 value)
{
  g_autoptr (GError) error = NULL;

  if (!vmm_memory_write (self->machine->memory, MAILBOX + index * 8, &value, sizeof value, &error))
    bench_check (error, "mailbox");
}

void
bench_machine_pause (BenchMachine *self)
{
  g_autoptr (GError) error = NULL;

  if (!vmm_machine_pause (self->machine, &error))
    bench_check (error, "pause");
}

double
bench_machine_save (BenchMachine *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  VmmSaveResult result = { 0 };

  if (!vmm_machine_save (self->machine, &(VmmSavePlan){ .directory = path }, &result, &error))
    bench_check (error, "save");
  return result.freeze_usec / 1e3;
}

static void
cancel (guint64 done_bytes, guint64 total_bytes, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

double
bench_machine_freeze (BenchMachine *self, const char *path)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  VmmSavePlan plan = {
    .directory = path,
    .progress = cancel,
    .progress_data = cancellable,
    .cancellable = cancellable,
  };
  VmmSaveResult result;

  if (vmm_machine_save (self->machine, &plan, &result, &error))
    bench_die ("%s: the save was over before it could be cancelled", path);
  if (!g_error_matches (error, VMM_ERROR, VMM_ERROR_CANCELLED))
    bench_check (error, "save");
  return result.freeze_usec / 1e3;
}

char *
bench_machine_make_snapshot (const Bench *bench, const char *name, guint mib, guint pages)
{
  g_autoptr (BenchMachine) machine = bench_machine_new (bench, "ram-filler", mib);
  char *path = bench_path (bench, name);

  bench_machine_wait (machine, 'F');
  bench_machine_pause (machine);
  bench_machine_set_word (machine, 1, pages + 1);
  (void) bench_machine_save (machine, path);
  return path;
}
