/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fake-host.h: a machine for tests of devices: it keeps a journal of all that a device asks for */

#pragma once

#include "vmm/device.h"
#include "vmm/vmm.h"

G_BEGIN_DECLS

#define FAKE_HOST_CLOCK_NS G_GINT64_CONSTANT (1709210096000000000) /* 2024-02-29 12:34:56 UTC, a Thursday */

typedef struct
{
  GString *journal; /* one line for each call, but for console_read */
  GString *output;
  GByteArray *input;
  gint64 clock_ns;
  gboolean irq[24];
  guint irq_calls;
  guint power_offs;
  guint resets;
} FakeHost;

static inline void
fake_host_set_irq (gpointer data, guint irq, gboolean asserted)
{
  FakeHost *host = data;

  g_assert_cmpuint (irq, <, G_N_ELEMENTS (host->irq));
  host->irq[irq] = asserted;
  host->irq_calls++;
  g_string_append_printf (host->journal, "irq %u %d\n", irq, asserted);
}

static inline void
fake_host_power_off (gpointer data)
{
  FakeHost *host = data;

  host->power_offs++;
  g_string_append (host->journal, "power off\n");
}

static inline void
fake_host_reset_machine (gpointer data)
{
  FakeHost *host = data;

  host->resets++;
  g_string_append (host->journal, "reset\n");
}

static inline gint64
fake_host_get_wall_clock_ns (gpointer data)
{
  FakeHost *host = data;

  return host->clock_ns;
}

static inline void
fake_host_console_write (gpointer data, guint8 byte)
{
  FakeHost *host = data;

  g_string_append_c (host->output, (char) byte);
  g_string_append_printf (host->journal, "out %02x\n", byte);
}

static inline gboolean
fake_host_console_read (gpointer data, guint8 *byte)
{
  FakeHost *host = data;

  if (host->input->len == 0)
    return FALSE;
  *byte = host->input->data[0];
  g_byte_array_remove_index (host->input, 0);
  return TRUE;
}

static const VmmDeviceHost fake_host_functions = {
  .set_irq = fake_host_set_irq,
  .power_off = fake_host_power_off,
  .reset_machine = fake_host_reset_machine,
  .get_wall_clock_ns = fake_host_get_wall_clock_ns,
  .console_write = fake_host_console_write,
  .console_read = fake_host_console_read,
};

static inline void
fake_host_init (FakeHost *host)
{
  *host = (FakeHost){
    .journal = g_string_new (NULL),
    .output = g_string_new (NULL),
    .input = g_byte_array_new (),
    .clock_ns = FAKE_HOST_CLOCK_NS,
  };
}

static inline void
fake_host_clear (FakeHost *host)
{
  g_string_free (host->journal, TRUE);
  g_string_free (host->output, TRUE);
  g_byte_array_unref (host->input);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FakeHost, fake_host_clear)

static inline VmmDevice *
fake_host_new_device (FakeHost *host, const VmmDeviceType *type)
{
  return vmm_device_new (type, &fake_host_functions, host);
}

/* A second device that was loaded with what the first one saves, on a machine of its own. */
static inline VmmDevice *
fake_host_copy_device (FakeHost *host, VmmDevice *device)
{
  g_autoptr (VmmDevice) copy = fake_host_new_device (host, device->type);
  g_autoptr (GBytes) saved = vmm_device_save (device);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_device_load (copy, saved, &error));
  g_assert_no_error (error);
  vmm_device_sync_irq (copy);
  return g_steal_pointer (&copy);
}

/* ---- for g_test_add(): a device on a machine of its own; the test's data is the device's type ---- */

typedef struct
{
  FakeHost host;
  VmmDevice *device;
} FakeHostFixture;

static inline void
fake_host_set_up (FakeHostFixture *fixture, gconstpointer type)
{
  fake_host_init (&fixture->host);
  fixture->device = fake_host_new_device (&fixture->host, type);
}

static inline void
fake_host_tear_down (FakeHostFixture *fixture, gconstpointer type)
{
  vmm_device_free (fixture->device);
  fake_host_clear (&fixture->host);
}

typedef struct
{
  const char *path;
  void (*run) (FakeHostFixture *fixture, gconstpointer type);
} FakeHostCase;

static inline void
fake_host_add_cases (const VmmDeviceType *type, const FakeHostCase *cases, gsize n)
{
  for (gsize i = 0; i < n; i++)
    g_test_add (cases[i].path, FakeHostFixture, type, fake_host_set_up, cases[i].run, fake_host_tear_down);
}

/* That @message is refused, and the error speaks of @field. */
static inline void
fake_host_assert_refused (VmmDevice *device, const ProtobufCMessage *message, const char *field)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *packed = g_malloc (size);
  g_autoptr (GBytes) bytes = g_bytes_new_take (packed, size);
  g_autoptr (GError) error = NULL;

  protobuf_c_message_pack (message, packed);
  g_assert_false (vmm_device_load (device, bytes, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, device->type->name));
  g_assert_nonnull (strstr (error->message, field));
}

G_END_DECLS
