/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* the model over /dev/kvm, with tiny guests */

#include "config.h"
#include "src/driver.h"

#include <poll.h>

#include "proto/vp.pb-c.h"
#include "tests/src/model.h"
#include "vmm/digest.h"
#include "vmm/snapshot.h"

static OvmVm *
create (Model *model, const char *name, const char *guest, const char *more)
{
  g_autofree char *file = g_strconcat (guest, ".elf", NULL);
  g_autofree char *kernel = g_build_filename (g_getenv ("TINY_GUESTS"), file, NULL);
  g_autofree char *config =
      g_strdup_printf ("{'driver': <'kvm'>, 'memory-size': <uint64 16777216>, 'kernel': <'%s'>%s%s}",
                       kernel,
                       more != NULL ? ", " : "",
                       more != NULL ? more : "");
  OvmVm *vm = model_try_create (model, name, config);

  g_assert_no_error (model->error);
  return vm;
}

static void
test_lives (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  vm = create (&model, "vm", "counter", NULL);
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
test_clones_run_beside_the_source (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  vm = create (&model, "vm", "counter", NULL);
  model_do (&model, vm, OVM_OPERATION_START);
  directory = model_save (&model, vm, "s");
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("clone%d", i);
      g_autoptr (GVariant) options = model_dict ("{}");
      OvmJob *job;

      model_reset (&model);
      g_assert_true (ovm_manager_begin_restore (
          model.manager, name, directory, options, &job, model_on_vm, &model, &model.error));
      model_wait_until (model.done);
      g_assert_no_error (model.error);
      g_assert_cmpint (ovm_vm_get_state (model.vm), ==, OVM_STATE_RUNNING);
    }
}

static void
on_prepared (OvmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
  ((Model *) user_data)->done = TRUE;
}

/* a clone that runs, and is saved under its name */
static void
take_prepared (Model *model, const char *directory, const char *name, const char *options)
{
  g_autoptr (GVariant) dict = model_dict (options);
  g_autofree char *saved = NULL;
  g_autoptr (VmmSnapshot) opened = NULL;
  OvmJob *job;

  model_reset (model);
  g_assert_true (ovm_manager_begin_restore (
      model->manager, name, directory, dict, &job, model_on_vm, model, &model->error));
  model_wait_until (model->done);
  g_assert_no_error (model->error);
  g_assert_cmpint (ovm_vm_get_state (model->vm), ==, OVM_STATE_RUNNING);
  saved = model_save (model, ovm_manager_lookup_vm (model->manager, name, NULL), name);
  opened = vmm_snapshot_open (saved, NULL);
  g_assert_cmpstr (vmm_snapshot_get_vm_name (opened), ==, name);
}

static void
test_clones_are_prepared (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autoptr (GVariant) none = model_dict (NULL);
  OvmSnapshotList *list;
  OvmSnapshot *snapshot;
  OvmPrepared *prepared;
  OvmVm *vm;

  model_init (&model);
  vm = create (&model, "vm", "counter", NULL);
  model_do (&model, vm, OVM_OPERATION_START);
  directory = model_save (&model, vm, "s");
  list = ovm_manager_get_snapshots (model.manager);
  snapshot = ovm_snapshot_list_lookup_directory (list, directory);
  prepared = ovm_snapshot_get_prepared (snapshot);
  model_reset (&model);
  g_assert_true (ovm_snapshot_list_begin_prepare (list, snapshot, 2, none, on_prepared, &model, &model.error));
  model_wait_until (model.done);
  g_assert_cmpuint (ovm_prepared_get_ready (prepared), ==, 2);
  take_prepared (&model, directory, "one", "{'clock': <'catch-up'>}");
  take_prepared (&model, directory, "two", "{'verify-memory': <true>, 'memory': <'populate'>}");
  take_prepared (&model, directory, "three", "{'memory': <'populate'>}");
  model_wait_until (ovm_prepared_get_ready (prepared) == 2);
}

