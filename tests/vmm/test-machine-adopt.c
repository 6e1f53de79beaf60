/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/vmm/tiny-machine.h"
#include "vmm/acpi.h"
#include "vmm/fd.h"

#define HOUR_NS (3600 * G_GUINT64_CONSTANT (1000000000))
#define WAIT_NS 200000000u
#define SLACK_NS (100 * G_GUINT64_CONSTANT (1000000000)) /* for a loaded host */

typedef struct
{
  guint8 bytes[VMM_GENERATION_ID_SIZE];
} Id;

static Id
id_of (VmmMachine *machine)
{
  g_autoptr (GError) error = NULL;
  Id id;

  g_assert_true (vmm_memory_read (machine->memory, VMM_ACPI_GENERATION_ID_GPA, &id, sizeof id, &error));
  g_assert_no_error (error);
  return id;
}

static gboolean
is_same (Id one, Id two)
{
  return memcmp (&one, &two, sizeof one) == 0;
}

static char *
save_counter (TinyMachine *tiny)
{
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  return tiny_machine_save (tiny, "snapshot");
}

static VmmSnapshot *
open_snapshot (const char *path)
{
  g_autoptr (GError) error = NULL;
  VmmSnapshot *snapshot = vmm_snapshot_open (path, &error);

  g_assert_no_error (error);
  return snapshot;
}

/* built, and nobody's yet; @owner takes it */
static VmmMachine *
prepare (VmmSnapshot *snapshot, TinyMachine *owner)
{
  const VmmConfig *config = vmm_snapshot_get_config (snapshot);
  g_autoptr (GError) error = NULL;

  owner->machine = vmm_machine_new_blank (config, tiny_machine_on_event, owner, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_machine_fill (owner->machine, snapshot, config, NULL, &error));
  g_assert_no_error (error);
  vmm_machine_get_ready (owner->machine);
  return owner->machine;
}

static void
adopt (TinyMachine *owner, VmmSnapshot *snapshot)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_adopt (owner->machine, snapshot, owner->config, owner->console, &error));
  g_assert_no_error (error);
}

static void
rename_vm (VmmConfig *config)
{
  g_free (config->name);
  config->name = g_strdup ("adopted");
}

static void
test_goes_on_under_its_name (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = save_counter (tiny);
  g_autoptr (TinyMachine) owner = tiny_machine_new_bare ("counter", rename_vm);
  g_autoptr (VmmSnapshot) snapshot = open_snapshot (path);
  g_autoptr (VmmSnapshot) again = NULL;
  g_autofree char *second = NULL;
  guint64 count;

  prepare (snapshot, owner);
  count = tiny_machine_get_word (owner, 0);
  adopt (owner, snapshot);
  tiny_machine_resume (owner);
  tiny_machine_wait_word (owner, 0, count + 10);
  second = tiny_machine_save (owner, "second");
  again = open_snapshot (second);
  g_assert_cmpstr (vmm_snapshot_get_vm_name (again), ==, "adopted");
  g_assert_true (vmm_machine_runs_from (owner->machine, again));
}

static void
test_has_its_own_generation (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = save_counter (tiny);
  g_autoptr (TinyMachine) one = tiny_machine_new_bare ("counter", NULL);
  g_autoptr (TinyMachine) two = tiny_machine_new_bare ("counter", NULL);
  g_autoptr (VmmSnapshot) snapshot = open_snapshot (path);
  Id waiting, taken;

  waiting = id_of (prepare (snapshot, one));
  prepare (snapshot, two);
  adopt (one, snapshot);
  adopt (two, snapshot);
  taken = id_of (one->machine);
  g_assert_false (is_same (taken, waiting));
  g_assert_false (is_same (taken, id_of (two->machine)));
  g_assert_false (is_same (taken, id_of (tiny->machine)));
}

