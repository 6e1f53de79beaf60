/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bus.h: which device answers at which address (private) */

#pragma once

#include "vmm/device.h"

G_BEGIN_DECLS

typedef struct _VmmBus VmmBus;

/** vmm_bus_new: an empty bus. Devices are added before the first access and stay until the bus is freed. */
VmmBus *vmm_bus_new (void);
void vmm_bus_free (VmmBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmBus, vmm_bus_free)

/** vmm_bus_add: enters the device's regions. Errors: %VMM_ERROR_INVALID_CONFIG naming both on overlap. */
gboolean vmm_bus_add (VmmBus *bus, VmmDevice *device, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_bus_read:
 *
 * Reads @size bytes (1, 2, 4 or 8) into @data, little-endian. Where no device answers, or an access straddles a
 * region's end, the bytes are all ones.
 *
 * Thread: any, many at once.
 */
void vmm_bus_read (VmmBus *bus, VmmSpace space, guint64 address, guint8 *data, guint size);

/** vmm_bus_write: as vmm_bus_read(); where no device answers, nothing happens. */
void vmm_bus_write (VmmBus *bus, VmmSpace space, guint64 address, const guint8 *data, guint size);

G_END_DECLS