/* makes it that of a guest that has seen the same processor, of another stepping */
static void
change_stepping (const char *directory)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, NULL);
  const Openvmm__X86__VpState *vp = (const Openvmm__X86__VpState *) vmm_saved_state_lookup_message (
      vmm_snapshot_get_saved_state (snapshot), "vp-0", &openvmm__x86__vp_state__descriptor, NULL);
  Openvmm__X86__CpuidEntry leaf = OPENVMM__X86__CPUID_ENTRY__INIT;
  guint8 pattern[32];
  gsize length;
  g_autoptr (GBytes) old = scratch_read (directory, "state.bin");
  g_autoptr (GBytes) old_manifest = scratch_read (directory, "manifest.bin");
  g_autoptr (VmmManifest) manifest = vmm_manifest_unpack (old_manifest, NULL);
  g_autoptr (GBytes) packed = NULL;
  gsize size = g_bytes_get_size (old);
  g_autofree guint8 *state = g_memdup2 (g_bytes_get_data (old, NULL), size);
  guint8 *place;

  for (gsize i = 0; i < vp->n_cpuid && leaf.eax == 0; i++)
    if (vp->cpuid[i]->function == 1)
      leaf.eax = vp->cpuid[i]->eax;
  leaf.function = 1;
  length = openvmm__x86__cpuid_entry__pack (&leaf, pattern);
  place = memmem (state, size, pattern, length);
  g_assert_nonnull (place);
  place[3] ^= 0x3; /* the least bits of eax: tag and value of the function come before it, and its tag */
  scratch_write (directory, "state.bin", state, size);
  vmm_digest_bytes (state, size, manifest->state_sha256.data);
  packed = vmm_manifest_pack (manifest);
  scratch_write (directory, "manifest.bin", g_bytes_get_data (packed, NULL), g_bytes_get_size (packed));
}

static void
try_restore (Model *model, const char *directory, const char *name, const char *options, gboolean succeeds)
{
  g_autoptr (GVariant) dict = model_dict (options);
  OvmJob *job;

  model_reset (model);
  g_assert_true (ovm_manager_begin_restore (
      model->manager, name, directory, dict, &job, model_on_vm, model, &model->error));
  model_wait_until (model->done);
  if (succeeds)
    {
      g_assert_no_error (model->error);
      return;
    }
  g_assert_error (model->error, OVM_ERROR, OVM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (model->error->message, "cpu=superset"));
}

static void
on_prepare_ended (OvmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  Model *model = user_data;

  model->done = TRUE;
  model->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
test_restores_on_other_processors_if_told_to (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autoptr (GVariant) none = model_dict (NULL);
  g_autoptr (GVariant) superset = model_dict ("{'cpu': <'superset'>}");
  OvmSnapshotList *list;
  OvmSnapshot *snapshot;
  OvmVm *vm;

  model_init (&model);
  vm = create (&model, "vm", "counter", NULL);
  model_do (&model, vm, OVM_OPERATION_START);
  directory = model_save (&model, vm, "s");
  change_stepping (directory);
  list = ovm_manager_get_snapshots (model.manager);
  snapshot = ovm_snapshot_list_lookup_directory (list, directory);

  try_restore (&model, directory, "one", "{}", FALSE);
  try_restore (&model, directory, "one", "{'cpu': <'exact'>}", FALSE);
  try_restore (&model, directory, "one", "{'cpu': <'superset'>}", TRUE);

  model_reset (&model);
  g_assert_true (
      ovm_snapshot_list_begin_prepare (list, snapshot, 1, none, on_prepare_ended, &model, &model.error));
  model_wait_until (model.done);
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_INCOMPATIBLE);
  model_reset (&model);
  g_assert_true (
      ovm_snapshot_list_begin_prepare (list, snapshot, 1, superset, on_prepare_ended, &model, &model.error));
  model_wait_until (model.done);
  g_assert_no_error (model.error);
  g_assert_cmpuint (ovm_prepared_get_ready (ovm_snapshot_get_prepared (snapshot)), ==, 1);
  try_restore (&model, directory, "two", "{}", FALSE);
  model_wait_until (ovm_prepared_get_ready (ovm_snapshot_get_prepared (snapshot)) == 1);
  try_restore (&model, directory, "two", "{'cpu': <'superset'>}", TRUE);
}

