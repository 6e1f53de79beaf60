/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <string.h>

#include "tests/vmm/tiny-machine.h"

#define RUN (128 * 1024u) /* bytes that a restore maps */

static VmmMachine *
restore (TinyMachine *tiny, const char *path, const VmmConfig *config, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, NULL);

  g_assert_nonnull (snapshot);
  return vmm_machine_new_from_snapshot (snapshot, config, tiny->console, tiny_machine_on_event, tiny, error);
}

typedef TinyMachine *(*Restore) (const char *path);

/* as tiny_machine_new_restored(), into a machine that was there before */
static TinyMachine *
new_filled (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  TinyMachine *tiny = tiny_machine_new_bare ("counter", NULL);

  g_assert_no_error (error);
  vmm_config_free (tiny->config);
  tiny->config = vmm_config_copy (vmm_snapshot_get_config (snapshot));
  tiny->machine = vmm_machine_new_blank (tiny->config, tiny_machine_on_event, tiny, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_machine_fill (tiny->machine, snapshot, tiny->config, tiny->console, &error));
  g_assert_no_error (error);
  return tiny;
}

static const struct
{
  const char *name;
  Restore restore;
} ways[] = { { "built", tiny_machine_new_restored }, { "filled", new_filled } };

static void
add_vps (VmmConfig *config)
{
  config->vp_count = 3;
}

static void
test_all_vps_go_on (gconstpointer way)
{
  Restore new_restored = ways[GPOINTER_TO_SIZE (way)].restore;
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vps);
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *path = NULL;
  guint64 count[2];

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 2, 10);
  tiny_machine_wait_word (tiny, 3, 10);
  path = tiny_machine_save (tiny, "snapshot");
  restored = new_restored (path);
  for (guint i = 0; i < 2; i++)
    count[i] = tiny_machine_get_word (restored, 2 + i);
  g_assert_cmpuint (count[0], >=, 10);
  tiny_machine_resume (restored);
  for (guint i = 0; i < 2; i++)
    tiny_machine_wait_word (restored, 2 + i, count[i] + 10);
}

static void
test_before_other_vps_start (gconstpointer way)
{
  Restore new_restored = ways[GPOINTER_TO_SIZE (way)].restore;
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vps);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (TinyMachine) restored = new_restored (path);

  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 2, 1);
  tiny_machine_wait_word (restored, 3, 1);
}

/* RAM is the snapshot's, what lies over its base along with it, and what the guest does stays its own */
static void
test_fills_from_a_chain (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree char *base = NULL;
  g_autofree char *path = g_build_filename (tiny->directory, "over", NULL);
  g_autofree guint8 *run = g_malloc (RUN);
  g_autofree guint8 *found = g_malloc (RUN);
  g_autoptr (TinyMachine) restored = NULL;
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  base = tiny_machine_save (tiny, "base");
  memset (run, 0x5a, RUN);
  g_assert_true (vmm_memory_write (tiny->machine->memory, 12 * 1024 * 1024, run, RUN, &error));
  g_assert_true (vmm_machine_save (tiny->machine,
                                   &(VmmSavePlan){ .directory = path, .incremental = TRUE },
                                   &result,
                                   &error));
  g_assert_no_error (error);

  restored = new_filled (path);
  g_assert_nonnull (vmm_memory_get_overlaid (restored->machine->memory));
  g_assert_true (vmm_memory_read (restored->machine->memory, 12 * 1024 * 1024, found, RUN, &error));
  g_assert_cmpmem (found, RUN, run, RUN);
  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 0, tiny_machine_get_word (restored, 0) + 2);
  g_assert_cmpuint (tiny_machine_get_word (restored, 1), ==, 0);
}

static void
test_fills_no_other_shape (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, NULL);
  g_autoptr (VmmConfig) other = vmm_config_copy (tiny->config);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMachine) blank = NULL;

  other->vp_count = 2;
  blank = vmm_machine_new_blank (other, tiny_machine_on_event, tiny, &error);
  g_assert_no_error (error);
  g_assert_false (vmm_machine_fill (blank, snapshot, tiny->config, tiny->console, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
}

static void
test_refuses_other_shape (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (VmmConfig) other = vmm_config_copy (tiny->config);
  g_autoptr (GError) error = NULL;

  other->vp_count = 2;
  other->memory_size *= 2;
  g_assert_null (restore (tiny, path, other, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "vp-count is 2, the snapshot's 1"));
  g_assert_nonnull (strstr (error->message, "memory-size is 33554432"));
}

static void
test_refuses_other_devices (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new_bare ("counter", NULL);
  g_autofree char *path = g_build_filename (tiny->directory, "snapshot", NULL);
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  g_assert_true (
      vmm_snapshot_write (tiny->config, TRUE, 0, &(VmmSavePlan){ .directory = path }, NULL, &result, &error));
  g_assert_no_error (error);
  g_assert_null (restore (tiny, path, tiny->config, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  for (const VmmDeviceType *const *type = vmm_device_types; *type != NULL; type++)
    g_assert_nonnull (strstr (error->message, (*type)->name));
  g_assert_nonnull (strstr (error->message, "vp-0"));
  g_assert_nonnull (strstr (error->message, "platform"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *all = g_strdup_printf ("/vmm/machine-restore/all-vps-go-on/%s", ways[i].name);
      g_autofree char *before = g_strdup_printf ("/vmm/machine-restore/before-other-vps-start/%s",
                                                 ways[i].name);

      g_test_add_data_func (all, GSIZE_TO_POINTER (i), test_all_vps_go_on);
      g_test_add_data_func (before, GSIZE_TO_POINTER (i), test_before_other_vps_start);
    }
  g_test_add_func ("/vmm/machine-restore/fills-from-a-chain", test_fills_from_a_chain);
  g_test_add_func ("/vmm/machine-restore/fills-no-other-shape", test_fills_no_other_shape);
  g_test_add_func ("/vmm/machine-restore/refuses-other-shape", test_refuses_other_shape);
  g_test_add_func ("/vmm/machine-restore/refuses-other-devices", test_refuses_other_devices);
  return g_test_run ();
}
