/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/vm.h"

#include "src/name.h"
#include "tests/src/model.h"

/* one name an operation that a caller can ask for */
static OvmAction *
make_action (Model *model, OvmOperation operation, const char *snapshot)
{
  static guint serial; /* names of snapshots */
  g_autofree char *name = g_strdup_printf ("new-%u", serial++);
  g_autofree char *target = model_path (model, name);

  switch (operation)
    {
    case OVM_OPERATION_SAVE:
      return ovm_action_new_save (target, NULL);
    case OVM_OPERATION_RESTORE:
      return ovm_action_new_restore (snapshot, OVM_RESTORE_RUNNING, FALSE);
    case OVM_OPERATION_RESTORE_PAUSED:
      return ovm_action_new_restore (snapshot, OVM_RESTORE_PAUSED, FALSE);
    default:
      return ovm_action_new (operation);
    }
}

static void
check_cell (Model *model, OvmOperation operation, OvmState state, const char *snapshot)
{
  gboolean crashes = state == OVM_STATE_CRASHED;
  OvmVm *vm = model_create (model, "cell", crashes ? "'test-guest': <'crash:0'>" : "'test-deaf': <true>");
  g_autoptr (GError) refusal = NULL;
  OvmState next = state;
  gboolean allowed = ovm_state_next (state, operation, &next, &refusal);
  g_autoptr (OvmVm) kept = g_object_ref (vm);

  model_reach (model, vm, state);
  g_assert_cmpint (allowed, ==, model_try (model, vm, make_action (model, operation, snapshot)));
  if (!allowed)
    g_assert_error (model->error, OVM_ERROR, OVM_ERROR_INVALID_STATE);
  /* a guest that crashes on every start does so again */
  if (!crashes || next != OVM_STATE_RUNNING)
    g_assert_cmpint (ovm_vm_get_state (vm), ==, next);
  if (ovm_vm_list_lookup (ovm_manager_get_vms (model->manager), "cell", NULL) != NULL)
    model_do (model, vm, OVM_OPERATION_DELETE_FORCED);
}

/* the model does what the table of states says, everywhere */
static void
test_every_operation_in_every_state (void)
{
  g_auto (Model) model;
  g_autofree char *snapshot = NULL;
  OvmVm *source;

  model_init (&model);
  source = model_create (&model, "source", NULL);
  model_do (&model, source, OVM_OPERATION_START);
  snapshot = model_save (&model, source, "s");
  for (int operation = 0; operation < OVM_OPERATION_OPEN_CONSOLE; operation++)
    for (int state = 0; state < OVM_STATE_COUNT; state++)
      check_cell (&model, (OvmOperation) operation, (OvmState) state, snapshot);
}

static void
on_state_changed (OvmVm *vm, guint old, guint new, const char *reason, GString *steps)
{
  g_string_append_printf (steps,
                          "%s>%s(%s) ",
                          ovm_state_to_string ((OvmState) old),
                          ovm_state_to_string ((OvmState) new),
                          reason);
}

static void
test_tells_every_step (void)
{
  g_auto (Model) model;
  g_autoptr (GString) steps = g_string_new (NULL);
  OvmVm *vm;

  model_init (&model);
  vm = model_create (&model, "vm", NULL);
  g_signal_connect (vm, "state-changed", G_CALLBACK (on_state_changed), steps);
  model_do (&model, vm, OVM_OPERATION_START);
  model_do (&model, vm, OVM_OPERATION_PAUSE);
  model_do (&model, vm, OVM_OPERATION_PAUSE);
  model_do (&model, vm, OVM_OPERATION_RESUME);
  model_do (&model, vm, OVM_OPERATION_RESET);
  model_do (&model, vm, OVM_OPERATION_SHUTDOWN);
  model_wait_until (ovm_vm_get_state (vm) == OVM_STATE_STOPPED);
  g_assert_cmpstr (steps->str,
                   ==,
                   "stopped>running(started) running>paused(paused) paused>running(resumed) "
                   "running>running(reset) running>stopped(the guest powered off) ");
  g_signal_handlers_disconnect_by_data (vm, steps);
}

