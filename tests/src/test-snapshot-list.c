/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/snapshot-list.h"

#include <glib/gstdio.h>

#include "src/name.h"
#include "tests/src/model.h"

#define LONG_TEXT_LENGTH (60 * 1024)

typedef struct
{
  OvmSnapshotList *list;
  OvmJobList *jobs;
  char *directory;
  VmmConfig *config;
  const char *description; /* of those that are saved */
  const char *under;       /* the parent's directory, which makes them incremental */
  guint added;
  guint removed;
} Fixture;

static void
on_added (OvmSnapshotList *list, OvmSnapshot *snapshot, Fixture *fixture)
{
  fixture->added++;
}

static void
on_removed (OvmSnapshotList *list, OvmSnapshot *snapshot, Fixture *fixture)
{
  fixture->removed++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->jobs = ovm_job_list_new ();
  fixture->list = ovm_snapshot_list_new (ovm_job_list_get_worker (fixture->jobs));
  fixture->directory = scratch_new (NULL);
  fixture->config = vmm_config_new ();
  fixture->config->name = g_strdup ("vm");
  fixture->config->memory_size = VMM_MEMORY_SIZE_MIN;
  g_signal_connect (fixture->list, "added", G_CALLBACK (on_added), fixture);
  g_signal_connect (fixture->list, "removed", G_CALLBACK (on_removed), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_finalize_object (fixture->list);
  g_assert_finalize_object (fixture->jobs);
  vmm_config_free (fixture->config);
  scratch_free (fixture->directory);
}

static OvmSnapshot *
look (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) opened = vmm_snapshot_open (path, &error);

  g_assert_no_error (error);
  return ovm_snapshot_new (opened, fixture->jobs);
}

static OvmSnapshot *
save (Fixture *fixture, const char *name, const char *parent_uuid)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  g_assert_true (vmm_snapshot_write (fixture->config,
                                     TRUE,
                                     0,
                                     &(VmmSavePlan){ .directory = path,
                                                     .parent_uuid = parent_uuid,
                                                     .description = fixture->description,
                                                     .incremental = fixture->under != NULL },
                                     fixture->under,
                                     &result,
                                     &error));
  g_assert_no_error (error);
  return look (fixture, name);
}

static OvmSnapshot *
find (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

  return ovm_snapshot_list_lookup_directory (fixture->list, path);
}

static void
test_finds_by_uuid (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmSnapshot) snapshot = save (fixture, "a", NULL);
  const char *uuid = ovm_snapshot_get_info (snapshot)->uuid;

  g_assert_null (ovm_snapshot_list_lookup (fixture->list, uuid));
  g_assert_cmpstr (ovm_snapshot_list_get_path (fixture->list, uuid), ==, OVM_NO_PATH);
  g_assert_true (ovm_snapshot_list_add (fixture->list, snapshot) == snapshot);
  g_assert_true (ovm_snapshot_list_lookup (fixture->list, uuid) == snapshot);
  g_assert_cmpstr (ovm_snapshot_list_get_path (fixture->list, uuid), ==, ovm_snapshot_get_path (snapshot));
  g_assert_null (ovm_snapshot_list_lookup (fixture->list, ""));
  g_assert_null (ovm_snapshot_list_lookup (fixture->list, NULL));
  g_assert_cmpuint (fixture->added, ==, 1);
}

static void
test_the_same_stays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmSnapshot) first = save (fixture, "a", NULL);
  g_autoptr (OvmSnapshot) again = look (fixture, "a");

  ovm_snapshot_list_add (fixture->list, first);
  g_assert_true (ovm_snapshot_list_add (fixture->list, again) == first);
  g_assert_cmpuint (fixture->added, ==, 1);
}

static void
test_moved_takes_the_place (Fixture *fixture, gconstpointer data)
{
  g_autofree char *from = g_build_filename (fixture->directory, "a", NULL);
  g_autofree char *to = g_build_filename (fixture->directory, "b", NULL);
  g_autoptr (OvmSnapshot) first = save (fixture, "a", NULL);
  g_autoptr (OvmSnapshot) moved = NULL;

  ovm_snapshot_list_add (fixture->list, first);
  g_assert_cmpint (g_rename (from, to), ==, 0);
  moved = look (fixture, "b");
  g_assert_true (ovm_snapshot_list_add (fixture->list, moved) == moved);
  g_assert_cmpuint (fixture->removed, ==, 1);
  g_assert_cmpuint (ovm_snapshot_list_get_length (fixture->list), ==, 1);
}

static void
on_changed (OvmSnapshot *snapshot, guint *changes)
{
  (*changes)++;
}

static void
test_child_hears_of_its_parent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmSnapshot) parent = save (fixture, "a", NULL);
  g_autoptr (OvmSnapshot) child = save (fixture, "b", ovm_snapshot_get_info (parent)->uuid);
  g_autoptr (OvmSnapshot) other = save (fixture, "c", NULL);
  guint changes = 0;
  guint other_changes = 0;

  ovm_snapshot_list_add (fixture->list, child);
  ovm_snapshot_list_add (fixture->list, other);
  g_signal_connect (child, "changed", G_CALLBACK (on_changed), &changes);
  g_signal_connect (other, "changed", G_CALLBACK (on_changed), &other_changes);
  ovm_snapshot_list_add (fixture->list, parent);
  g_assert_cmpuint (changes, ==, 1);
  g_signal_emit_by_name (parent, "deleted");
  g_assert_cmpuint (changes, ==, 2);
  g_assert_cmpuint (other_changes, ==, 0);
}

