/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Power management: the fixed hardware of ACPI 6.5, section 4.8.3, which the FADT describes. The event block is
 * at 0x600, the control block at 0x604. There is no legacy mode: SCI_EN is always set.
 */

#include "vmm/vmm-device.h"

#include "proto/devices/pm.pb-c.h"

enum
{
  REGION_EVENT,
  REGION_CONTROL,
};

/* PM1_STS and PM1_EN share their layout */
#define EVENT_TIMER (1u << 0)
#define EVENT_GLOBAL_LOCK (1u << 5)
#define EVENT_POWER_BUTTON (1u << 8)
#define EVENT_SLEEP_BUTTON (1u << 9)
#define EVENT_RTC (1u << 10)

#define STATUS_BITS EVENT_POWER_BUTTON
#define ENABLE_BITS (EVENT_TIMER | EVENT_GLOBAL_LOCK | EVENT_POWER_BUTTON | EVENT_SLEEP_BUTTON | EVENT_RTC)

#define CONTROL_SCI_EN (1u << 0)
#define CONTROL_BM_RLD (1u << 1)
#define CONTROL_SLP_TYP_SHIFT 10
#define CONTROL_SLP_TYP (7u << CONTROL_SLP_TYP_SHIFT)
#define CONTROL_SLP_EN (1u << 13) /* write only */
#define CONTROL_BITS (CONTROL_BM_RLD | CONTROL_SLP_TYP)

#define SLP_TYP_S5 5u /* what the DSDT says of \_S5 */

typedef struct
{
  VmmDevice device;
  guint16 status;
  guint16 enable;
  guint16 control;
} VmmPm;

static gboolean
pm_irq_line (VmmDevice *device)
{
  const VmmPm *pm = (const VmmPm *) device;

  return (pm->status & pm->enable) != 0;
}

static void
update_irq (VmmPm *pm)
{
  vmm_device_set_irq (&pm->device, pm_irq_line (&pm->device));
}

static guint64
pm_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  const VmmPm *pm = (const VmmPm *) device;
  const guint shift = (offset & 1) * 8;

  if (region == REGION_CONTROL)
    return ((pm->control | CONTROL_SCI_EN) >> shift) & 0xff;
  return ((offset < 2 ? pm->status : pm->enable) >> shift) & 0xff;
}

/* @value stands where it is in the register, and @mask says which byte of it is written. */
static void
write_control (VmmPm *pm, guint value, guint mask)
{
  pm->control = (pm->control & ~mask) | (value & CONTROL_BITS);
  if ((value & CONTROL_SLP_EN) && (pm->control & CONTROL_SLP_TYP) >> CONTROL_SLP_TYP_SHIFT == SLP_TYP_S5)
    vmm_device_power_off (&pm->device);
}

static void
pm_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 byte)
{
  VmmPm *pm = (VmmPm *) device;
  const guint shift = (offset & 1) * 8;
  const guint value = (guint) byte << shift;
  const guint mask = 0xffu << shift;

  if (region == REGION_CONTROL)
    write_control (pm, value, mask);
  else if (offset < 2)
    pm->status &= ~value; /* a one clears */
  else
    pm->enable = (pm->enable & ~mask) | (value & ENABLE_BITS);
  update_irq (pm);
}

static void
pm_power_button (VmmDevice *device)
{
  VmmPm *pm = (VmmPm *) device;

  pm->status |= EVENT_POWER_BUTTON;
  update_irq (pm);
}

static void
pm_reset (VmmDevice *device)
{
  VmmPm *pm = (VmmPm *) device;

  pm->status = 0;
  pm->enable = 0;
  pm->control = 0;
  update_irq (pm);
}

static void
pm_save (VmmDevice *device, ProtobufCMessage *message)
{
  const VmmPm *pm = (const VmmPm *) device;
  Openvmm__Devices__PmState *state = (Openvmm__Devices__PmState *) message;

  state->status = pm->status;
  state->enable = pm->enable;
  state->control = pm->control;
}

static gboolean
pm_load (VmmDevice *device, const ProtobufCMessage *message, GError **error)
{
  VmmPm *pm = (VmmPm *) device;
  const Openvmm__Devices__PmState *state = (const Openvmm__Devices__PmState *) message;

  if (!vmm_device_check_bits (device, "status", state->status, STATUS_BITS, error) ||
      !vmm_device_check_bits (device, "enable", state->enable, ENABLE_BITS, error) ||
      !vmm_device_check_bits (device, "control", state->control, CONTROL_BITS, error))
    return FALSE;
  pm->status = state->status;
  pm->enable = state->enable;
  pm->control = state->control;
  return TRUE;
}

const VmmDeviceType vmm_pm_type = {
  .name = "pm",
  .instance_size = sizeof (VmmPm),
  .state = &openvmm__devices__pm_state__descriptor,
  .regions = { [REGION_EVENT] = { VMM_SPACE_PIO, 0x600, 4 }, [REGION_CONTROL] = { VMM_SPACE_PIO, 0x604, 2 } },
  .irq = 9,
  .irq_level = TRUE,
  .access_max = 1,
  .reset = pm_reset,
  .read = pm_read,
  .write = pm_write,
  .power_button = pm_power_button,
  .save = pm_save,
  .load = pm_load,
  .irq_line = pm_irq_line,
};
