/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The notification that goes with the VM generation ID: by it a guest learns that it was restored, perhaps not for
 * the first time, and that keys, random numbers and unique names it holds may be somebody else's, too. The ID itself
 * lies in the guest's RAM, where the machine writes it.
 *
 * There are no registers, and nothing is ever pending here: the edge is in the interrupt controller's hands at once.
 * The line is one that the PC's old controllers do not have, so a guest that does not know the device sees nothing.
 *
 * Spec: Microsoft, "Virtual Machine Generation ID", 2012. Linux looks for the second of the compatible IDs.
 */

#include "vmm/vmm-device.h"

#include "proto/devices/vmgenid.pb-c.h"

typedef struct
{
  VmmDevice device;
} VmmVmgenid;

static void
vmgenid_generation_changed (VmmDevice *device)
{
  vmm_device_set_irq (device, TRUE);
  vmm_device_set_irq (device, FALSE);
}

const VmmDeviceType vmm_vmgenid_type = {
  .name = "vmgenid",
  .instance_size = sizeof (VmmVmgenid),
  .state = &openvmm__devices__vmgenid_state__descriptor,
  .irq = 23,
  .acpi_name = "VGEN",
  .acpi_hid = "OVMM0001",
  .acpi_compatible_ids = { "VM_Gen_Counter", "VMGENCTR" },
  .acpi_event = TRUE,
  .generation_changed = vmgenid_generation_changed,
};
