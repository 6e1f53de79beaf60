/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/snapshot.h"

#include <glib/gstdio.h>

#include "src/name.h"
#include "tests/src/model.h"

typedef struct
{
  Model model;
  char *directory;
  OvmSnapshot *snapshot;
  gboolean done;
  GError *error;
  guint deleted;
  GPtrArray *children; /* of a delete */
} Fixture;

static void
on_deleted (OvmSnapshot *snapshot, Fixture *fixture)
{
  fixture->deleted++;
}

static void
on_child_deleted (OvmSnapshot *snapshot, guint *deleted)
{
  (*deleted)++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  OvmVm *vm;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) opened = NULL;

  model_init (&fixture->model);
  vm = model_create (&fixture->model, "vm", "'vp-count': <uint32 2>");
  model_do (&fixture->model, vm, OVM_OPERATION_START);
  fixture->directory = model_save (&fixture->model, vm, "s");
  opened = vmm_snapshot_open (fixture->directory, &error);
  g_assert_no_error (error);
  fixture->snapshot = ovm_snapshot_new (opened, ovm_manager_get_jobs (fixture->model.manager));
  g_signal_connect (fixture->snapshot, "deleted", G_CALLBACK (on_deleted), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_finalize_object (fixture->snapshot);
  g_free (fixture->directory);
  g_clear_error (&fixture->error);
  model_clear (&fixture->model);
}

static void
on_done (OvmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->done = TRUE;
  fixture->error = error != NULL ? g_error_copy (error) : NULL;
}

typedef gboolean (*Begin) (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data, GError **error);

static void
run (Fixture *fixture, Begin begin)
{
  g_autoptr (GError) error = NULL;

  fixture->done = FALSE;
  g_clear_error (&fixture->error);
  g_assert_true (begin (fixture->snapshot, on_done, fixture, &error));
  g_assert_nonnull (ovm_snapshot_get_job (fixture->snapshot));
  model_wait_until (fixture->done);
  g_assert_null (ovm_snapshot_get_job (fixture->snapshot));
}

static void
flip_a_bit (Fixture *fixture)
{
  g_autofree char *path = g_build_filename (fixture->directory, "memory.bin", NULL);
  int fd;

  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "x", 1, 12345), ==, 1);
  g_assert_true (g_close (fd, NULL));
}

static void
test_tells_what_it_is (Fixture *fixture, gconstpointer data)
{
  const OvmSnapshotInfo *info = ovm_snapshot_get_info (fixture->snapshot);
  g_autofree char *path = ovm_name_snapshot_path (info->uuid);

  g_assert_cmpstr (info->directory, ==, fixture->directory);
  g_assert_true (g_uuid_string_is_valid (info->uuid));
  g_assert_cmpstr (info->parent_uuid, ==, "");
  g_assert_cmpstr (info->vm_name, ==, "vm");
  g_assert_cmpstr (info->description, ==, "");
  g_assert_cmpuint (info->memory_size, ==, 16777216);
  g_assert_cmpuint (info->vp_count, ==, 2);
  g_assert_cmpuint (info->downtime_usec, ==, 1000);
  g_assert_cmpuint (info->size_on_disk, <, 1024 * 1024); /* zeros are holes */
  g_assert_cmpstr (ovm_snapshot_get_path (fixture->snapshot), ==, path);
}

static void
test_verifies (Fixture *fixture, gconstpointer data)
{
  run (fixture, ovm_snapshot_begin_verify);
  g_assert_no_error (fixture->error);
  flip_a_bit (fixture);
  run (fixture, ovm_snapshot_begin_verify);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_CORRUPT);
}

/* an incremental one over fixture->snapshot, in the directory `over` */
static OvmSnapshot *
save_over (Fixture *fixture)
{
  g_autofree char *over = model_path (&fixture->model, "over");
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmSnapshot) opened = NULL;
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  g_free (config->uuid);
  config->uuid = g_strdup (ovm_snapshot_get_info (fixture->snapshot)->vm_uuid);
  config->name = g_strdup ("vm");
  config->kernel = g_strdup ("/k");
  config->vp_count = 2;
  config->memory_size = 16777216;
  g_assert_true (vmm_snapshot_write (config,
                                     TRUE,
                                     0,
                                     &(VmmSavePlan){ .directory = over, .incremental = TRUE },
                                     fixture->directory,
                                     &result,
                                     &error));
  g_assert_no_error (error);
  opened = vmm_snapshot_open (over, &error);
  g_assert_no_error (error);
  return ovm_snapshot_new (opened, ovm_manager_get_jobs (fixture->model.manager));
}