static void
test_deleted_leaves (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmSnapshot) snapshot = save (fixture, "a", NULL);

  ovm_snapshot_list_add (fixture->list, snapshot);
  g_signal_emit_by_name (snapshot, "deleted");
  g_assert_cmpuint (fixture->removed, ==, 1);
  g_assert_cmpuint (ovm_snapshot_list_get_length (fixture->list), ==, 0);
}

static void
test_finds_by_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *a = g_build_filename (fixture->directory, "a", NULL);
  g_autofree char *b = g_build_filename (fixture->directory, "b", NULL);
  g_autoptr (OvmSnapshot) first = save (fixture, "a", NULL);
  g_autoptr (OvmSnapshot) moved = NULL;
  g_autoptr (OvmSnapshot) second = NULL;

  ovm_snapshot_list_add (fixture->list, first);
  g_assert_true (ovm_snapshot_list_lookup_directory (fixture->list, a) == first);
  g_assert_null (ovm_snapshot_list_lookup_directory (fixture->list, b));
  g_assert_cmpint (g_rename (a, b), ==, 0);
  second = save (fixture, "a", NULL);
  ovm_snapshot_list_add (fixture->list, second);
  g_assert_true (ovm_snapshot_list_lookup_directory (fixture->list, a) == second);
  moved = look (fixture, "b");
  ovm_snapshot_list_add (fixture->list, moved);
  g_assert_true (ovm_snapshot_list_lookup_directory (fixture->list, a) == second);
  g_assert_true (ovm_snapshot_list_lookup_directory (fixture->list, b) == moved);
  g_signal_emit_by_name (second, "deleted");
  g_assert_null (ovm_snapshot_list_lookup_directory (fixture->list, a));
}

static void
on_described (OvmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
  *(gboolean *) user_data = TRUE;
}

static void
describe (OvmSnapshot *snapshot, const char *description)
{
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  g_assert_true (ovm_snapshot_begin_describe (snapshot, description, on_described, &done, &error));
  model_wait_until (done);
}

/* so that one message can tell all of it: what is said of more than fits is that of the latest, or of one that was
 * described anew */
static void
test_oldest_make_room (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_text = g_strnfill (LONG_TEXT_LENGTH, 'x');
  g_autofree char *text = g_strnfill (OVM_DESCRIPTION_LENGTH_MAX, 'x');
  g_autoptr (GPtrArray) plain = g_ptr_array_new_with_free_func (g_object_unref);
  guint count = OVM_SNAPSHOT_LIST_BUS_SIZE_MAX / LONG_TEXT_LENGTH;
  guint removed;

  fixture->description = long_text;
  for (guint i = 0; i < count; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autoptr (OvmSnapshot) snapshot = save (fixture, name, NULL);

      g_assert_true (ovm_snapshot_list_add (fixture->list, snapshot) == snapshot);
      g_assert_true (i + 5 > count || fixture->removed == 0);
    }
  g_assert_cmpuint (fixture->removed, >, 0);
  g_assert_cmpuint (fixture->removed, <, 6);
  g_assert_cmpuint (ovm_snapshot_list_get_length (fixture->list), ==, count - fixture->removed);
  g_assert_null (find (fixture, "0"));

  fixture->description = NULL;
  for (guint i = 0; i < LONG_TEXT_LENGTH / OVM_DESCRIPTION_LENGTH_MAX + 1; i++)
    {
      g_autofree char *name = g_strdup_printf ("plain-%u", i);

      g_ptr_array_add (plain, save (fixture, name, NULL));
      ovm_snapshot_list_add (fixture->list, plain->pdata[i]);
    }
  removed = fixture->removed;
  for (guint i = 0; i < plain->len; i++)
    describe (plain->pdata[i], text);
  g_assert_cmpuint (fixture->removed, >, removed);
  g_assert_nonnull (find (fixture, "plain-0"));
}

static void
test_names_some_of_many_children (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmSnapshot) parent = save (fixture, "parent", NULL);
  g_autofree char *under = g_build_filename (fixture->directory, "parent", NULL);
  g_autoptr (GError) error = NULL;

  ovm_snapshot_list_add (fixture->list, parent);
  fixture->under = under;
  for (guint i = 0; i < 18; i++)
    {
      g_autofree char *name = g_strdup_printf ("child-%u", i);
      g_autoptr (OvmSnapshot) child = save (fixture, name, NULL);

      ovm_snapshot_list_add (fixture->list, child);
    }
  g_assert_false (ovm_snapshot_list_begin_delete (fixture->list, parent, FALSE, NULL, NULL, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_HAS_CHILDREN);
  g_assert_nonnull (strstr (error->message, "child-15"));
  g_assert_null (strstr (error->message, "child-16"));
  g_assert_nonnull (strstr (error->message, "and 2 more"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function)                                                                                  \
  g_test_add ("/src/snapshot-list/" name, Fixture, NULL, set_up, function, tear_down)
  add ("finds-by-uuid", test_finds_by_uuid);
  add ("finds-by-directory", test_finds_by_directory);
  add ("the-same-stays", test_the_same_stays);
  add ("moved-takes-the-place", test_moved_takes_the_place);
  add ("child-hears-of-its-parent", test_child_hears_of_its_parent);
  add ("deleted-leaves", test_deleted_leaves);
  add ("oldest-make-room", test_oldest_make_room);
  add ("names-some-of-many-children", test_names_some_of_many_children);
#undef add
  return g_test_run ();
}
