/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/device.h"

#include "proto/devices/pm.pb-c.h"
#include "tests/vmm/fake-host.h"

extern const VmmDeviceType vmm_pm_type;

#define IRQ 9
#define EVENT 0
#define CONTROL 1
#define STATUS 0
#define ENABLE 2
#define POWER_BUTTON 0x0100
#define SCI_EN 0x0001
#define SLP_EN 0x2000
#define SLP_TYP(type) ((type) << 10)

static guint
in (FakeHostFixture *fixture, guint region, guint offset)
{
  return vmm_device_read (fixture->device, region, offset, 2);
}

static void
out (FakeHostFixture *fixture, guint region, guint offset, guint value)
{
  vmm_device_write (fixture->device, region, offset, 2, value);
}

static void
test_powers_off (FakeHostFixture *fixture, gconstpointer data)
{
  /* Linux writes the type first, then both */
  out (fixture, CONTROL, 0, SCI_EN | SLP_TYP (5));
  g_assert_cmpuint (fixture->host.power_offs, ==, 0);
  out (fixture, CONTROL, 0, SCI_EN | SLP_TYP (5) | SLP_EN);
  g_assert_cmpuint (fixture->host.power_offs, ==, 1);
}

static void
test_powers_off_by_bytes (FakeHostFixture *fixture, gconstpointer data)
{
  vmm_device_write (fixture->device, CONTROL, 0, 1, SCI_EN);
  vmm_device_write (fixture->device, CONTROL, 1, 1, (SLP_TYP (5) | SLP_EN) >> 8);
  g_assert_cmpuint (fixture->host.power_offs, ==, 1);
}

static void
test_other_sleeps_do_nothing (FakeHostFixture *fixture, gconstpointer data)
{
  for (guint type = 0; type < 8; type++)
    if (type != 5)
      out (fixture, CONTROL, 0, SLP_TYP (type) | SLP_EN);
  g_assert_cmpuint (fixture->host.power_offs, ==, 0);
}

static void
test_is_always_in_acpi_mode (FakeHostFixture *fixture, gconstpointer data)
{
  g_assert_cmphex (in (fixture, CONTROL, 0), ==, SCI_EN);
  out (fixture, CONTROL, 0, 0);
  g_assert_cmphex (in (fixture, CONTROL, 0), ==, SCI_EN);
  /* SLP_EN and GBL_RLS read as zero */
  out (fixture, CONTROL, 0, 0xffff);
  g_assert_cmphex (in (fixture, CONTROL, 0), ==, SLP_TYP (7) | 0x0002 | SCI_EN);
}

static void
test_button_interrupts_until_cleared (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, EVENT, ENABLE, POWER_BUTTON);
  g_assert_false (fixture->host.irq[IRQ]);
  vmm_device_power_button (fixture->device);
  g_assert_true (fixture->host.irq[IRQ]);
  g_assert_cmphex (in (fixture, EVENT, STATUS), ==, POWER_BUTTON);
  g_assert_true (fixture->host.irq[IRQ]);
  /* only a one clears */
  out (fixture, EVENT, STATUS, (guint16) ~POWER_BUTTON);
  g_assert_true (fixture->host.irq[IRQ]);
  out (fixture, EVENT, STATUS, POWER_BUTTON);
  g_assert_false (fixture->host.irq[IRQ]);
  g_assert_cmphex (in (fixture, EVENT, STATUS), ==, 0);
}

static void
test_button_waits_for_enable (FakeHostFixture *fixture, gconstpointer data)
{
  vmm_device_power_button (fixture->device);
  g_assert_false (fixture->host.irq[IRQ]);
  out (fixture, EVENT, ENABLE, POWER_BUTTON);
  g_assert_true (fixture->host.irq[IRQ]);
  out (fixture, EVENT, ENABLE, 0);
  g_assert_false (fixture->host.irq[IRQ]);
}

static void
test_enable_keeps_what_acpi_has (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, EVENT, ENABLE, 0xffff);
  g_assert_cmphex (in (fixture, EVENT, ENABLE), ==, 0x0721);
  g_assert_cmphex (vmm_device_read (fixture->device, EVENT, 0, 4), ==, 0x07210000);
  g_assert_false (fixture->host.irq[IRQ]);
  vmm_device_write (fixture->device, EVENT, ENABLE, 1, 0);
  g_assert_cmphex (in (fixture, EVENT, ENABLE), ==, 0x0700);
}

static void
test_pressed_button_survives_restore (FakeHostFixture *fixture, gconstpointer data)
{
  g_auto (FakeHost) other = { 0 };
  g_autoptr (VmmDevice) copy = NULL;

  fake_host_init (&other);
  out (fixture, EVENT, ENABLE, POWER_BUTTON);
  vmm_device_power_button (fixture->device);
  copy = fake_host_copy_device (&other, fixture->device);
  g_assert_true (other.irq[IRQ]);
  g_assert_cmphex (vmm_device_read (copy, EVENT, STATUS, 2), ==, POWER_BUTTON);
}

static void
test_refuses_impossible_state (FakeHostFixture *fixture, gconstpointer data)
{
  Openvmm__Devices__PmState status = OPENVMM__DEVICES__PM_STATE__INIT;
  Openvmm__Devices__PmState enable = OPENVMM__DEVICES__PM_STATE__INIT;
  Openvmm__Devices__PmState control = OPENVMM__DEVICES__PM_STATE__INIT;

  status.status = 0x0001;
  fake_host_assert_refused (fixture->device, &status.base, "status");
  enable.enable = 0x10100;
  fake_host_assert_refused (fixture->device, &enable.base, "enable");
  control.control = SLP_TYP (5) | SLP_EN;
  fake_host_assert_refused (fixture->device, &control.base, "control");
  g_assert_cmpuint (fixture->host.power_offs, ==, 0);
}

int
main (int argc, char **argv)
{
  static const FakeHostCase cases[] = {
    { "/vmm/devices/pm/powers-off", test_powers_off },
    { "/vmm/devices/pm/powers-off-by-bytes", test_powers_off_by_bytes },
    { "/vmm/devices/pm/other-sleeps-do-nothing", test_other_sleeps_do_nothing },
    { "/vmm/devices/pm/is-always-in-acpi-mode", test_is_always_in_acpi_mode },
    { "/vmm/devices/pm/button-interrupts-until-cleared", test_button_interrupts_until_cleared },
    { "/vmm/devices/pm/button-waits-for-enable", test_button_waits_for_enable },
    { "/vmm/devices/pm/enable-keeps-what-acpi-has", test_enable_keeps_what_acpi_has },
    { "/vmm/devices/pm/pressed-button-survives-restore", test_pressed_button_survives_restore },
    { "/vmm/devices/pm/refuses-impossible-state", test_refuses_impossible_state },
  };

  g_test_init (&argc, &argv, NULL);
  fake_host_add_cases (&vmm_pm_type, cases, G_N_ELEMENTS (cases));
  return g_test_run ();
}
