/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <string.h>

#include "tests/vmm/tiny-machine.h"

static VmmMachine *
restore (TinyMachine *tiny, const char *path, const VmmConfig *config, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, NULL);

  g_assert_nonnull (snapshot);
  return vmm_machine_new_from_snapshot (snapshot, config, tiny->console, tiny_machine_on_event, tiny, error);
}

static void
add_vps (VmmConfig *config)
{
  config->vp_count = 3;
}

static void
test_all_vps_go_on (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vps);
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *path = NULL;
  guint64 count[2];

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 2, 10);
  tiny_machine_wait_word (tiny, 3, 10);
  path = tiny_machine_save (tiny, "snapshot");
  restored = tiny_machine_new_restored (path);
  for (guint i = 0; i < 2; i++)
    count[i] = tiny_machine_get_word (restored, 2 + i);
  g_assert_cmpuint (count[0], >=, 10);
  tiny_machine_resume (restored);
  for (guint i = 0; i < 2; i++)
    tiny_machine_wait_word (restored, 2 + i, count[i] + 10);
}

static void
test_before_other_vps_start (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vps);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (path);

  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 2, 1);
  tiny_machine_wait_word (restored, 3, 1);
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
      vmm_snapshot_write (tiny->config, TRUE, path, NULL, NULL, 0, NULL, NULL, NULL, &result, &error));
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
  g_test_add_func ("/vmm/machine-restore/all-vps-go-on", test_all_vps_go_on);
  g_test_add_func ("/vmm/machine-restore/before-other-vps-start", test_before_other_vps_start);
  g_test_add_func ("/vmm/machine-restore/refuses-other-shape", test_refuses_other_shape);
  g_test_add_func ("/vmm/machine-restore/refuses-other-devices", test_refuses_other_devices);
  return g_test_run ();
}
