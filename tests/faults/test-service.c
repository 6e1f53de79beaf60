/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * KVM fails from some call of a save on, for each call: what the service says of the VM afterwards is what it is. One
 * that could not go on is shown as paused, with the reason, and can be resumed. And each call of a reset fails by
 * itself: the VM runs on as if there had been none.
 */

#include "config.h"
#include "src/driver.h"

#include <string.h>

#include "tests/faults/fault-calls.h"
#include "tests/faults/fault-subject.h"
#include "vmm/fd.h"

#define FILLED_SIZE (272 * 1024 * 1024ull) /* bytes: more than going back in place puts back */

static void
on_event (OvmDriverEvent event, const char *reason, gpointer user_data)
{
  g_error ("the VM ended by itself: %s", reason);
}

static OvmDriverVm *
start_vm (const char *directory, const char *guest, guint64 memory_size)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;
  OvmDriverTask task = { 0 };
  OvmDriverVm *vm;

  config->name = g_strdup ("vm");
  config->memory_size = memory_size;
  config->vp_count = 2;
  config->memory_directory = g_strdup (directory);
  config->kernel = g_build_filename (g_getenv ("TINY_GUESTS"), guest, NULL);
  vm = ovm_driver_kvm.define (config, NULL, NULL, on_event, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (ovm_driver_kvm.start (vm, FALSE, &task, &error));
  g_assert_no_error (error);
  return vm;
}

/* Returns whether the VM could not go on. */
static gboolean
check_state (OvmDriverVm *vm, const GError *error)
{
  g_autofree char *reason = NULL;
  g_autoptr (GError) resume_error = NULL;
  OvmState state = ovm_driver_kvm.get_state (vm, &reason);

  if (strstr (error->message, "is paused") == NULL)
    {
      g_assert_cmpint (state, ==, OVM_STATE_RUNNING);
      return FALSE;
    }
  g_assert_cmpint (state, ==, OVM_STATE_PAUSED);
  g_assert_cmpstr (reason, ==, error->message);
  g_assert_true (ovm_driver_kvm.resume (vm, &resume_error));
  g_assert_no_error (resume_error);
  g_assert_cmpint (ovm_driver_kvm.get_state (vm, NULL), ==, OVM_STATE_RUNNING);
  return TRUE;
}

static void
test_failed_save_shows_what_is (void)
{
  g_autofree char *directory = g_dir_make_tmp ("service-XXXXXX", NULL);
  g_autofree char *target = g_build_filename (directory, "target", NULL);
  OvmDriverVm *vm = start_vm (directory, "counter.elf", VMM_MEMORY_SIZE_MIN);
  gboolean failed = TRUE;
  guint n_paused = 0;
  guint n;

  for (n = 1; failed; n++)
    {
      FaultPlan plan = { .kinds = 1u << FAULT_KVM, .at = n, .onwards = TRUE };
      g_autoptr (GError) error = NULL;
      VmmSaveResult result;

      fault_calls_begin (&plan);
      failed = !ovm_driver_kvm.save (vm, &(VmmSavePlan){ .directory = target }, &result, &error);
      fault_calls_end ();
      if (failed)
        n_paused += check_state (vm, error) ? 1 : 0;
    }
  g_test_message ("failed at %u places, after %u the VM could not go on", n - 2, n_paused);
  g_assert_cmpuint (n_paused, >, 0);
  g_assert_cmpuint (subject_assert_restores (target), >, 0);
  g_assert_true (ovm_driver_kvm.stop (vm, NULL));
  ovm_driver_kvm.undefine (vm);
  subject_remove_tree (directory);
}

static gboolean
reset_with_fault (OvmDriverVm *vm, guint at, FaultTally *tally)
{
  FaultPlan plan = { .kinds = FAULT_ALL_KINDS, .at = at };
  g_autoptr (GError) error = NULL;
  gboolean ok;

  fault_calls_begin (&plan);
  ok = ovm_driver_kvm.reset (vm, &error);
  *tally = fault_calls_end ();
  return ok;
}