/* the one under an incremental snapshot, or not */
static void
test_verifies_alone (Fixture *fixture, gconstpointer data)
{
  OvmSnapshot *over = save_over (fixture);

  flip_a_bit (fixture);
  g_object_unref (fixture->snapshot);
  fixture->snapshot = over;
  run (fixture, ovm_snapshot_begin_verify);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_CORRUPT);
  run (fixture, ovm_snapshot_begin_verify_alone);
  g_assert_no_error (fixture->error);
}

static void
test_deletes (Fixture *fixture, gconstpointer data)
{
  run (fixture, ovm_snapshot_begin_delete);
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (fixture->deleted, ==, 1);
  g_assert_false (g_file_test (fixture->directory, G_FILE_TEST_EXISTS));
}

static void
test_keeps_what_is_not_its_own (Fixture *fixture, gconstpointer data)
{
  scratch_write (fixture->directory, "diary", "x", 1);
  run (fixture, ovm_snapshot_begin_delete);
  g_assert_nonnull (fixture->error);
  g_assert_cmpuint (fixture->deleted, ==, 0);
  scratch_assert_list (fixture->directory, "diary manifest.bin memory.bin state.bin");
}

static void
test_gone_directory_is_no_such_snapshot (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = model_path (&fixture->model, "elsewhere");

  g_assert_cmpint (g_rename (fixture->directory, elsewhere), ==, 0);
  run (fixture, ovm_snapshot_begin_verify);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
  g_assert_cmpuint (fixture->deleted, ==, 0);
  run (fixture, ovm_snapshot_begin_delete);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
  g_assert_cmpuint (fixture->deleted, ==, 1);
}

static gboolean
begin_delete_with_child (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;

  return ovm_snapshot_begin_delete_with (snapshot, fixture->children, done, user_data, error);
}

/* it may have been moved, and need its parent still */
static void
test_gone_child_goes_alone (Fixture *fixture, gconstpointer data)
{
  g_autofree char *over = model_path (&fixture->model, "over");
  g_autofree char *elsewhere = model_path (&fixture->model, "elsewhere");
  g_autoptr (OvmSnapshot) child = save_over (fixture);
  guint deleted_children = 0;

  fixture->children = g_ptr_array_new ();
  g_ptr_array_add (fixture->children, child);
  g_signal_connect (child, "deleted", G_CALLBACK (on_child_deleted), &deleted_children);
  g_assert_cmpint (g_rename (over, elsewhere), ==, 0);
  run (fixture, begin_delete_with_child);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
  g_assert_cmpuint (fixture->deleted, ==, 0);
  g_assert_cmpuint (deleted_children, ==, 1);
  g_assert_true (g_file_test (fixture->directory, G_FILE_TEST_EXISTS));
  g_ptr_array_unref (fixture->children);
}

/* another snapshot in the same place is not deleted for this one */
static void
test_changed_directory_is_left_alone (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = model_path (&fixture->model, "elsewhere");
  g_autofree char *other = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_rename (fixture->directory, elsewhere), ==, 0);
  other = model_save (&fixture->model,
                      ovm_vm_list_lookup (ovm_manager_get_vms (fixture->model.manager), "vm", &error),
                      "s");
  run (fixture, ovm_snapshot_begin_delete);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
  scratch_assert_list (other, "manifest.bin memory.bin state.bin");
}

static void
test_one_operation_at_a_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) busy = NULL;

  g_assert_true (ovm_snapshot_begin_verify (fixture->snapshot, on_done, fixture, &error));
  g_assert_false (ovm_snapshot_begin_delete (fixture->snapshot, on_done, fixture, &busy));
  g_assert_error (busy, OVM_ERROR, OVM_ERROR_BUSY);
  model_wait_until (fixture->done);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function) g_test_add ("/src/snapshot/" name, Fixture, NULL, set_up, function, tear_down)
  add ("tells-what-it-is", test_tells_what_it_is);
  add ("verifies", test_verifies);
  add ("verifies-alone", test_verifies_alone);
  add ("deletes", test_deletes);
  add ("keeps-what-is-not-its-own", test_keeps_what_is_not_its_own);
  add ("gone-directory-is-no-such-snapshot", test_gone_directory_is_no_such_snapshot);
  add ("gone-child-goes-alone", test_gone_child_goes_alone);
  add ("changed-directory-is-left-alone", test_changed_directory_is_left_alone);
  add ("one-operation-at-a-time", test_one_operation_at_a_time);
#undef add
  return g_test_run ();
}