static void
test_tells_a_reboot (void)
{
  g_auto (Model) model;
  g_autoptr (GString) steps = g_string_new (NULL);
  OvmVm *vm;

  model_init (&model);
  vm = model_create (&model, "vm", "'test-guest': <'reboot:10'>");
  g_signal_connect (vm, "state-changed", G_CALLBACK (on_state_changed), steps);
  model_do (&model, vm, OVM_OPERATION_START);
  model_wait_until (strstr (steps->str, "rebooted") != NULL);
  g_assert_cmpstr (steps->str, ==, "stopped>running(started) running>running(the guest rebooted) ");
  g_signal_handlers_disconnect_by_data (vm, steps);
}

/* the guest is quicker than the end of the operation that started it */
static void
test_crash_at_start_is_not_overlooked (void)
{
  g_auto (Model) model;
  OvmVm *vm;

  model_init (&model);
  vm = model_create (&model, "vm", "'test-guest': <'crash:0'>");
  for (int i = 0; i < 20; i++)
    {
      model_do (&model, vm, OVM_OPERATION_START);
      model_wait_until (ovm_vm_get_state (vm) == OVM_STATE_CRASHED);
      g_assert_cmpstr (ovm_vm_get_state_reason (vm), ==, "the guest crashed");
      model_do (&model, vm, OVM_OPERATION_POWER_OFF);
      g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_STOPPED);
    }
}

static void
test_one_operation_at_a_time (void)
{
  g_auto (Model) model;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) busy = NULL;
  g_autofree char *directory = NULL;
  OvmVm *vm;
  int fd;

  model_init (&model);
  directory = model_path (&model, "s");
  vm = model_create (&model, "vm", "'test-delay-ms': <uint32 200>");
  model_do (&model, vm, OVM_OPERATION_START);
  model_reset (&model);
  g_assert_true (ovm_vm_begin (vm, ovm_action_new_save (directory, NULL), model_on_action, &model, &error));
  g_assert_nonnull (ovm_vm_get_job (vm));
  for (int operation = 0; operation < OVM_OPERATION_OPEN_CONSOLE; operation++)
    {
      g_clear_error (&busy);
      g_assert_false (
          ovm_vm_begin (vm, make_action (&model, (OvmOperation) operation, "/s"), NULL, NULL, &busy));
      g_assert_error (busy, OVM_ERROR, OVM_ERROR_BUSY);
    }
  fd = ovm_vm_open_console (vm, &error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (close (fd), ==, 0);
  model_wait_until (model.done);
  g_assert_null (ovm_vm_get_job (vm));
}

static void
test_cancelled_save_leaves_nothing (void)
{
  g_auto (Model) model;
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  directory = model_path (&model, "s");
  vm = model_create (&model, "vm", "'test-delay-ms': <uint32 500>");
  model_do (&model, vm, OVM_OPERATION_START);
  model_reset (&model);
  g_assert_true (ovm_vm_begin (vm, ovm_action_new_save (directory, NULL), model_on_action, &model, &error));
  g_assert_true (ovm_job_cancel (ovm_vm_get_job (vm), &error));
  model_wait_until (model.done);
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_RUNNING);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
}

static void
test_failure_changes_nothing (void)
{
  static const struct
  {
    const char *fail;
    OvmState state;
    OvmOperation operation;
  } cases[] = {
    { "start", OVM_STATE_STOPPED, OVM_OPERATION_START },
    { "pause", OVM_STATE_RUNNING, OVM_OPERATION_PAUSE },
    { "resume", OVM_STATE_PAUSED, OVM_OPERATION_RESUME },
    { "shutdown", OVM_STATE_RUNNING, OVM_OPERATION_SHUTDOWN },
    { "reset", OVM_STATE_PAUSED, OVM_OPERATION_RESET },
    { "save", OVM_STATE_RUNNING, OVM_OPERATION_SAVE },
  };
  g_auto (Model) model;

  model_init (&model);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("vm%zu", i);
      g_autofree char *option = g_strdup_printf ("'test-fail': <'%s:HostError'>", cases[i].fail);
      OvmVm *vm = model_create (&model, name, option);

      model_reach (&model, vm, cases[i].state);
      g_assert_false (model_try (&model, vm, make_action (&model, cases[i].operation, NULL)));
      g_assert_error (model.error, OVM_ERROR, OVM_ERROR_HOST_ERROR);
      g_assert_cmpint (ovm_vm_get_state (vm), ==, cases[i].state);
    }
}

