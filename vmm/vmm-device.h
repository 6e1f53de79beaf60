/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmm-device.h: all that the author of a device may know of the VMM
 *
 * A device is one file that defines one const VmmDeviceType named vmm_<name>_type, one message in
 * proto/devices/, and one word in the lists of vmm/devices/meson.build and proto/devices/meson.build. It knows no other
 * device, no guest memory but through the accessors, and nothing of KVM. Instances are never static: many VMs
 * share the process.
 */

#pragma once

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

G_BEGIN_DECLS

typedef struct _VmmDevice VmmDevice;
typedef struct _VmmDeviceHost VmmDeviceHost;

typedef enum
{
  VMM_SPACE_PIO = 1, /* port I/O: 64 KiB of ports */
  VMM_SPACE_MMIO,    /* guest-physical addresses outside RAM */
} VmmSpace;

/** VmmRegion: a range of addresses a device answers to; length 0 ends a list. */
typedef struct
{
  VmmSpace space;
  guint64 base;
  guint64 length; /* bytes */
} VmmRegion;

#define VMM_DEVICE_REGIONS_MAX 4
#define VMM_DEVICE_COMPATIBLE_IDS_MAX 2

/**
 * VmmDeviceType:
 * @name: the word in the list, and the name of the saved-state unit
 * @instance_size: bytes of the instance struct, whose first member is a #VmmDevice
 * @state: descriptor of the saved-state message
 * @regions: what the device answers to; part of the guest's ABI, so never changed
 * @irq: interrupt line (GSI) on the in-kernel controllers, 0 for none
 * @irq_level: %TRUE for a level-triggered, active-low-in-ACPI line; %FALSE for an ISA edge
 * @acpi_name: (nullable): four characters, the name in the DSDT; %NULL for a device the DSDT does not list
 * @acpi_hid: (nullable): hardware ID, such as "PNP0501"
 * @acpi_compatible_ids: more IDs that a driver may look for, as they stand in _CID; %NULL ends the list
 * @acpi_event: %TRUE for an interrupt without a driver of its own: ACPI takes it, and notifies (0x80) the drivers of
 *   the device that @acpi_name names
 * @access_max: widest access the device's registers know, in bytes: wider ones reach it as several, lowest
 *   address first, as on an ISA bus; 0 for any
 *
 * The framework holds the instance's lock around every operation, and calls none of them while another runs. An
 * operation must not block. %NULL means: nothing to do; a read gives all ones.
 *
 * @reset: power-on state. Called before first use.
 * @read: @size is 1, 2, 4 or 8, at most @access_max, and the access lies inside the region; the value is cut to
 *   @size by the caller
 * @write: as @read
 * @input: bytes wait on the console: see vmm_device_console_read()
 * @power_button: the host asks the guest to shut down
 * @generation_changed: the VM was restored, so the machine has put a new generation ID into the guest's RAM; called
 *   when interrupts can be raised again and no VP runs yet. The DSDT gives a device with this operation the object
 *   ADDR, which tells the guest where the ID lies
 * @save: fill @state, which is initialized and borrowed; cannot fail. Arrays inside come from g_malloc() and
 *   belong to the message
 * @load: take @state over, checking every bound: it is hostile. Touches nothing outside the instance;
 *   the framework puts the interrupt line back afterwards, as @irq_line tells
 * @irq_line: whether the interrupt line is asserted in the present state; asked after @load
 */
typedef struct
{
  const char *name;
  gsize instance_size;
  const ProtobufCMessageDescriptor *state;
  VmmRegion regions[VMM_DEVICE_REGIONS_MAX];
  guint irq;
  gboolean irq_level;
  const char *acpi_name;
  const char *acpi_hid;
  const char *acpi_compatible_ids[VMM_DEVICE_COMPATIBLE_IDS_MAX];
  gboolean acpi_event;
  guint access_max;

  void (*reset) (VmmDevice *device);
  guint64 (*read) (VmmDevice *device, guint region, guint64 offset, guint size);
  void (*write) (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value);
  void (*input) (VmmDevice *device);
  void (*power_button) (VmmDevice *device);
  void (*generation_changed) (VmmDevice *device);
  void (*save) (VmmDevice *device, ProtobufCMessage *state);
  gboolean (*load) (VmmDevice *device, const ProtobufCMessage *state, GError **error);
  gboolean (*irq_line) (VmmDevice *device);
} VmmDeviceType;

/** VmmDevice: the first member of every instance; its fields are the framework's. */
struct _VmmDevice
{
  const VmmDeviceType *type;
  const VmmDeviceHost *host;
  gpointer host_data;
  GMutex lock;
  gboolean irq_asserted; /* where the line was last driven to */
};

/* What a device may ask for, from inside its operations. */

/** vmm_device_set_irq: drives the device's interrupt line; costs nothing if it is there already. */
void vmm_device_set_irq (VmmDevice *device, gboolean asserted);

/** vmm_device_power_off: the guest switches the machine off. */
void vmm_device_power_off (VmmDevice *device);

/** vmm_device_reset_machine: the guest asks for a reboot. */
void vmm_device_reset_machine (VmmDevice *device);

/** vmm_device_get_wall_clock_ns: host's time of day, nanoseconds since 1970 UTC. */
gint64 vmm_device_get_wall_clock_ns (VmmDevice *device);

/** vmm_device_console_write: one byte to the console. Never blocks. */
void vmm_device_console_write (VmmDevice *device, guint8 byte);

/** vmm_device_console_read: the next byte that waits on the console; %FALSE if none does. */
gboolean vmm_device_console_read (VmmDevice *device, guint8 *byte) G_GNUC_WARN_UNUSED_RESULT;

/* What @load checks with: each names the device and the field in its error, %VMM_ERROR_CORRUPT. */

/** vmm_device_check_bits: whether @value, a register, has no bit that @allowed lacks. */
gboolean vmm_device_check_bits (VmmDevice *device,
                                const char *field,
                                guint64 value,
                                guint64 allowed,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_device_check_range: whether @value, a number or a length, is from @min to @max. */
gboolean vmm_device_check_range (VmmDevice *device,
                                 const char *field,
                                 gint64 value,
                                 gint64 min,
                                 gint64 max,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
