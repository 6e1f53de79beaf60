/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/action.h"

#include "tests/src/model.h"

typedef struct
{
  char *directory;
  OvmVmConfig *config;
  OvmDriverVm *vm;
} Fixture;

static void
on_event (OvmDriverEvent event, const char *reason, gpointer user_data)
{
}

static OvmDriverVm *
define (const OvmVmConfig *config)
{
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = ovm_driver_test.define (config->vmm, NULL, config->options, on_event, NULL, &error);

  g_assert_no_error (error);
  return vm;
}

static OvmVmConfig *
make_config (const char *text)
{
  g_autoptr (GVariant) dict = model_dict (text);
  g_autoptr (GError) error = NULL;
  OvmVmConfig *config = ovm_vm_config_new ("vm", dict, &error);

  g_assert_no_error (error);
  return config;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = scratch_new (NULL);
  fixture->config = make_config ("{'driver': <'test'>, 'memory-size': <uint64 16777216>}");
  fixture->vm = define (fixture->config);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  ovm_driver_test.undefine (fixture->vm);
  ovm_vm_config_free (fixture->config);
  scratch_free (fixture->directory);
}

static gboolean
run (Fixture *fixture, OvmAction *action, GError **error)
{
  OvmDriverTask task = { 0 };

  return ovm_action_run (action, &ovm_driver_test, fixture->vm, fixture->config->vmm, &task, error);
}

static void
do_operation (Fixture *fixture, OvmOperation operation, OvmState expected)
{
  g_autoptr (OvmAction) action = ovm_action_new (operation);
  g_autoptr (GError) error = NULL;

  g_assert_true (run (fixture, action, &error));
  g_assert_no_error (error);
  g_assert_cmpint (ovm_driver_test.get_state (fixture->vm, NULL), ==, expected);
}

static void
test_does_what_it_is_named (Fixture *fixture, gconstpointer data)
{
  do_operation (fixture, OVM_OPERATION_START, OVM_STATE_RUNNING);
  do_operation (fixture, OVM_OPERATION_PAUSE, OVM_STATE_PAUSED);
  do_operation (fixture, OVM_OPERATION_RESUME, OVM_STATE_RUNNING);
  do_operation (fixture, OVM_OPERATION_RESET, OVM_STATE_RUNNING);
  do_operation (fixture, OVM_OPERATION_POWER_OFF, OVM_STATE_STOPPED);
  do_operation (fixture, OVM_OPERATION_START_PAUSED, OVM_STATE_PAUSED);
  do_operation (fixture, OVM_OPERATION_DELETE_FORCED, OVM_STATE_STOPPED);
  do_operation (fixture, OVM_OPERATION_DELETE, OVM_STATE_STOPPED);
}

static char *
save (Fixture *fixture, const char *name)
{
  char *directory = g_build_filename (fixture->directory, name, NULL);
  g_autoptr (OvmAction) action = ovm_action_new_save (directory, "why");
  g_autoptr (GError) error = NULL;

  g_assert_true (run (fixture, action, &error));
  g_assert_no_error (error);
  g_assert_nonnull (action->opened);
  g_assert_cmpstr (vmm_snapshot_get_uuid (action->opened), ==, action->save_result.uuid);
  g_assert_cmpstr (vmm_snapshot_get_description (action->opened), ==, "why");
  return directory;
}

static void
restore (Fixture *fixture, const char *directory, OvmRestoreMode mode, OvmState expected)
{
  g_autoptr (OvmAction) action = ovm_action_new_restore (directory, mode, TRUE);
  g_autoptr (GError) error = NULL;

  g_assert_true (run (fixture, action, &error));
  g_assert_no_error (error);
  g_assert_cmpint (ovm_driver_test.get_state (fixture->vm, NULL), ==, expected);
}

static void
test_restores_as_saved_unless_told (Fixture *fixture, gconstpointer data)
{
  g_autofree char *running = NULL;
  g_autofree char *paused = NULL;

  do_operation (fixture, OVM_OPERATION_START, OVM_STATE_RUNNING);
  running = save (fixture, "running");
  do_operation (fixture, OVM_OPERATION_PAUSE, OVM_STATE_PAUSED);
  paused = save (fixture, "paused");

  restore (fixture, running, OVM_RESTORE_AS_SAVED, OVM_STATE_RUNNING);
  restore (fixture, paused, OVM_RESTORE_AS_SAVED, OVM_STATE_PAUSED);
  restore (fixture, running, OVM_RESTORE_PAUSED, OVM_STATE_PAUSED);
  restore (fixture, paused, OVM_RESTORE_RUNNING, OVM_STATE_RUNNING);
}

static void
test_restore_wants_the_same_size (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = NULL;
  g_autoptr (OvmAction) action = NULL;
  g_autoptr (GError) error = NULL;

  do_operation (fixture, OVM_OPERATION_START, OVM_STATE_RUNNING);
  directory = save (fixture, "s");
  fixture->config->vmm->vp_count = 2;
  action = ovm_action_new_restore (directory, OVM_RESTORE_AS_SAVED, FALSE);
  g_assert_false (run (fixture, action, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "2 VPs"));
}

static void
test_cancelled_restore_changes_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  OvmDriverTask task = { .cancellable = cancellable };
  g_autofree char *directory = NULL;
  g_autoptr (OvmAction) action = NULL;
  g_autoptr (GError) error = NULL;

  do_operation (fixture, OVM_OPERATION_START, OVM_STATE_RUNNING);
  directory = save (fixture, "s");
  do_operation (fixture, OVM_OPERATION_POWER_OFF, OVM_STATE_STOPPED);
  g_cancellable_cancel (cancellable);
  action = ovm_action_new_restore (directory, OVM_RESTORE_AS_SAVED, FALSE);
  g_assert_false (ovm_action_run (action, &ovm_driver_test, fixture->vm, fixture->config->vmm, &task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (ovm_driver_test.get_state (fixture->vm, NULL), ==, OVM_STATE_STOPPED);
}

static void
test_long_ones_have_jobs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmAction) start = ovm_action_new (OVM_OPERATION_START);
  g_autoptr (OvmAction) pause = ovm_action_new (OVM_OPERATION_PAUSE);
  g_autoptr (OvmAction) save_action = ovm_action_new_save ("/s", NULL);
  g_autoptr (OvmAction) restore_action = ovm_action_new_restore ("/s", OVM_RESTORE_PAUSED, FALSE);
  g_autofree char *reason = ovm_action_get_reason (restore_action);

  g_assert_cmpstr (ovm_action_get_job_name (start), ==, "start");
  g_assert_null (ovm_action_get_job_name (pause));
  g_assert_cmpstr (ovm_action_get_job_name (save_action), ==, "save");
  g_assert_true (ovm_action_is_cancelable (save_action));
  g_assert_false (ovm_action_is_cancelable (start));
  g_assert_cmpint (restore_action->operation, ==, OVM_OPERATION_RESTORE_PAUSED);
  g_assert_cmpstr (reason, ==, "restored from '/s'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function) g_test_add ("/src/action/" name, Fixture, NULL, set_up, function, tear_down)
  add ("does-what-it-is-named", test_does_what_it_is_named);
  add ("restores-as-saved-unless-told", test_restores_as_saved_unless_told);
  add ("restore-wants-the-same-size", test_restore_wants_the_same_size);
  add ("cancelled-restore-changes-nothing", test_cancelled_restore_changes_nothing);
  add ("long-ones-have-jobs", test_long_ones_have_jobs);
#undef add
  return g_test_run ();
}
