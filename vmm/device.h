/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* device.h: instances of devices, for the machine (private) */

#pragma once

#include "vmm/vmm-device.h"

G_BEGIN_DECLS

/**
 * VmmDeviceHost: what a machine offers its devices; tests offer a fake one. Each may be called on any
 * thread that drives the device, and is called with the device's lock held: it must neither block nor call
 * the device. @data is what vmm_device_new() was given.
 */
struct _VmmDeviceHost
{
  void (*set_irq) (gpointer data, guint irq, gboolean asserted);
  void (*power_off) (gpointer data);
  void (*reset_machine) (gpointer data);
  gint64 (*get_wall_clock_ns) (gpointer data);
  void (*console_write) (gpointer data, guint8 byte);
  gboolean (*console_read) (gpointer data, guint8 *byte);
};

/** vmm_device_types: every device there is, %NULL-terminated; generated from the list in the build file. */
extern const VmmDeviceType *const vmm_device_types[];

/** vmm_device_new: an instance, reset. @host and @data must outlive it. */
VmmDevice *vmm_device_new (const VmmDeviceType *type, const VmmDeviceHost *host, gpointer data);
void vmm_device_free (VmmDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmDevice, vmm_device_free)

/**
 * vmm_device_read:
 * @region: index into the type's regions
 * @offset: into the region, bytes
 *
 * Where the device has nothing to say, or the access leaves the region or is not of 1, 2, 4 or 8 bytes, all ones.
 *
 * Thread: any.
 */
guint64 vmm_device_read (VmmDevice *device, guint region, guint64 offset, guint size);

/** vmm_device_write: as vmm_device_read(); what leaves the region is ignored. */
void vmm_device_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value);

/** vmm_device_input: input waits on the console. Thread: any. */
void vmm_device_input (VmmDevice *device);

/** vmm_device_power_button: the host asks the guest to shut down. Thread: any. */
void vmm_device_power_button (VmmDevice *device);

/** vmm_device_generation_changed: the generation ID in the guest's RAM is a new one. After vmm_device_sync_irq(). */
void vmm_device_generation_changed (VmmDevice *device);

/** vmm_device_save: the state, packed; the type's message. */
GBytes *vmm_device_save (VmmDevice *device);

/**
 * vmm_device_load: @packed is hostile. On failure the device is reset.
 *
 * Errors: %VMM_ERROR_CORRUPT, naming device and field; %VMM_ERROR_INCOMPATIBLE for a field this program does not
 * know, since a field at its default is not written: it says something that would be lost.
 */
gboolean vmm_device_load (VmmDevice *device, GBytes *packed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_device_sync_irq: puts the interrupt line where the state says, after the controllers were restored. */
void vmm_device_sync_irq (VmmDevice *device);

G_END_DECLS
