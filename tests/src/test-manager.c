/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/manager.h"

#include <glib/gstdio.h>

#include "src/name.h"
#include "tests/src/model.h"

#define UUID "0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d11"

static void
test_creates_and_finds (void)
{
  g_auto (Model) model;
  g_autoptr (GPtrArray) vms = NULL;
  g_autoptr (GError) error = NULL;
  OvmVm *b;
  OvmVm *a;

  model_init (&model);
  b = model_create (&model, "b", NULL);
  a = model_create (&model, "a", NULL);
  g_assert_true (ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "a", &error) == a);
  vms = ovm_vm_list_get_all (ovm_manager_get_vms (model.manager));
  g_assert_cmpuint (vms->len, ==, 2);
  g_assert_true (vms->pdata[0] == a && vms->pdata[1] == b);
  g_assert_cmpint (ovm_vm_get_state (a), ==, OVM_STATE_STOPPED);
  g_assert_null (ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "c", &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_NO_SUCH_VM);
}

static void
test_refuses_a_second_of_the_name (void)
{
  g_auto (Model) model;

  model_init (&model);
  model_create (&model, "a", NULL);
  g_assert_null (model_try_create (&model, "a", "{'driver': <'test'>}"));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_NAME_IN_USE);
}

/* also while the first is still in the making */
static void
test_name_is_taken_at_once (void)
{
  g_auto (Model) model;
  g_autoptr (GVariant) dict = model_dict ("{'driver': <'test'>}");
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) second = NULL;

  model_init (&model);
  g_assert_true (ovm_manager_begin_create (model.manager, "a", dict, model_on_vm, &model, &error));
  g_assert_false (ovm_manager_begin_create (model.manager, "a", dict, model_on_vm, &model, &second));
  g_assert_error (second, OVM_ERROR, OVM_ERROR_NAME_IN_USE);
  g_assert_null (ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "a", NULL));
  model_wait_until (model.done);
  g_assert_nonnull (ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "a", &error));
}

static void
test_name_and_uuid_come_free (void)
{
  g_auto (Model) model;

  model_init (&model);
  model_create (&model, "a", "'uuid': <'" UUID "'>");
  g_assert_null (model_try_create (&model, "b", "{'driver': <'test'>, 'uuid': <'" UUID "'>}"));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_UUID_IN_USE);

  model_do (&model, ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "a", NULL), OVM_OPERATION_DELETE);
  model_create (&model, "a", "'uuid': <'" UUID "'>");
}

static void
test_failed_create_leaves_nothing (void)
{
  g_auto (Model) model;
  g_autoptr (GPtrArray) vms = NULL;

  model_init (&model);
  g_assert_null (model_try_create (&model,
                                   "a",
                                   "{'driver': <'test'>, 'uuid': <'" UUID
                                   "'>, 'test-fail': <'define:NoSpace'>}"));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_NO_SPACE);
  vms = ovm_vm_list_get_all (ovm_manager_get_vms (model.manager));
  g_assert_cmpuint (vms->len, ==, 0);
  model_create (&model, "a", "'uuid': <'" UUID "'>");
}

static void
test_limits_vms (void)
{
  g_auto (Model) model;

  model_init (&model);
  for (int i = 0; i < OVM_VM_LIST_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("vm%d", i);

      model_create (&model, name, NULL);
    }
  g_assert_null (model_try_create (&model, "one-more", "{'driver': <'test'>}"));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_LIMIT_EXCEEDED);
}

/* a VM restored from @directory; model->error says how */
static OvmVm *
restore (Model *model, const char *name, const char *directory, const char *options)
{
  g_autofree char *text = g_strdup_printf ("{'driver': <'test'>%s%s}",
                                           options != NULL ? ", " : "",
                                           options != NULL ? options : "");
  g_autoptr (GVariant) dict = model_dict (text);
  OvmJob *job = NULL;

  model_reset (model);
  if (ovm_manager_begin_restore (
          model->manager, name, directory, dict, &job, model_on_vm, model, &model->error))
    {
      g_assert_nonnull (job);
      model_wait_until (model->done);
    }
  return model->vm;
}

static char *
make_snapshot (Model *model)
{
  OvmVm *vm = model_create (model,
                            "source",
                            "'description': <'d'>, 'vp-count': <uint32 2>, 'memory-file': <'/m'>");

  model_do (model, vm, OVM_OPERATION_START);
  return model_save (model, vm, "snapshot");
}

