/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/vm-list.h"

#include "tests/src/model.h"

#define UUID "0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d11"

typedef struct
{
  Model model; /* has jobs and snapshots */
  OvmVmList *list;
  guint added;
  guint removed;
} Fixture;

static void
on_added (OvmVmList *list, OvmVm *vm, Fixture *fixture)
{
  g_assert_true (ovm_vm_list_lookup (list, ovm_vm_get_name (vm), NULL) == vm);
  fixture->added++;
}

/* its name is free by then */
static void
on_removed (OvmVmList *list, OvmVm *vm, Fixture *fixture)
{
  g_assert_null (ovm_vm_list_lookup (list, ovm_vm_get_name (vm), NULL));
  fixture->removed++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  model_init (&fixture->model);
  fixture->list = ovm_vm_list_new ();
  g_signal_connect (fixture->list, "added", G_CALLBACK (on_added), fixture);
  g_signal_connect (fixture->list, "removed", G_CALLBACK (on_removed), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) vms = ovm_vm_list_get_all (fixture->list);

  for (guint i = 0; i < vms->len; i++)
    model_do (&fixture->model, vms->pdata[i], OVM_OPERATION_DELETE);
  g_assert_finalize_object (fixture->list);
  model_clear (&fixture->model);
}

static OvmVm *
add (Fixture *fixture, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dict = model_dict ("{'driver': <'test'>}");
  OvmVmConfig *config = ovm_vm_config_new (name, dict, &error);
  OvmVm *vm;

  g_assert_no_error (error);
  g_assert_true (ovm_vm_list_reserve_name (fixture->list, name, &error));
  g_assert_true (ovm_vm_list_reserve_uuid (fixture->list, config->vmm->uuid, &error));
  vm = ovm_vm_new (config,
                   ovm_manager_get_jobs (fixture->model.manager),
                   ovm_manager_get_snapshots (fixture->model.manager),
                   &error);
  g_assert_no_error (error);
  ovm_vm_list_add (fixture->list, vm);
  g_object_unref (vm); /* the list keeps it */
  return vm;
}

static void
test_finds_and_sorts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) vms = NULL;
  OvmVm *b = add (fixture, "b");
  OvmVm *a = add (fixture, "a");

  g_assert_cmpuint (fixture->added, ==, 2);
  g_assert_true (ovm_vm_list_lookup (fixture->list, "b", &error) == b);
  vms = ovm_vm_list_get_all (fixture->list);
  g_assert_cmpuint (vms->len, ==, 2);
  g_assert_true (vms->pdata[0] == a && vms->pdata[1] == b);
  g_assert_null (ovm_vm_list_lookup (fixture->list, "c", &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_NO_SUCH_VM);
}

static void
test_deleted_one_leaves (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  OvmVm *vm = add (fixture, "a");
  g_autofree char *uuid = g_strdup (ovm_vm_get_config (vm)->vmm->uuid);

  g_assert_false (ovm_vm_list_reserve_uuid (fixture->list, uuid, NULL));
  model_do (&fixture->model, vm, OVM_OPERATION_DELETE);
  g_assert_cmpuint (fixture->removed, ==, 1);
  g_assert_cmpuint (ovm_vm_list_get_length (fixture->list), ==, 0);
  g_assert_true (ovm_vm_list_reserve_name (fixture->list, "a", &error));
  g_assert_true (ovm_vm_list_reserve_uuid (fixture->list, uuid, &error));
  g_assert_no_error (error);
}

/* counts, and can neither be taken again nor found */
static void
test_reserved_name_is_taken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) vms = NULL;

  g_assert_true (ovm_vm_list_reserve_name (fixture->list, "a", &error));
  g_assert_no_error (error);
  g_assert_cmpuint (ovm_vm_list_get_length (fixture->list), ==, 1);
  g_assert_null (ovm_vm_list_lookup (fixture->list, "a", NULL));
  vms = ovm_vm_list_get_all (fixture->list);
  g_assert_cmpuint (vms->len, ==, 0);
  g_assert_false (ovm_vm_list_reserve_name (fixture->list, "a", &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_NAME_IN_USE);
  ovm_vm_list_release_name (fixture->list, "a");
  g_assert_true (ovm_vm_list_reserve_name (fixture->list, "a", NULL));
}

static void
test_reserved_uuid_is_taken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ovm_vm_list_reserve_uuid (fixture->list, UUID, &error));
  g_assert_no_error (error);
  g_assert_false (ovm_vm_list_reserve_uuid (fixture->list, UUID, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_UUID_IN_USE);
  ovm_vm_list_release_uuid (fixture->list, UUID);
  g_assert_true (ovm_vm_list_reserve_uuid (fixture->list, UUID, NULL));
}

static void
test_limits_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < OVM_VM_LIST_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("vm%d", i);

      g_assert_true (ovm_vm_list_reserve_name (fixture->list, name, &error));
    }
  g_assert_false (ovm_vm_list_reserve_name (fixture->list, "one-more", &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_LIMIT_EXCEEDED);
}

#define ADD(name, function) g_test_add ("/src/vm-list/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("finds-and-sorts", test_finds_and_sorts);
  ADD ("deleted-one-leaves", test_deleted_one_leaves);
  ADD ("reserved-name-is-taken", test_reserved_name_is_taken);
  ADD ("reserved-uuid-is-taken", test_reserved_uuid_is_taken);
  ADD ("limits-names", test_limits_names);
  return g_test_run ();
}
