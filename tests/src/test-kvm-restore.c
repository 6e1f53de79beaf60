/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/kvm-restore.h"

#include "proto/vp.pb-c.h"
#include "tests/src/kvm-model.h"
#include "vmm/digest.h"
#include "vmm/snapshot.h"

static void
test_clones_run_beside_the_source (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  vm = kvm_model_create (&model, "vm", "counter", NULL);
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
  saved = model_save (model, ovm_vm_list_lookup (ovm_manager_get_vms (model->manager), name, NULL), name);
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
  vm = kvm_model_create (&model, "vm", "counter", NULL);
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
  vm = kvm_model_create (&model, "vm", "counter", NULL);
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
  vm = kvm_model_create (&model, "vm", "counter", NULL);
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
  vm = kvm_model_create (&model, "vm", "counter", NULL);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/kvm-restore/clones-run-beside-the-source", test_clones_run_beside_the_source);
  g_test_add_func ("/src/kvm-restore/clones-are-prepared", test_clones_are_prepared);
  g_test_add_func ("/src/kvm-restore/restores-on-other-processors-if-told-to",
                   test_restores_on_other_processors_if_told_to);
  g_test_add_func ("/src/kvm-restore/working-set-of-prepared", test_working_set_of_prepared);
  g_test_add_func ("/src/kvm-restore/restores-with-clock-policy", test_restores_with_clock_policy);
  return g_test_run ();
}
