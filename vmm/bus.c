/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Regions of all devices in one array a space, sorted by address. It does not change once VPs run, so that
 * look-ups need no lock; the device has its own.
 */

#include "config.h"
#include "vmm/bus.h"

#include "vmm/vmm.h"

#define VMM_BUS_SPACES 2
#define VMM_BUS_PIO_END 0x10000u

typedef struct
{
  guint64 base;
  guint64 last; /* inclusive, so that the end of the address space can be reached */
  VmmDevice *device;
  guint region;
} VmmBusEntry;

struct _VmmBus
{
  GArray *entries[VMM_BUS_SPACES]; /* of VmmBusEntry */
};

VmmBus *
vmm_bus_new (void)
{
  VmmBus *bus = g_new0 (VmmBus, 1);

  for (guint i = 0; i < VMM_BUS_SPACES; i++)
    bus->entries[i] = g_array_new (FALSE, FALSE, sizeof (VmmBusEntry));
  return bus;
}

void
vmm_bus_free (VmmBus *bus)
{
  if (bus == NULL)
    return;
  for (guint i = 0; i < VMM_BUS_SPACES; i++)
    g_array_unref (bus->entries[i]);
  g_free (bus);
}

static GArray *
entries_of_space (VmmBus *bus, VmmSpace space)
{
  return bus->entries[space == VMM_SPACE_PIO ? 0 : 1];
}

/* The index of the first entry that does not lie wholly below @address. */
static guint
find_index (const GArray *entries, guint64 address)
{
  guint low = 0;
  guint high = entries->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (g_array_index (entries, VmmBusEntry, middle).last < address)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static gboolean
region_is_sound (const VmmRegion *region)
{
  if (region->space != VMM_SPACE_PIO && region->space != VMM_SPACE_MMIO)
    return FALSE;
  if (region->base + region->length - 1 < region->base)
    return FALSE;
  return region->space != VMM_SPACE_PIO || region->base + region->length <= VMM_BUS_PIO_END;
}

static gboolean
add_region (VmmBus *bus, VmmDevice *device, guint index, GError **error)
{
  const VmmRegion *region = &device->type->regions[index];
  VmmBusEntry entry = { region->base, region->base + region->length - 1, device, index };
  GArray *entries;
  guint place;

  if (!region_is_sound (region))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "device %s: its region %u, %" G_GUINT64_FORMAT " bytes at 0x%" G_GINT64_MODIFIER
                   "x, leaves the address space",
                   device->type->name,
                   index,
                   region->length,
                   region->base);
      return FALSE;
    }

  entries = entries_of_space (bus, region->space);
  place = find_index (entries, entry.base);
  if (place < entries->len && g_array_index (entries, VmmBusEntry, place).base <= entry.last)
    {
      const VmmBusEntry *other = &g_array_index (entries, VmmBusEntry, place);

      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "device %s wants the %s 0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER
                   "x, but device %s has 0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER
                   "x; leave one of them out",
                   device->type->name,
                   region->space == VMM_SPACE_PIO ? "ports" : "addresses",
                   entry.base,
                   entry.last,
                   other->device->type->name,
                   other->base,
                   other->last);
      return FALSE;
    }
  g_array_insert_val (entries, place, entry);
  return TRUE;
}

static void
remove_device (VmmBus *bus, VmmDevice *device)
{
  for (guint space = 0; space < VMM_BUS_SPACES; space++)
    for (guint i = bus->entries[space]->len; i > 0; i--)
      if (g_array_index (bus->entries[space], VmmBusEntry, i - 1).device == device)
        g_array_remove_index (bus->entries[space], i - 1);
}

gboolean
vmm_bus_add (VmmBus *bus, VmmDevice *device, GError **error)
{
  for (guint i = 0; i < VMM_DEVICE_REGIONS_MAX && device->type->regions[i].length > 0; i++)
    if (!add_region (bus, device, i, error))
      {
        remove_device (bus, device);
        return FALSE;
      }
  return TRUE;
}

static const VmmBusEntry *
lookup (VmmBus *bus, VmmSpace space, guint64 address)
{
  const GArray *entries = entries_of_space (bus, space);
  guint index = find_index (entries, address);

  if (index == entries->len || g_array_index (entries, VmmBusEntry, index).base > address)
    return NULL;
  return &g_array_index (entries, VmmBusEntry, index);
}

void
vmm_bus_read (VmmBus *bus, VmmSpace space, guint64 address, guint8 *data, guint size)
{
  const VmmBusEntry *entry = lookup (bus, space, address);
  guint64 value = G_MAXUINT64;

  g_return_if_fail (size <= sizeof value);

  if (entry != NULL)
    value = vmm_device_read (entry->device, entry->region, address - entry->base, size);
  value = GUINT64_TO_LE (value);
  memcpy (data, &value, size);
}

void
vmm_bus_write (VmmBus *bus, VmmSpace space, guint64 address, const guint8 *data, guint size)
{
  const VmmBusEntry *entry = lookup (bus, space, address);
  guint64 value = 0;

  g_return_if_fail (size <= sizeof value);

  if (entry == NULL)
    return;
  memcpy (&value, data, size);
  vmm_device_write (entry->device, entry->region, address - entry->base, size, GUINT64_FROM_LE (value));
}
