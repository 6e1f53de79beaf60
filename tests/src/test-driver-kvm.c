/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/driver.h"

#include "tests/src/kvm-model.h"

static void
test_lives (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  vm = kvm_model_create (&model, "vm", "counter", NULL);
  model_do (&model, vm, OVM_OPERATION_START);
  model_do (&model, vm, OVM_OPERATION_PAUSE);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_PAUSED);
  model_do (&model, vm, OVM_OPERATION_RESUME);
  model_do (&model, vm, OVM_OPERATION_RESET);
  directory = model_save (&model, vm, "s");
  g_assert_cmpuint (ovm_vm_get_last_downtime_usec (vm), >, 0);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_RUNNING);
  model_try (&model, vm, ovm_action_new_restore (directory, OVM_RESTORE_AS_SAVED, TRUE));
  g_assert_no_error (model.error);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_RUNNING);
  model_do (&model, vm, OVM_OPERATION_POWER_OFF);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_STOPPED);
  model_try (&model, vm, ovm_action_new_restore (directory, OVM_RESTORE_PAUSED, FALSE));
  g_assert_no_error (model.error);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_PAUSED);
}

static void
test_start_fails_with_reason (void)
{
  g_auto (Model) model;
  OvmVm *vm;

  model_init (&model);
  vm = kvm_model_create (&model, "vm", "no-such-guest", NULL);
  g_assert_false (model_try (&model, vm, ovm_action_new (OVM_OPERATION_START)));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_NO_SUCH_FILE);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_STOPPED);
}

static void
test_wants_a_kernel (void)
{
  g_auto (Model) model;

  model_init (&model);
  g_assert_null (model_try_create (&model, "vm", "{'driver': <'kvm'>}"));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
  g_assert_nonnull (strstr (model.error->message, "kernel"));
}

/* a reset that cannot succeed leaves the guest running, whoever holds the RAM */
static void
check_failing_reset (const char *more)
{
  g_auto (Model) model;
  g_autofree char *kernel = NULL;
  g_autofree char *config = NULL;
  g_autofree char *source = g_build_filename (g_getenv ("TINY_GUESTS"), "counter.elf", NULL);
  g_autofree char *content = NULL;
  g_autofree char *memory = NULL;
  gsize length;
  OvmVm *vm;

  model_init (&model);
  kernel = model_path (&model, "kernel");
  memory = model_path (&model, "ram");
  g_assert_true (g_file_get_contents (source, &content, &length, NULL));
  scratch_write (model.directory, "kernel", content, length);
  config = g_strdup_printf ("{'memory-size': <uint64 16777216>, 'kernel': <'%s'>%s%s%s}",
                            kernel,
                            more != NULL ? ", 'memory-file': <'" : "",
                            more != NULL ? memory : "",
                            more != NULL ? "'>" : "");
  vm = model_try_create (&model, "vm", config);
  g_assert_no_error (model.error);
  model_do (&model, vm, OVM_OPERATION_START);
  model_do (&model, vm, OVM_OPERATION_RESET);
  g_assert_cmpint (unlink (kernel), ==, 0);
  g_assert_false (model_try (&model, vm, ovm_action_new (OVM_OPERATION_RESET)));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_NO_SUCH_FILE);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_RUNNING);
  model_do (&model, vm, OVM_OPERATION_PAUSE);
}

static void
test_failing_reset_does_no_harm (void)
{
  check_failing_reset (NULL);
  check_failing_reset ("memory-file");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/driver-kvm/lives", test_lives);
  g_test_add_func ("/src/driver-kvm/start-fails-with-reason", test_start_fails_with_reason);
  g_test_add_func ("/src/driver-kvm/wants-a-kernel", test_wants_a_kernel);
  g_test_add_func ("/src/driver-kvm/failing-reset-does-no-harm", test_failing_reset_does_no_harm);
  return g_test_run ();
}
