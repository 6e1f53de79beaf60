/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/bus.h"

#include <string.h>

#include "proto/devices/pm.pb-c.h"
#include "tests/vmm/fake-host.h"

/* A device that answers with its region and offset, and keeps the last write. */
typedef struct
{
  VmmDevice device;
  guint writes;
  guint region;
  guint64 offset;
  guint size;
  guint64 value;
} EchoDevice;

static guint64
echo_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  return 0x1122334455660000ull | region << 8 | offset;
}

static void
echo_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value)
{
  EchoDevice *self = (EchoDevice *) device;

  self->writes++;
  self->region = region;
  self->offset = offset;
  self->size = size;
  self->value = value;
}

#define ECHO_TYPE(name_, ...)                                                                                \
  {                                                                                                          \
    .name = name_, .instance_size = sizeof (EchoDevice), .state = &openvmm__devices__pm_state__descriptor,   \
    .regions = { __VA_ARGS__ }, .read = echo_read, .write = echo_write,                                      \
  }

static const VmmDeviceType ports_type = ECHO_TYPE ("ports",
                                                   { VMM_SPACE_PIO, 0x100, 8 },
                                                   { VMM_SPACE_PIO, 0x80, 1 });
static const VmmDeviceType mixed_type = ECHO_TYPE ("mixed",
                                                   { VMM_SPACE_PIO, 0x108, 8 },
                                                   { VMM_SPACE_MMIO, 0x100, 0x1000 });

typedef struct
{
  FakeHost host;
  VmmBus *bus;
  VmmDevice *ports;
  VmmDevice *mixed;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fake_host_init (&fixture->host);
  fixture->bus = vmm_bus_new ();
  fixture->ports = fake_host_new_device (&fixture->host, &ports_type);
  fixture->mixed = fake_host_new_device (&fixture->host, &mixed_type);
  g_assert_true (vmm_bus_add (fixture->bus, fixture->mixed, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_bus_add (fixture->bus, fixture->ports, &error));
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_bus_free (fixture->bus);
  vmm_device_free (fixture->ports);
  vmm_device_free (fixture->mixed);
  fake_host_clear (&fixture->host);
}

static guint64
read_bus (Fixture *fixture, VmmSpace space, guint64 address, guint size)
{
  guint64 value = 0;

  vmm_bus_read (fixture->bus, space, address, (guint8 *) &value, size);
  return value;
}

static void
test_finds_region (Fixture *fixture, gconstpointer data)
{
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x100, 2), ==, 0x0000);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x107, 1), ==, 0x07);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x80, 1), ==, 0x00);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x10c, 4), ==, 0x55660004);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_MMIO, 0x110, 8), ==, 0x1122334455660110);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_MMIO, 0x10f8, 8), ==, 0x1122334455660ff8 | 0x100);
}

static void
test_gives_ones_where_nobody_answers (Fixture *fixture, gconstpointer data)
{
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x7f, 1), ==, 0xff);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x81, 2), ==, 0xffff);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x110, 4), ==, 0xffffffff);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0xff, 2), ==, 0xffff);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_MMIO, 0x1100, 8), ==, G_MAXUINT64);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_MMIO, G_MAXUINT64, 8), ==, G_MAXUINT64);
}

static void
test_refuses_to_straddle (Fixture *fixture, gconstpointer data)
{
  static const guint8 bytes[8] = { 0 };

  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x107, 2), ==, 0xffff);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_MMIO, 0x10fc, 8), ==, G_MAXUINT64);
  vmm_bus_write (fixture->bus, VMM_SPACE_PIO, 0x107, bytes, 2);
  vmm_bus_write (fixture->bus, VMM_SPACE_PIO, 0x7f, bytes, 4);
  g_assert_cmpuint (((EchoDevice *) fixture->ports)->writes, ==, 0);
  g_assert_cmpuint (((EchoDevice *) fixture->mixed)->writes, ==, 0);
}

static void
test_writes_little_endian (Fixture *fixture, gconstpointer data)
{
  const EchoDevice *mixed = (EchoDevice *) fixture->mixed;

  vmm_bus_write (fixture->bus, VMM_SPACE_MMIO, 0x120, (const guint8 *) "\x11\x22\x33\x44", 4);
  g_assert_cmpuint (mixed->writes, ==, 1);
  g_assert_cmpuint (mixed->region, ==, 1);
  g_assert_cmphex (mixed->offset, ==, 0x20);
  g_assert_cmpuint (mixed->size, ==, 4);
  g_assert_cmphex (mixed->value, ==, 0x44332211);
  g_assert_cmpuint (((EchoDevice *) fixture->ports)->writes, ==, 0);
}