static void
test_restores_clones (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmVm *source;

  model_init (&model);
  directory = make_snapshot (&model);
  source = ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "source", NULL);
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("clone%d", i);
      OvmVm *clone = restore (&model, name, directory, i == 2 ? "'paused': <true>" : NULL);
      const VmmConfig *config;

      g_assert_no_error (model.error);
      config = ovm_vm_get_config (clone)->vmm;
      g_assert_cmpint (ovm_vm_get_state (clone), ==, i == 2 ? OVM_STATE_PAUSED : OVM_STATE_RUNNING);
      g_assert_cmpuint (config->vp_count, ==, 2);
      g_assert_null (config->memory_file);
      g_assert_cmpstr (config->uuid, !=, ovm_vm_get_config (source)->vmm->uuid);
      g_assert_cmpstr (ovm_vm_get_snapshot_path (clone), ==, ovm_vm_get_snapshot_path (source));
    }
}

static void
test_restores_the_same_uuid_once (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autofree char *uuid = NULL;
  OvmVm *source;
  OvmVm *again;

  model_init (&model);
  directory = make_snapshot (&model);
  source = ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "source", NULL);
  uuid = g_strdup (ovm_vm_get_config (source)->vmm->uuid);
  g_assert_null (restore (&model, "again", directory, "'uuid': <'same'>"));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_UUID_IN_USE);
  model_do (&model, source, OVM_OPERATION_DELETE_FORCED);
  again = restore (&model, "again", directory, "'uuid': <'same'>");
  g_assert_no_error (model.error);
  g_assert_cmpstr (ovm_vm_get_config (again)->vmm->uuid, ==, uuid);
}

static void
test_failed_restore_leaves_nothing (void)
{
  static const struct
  {
    const char *options;
    OvmError code;
  } cases[] = {
    { "'test-fail': <'define:HostError'>", OVM_ERROR_HOST_ERROR },
    { "'test-fail': <'restore:Incompatible'>", OVM_ERROR_INCOMPATIBLE },
    { "'uuid': <'same'>", OVM_ERROR_UUID_IN_USE },
    { "'nonsense': <1>", OVM_ERROR_UNKNOWN_KEY },
  };
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autofree char *missing = NULL;

  model_init (&model);
  directory = make_snapshot (&model);
  missing = model_path (&model, "missing");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_null (restore (&model, "new", directory, cases[i].options));
      g_assert_error (model.error, OVM_ERROR, (int) cases[i].code);
      g_assert_null (ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "new", NULL));
    }
  g_assert_null (restore (&model, "new", missing, NULL));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
  g_assert_null (restore (&model, "new", "relative", NULL));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
  g_assert_nonnull (restore (&model, "new", directory, NULL));
}

static void
on_prepared (OvmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  Model *model = user_data;

  model->done = TRUE;
  model->error = error != NULL ? g_error_copy (error) : NULL;
}

/* @count clones of the snapshot in @directory, each of which takes a fifth of a second */
static OvmPrepared *
prepare (Model *model, const char *directory, guint count)
{
  OvmSnapshotList *list = ovm_manager_get_snapshots (model->manager);
  OvmSnapshot *snapshot = ovm_snapshot_list_lookup_directory (list, directory);
  g_autoptr (GVariant) options = model_dict ("{'driver': <'test'>, 'test-delay-ms': <uint32 200>}");

  model_reset (model);
  g_assert_true (
      ovm_snapshot_list_begin_prepare (list, snapshot, count, options, on_prepared, model, &model->error));
  model_wait_until (model->done);
  g_assert_no_error (model->error);
  return ovm_snapshot_get_prepared (snapshot);
}

static void
test_takes_a_prepared_clone (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autofree char *with_slash = NULL;
  OvmPrepared *prepared;

  model_init (&model);
  directory = make_snapshot (&model);
  with_slash = g_strconcat (directory, "/", NULL);
  prepared = prepare (&model, directory, 1);
  g_assert_nonnull (restore (&model, "new", with_slash, NULL));
  g_assert_cmpint (ovm_vm_get_state (model.vm), ==, OVM_STATE_RUNNING);
  g_assert_cmpuint (ovm_prepared_get_ready (prepared), ==, 0);
  model_wait_until (ovm_prepared_get_ready (prepared) == 1);
}

/* one that was taken in vain is not missed either */
static void
test_failed_restore_wastes_a_prepared_clone (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmPrepared *prepared;

  model_init (&model);
  directory = make_snapshot (&model);
  prepared = prepare (&model, directory, 1);
  g_assert_null (restore (&model, "new", directory, "'test-fail': <'define:HostError'>"));
  g_assert_null (restore (&model, "new", directory, "'test-fail': <'restore:HostError'>"));
  model_wait_until (ovm_prepared_get_ready (prepared) == 1);
}

