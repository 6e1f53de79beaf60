/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The input is the number of a device, its saved state, and what guest and host then do with it, four bytes each.
 * Whatever state a device is in, what it saves can be loaded, and is the same when it is saved again.
 */

#include "config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/vmm/fake-host.h"

#define ACCESSES_MAX 64u

static const VmmDeviceType *
pick_type (guint8 byte)
{
  guint i = 0;

  for (; byte > 0; byte--)
    i = vmm_device_types[i + 1] != NULL ? i + 1 : 0;
  return vmm_device_types[i];
}

static void
check_saved_is_loaded (FakeHost *host, VmmDevice *device)
{
  g_autoptr (GBytes) saved = vmm_device_save (device);
  g_autoptr (VmmDevice) copy = fake_host_copy_device (host, device);
  g_autoptr (GBytes) saved_again = vmm_device_save (copy);

  g_assert_true (g_bytes_equal (saved, saved_again));
}

static void
do_one (FakeHost *host, VmmDevice *device, const guint8 step[4])
{
  guint region = step[1] >> 4;
  guint size = 1u << (step[1] & 3);
  guint64 offset = step[2];

  switch (step[0] % 8)
    {
    case 0:
    case 1:
      (void) vmm_device_read (device, region, offset, size);
      break;
    case 2:
    case 3:
    case 4:
      vmm_device_write (device, region, offset, size, step[3] * G_GUINT64_CONSTANT (0x0101010101010101));
      break;
    case 5:
      g_byte_array_append (host->input, &step[3], 1);
      vmm_device_input (device);
      break;
    case 6:
      host->clock_ns += (gint64) step[3] << (step[2] % 40);
      break;
    default:
      if (step[3] % 2 == 0)
        vmm_device_power_button (device);
      else
        vmm_device_generation_changed (device);
      break;
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  const VmmDeviceType *type = pick_type (fuzz_take_byte (&input));
  g_autoptr (GBytes) packed = fuzz_take_part (&input);
  g_auto (FakeHost) host;
  g_autoptr (VmmDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  fake_host_init (&host);
  device = fake_host_new_device (&host, type);
  if (vmm_device_load (device, packed, &error))
    vmm_device_sync_irq (device);
  g_assert_true (error == NULL || error->domain == VMM_ERROR);
  check_saved_is_loaded (&host, device);
  for (guint i = 0; i < ACCESSES_MAX && input.size >= 4; i++)
    {
      do_one (&host, device, input.data);
      input.data += 4;
      input.size -= 4;
    }
  check_saved_is_loaded (&host, device);
  return 0;
}