static void
assert_refused (Fixture *fixture, const VmmDeviceType *type, const char *other)
{
  g_autoptr (VmmDevice) device = fake_host_new_device (&fixture->host, type);
  g_autoptr (GError) error = NULL;

  g_assert_false (vmm_bus_add (fixture->bus, device, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
  g_assert_nonnull (strstr (error->message, type->name));
  g_assert_nonnull (strstr (error->message, other));
  /* none of its regions stays */
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0x200, 1), ==, 0xff);
}

static void
test_refuses_overlap (Fixture *fixture, gconstpointer data)
{
  static const VmmDeviceType types[] = {
    ECHO_TYPE ("low", { VMM_SPACE_PIO, 0x200, 1 }, { VMM_SPACE_PIO, 0x79, 8 }),
    ECHO_TYPE ("high", { VMM_SPACE_PIO, 0x200, 1 }, { VMM_SPACE_PIO, 0x107, 1 }),
    ECHO_TYPE ("around", { VMM_SPACE_PIO, 0x200, 1 }, { VMM_SPACE_PIO, 0x70, 0x98 }),
  };
  static const VmmDeviceType inside = ECHO_TYPE ("inside", { VMM_SPACE_MMIO, 0x800, 1 });
  static const VmmDeviceType itself = ECHO_TYPE ("itself",
                                                 { VMM_SPACE_PIO, 0x200, 2 },
                                                 { VMM_SPACE_PIO, 0x201, 1 });

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    assert_refused (fixture, &types[i], "device ports");
  assert_refused (fixture, &inside, "device mixed");
  assert_refused (fixture, &itself, "device itself has");
}

static void
test_refuses_to_leave_space (Fixture *fixture, gconstpointer data)
{
  static const VmmDeviceType ports = ECHO_TYPE ("far",
                                                { VMM_SPACE_PIO, 0x200, 1 },
                                                { VMM_SPACE_PIO, 0xffff, 2 });
  static const VmmDeviceType wrap = ECHO_TYPE ("wrap", { VMM_SPACE_MMIO, G_MAXUINT64, 2 });
  static const VmmDeviceType nowhere = ECHO_TYPE ("nowhere", { (VmmSpace) 7, 0, 2 });

  assert_refused (fixture, &ports, "leaves the address space");
  assert_refused (fixture, &wrap, "leaves the address space");
  assert_refused (fixture, &nowhere, "leaves the address space");
}

static void
test_reaches_ends_of_space (Fixture *fixture, gconstpointer data)
{
  static const VmmDeviceType last = ECHO_TYPE ("last",
                                               { VMM_SPACE_PIO, 0xfffe, 2 },
                                               { VMM_SPACE_MMIO, -8ull, 8 });
  g_autoptr (VmmDevice) device = fake_host_new_device (&fixture->host, &last);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_bus_add (fixture->bus, device, &error));
  g_assert_no_error (error);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_PIO, 0xffff, 1), ==, 0x01);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_MMIO, G_MAXUINT64, 1), ==, 0x07);
  g_assert_cmphex (read_bus (fixture, VMM_SPACE_MMIO, -8ull, 8), ==, 0x1122334455660100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/vmm/bus/finds-region", Fixture, NULL, set_up, test_finds_region, tear_down);
  g_test_add ("/vmm/bus/gives-ones-where-nobody-answers",
              Fixture,
              NULL,
              set_up,
              test_gives_ones_where_nobody_answers,
              tear_down);
  g_test_add ("/vmm/bus/refuses-to-straddle", Fixture, NULL, set_up, test_refuses_to_straddle, tear_down);
  g_test_add ("/vmm/bus/writes-little-endian", Fixture, NULL, set_up, test_writes_little_endian, tear_down);
  g_test_add ("/vmm/bus/refuses-overlap", Fixture, NULL, set_up, test_refuses_overlap, tear_down);
  g_test_add ("/vmm/bus/refuses-to-leave-space", Fixture, NULL, set_up, test_refuses_to_leave_space, tear_down);
  g_test_add ("/vmm/bus/reaches-ends-of-space", Fixture, NULL, set_up, test_reaches_ends_of_space, tear_down);
  return g_test_run ();
}
