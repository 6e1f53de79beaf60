/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vmm/vmm-device.h"
#include "proto/devices/i8042.pb-c.h"

typedef struct
{
  VmmDevice device;
} VmmI8042;

const VmmDeviceType vmm_i8042_type = {
  .name = "i8042",
  .instance_size = sizeof (VmmI8042),
  .state = &openvmm__devices__i8042_state__descriptor,
};
