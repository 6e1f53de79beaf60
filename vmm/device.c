/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The framework around devices: one lock an instance, held around every operation, so that authors of devices
 * write single-threaded code. The locks are leaves but for those of the host and its console, which are
 * taken inside and never the other way round.
 */

#include "config.h"
#include "vmm/device.h"

#include "vmm/vmm.h"

VmmDevice *
vmm_device_new (const VmmDeviceType *type, const VmmDeviceHost *host, gpointer data)
{
  VmmDevice *device;

  g_return_val_if_fail (type->instance_size >= sizeof (VmmDevice), NULL);

  device = g_malloc0 (type->instance_size);
  device->type = type;
  device->host = host;
  device->host_data = data;
  g_mutex_init (&device->lock);
  if (type->reset != NULL)
    type->reset (device);
  return device;
}

void
vmm_device_free (VmmDevice *device)
{
  if (device == NULL)
    return;
  g_mutex_clear (&device->lock);
  g_free (device);
}

/* ---- access ----------------------------------------------------------------------------- */

static guint64
all_ones (guint size)
{
  return size >= 8 ? G_MAXUINT64 : (G_GUINT64_CONSTANT (1) << (size * 8)) - 1;
}

static gboolean
access_is_inside (const VmmDeviceType *type, guint region, guint64 offset, guint size)
{
  if (region >= G_N_ELEMENTS (type->regions))
    return FALSE;
  if (size != 1 && size != 2 && size != 4 && size != 8)
    return FALSE;
  return size <= type->regions[region].length && offset <= type->regions[region].length - size;
}

static guint
access_step (const VmmDeviceType *type, guint size)
{
  return type->access_max == 0 ? size : MIN (size, type->access_max);
}

guint64
vmm_device_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  const VmmDeviceType *type = device->type;
  g_autoptr (GMutexLocker) locker = NULL;
  guint64 value = 0;
  guint step;

  if (type->read == NULL || !access_is_inside (type, region, offset, size))
    return all_ones (size);

  locker = g_mutex_locker_new (&device->lock);
  step = access_step (type, size);
  for (guint i = 0; i < size; i += step)
    value |= (type->read (device, region, offset + i, step) & all_ones (step)) << (i * 8);
  return value;
}

void
vmm_device_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value)
{
  const VmmDeviceType *type = device->type;
  g_autoptr (GMutexLocker) locker = NULL;
  guint step;

  if (type->write == NULL || !access_is_inside (type, region, offset, size))
    return;

  locker = g_mutex_locker_new (&device->lock);
  step = access_step (type, size);
  for (guint i = 0; i < size; i += step)
    type->write (device, region, offset + i, step, (value >> (i * 8)) & all_ones (step));
}

void
vmm_device_input (VmmDevice *device)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->lock);

  if (device->type->input != NULL)
    device->type->input (device);
}

void
vmm_device_power_button (VmmDevice *device)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->lock);

  if (device->type->power_button != NULL)
    device->type->power_button (device);
}

void
vmm_device_generation_changed (VmmDevice *device)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->lock);

  if (device->type->generation_changed != NULL)
    device->type->generation_changed (device);
}

/* ---- saved state ------------------------------------------------------------------------ */

GBytes *
vmm_device_save (VmmDevice *device)
{
  const VmmDeviceType *type = device->type;
  ProtobufCMessage *state = g_malloc0 (type->state->sizeof_message);
  guint8 *packed;
  gsize size;

  protobuf_c_message_init (type->state, state);
  g_mutex_lock (&device->lock);
  if (type->save != NULL)
    type->save (device, state);
  g_mutex_unlock (&device->lock);

  size = protobuf_c_message_get_packed_size (state);
  packed = g_malloc (size);
  protobuf_c_message_pack (state, packed);
  protobuf_c_message_free_unpacked (state, NULL);
  return g_bytes_new_take (packed, size);
}

static ProtobufCMessage *
unpack_state (const VmmDeviceType *type, GBytes *packed, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (packed, &size);
  ProtobufCMessage *state = protobuf_c_message_unpack (type->state, NULL, size, data);

  if (state == NULL)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "device %s: its saved state of %" G_GSIZE_FORMAT
                   " bytes is not a %s message; use another snapshot",
                   type->name,
                   size,
                   type->state->name);
      return NULL;
    }
  if (state->n_unknown_fields > 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INCOMPATIBLE,
                   "device %s: its saved state has a field with number %u, which this version of %s "
                   "does not know; restore it with the version that saved it, or a later one",
                   type->name,
                   state->unknown_fields[0].tag,
                   type->state->name);
      protobuf_c_message_free_unpacked (state, NULL);
      return NULL;
    }
  return state;
}

gboolean
vmm_device_load (VmmDevice *device, GBytes *packed, GError **error)
{
  const VmmDeviceType *type = device->type;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->lock);
  ProtobufCMessage *state = unpack_state (type, packed, error);
  gboolean loaded;

  loaded = state != NULL && (type->load == NULL || type->load (device, state, error));
  if (state != NULL)
    protobuf_c_message_free_unpacked (state, NULL);
  if (!loaded && type->reset != NULL)
    type->reset (device);
  return loaded;
}

void
vmm_device_sync_irq (VmmDevice *device)
{
  const VmmDeviceType *type = device->type;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->lock);

  if (type->irq == 0)
    return;

  /* said even if it seems to be there: the controllers at the other end of the line are new */
  device->irq_asserted = type->irq_line != NULL && type->irq_line (device);
  device->host->set_irq (device->host_data, type->irq, device->irq_asserted);
}

gboolean
vmm_device_check_bits (VmmDevice *device, const char *field, guint64 value, guint64 allowed, GError **error)
{
  if ((value & ~allowed) == 0)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "device %s: saved field %s is 0x%" G_GINT64_MODIFIER
               "x, but only bits of 0x%" G_GINT64_MODIFIER "x may be set; use another snapshot",
               device->type->name,
               field,
               value,
               allowed);
  return FALSE;
}

gboolean
vmm_device_check_range (VmmDevice *device,
                        const char *field,
                        gint64 value,
                        gint64 min,
                        gint64 max,
                        GError **error)
{
  if (value >= min && value <= max)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "device %s: saved field %s is %" G_GINT64_FORMAT ", expected %" G_GINT64_FORMAT
               " to %" G_GINT64_FORMAT "; use another snapshot",
               device->type->name,
               field,
               value,
               min,
               max);
  return FALSE;
}

/* ---- what devices ask for ------------------------------------------------------------------ */

void
vmm_device_set_irq (VmmDevice *device, gboolean asserted)
{
  if (device->type->irq == 0 || device->irq_asserted == !!asserted)
    return;
  device->irq_asserted = !!asserted;
  device->host->set_irq (device->host_data, device->type->irq, device->irq_asserted);
}

void
vmm_device_power_off (VmmDevice *device)
{
  device->host->power_off (device->host_data);
}

void
vmm_device_reset_machine (VmmDevice *device)
{
  device->host->reset_machine (device->host_data);
}

gint64
vmm_device_get_wall_clock_ns (VmmDevice *device)
{
  return device->host->get_wall_clock_ns (device->host_data);
}

void
vmm_device_console_write (VmmDevice *device, guint8 byte)
{
  device->host->console_write (device->host_data, byte);
}

gboolean
vmm_device_console_read (VmmDevice *device, guint8 *byte)
{
  return device->host->console_read (device->host_data, byte);
}
