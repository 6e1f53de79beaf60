/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/vm-list.h"

#include "tests/src/model.h"

#define UUID "0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d11"
#define OTHER_UUID "0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d12"

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

/* that says @length bytes of its VM */
static OvmVmConfig *
make_config (const char *uuid, gsize length)
{
  g_autofree char *text = g_strnfill (length, 'x');
  g_autofree char *dict_text = g_strdup_printf ("{'driver': <'test'>, 'uuid': <'%s'>}", uuid);
  g_autoptr (GVariant) dict = model_dict (dict_text);
  g_autoptr (GError) error = NULL;
  OvmVmConfig *config = ovm_vm_config_new ("vm", dict, &error);

  g_assert_no_error (error);
  config->vmm->description = g_steal_pointer (&text);
  return config;
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
  g_assert_true (ovm_vm_list_reserve_config (fixture->list, config, &error));
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
  g_autoptr (OvmVmConfig) config = make_config (ovm_vm_get_config (vm)->vmm->uuid, 0);

  g_assert_false (ovm_vm_list_reserve_config (fixture->list, config, NULL));
  model_do (&fixture->model, vm, OVM_OPERATION_DELETE);
  g_assert_cmpuint (fixture->removed, ==, 1);
  g_assert_cmpuint (ovm_vm_list_get_length (fixture->list), ==, 0);
  g_assert_true (ovm_vm_list_reserve_name (fixture->list, "a", &error));
  g_assert_true (ovm_vm_list_reserve_config (fixture->list, config, &error));
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
  g_autoptr (OvmVmConfig) config = make_config (UUID, 0);

  g_assert_true (ovm_vm_list_reserve_config (fixture->list, config, &error));
  g_assert_no_error (error);
  g_assert_false (ovm_vm_list_reserve_config (fixture->list, config, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_UUID_IN_USE);
  ovm_vm_list_release_uuid (fixture->list, UUID);
  g_assert_true (ovm_vm_list_reserve_config (fixture->list, config, NULL));
}

/* so that one message can tell all of it */
static void
test_limits_what_is_said (Fixture *fixture, gconstpointer data)
{
  const gsize length = 16 * 1024;
  g_autoptr (OvmVmConfig) first = make_config (UUID, length);
  gsize count = OVM_VM_LIST_BUS_SIZE_MAX / ovm_vm_config_get_bus_size (first);
  g_autoptr (OvmVmConfig) last = NULL;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < count; i++)
    {
      g_autofree char *uuid = g_uuid_string_random ();
      g_autoptr (OvmVmConfig) config = make_config (i == 0 ? UUID : uuid, length);

      g_assert_true (ovm_vm_list_reserve_config (fixture->list, config, &error));
    }
  last = make_config (OTHER_UUID, length);
  g_assert_false (ovm_vm_list_reserve_config (fixture->list, last, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, "delete a VM"));
  ovm_vm_list_release_uuid (fixture->list, UUID);
  g_assert_true (ovm_vm_list_reserve_config (fixture->list, last, NULL));
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
  ADD ("limits-what-is-said", test_limits_what_is_said);
  return g_test_run ();
}
