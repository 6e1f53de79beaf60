/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/inspector.h"

#include "tests/src/model.h"

static char *
make_snapshot (Model *model)
{
  OvmVm *vm = model_create (model, "source", NULL);

  model_do (model, vm, OVM_OPERATION_START);
  return model_save (model, vm, "snapshot");
}

static void
on_opened (VmmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  model_on_vm (NULL, error, user_data);
  g_assert_true ((snapshot == NULL) == (error != NULL));
  if (snapshot != NULL)
    g_assert_cmpstr (vmm_snapshot_get_vm_name (snapshot), ==, "source");
}

static void
on_verified (const GError *error, gpointer user_data)
{
  model_on_vm (NULL, error, user_data);
}

static void
test_opens_and_verifies (void)
{
  g_auto (Model) model;
  g_autofree char *directory = NULL;
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;
  OvmInspector *inspector;
  OvmJob *job = NULL;

  model_init (&model);
  inspector = ovm_manager_get_inspector (model.manager);
  directory = make_snapshot (&model);
  missing = model_path (&model, "missing");

  model_reset (&model);
  g_assert_true (ovm_inspector_begin_open (inspector, directory, on_opened, &model, &error));
  model_wait_until (model.done);
  g_assert_no_error (model.error);

  model_reset (&model);
  g_assert_true (ovm_inspector_begin_verify (inspector, directory, TRUE, &job, on_verified, &model, &error));
  g_assert_cmpstr (ovm_job_get_operation (job), ==, "verify");
  model_wait_until (model.done);
  g_assert_no_error (model.error);

  model_reset (&model);
  g_assert_true (ovm_inspector_begin_verify (inspector, missing, FALSE, &job, on_verified, &model, &error));
  model_wait_until (model.done);
  g_assert_error (model.error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
}

static void
test_refuses_relative_directory (void)
{
  g_auto (Model) model;
  g_autoptr (GError) open_error = NULL;
  g_autoptr (GError) verify_error = NULL;
  OvmInspector *inspector;
  OvmJob *job = NULL;

  model_init (&model);
  inspector = ovm_manager_get_inspector (model.manager);
  g_assert_false (ovm_inspector_begin_open (inspector, "relative", on_opened, &model, &open_error));
  g_assert_error (open_error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
  g_assert_false (
      ovm_inspector_begin_verify (inspector, "relative", TRUE, &job, on_verified, &model, &verify_error));
  g_assert_error (verify_error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
  g_assert_null (job);
}

static void
on_one_opened (VmmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  g_assert_error (error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
  (*(guint *) user_data)++;
}

static void
test_limits_how_many_are_opened (void)
{
  g_auto (Model) model;
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;
  OvmInspector *inspector;
  guint opened = 0;

  model_init (&model);
  inspector = ovm_manager_get_inspector (model.manager);
  missing = model_path (&model, "missing");
  for (guint i = 0; i < OVM_INSPECTOR_MAX; i++)
    g_assert_true (ovm_inspector_begin_open (inspector, missing, on_one_opened, &opened, &error));
  g_assert_false (ovm_inspector_begin_open (inspector, missing, on_one_opened, &opened, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_LIMIT_EXCEEDED);
  model_wait_until (opened == OVM_INSPECTOR_MAX);
  g_assert_true (ovm_inspector_begin_open (inspector, missing, on_one_opened, &opened, NULL));
  model_wait_until (opened == OVM_INSPECTOR_MAX + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/inspector/opens-and-verifies", test_opens_and_verifies);
  g_test_add_func ("/src/inspector/refuses-relative-directory", test_refuses_relative_directory);
  g_test_add_func ("/src/inspector/limits-how-many-are-opened", test_limits_how_many_are_opened);
  return g_test_run ();
}
