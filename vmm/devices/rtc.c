/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vmm/vmm-device.h"
#include "proto/devices/rtc.pb-c.h"

typedef struct
{
  VmmDevice device;
} VmmRtc;

const VmmDeviceType vmm_rtc_type = {
  .name = "rtc",
  .instance_size = sizeof (VmmRtc),
  .state = &openvmm__devices__rtc_state__descriptor,
};