static void
test_snapshots_form_a_line (void)
{
  g_auto (Model) model;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *first_path = NULL;
  OvmSnapshotList *list;
  OvmVm *vm;

  model_init (&model);
  list = ovm_manager_get_snapshots (model.manager);
  vm = model_create (&model, "vm", "'test-downtime-us': <uint64 77>");
  g_assert_cmpstr (ovm_vm_get_snapshot_path (vm), ==, OVM_NO_PATH);
  model_do (&model, vm, OVM_OPERATION_START);
  first = model_save (&model, vm, "1");
  first_path = g_strdup (ovm_vm_get_snapshot_path (vm));
  g_assert_cmpuint (ovm_vm_get_last_downtime_usec (vm), ==, 77);
  second = model_save (&model, vm, "2");
  g_assert_cmpstr (ovm_vm_get_snapshot_path (vm), !=, first_path);
  g_assert_cmpuint (ovm_snapshot_list_get_length (list), ==, 2);

  model_try (&model, vm, ovm_action_new_restore (first, OVM_RESTORE_AS_SAVED, FALSE));
  g_assert_no_error (model.error);
  g_assert_cmpstr (ovm_vm_get_snapshot_path (vm), ==, first_path);
  g_assert_cmpuint (ovm_snapshot_list_get_length (list), ==, 2);
}

static void
test_says_what_blocks_a_snapshot (void)
{
  g_auto (Model) model;
  g_autofree char *stopped = NULL;
  g_autofree char *running = NULL;
  OvmVm *vm;

  model_init (&model);
  vm = model_create (&model, "vm", NULL);
  stopped = ovm_vm_get_snapshot_blocker (vm);
  g_assert_nonnull (strstr (stopped, "stopped"));
  model_do (&model, vm, OVM_OPERATION_START);
  running = ovm_vm_get_snapshot_blocker (vm);
  g_assert_null (running);
}

static void
test_deleted_is_gone (void)
{
  g_auto (Model) model;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) console_error = NULL;
  g_autoptr (OvmVm) vm = NULL;

  model_init (&model);
  vm = g_object_ref (model_create (&model, "vm", NULL));
  model_do (&model, vm, OVM_OPERATION_DELETE);
  g_assert_false (ovm_vm_begin (vm, ovm_action_new (OVM_OPERATION_START), NULL, NULL, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_NO_SUCH_VM);
  g_assert_cmpint (ovm_vm_open_console (vm, &console_error), ==, -1);
  g_assert_error (console_error, OVM_ERROR, OVM_ERROR_NO_SUCH_VM);
}

/* a reason has the directory in it, and each VM has a reason */
static void
test_reason_is_bounded (void)
{
  g_auto (Model) model;
  g_autofree char *name = g_strnfill (250, 'x');
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  vm = model_create (&model, "vm", NULL);
  model_do (&model, vm, OVM_OPERATION_START);
  directory = model_save (&model, vm, name);
  g_assert_true (model_try (&model, vm, ovm_action_new_restore (directory, OVM_RESTORE_AS_SAVED, FALSE)));
  g_assert_nonnull (strstr (ovm_vm_get_state_reason (vm), "xxx"));
  g_assert_cmpuint (strlen (ovm_vm_get_state_reason (vm)), ==, OVM_VM_STATE_REASON_LENGTH_MAX);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/vm/every-operation-in-every-state", test_every_operation_in_every_state);
  g_test_add_func ("/src/vm/tells-every-step", test_tells_every_step);
  g_test_add_func ("/src/vm/tells-a-reboot", test_tells_a_reboot);
  g_test_add_func ("/src/vm/crash-at-start-is-not-overlooked", test_crash_at_start_is_not_overlooked);
  g_test_add_func ("/src/vm/one-operation-at-a-time", test_one_operation_at_a_time);
  g_test_add_func ("/src/vm/cancelled-save-leaves-nothing", test_cancelled_save_leaves_nothing);
  g_test_add_func ("/src/vm/failure-changes-nothing", test_failure_changes_nothing);
  g_test_add_func ("/src/vm/snapshots-form-a-line", test_snapshots_form_a_line);
  g_test_add_func ("/src/vm/says-what-blocks-a-snapshot", test_says_what_blocks_a_snapshot);
  g_test_add_func ("/src/vm/deleted-is-gone", test_deleted_is_gone);
  g_test_add_func ("/src/vm/reason-is-bounded", test_reason_is_bounded);
  return g_test_run ();
}