/* what is in the directory is restored, not what was in it when the clone was prepared */
static void
test_stale_clone_is_not_taken (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autofree char *elsewhere = NULL;
  g_autofree char *again = NULL;
  OvmPrepared *prepared;
  OvmVm *vm;

  model_init (&model);
  directory = make_snapshot (&model);
  elsewhere = model_path (&model, "elsewhere");
  prepared = prepare (&model, directory, 2);
  g_assert_cmpint (g_rename (directory, elsewhere), ==, 0);
  g_assert_null (restore (&model, "new", directory, NULL));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
  g_assert_cmpuint (ovm_prepared_get_ready (prepared), ==, 0);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "cannot prepare a clone of snapshot*");
  model_wait_until (ovm_prepared_get_wanted (prepared) == 0);
  g_test_assert_expected_messages ();

  vm = ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "source", NULL);
  again = model_save (&model, vm, "snapshot");
  vm = restore (&model, "new", directory, NULL);
  g_assert_cmpstr (ovm_vm_get_snapshot_path (vm),
                   ==,
                   ovm_snapshot_get_path (
                       ovm_snapshot_list_lookup_directory (ovm_manager_get_snapshots (model.manager), again)));
}

static void
test_clones_go_with_their_snapshot (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autoptr (OvmPrepared) prepared = NULL;
  OvmSnapshot *snapshot;

  model_init (&model);
  directory = make_snapshot (&model);
  prepared = g_object_ref (prepare (&model, directory, 2));
  snapshot = ovm_snapshot_list_lookup_directory (ovm_manager_get_snapshots (model.manager), directory);
  model_reset (&model);
  g_assert_true (ovm_snapshot_begin_delete (snapshot, on_prepared, &model, &model.error));
  model_wait_until (model.done);
  g_assert_no_error (model.error);
  g_assert_cmpuint (ovm_prepared_get_ready (prepared), ==, 0);
}

/* a slow one can be seen, and cancelled */
static void
test_slow_restore_is_shown (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) options = model_dict ("{'driver': <'test'>, 'test-delay-ms': <uint32 10000>}");
  OvmJob *job;
  OvmVm *vm;

  model_init (&model);
  directory = make_snapshot (&model);
  model_reset (&model);
  g_assert_true (
      ovm_manager_begin_restore (model.manager, "new", directory, options, &job, model_on_vm, &model, &error));
  model_wait_until (ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "new", NULL) != NULL);
  vm = ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "new", NULL);
  g_assert_true (ovm_vm_get_job (vm) == job);
  g_assert_false (ovm_vm_begin (vm, ovm_action_new (OVM_OPERATION_START), NULL, NULL, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (ovm_job_cancel (job, &error));
  model_wait_until (model.done);
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_null (ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "new", NULL));
}

static void
test_restore_need_not_be_waited_for (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  OvmVm *vm;

  model_init (&model);
  directory = make_snapshot (&model);
  vm = restore (&model, "new", directory, "'wait': <false>, 'test-delay-ms': <uint32 200>");
  g_assert_no_error (model.error);
  g_assert_cmpint (ovm_vm_get_state (vm), ==, OVM_STATE_STOPPED);
  g_assert_nonnull (ovm_vm_get_job (vm));
  g_assert_cmpstr (ovm_job_get_operation (ovm_vm_get_job (vm)), ==, "restore-vm");
  model_wait_until (ovm_vm_get_state (vm) == OVM_STATE_RUNNING);
}

static void
on_closed (const GError *error, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
assert_begins_nothing (OvmVm *vm, OvmOperation operation)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ovm_vm_begin (vm, ovm_action_new (operation), NULL, NULL, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_CANCELLED);
}

