/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vmm/vmm-device.h"
#include "proto/devices/pm.pb-c.h"

typedef struct
{
  VmmDevice device;
} VmmPm;

const VmmDeviceType vmm_pm_type = {
  .name = "pm",
  .instance_size = sizeof (VmmPm),
  .state = &openvmm__devices__pm_state__descriptor,
};
