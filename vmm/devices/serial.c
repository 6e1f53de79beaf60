/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vmm/vmm-device.h"
#include "proto/devices/serial.pb-c.h"

typedef struct
{
  VmmDevice device;
} VmmSerial;

const VmmDeviceType vmm_serial_type = {
  .name = "serial",
  .instance_size = sizeof (VmmSerial),
  .state = &openvmm__devices__serial_state__descriptor,
};