/* Of two that are prepared before there is a record each would make one: the first that runs does. */
static void
test_working_set_of_prepared (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autofree char *records = NULL;
  g_autoptr (GVariant) options = model_dict ("{'memory': <'working-set'>}");
  g_autoptr (GVariant) none = model_dict (NULL);
  OvmSnapshotList *list;
  OvmSnapshot *snapshot;
  OvmVm *vm;
  OvmJob *job;

  model_init (&model);
  list = ovm_manager_get_snapshots (model.manager);
  records = model_path (&model, "working-sets");
  ovm_snapshot_list_set_working_sets (list, records);
  vm = create (&model, "vm", "counter", NULL);
  model_do (&model, vm, OVM_OPERATION_START);
  directory = model_save (&model, vm, "s");
  snapshot = ovm_snapshot_list_lookup_directory (list, directory);
  model_reset (&model);
  g_assert_true (
      ovm_snapshot_list_begin_prepare (list, snapshot, 2, options, on_prepared, &model, &model.error));
  model_wait_until (model.done);
  model_reset (&model);
  g_assert_true (ovm_manager_begin_restore (
      model.manager, "one", directory, none, &job, model_on_vm, &model, &model.error));
  model_wait_until (model.done);
  g_assert_no_error (model.error);
  model_wait_until (g_file_test (records, G_FILE_TEST_IS_DIR));
  model_wait_until (ovm_prepared_get_ready (ovm_snapshot_get_prepared (snapshot)) == 2);
  take_prepared (&model, directory, "two", "{'memory': <'working-set'>}");
}

/* In place without a new machine, in place of a stopped one, and as a new VM. */
static void
test_restores_with_clock_policy (void)
{
  static const char *const policies[] = { "{'clock': <'continue'>}", "{'clock': <'catch-up'>}" };
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  vm = create (&model, "vm", "counter", NULL);
  model_do (&model, vm, OVM_OPERATION_START);
  directory = model_save (&model, vm, "s");
  for (guint i = 0; i < 4; i++)
    {
      OvmAction *action = ovm_action_new_restore (directory, OVM_RESTORE_RUNNING, FALSE);

      if (i == 2)
        model_do (&model, vm, OVM_OPERATION_POWER_OFF);
      action->clock = i % 2 == 0 ? OVM_CLOCK_CATCH_UP : OVM_CLOCK_CONTINUE;
      model_try (&model, vm, action);
      g_assert_no_error (model.error);
      g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_RUNNING);
    }
  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      g_autofree char *name = g_strdup_printf ("clone%u", i);
      g_autoptr (GVariant) options = model_dict (policies[i]);
      OvmJob *job;

      model_reset (&model);
      g_assert_true (ovm_manager_begin_restore (
          model.manager, name, directory, options, &job, model_on_vm, &model, &model.error));
      model_wait_until (model.done);
      g_assert_no_error (model.error);
      g_assert_cmpint (ovm_vm_get_state (model.vm), ==, OVM_STATE_RUNNING);
    }
}

