/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/device.h"

#include <string.h>

#include "proto/devices/pm.pb-c.h"
#include "tests/vmm/fake-host.h"

/* A device of four bytes at 0x10, whose line is up while the first is not zero. */
typedef struct
{
  VmmDevice device;
  guint8 bytes[4];
  guint calls;
  guint last_size;
  gboolean told_input;
  gboolean told_button;
} TestDevice;

static void
test_device_reset (VmmDevice *device)
{
  TestDevice *self = (TestDevice *) device;

  memset (self->bytes, 0x80, sizeof self->bytes);
}

static guint64
test_device_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  TestDevice *self = (TestDevice *) device;
  guint64 value = 0;

  self->last_size = size;
  memcpy (&value, self->bytes + offset, size);
  /* what is too much has to be cut off */
  return size == 8 ? value : value | G_MAXUINT64 << (size * 8);
}

static void
test_device_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value)
{
  TestDevice *self = (TestDevice *) device;
  guint calls = self->calls;

  self->last_size = size;
  memcpy (self->bytes + offset, &value, size);
  if (offset == 0)
    vmm_device_set_irq (device, value != 0 ? 17 : 0);
  /* a chance for another thread to come in between */
  if (value == 0xee)
    g_thread_yield ();
  self->calls = calls + 1;
}

static void
test_device_input (VmmDevice *device)
{
  ((TestDevice *) device)->told_input = TRUE;
}

static void
test_device_power_button (VmmDevice *device)
{
  ((TestDevice *) device)->told_button = TRUE;
}

static void
test_device_save (VmmDevice *device, ProtobufCMessage *message)
{
  ((Openvmm__Devices__PmState *) message)->status = ((TestDevice *) device)->bytes[0];
}

static gboolean
test_device_load (VmmDevice *device, const ProtobufCMessage *message, GError **error)
{
  const Openvmm__Devices__PmState *state = (const Openvmm__Devices__PmState *) message;

  ((TestDevice *) device)->bytes[0] = state->status;
  return vmm_device_check_bits (device, "status", state->status, 0xff, error) &&
         vmm_device_check_range (device, "enable", state->enable, 0, 9, error);
}

static gboolean
test_device_irq_line (VmmDevice *device)
{
  return ((TestDevice *) device)->bytes[0] != 0;
}

static const VmmDeviceType test_type = {
  .name = "test-device",
  .instance_size = sizeof (TestDevice),
  .state = &openvmm__devices__pm_state__descriptor,
  .regions = { { VMM_SPACE_PIO, 0x10, 4 } },
  .irq = 5,
  .reset = test_device_reset,
  .read = test_device_read,
  .write = test_device_write,
  .input = test_device_input,
  .power_button = test_device_power_button,
  .save = test_device_save,
  .load = test_device_load,
  .irq_line = test_device_irq_line,
};

static const VmmDeviceType bare_type = {
  .name = "bare",
  .instance_size = sizeof (VmmDevice),
  .state = &openvmm__devices__pm_state__descriptor,
  .regions = { { VMM_SPACE_MMIO, 0x1000, 8 } },
};

static void
test_starts_reset (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  g_assert_cmphex (vmm_device_read (device, 0, 0, 4), ==, 0x80808080);
  g_assert_cmpstr (host.journal->str, ==, "");
}