/* what passes between being built and being taken is nothing to the guest, unless it is to catch up */
static void
test_clocks (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = save_counter (tiny);
  g_autoptr (VmmSnapshot) snapshot = open_snapshot (path);

  for (int catches_up = 0; catches_up < 2; catches_up++)
    {
      g_autoptr (TinyMachine) owner = tiny_machine_new_bare ("counter", NULL);
      guint64 saved_ns, passed_ns;

      saved_ns = prepare (snapshot, owner)->held_clock_ns;
      g_usleep (20000);
      adopt (owner, snapshot);
      g_assert_cmpuint (owner->machine->held_clock_ns, ==, saved_ns);
      owner->machine->held_wall_clock_ns -= HOUR_NS;
      vmm_machine_catch_up (owner->machine, catches_up);
      tiny_machine_resume (owner);
      tiny_machine_wait_word (owner, 0, tiny_machine_get_word (owner, 0) + 10);
      tiny_machine_pause (owner);
      passed_ns = owner->machine->held_clock_ns - saved_ns;
      g_assert_cmpuint (passed_ns, >=, catches_up ? HOUR_NS : 0);
      g_assert_cmpuint (passed_ns, <, (catches_up ? HOUR_NS : 0) + SLACK_NS);
    }
}

static guint
count_threads (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (tasks) != NULL)
    n++;
  return n;
}

static guint64
processor_time_ns (void)
{
  struct timespec used;

  g_assert_cmpint (clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used), ==, 0);
  return (guint64) used.tv_sec * G_GUINT64_CONSTANT (1000000000) + used.tv_nsec;
}

/* the threads of its VP and console are there, and on some kernels one that KVM has made for it; all sleep */
static void
test_waits_without_spinning (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = save_counter (tiny);
  g_autoptr (VmmSnapshot) snapshot = open_snapshot (path);
  g_autoptr (TinyMachine) owner = tiny_machine_new_bare ("counter", NULL);
  guint before = count_threads ();
  guint64 used_ns;

  tiny_machine_pause (tiny);
  prepare (snapshot, owner);
  g_assert_cmpuint (count_threads (), >=, before + 2);
  g_assert_cmpuint (count_threads (), <=, before + 3);
  used_ns = processor_time_ns ();
  g_usleep (WAIT_NS / 1000);
  g_assert_cmpuint (processor_time_ns () - used_ns, <, WAIT_NS / 2);
}

/* the guest says its first byte without a thread being made for it */
static void
test_hands_its_console_thread_on (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("clock", NULL);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (VmmSnapshot) snapshot = open_snapshot (path);
  g_autoptr (TinyMachine) owner = tiny_machine_new_bare ("clock", NULL);

  prepare (snapshot, owner);
  g_assert_nonnull (owner->machine->console_thread);
  adopt (owner, snapshot);
  g_assert_null (owner->machine->console_thread);
}

static void
test_refuses_what_does_not_fit (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = save_counter (tiny);
  g_autofree char *other_path = tiny_machine_save (tiny, "other");
  g_autoptr (VmmSnapshot) snapshot = open_snapshot (path);
  g_autoptr (VmmSnapshot) other = open_snapshot (other_path);
  g_autoptr (TinyMachine) owner = tiny_machine_new_bare ("counter", NULL);
  g_autoptr (VmmConfig) bigger = vmm_config_copy (owner->config);
  g_autoptr (GError) other_error = NULL;
  g_autoptr (GError) bigger_error = NULL;
  g_autoptr (GError) ran_error = NULL;

  prepare (snapshot, owner);
  g_assert_false (vmm_machine_adopt (owner->machine, other, owner->config, owner->console, &other_error));
  g_assert_error (other_error, VMM_ERROR, VMM_ERROR_INVALID_STATE);
  bigger->memory_size *= 2;
  g_assert_false (vmm_machine_adopt (owner->machine, snapshot, bigger, owner->console, &bigger_error));
  g_assert_error (bigger_error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  adopt (owner, snapshot);
  tiny_machine_resume (owner);
  tiny_machine_pause (owner);
  g_assert_false (vmm_machine_adopt (owner->machine, snapshot, owner->config, owner->console, &ran_error));
  g_assert_error (ran_error, VMM_ERROR, VMM_ERROR_INVALID_STATE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/machine-adopt/goes-on-under-its-name", test_goes_on_under_its_name);
  g_test_add_func ("/vmm/machine-adopt/has-its-own-generation", test_has_its_own_generation);
  g_test_add_func ("/vmm/machine-adopt/clocks", test_clocks);
  g_test_add_func ("/vmm/machine-adopt/waits-without-spinning", test_waits_without_spinning);
  g_test_add_func ("/vmm/machine-adopt/hands-its-console-thread-on", test_hands_its_console_thread_on);
  g_test_add_func ("/vmm/machine-adopt/refuses-what-does-not-fit", test_refuses_what_does_not_fit);
  return g_test_run ();
}
