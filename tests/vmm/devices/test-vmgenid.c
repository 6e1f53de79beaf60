/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/device.h"

#include "tests/vmm/fake-host.h"

extern const VmmDeviceType vmm_vmgenid_type;

static void
test_each_change_is_an_edge (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &vmm_vmgenid_type);
  g_assert_cmpstr (host.journal->str, ==, "");
  vmm_device_generation_changed (device);
  g_assert_cmpstr (host.journal->str, ==, "irq 23 1\nirq 23 0\n");
  vmm_device_generation_changed (device);
  g_assert_cmpuint (host.irq_calls, ==, 4);
}

/* The restore itself tells nobody: there is a time for it, when the ID is in place. */
static void
test_nothing_is_pending_in_saved_state (void)
{
  g_auto (FakeHost) host = { 0 };
  g_auto (FakeHost) other = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (VmmDevice) copy = NULL;

  fake_host_init (&host);
  fake_host_init (&other);
  device = fake_host_new_device (&host, &vmm_vmgenid_type);
  vmm_device_generation_changed (device);
  copy = fake_host_copy_device (&other, device);
  g_assert_cmpstr (other.journal->str, ==, "irq 23 0\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/devices/vmgenid/each-change-is-an-edge", test_each_change_is_an_edge);
  g_test_add_func ("/vmm/devices/vmgenid/nothing-is-pending-in-saved-state",
                   test_nothing_is_pending_in_saved_state);
  return g_test_run ();
}
