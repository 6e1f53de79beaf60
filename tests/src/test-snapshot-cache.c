/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/snapshot-cache.h"

#include <glib/gstdio.h>

#include "tests/src/model.h"

typedef struct
{
  OvmWorker *worker;
  OvmSnapshotCache *cache;
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->worker = ovm_worker_new ();
  fixture->cache = ovm_snapshot_cache_new (fixture->worker);
  fixture->directory = scratch_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  model_wait_until (ovm_worker_get_pending (fixture->worker) == 0);
  g_assert_finalize_object (fixture->cache);
  g_object_unref (fixture->worker);
  scratch_free (fixture->directory);
}

static char *
write_snapshot (Fixture *fixture, const char *name)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  char *directory = g_build_filename (fixture->directory, name, NULL);
  VmmSaveResult result = { 0 };
  g_autoptr (GError) error = NULL;

  config->name = g_strdup ("vm");
  config->memory_size = VMM_MEMORY_SIZE_MIN;
  g_assert_true (
      vmm_snapshot_write (config, TRUE, 0, &(VmmSavePlan){ .directory = directory }, NULL, &result, &error));
  g_assert_no_error (error);
  g_usleep (20 * 1000); /* more than a tick of the kernel's clock: what comes is told apart */
  return directory;
}

static VmmSnapshot *
open_one (Fixture *fixture, const char *directory)
{
  g_autoptr (GError) error = NULL;
  VmmSnapshot *snapshot = ovm_snapshot_cache_open (fixture->cache, directory, &error);

  g_assert_no_error (error);
  return snapshot;
}

static void
test_opens_once (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = write_snapshot (fixture, "s");
  g_autoptr (VmmSnapshot) first = open_one (fixture, directory);
  g_autoptr (VmmSnapshot) second = open_one (fixture, directory);

  g_assert_true (first == second);
  g_assert_cmpuint (ovm_snapshot_cache_get_length (fixture->cache), ==, 1);
}

static void
test_what_is_damaged_meanwhile_is_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = write_snapshot (fixture, "s");
  g_autofree char *manifest = g_build_filename (directory, "manifest.bin", NULL);
  g_autoptr (VmmSnapshot) first = open_one (fixture, directory);
  g_autoptr (VmmSnapshot) second = NULL;
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (manifest, &content, &length, NULL));
  content[length / 2] ^= 1;
  g_assert_cmpint (g_chmod (manifest, 0600), ==, 0);
  g_assert_true (
      g_file_set_contents_full (manifest, content, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  second = ovm_snapshot_cache_open (fixture->cache, directory, &error);
  g_assert_null (second);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_cmpuint (ovm_snapshot_cache_get_length (fixture->cache), ==, 0);
}

static void
test_what_takes_its_place_is_opened (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = write_snapshot (fixture, "s");
  g_autofree char *elsewhere = g_build_filename (fixture->directory, "elsewhere", NULL);
  g_autoptr (VmmSnapshot) first = open_one (fixture, directory);
  g_autoptr (VmmSnapshot) second = NULL;
  g_autofree char *again = NULL;

  g_assert_cmpint (g_rename (directory, elsewhere), ==, 0);
  again = write_snapshot (fixture, "s");
  second = open_one (fixture, again);
  g_assert_cmpstr (vmm_snapshot_get_uuid (first), !=, vmm_snapshot_get_uuid (second));
}

static void
test_keeps_the_latest (Fixture *fixture, gconstpointer data)
{
  g_autofree char *oldest = write_snapshot (fixture, "oldest");
  g_autoptr (VmmSnapshot) first = open_one (fixture, oldest);
  g_autoptr (VmmSnapshot) again = NULL;

  for (guint i = 0; i < OVM_SNAPSHOT_CACHE_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autofree char *directory = write_snapshot (fixture, name);

      vmm_snapshot_unref (open_one (fixture, directory));
    }
  g_assert_cmpuint (ovm_snapshot_cache_get_length (fixture->cache), ==, OVM_SNAPSHOT_CACHE_MAX);
  again = open_one (fixture, oldest);
  g_assert_true (again != first);
}

static void
test_lets_go (Fixture *fixture, gconstpointer data)
{
  g_autofree char *directory = write_snapshot (fixture, "s");
  gint64 start = g_get_monotonic_time ();

  vmm_snapshot_unref (open_one (fixture, directory));
  ovm_snapshot_cache_expire (fixture->cache);
  model_wait_until (ovm_snapshot_cache_get_length (fixture->cache) == 0);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function)                                                                                  \
  g_test_add ("/src/snapshot-cache/" name, Fixture, NULL, set_up, function, tear_down)
  add ("opens-once", test_opens_once);
  add ("what-is-damaged-meanwhile-is-refused", test_what_is_damaged_meanwhile_is_refused);
  add ("what-takes-its-place-is-opened", test_what_takes_its_place_is_opened);
  add ("keeps-the-latest", test_keeps_the_latest);
  add ("lets-go", test_lets_go);
#undef add
  return g_test_run ();
}