static void
test_does_without_operations (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (GError) error = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &bare_type);
  vmm_device_write (device, 0, 0, 8, 1);
  vmm_device_input (device);
  vmm_device_power_button (device);
  vmm_device_sync_irq (device);
  vmm_device_set_irq (device, TRUE);
  g_assert_cmphex (vmm_device_read (device, 0, 0, 8), ==, G_MAXUINT64);
  g_assert_cmphex (vmm_device_read (device, 0, 0, 1), ==, 0xff);
  saved = vmm_device_save (device);
  g_assert_cmpuint (g_bytes_get_size (saved), ==, 0);
  g_assert_true (vmm_device_load (device, saved, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (host.journal->str, ==, "");
}

static void
test_keeps_accesses_inside (void)
{
  static const struct
  {
    guint region;
    guint64 offset;
    guint size;
  } outside[] = { { 0, 4, 1 }, { 0, 3, 2 }, { 0, 1, 4 },  { 0, 0, 8 },
                  { 0, 0, 3 }, { 0, 0, 0 }, { 1, 0, 1 },  { 0, G_MAXUINT64, 1 },
                  { 4, 0, 1 }, { 9, 0, 1 }, { 0, 0, 16 }, { 0, G_MAXUINT64, 2 } };
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  for (gsize i = 0; i < G_N_ELEMENTS (outside); i++)
    {
      guint64 value = vmm_device_read (device, outside[i].region, outside[i].offset, outside[i].size);

      vmm_device_write (device, outside[i].region, outside[i].offset, outside[i].size, 0);
      g_assert_cmphex (value + 1, ==, outside[i].size >= 8 ? 0 : 1ull << (outside[i].size * 8));
    }
  g_assert_cmpuint (((TestDevice *) device)->last_size, ==, 0);
  g_assert_cmphex (vmm_device_read (device, 0, 0, 4), ==, 0x80808080);
}

static void
test_cuts_values (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  vmm_device_write (device, 0, 1, 1, 0x123456);
  g_assert_cmphex (vmm_device_read (device, 0, 1, 1), ==, 0x56);
  g_assert_cmphex (vmm_device_read (device, 0, 0, 2), ==, 0x5680);
}

static void
test_splits_wide_accesses (void)
{
  VmmDeviceType type = test_type;
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  type.access_max = 1;
  fake_host_init (&host);
  device = fake_host_new_device (&host, &type);
  vmm_device_write (device, 0, 0, 4, 0x44332211);
  g_assert_cmpuint (((TestDevice *) device)->last_size, ==, 1);
  g_assert_cmpuint (((TestDevice *) device)->calls, ==, 4);
  g_assert_cmpmem (((TestDevice *) device)->bytes, 4, "\x11\x22\x33\x44", 4);
  g_assert_cmphex (vmm_device_read (device, 0, 0, 4), ==, 0x44332211);
  g_assert_cmphex (vmm_device_read (device, 0, 2, 2), ==, 0x4433);
}

static void
test_tells_of_input_and_button (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  vmm_device_input (device);
  g_assert_true (((TestDevice *) device)->told_input);
  g_assert_false (((TestDevice *) device)->told_button);
  vmm_device_power_button (device);
  g_assert_true (((TestDevice *) device)->told_button);
}

static void
test_drives_line_on_change_only (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  vmm_device_write (device, 0, 0, 1, 0);
  vmm_device_write (device, 0, 0, 1, 1);
  vmm_device_write (device, 0, 0, 1, 2);
  vmm_device_write (device, 0, 0, 1, 0);
  g_assert_cmpstr (host.journal->str, ==, "irq 5 1\nirq 5 0\n");
}

static void
test_syncs_line_with_state (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  vmm_device_sync_irq (device);
  vmm_device_sync_irq (device);
  vmm_device_write (device, 0, 0, 1, 0);
  vmm_device_sync_irq (device);
  g_assert_cmpstr (host.journal->str, ==, "irq 5 1\nirq 5 1\nirq 5 0\nirq 5 0\n");
}

static void
assert_load_fails (VmmDevice *device, const char *data, gsize size, int code, const char *word)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (GError) error = NULL;

  vmm_device_write (device, 0, 0, 4, 0x01010101);
  g_assert_false (vmm_device_load (device, bytes, &error));
  g_assert_error (error, VMM_ERROR, code);
  g_assert_nonnull (strstr (error->message, "test-device"));
  g_assert_nonnull (strstr (error->message, word));
  g_assert_cmphex (vmm_device_read (device, 0, 0, 4), ==, 0x80808080);
}

static void
test_failed_load_resets (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  /* half a varint; status 0x100; enable 10; a field 15 */
  assert_load_fails (device, "\x08\x80", 2, VMM_ERROR_CORRUPT, "PmState");
  assert_load_fails (device, "\x08\x80\x02", 3, VMM_ERROR_CORRUPT, "status");
  assert_load_fails (device, "\x10\x0a", 2, VMM_ERROR_CORRUPT, "enable");
  assert_load_fails (device, "\x78\x01", 2, VMM_ERROR_INCOMPATIBLE, "number 15");
}

static void
test_loads_what_it_saved (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (VmmDevice) copy = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  vmm_device_write (device, 0, 0, 1, 0x42);
  copy = fake_host_copy_device (&host, device);
  g_assert_cmphex (vmm_device_read (copy, 0, 0, 1), ==, 0x42);
}

static gpointer
write_many (gpointer data)
{
  for (guint i = 0; i < 20000; i++)
    vmm_device_write (data, 0, 1, 1, 0xee);
  return NULL;
}

static void
test_runs_one_operation_at_a_time (void)
{
  g_auto (FakeHost) host = { 0 };
  g_autoptr (VmmDevice) device = NULL;
  GThread *thread;

  fake_host_init (&host);
  device = fake_host_new_device (&host, &test_type);
  thread = g_thread_new ("writer", write_many, device);
  write_many (device);
  g_thread_join (thread);
  g_assert_cmpuint (((TestDevice *) device)->calls, ==, 40000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/device/starts-reset", test_starts_reset);
  g_test_add_func ("/vmm/device/does-without-operations", test_does_without_operations);
  g_test_add_func ("/vmm/device/keeps-accesses-inside", test_keeps_accesses_inside);
  g_test_add_func ("/vmm/device/cuts-values", test_cuts_values);
  g_test_add_func ("/vmm/device/splits-wide-accesses", test_splits_wide_accesses);
  g_test_add_func ("/vmm/device/tells-of-input-and-button", test_tells_of_input_and_button);
  g_test_add_func ("/vmm/device/drives-line-on-change-only", test_drives_line_on_change_only);
  g_test_add_func ("/vmm/device/syncs-line-with-state", test_syncs_line_with_state);
  g_test_add_func ("/vmm/device/failed-load-resets", test_failed_load_resets);
  g_test_add_func ("/vmm/device/loads-what-it-saved", test_loads_what_it_saved);
  g_test_add_func ("/vmm/device/runs-one-operation-at-a-time", test_runs_one_operation_at_a_time);
  return g_test_run ();
}