static void
assert_runs (OvmDriverVm *vm)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ovm_driver_kvm.get_state (vm, NULL), ==, OVM_STATE_RUNNING);
  g_assert_true (ovm_driver_kvm.pause (vm, &error));
  g_assert_no_error (error);
  g_assert_true (ovm_driver_kvm.resume (vm, &error));
  g_assert_no_error (error);
}

static void
test_failed_reset_leaves_vm_running (void)
{
  g_autofree char *directory = g_dir_make_tmp ("service-XXXXXX", NULL);
  OvmDriverVm *vm = start_vm (directory, "counter.elf", VMM_MEMORY_SIZE_MIN);
  FaultTally tally;
  guint n_failed = 0;
  guint n = 0;

  do
    {
      n_failed += reset_with_fault (vm, ++n, &tally) ? 0 : 1;
      assert_runs (vm);
    }
  while (tally.hit[0] != '\0');
  g_test_message ("%u calls, the reset failed with %u of them", n - 1, n_failed);
  g_assert_cmpuint (n_failed, >, 0);
  g_assert_true (ovm_driver_kvm.stop (vm, NULL));
  ovm_driver_kvm.undefine (vm);
  subject_remove_tree (directory);
}

static void
save (OvmDriverVm *vm, const char *directory, gboolean incremental)
{
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  g_assert_true (ovm_driver_kvm.save (vm,
                                      &(VmmSavePlan){ .directory = directory, .incremental = incremental },
                                      &result,
                                      &error));
  g_assert_no_error (error);
}

/* more than can be put back in place */
static void
let_change_all_of_ram (OvmDriverVm *vm)
{
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int console = ovm_driver_kvm.open_console (vm, &error);

  g_assert_no_error (error);
  g_assert_true (ovm_driver_kvm.resume (vm, &error));
  g_assert_no_error (error);
  tiny_machine_wait_byte (console, 'F');
}

static void
fail_to_restore (OvmDriverVm *vm, VmmSnapshot *snapshot, gboolean paused)
{
  FaultPlan plan = { .kinds = 1u << FAULT_MEMORY, .at = 1, .onwards = TRUE }; /* no machine can be made */
  OvmDriverRestore how = { .paused = paused };
  OvmDriverTask task = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean ok;

  fault_calls_begin (&plan);
  ok = ovm_driver_kvm.restore (vm, snapshot, &how, &task, &error);
  (void) fault_calls_end ();
  g_assert_false (ok);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_MEMORY_SIZE);
}

static void
check_failed_restore (gboolean was_running)
{
  g_autofree char *directory = g_dir_make_tmp ("service-XXXXXX", NULL);
  g_autofree char *complete = g_build_filename (directory, "complete", NULL);
  g_autofree char *target = g_build_filename (directory, "target", NULL);
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = start_vm (directory, "ram-filler.elf", FILLED_SIZE);
  OvmState state = was_running ? OVM_STATE_RUNNING : OVM_STATE_PAUSED;

  g_assert_true (ovm_driver_kvm.pause (vm, &error));
  save (vm, complete, FALSE);
  save (vm, target, TRUE);
  snapshot = vmm_snapshot_open (target, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_open_chain (snapshot, &error));
  let_change_all_of_ram (vm);
  if (!was_running)
    g_assert_true (ovm_driver_kvm.pause (vm, &error));
  fail_to_restore (vm, snapshot, was_running);
  g_assert_cmpint (ovm_driver_kvm.get_state (vm, NULL), ==, state);
  g_assert_true (ovm_driver_kvm.stop (vm, NULL));
  ovm_driver_kvm.undefine (vm);
  subject_remove_tree (directory);
}

/* each wants the other state than there is */
static void
test_failed_restore_keeps_state (void)
{
  check_failed_restore (TRUE);
  check_failed_restore (FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/faults/service/failed-save-shows-what-is", test_failed_save_shows_what_is);
  g_test_add_func ("/faults/service/failed-reset-leaves-vm-running", test_failed_reset_leaves_vm_running);
  g_test_add_func ("/faults/service/failed-restore-keeps-state", test_failed_restore_keeps_state);
  return subject_run_tests (NULL);
}