static void
test_start_fails_with_reason (void)
{
  g_auto (Model) model;
  OvmVm *vm;

  model_init (&model);
  vm = create (&model, "vm", "no-such-guest", NULL);
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

/* the tiny guest "ending" ends as the key tells that is sent to its serial port */
static void
send_key (OvmVm *vm, char key)
{
  g_autoptr (GError) error = NULL;
  int fd = ovm_vm_open_console (vm, &error);
  struct pollfd readable = { .fd = fd, .events = POLLIN };

  g_assert_no_error (error);
  g_assert_cmpint (poll (&readable, 1, 60 * 1000), ==, 1); /* it has booted */
  g_assert_cmpint (write (fd, &key, 1), ==, 1);
  g_assert_cmpint (close (fd), ==, 0);
}

static void
on_state_changed (OvmVm *vm, guint old, guint new, const char *reason, GString *steps)
{
  g_string_append_printf (steps,
                          "%s>%s ",
                          ovm_state_to_string ((OvmState) old),
                          ovm_state_to_string ((OvmState) new));
}

static void
test_guest_ends_its_machine (void)
{
  static const struct
  {
    char key;
    const char *steps;
    OvmState state;
  } cases[] = {
    { 'p', "stopped>running running>stopped ", OVM_STATE_STOPPED },
    { 'r', "stopped>running running>running ", OVM_STATE_RUNNING },
    { 't', "stopped>running running>crashed ", OVM_STATE_CRASHED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Model) model;
      g_autoptr (GString) steps = g_string_new (NULL);
      OvmVm *vm;

      model_init (&model);
      vm = create (&model, "vm", "ending", NULL);
      g_signal_connect (vm, "state-changed", G_CALLBACK (on_state_changed), steps);
      model_do (&model, vm, OVM_OPERATION_START);
      send_key (vm, cases[i].key);
      model_wait_until (g_str_equal (steps->str, cases[i].steps));
      g_assert_cmpint (ovm_vm_get_state (vm), ==, cases[i].state);
      g_signal_handlers_disconnect_by_data (vm, steps);
      if (cases[i].state == OVM_STATE_STOPPED)
        model_do (&model, vm, OVM_OPERATION_START);
      else
        model_do (&model, vm, OVM_OPERATION_RESET);
    }
}

static void
test_console_outlives_the_machine (void)
{
  g_auto (Model) model;
  g_autoptr (GError) error = NULL;
  struct pollfd readable = { .events = POLLIN };
  char byte;
  OvmVm *vm;

  model_init (&model);
  vm = create (&model, "vm", "echo", NULL);
  readable.fd = ovm_vm_open_console (vm, &error);
  g_assert_no_error (error);
  for (int i = 0; i < 3; i++)
    {
      model_do (&model, vm, i == 0 ? OVM_OPERATION_START : OVM_OPERATION_RESET);
      g_assert_cmpint (write (readable.fd, "x", 1), ==, 1);
      do
        {
          g_assert_cmpint (poll (&readable, 1, 60 * 1000), ==, 1);
          g_assert_cmpint (read (readable.fd, &byte, 1), ==, 1);
        }
      while (byte != 'y'); /* the guest sends each byte back, one larger */
    }
  g_assert_cmpint (close (readable.fd), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/driver-kvm/lives", test_lives);
  g_test_add_func ("/src/driver-kvm/clones-run-beside-the-source", test_clones_run_beside_the_source);
  g_test_add_func ("/src/driver-kvm/restores-on-other-processors-if-told-to",
                   test_restores_on_other_processors_if_told_to);
  g_test_add_func ("/src/driver-kvm/restores-with-clock-policy", test_restores_with_clock_policy);
  g_test_add_func ("/src/driver-kvm/start-fails-with-reason", test_start_fails_with_reason);
  g_test_add_func ("/src/driver-kvm/wants-a-kernel", test_wants_a_kernel);
  g_test_add_func ("/src/driver-kvm/failing-reset-does-no-harm", test_failing_reset_does_no_harm);
  g_test_add_func ("/src/driver-kvm/guest-ends-its-machine", test_guest_ends_its_machine);
  g_test_add_func ("/src/driver-kvm/console-outlives-the-machine", test_console_outlives_the_machine);
  g_test_add_func ("/src/driver-kvm/clones-are-prepared", test_clones_are_prepared);
  g_test_add_func ("/src/driver-kvm/working-set-of-prepared", test_working_set_of_prepared);
  return g_test_run ();
}