static void
test_closing_begins_nothing (void)
{
  Model model;
  g_autofree char *directory = NULL;
  g_autoptr (GVariant) options = model_dict ("{'driver': <'test'>}");
  g_autoptr (GError) verify_error = NULL;
  g_autoptr (GError) delete_error = NULL;
  g_autoptr (GError) prepare_error = NULL;
  OvmSnapshotList *snapshots;
  OvmSnapshot *snapshot;
  OvmVm *stopped;
  OvmVm *running;

  model_init (&model);
  directory = make_snapshot (&model);
  running = ovm_vm_list_lookup (ovm_manager_get_vms (model.manager), "source", NULL);
  stopped = model_create (&model, "stopped", NULL);
  snapshots = ovm_manager_get_snapshots (model.manager);
  snapshot = ovm_snapshot_list_lookup_directory (snapshots, directory);

  model.done = FALSE;
  ovm_manager_close (model.manager, model_on_closed, &model);
  assert_begins_nothing (stopped, OVM_OPERATION_START);
  assert_begins_nothing (stopped, OVM_OPERATION_DELETE);
  assert_begins_nothing (running, OVM_OPERATION_PAUSE);
  assert_begins_nothing (running, OVM_OPERATION_RESET);
  g_assert_false (ovm_snapshot_begin_verify (snapshot, NULL, NULL, &verify_error));
  g_assert_error (verify_error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_false (ovm_snapshot_list_begin_delete (snapshots, snapshot, FALSE, NULL, NULL, &delete_error));
  g_assert_error (delete_error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_false (
      ovm_snapshot_list_begin_prepare (snapshots, snapshot, 1, options, NULL, NULL, &prepare_error));
  g_assert_error (prepare_error, OVM_ERROR, OVM_ERROR_CANCELLED);
  model_wait_until (model.done);
  g_assert_cmpuint (ovm_vm_list_get_length (ovm_manager_get_vms (model.manager)), ==, 0);
  g_assert_finalize_object (model.manager);
  scratch_free (model.directory);
}

/* VMs that run and one in the middle of a save all end, and nothing new begins */
static void
test_closes (void)
{
  Model model;
  g_autofree char *directory = NULL;
  g_autoptr (GError) error = NULL;
  gboolean closed = FALSE;
  OvmVm *busy;

  model_init (&model);
  directory = model_path (&model, "s");
  model_do (&model, model_create (&model, "runs", NULL), OVM_OPERATION_START);
  busy = model_create (&model, "busy", "'test-delay-ms': <uint32 400>");
  model_do (&model, busy, OVM_OPERATION_START);
  model_reset (&model);
  g_assert_true (ovm_vm_begin (busy, ovm_action_new_save (directory, NULL), model_on_action, &model, &error));

  ovm_manager_close (model.manager, on_closed, &closed);
  g_assert_null (model_try_create (&model, "late", "{'driver': <'test'>}"));
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_CANCELLED);
  model_reset (&model);
  model_wait_until (closed);
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  g_assert_finalize_object (model.manager);
  g_clear_error (&model.error);
  scratch_free (model.directory);
}

static void
test_closing_does_not_wait_for_what_cannot_be_powered_off (void)
{
  Model model;
  gboolean closed = FALSE;
  gint64 begin_usec = g_get_monotonic_time ();

  model_init (&model);
  model_do (&model, model_create (&model, "stuck", "'test-fail': <'stop:HostError'>"), OVM_OPERATION_START);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "VM 'stuck' could not be powered off: *");
  ovm_manager_close (model.manager, on_closed, &closed);
  model_wait_until (closed);
  g_test_assert_expected_messages ();
  g_assert_cmpint (g_get_monotonic_time () - begin_usec, <, 20 * G_USEC_PER_SEC);
  g_assert_finalize_object (model.manager);
  scratch_free (model.directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/manager/creates-and-finds", test_creates_and_finds);
  g_test_add_func ("/src/manager/refuses-a-second-of-the-name", test_refuses_a_second_of_the_name);
  g_test_add_func ("/src/manager/name-is-taken-at-once", test_name_is_taken_at_once);
  g_test_add_func ("/src/manager/name-and-uuid-come-free", test_name_and_uuid_come_free);
  g_test_add_func ("/src/manager/failed-create-leaves-nothing", test_failed_create_leaves_nothing);
  g_test_add_func ("/src/manager/limits-vms", test_limits_vms);
  g_test_add_func ("/src/manager/restores-clones", test_restores_clones);
  g_test_add_func ("/src/manager/restores-the-same-uuid-once", test_restores_the_same_uuid_once);
  g_test_add_func ("/src/manager/failed-restore-leaves-nothing", test_failed_restore_leaves_nothing);
  g_test_add_func ("/src/manager/takes-a-prepared-clone", test_takes_a_prepared_clone);
  g_test_add_func ("/src/manager/failed-restore-wastes-a-prepared-clone",
                   test_failed_restore_wastes_a_prepared_clone);
  g_test_add_func ("/src/manager/stale-clone-is-not-taken", test_stale_clone_is_not_taken);
  g_test_add_func ("/src/manager/clones-go-with-their-snapshot", test_clones_go_with_their_snapshot);
  g_test_add_func ("/src/manager/slow-restore-is-shown", test_slow_restore_is_shown);
  g_test_add_func ("/src/manager/restore-need-not-be-waited-for", test_restore_need_not_be_waited_for);
  g_test_add_func ("/src/manager/closing-begins-nothing", test_closing_begins_nothing);
  g_test_add_func ("/src/manager/closes", test_closes);
  g_test_add_func ("/src/manager/closing-does-not-wait-for-what-cannot-be-powered-off",
                   test_closing_does_not_wait_for_what_cannot_be_powered_off);
  return g_test_run ();
}
