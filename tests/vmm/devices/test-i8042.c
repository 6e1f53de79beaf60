/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/device.h"

#include "proto/devices/i8042.pb-c.h"
#include "tests/vmm/fake-host.h"

extern const VmmDeviceType vmm_i8042_type;

#define DATA 0
#define COMMAND 1
#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL 0x02
#define STATUS_UNLOCKED 0x10
#define STATUS_MOUSE 0x20

static guint8
status (FakeHostFixture *fixture)
{
  return vmm_device_read (fixture->device, COMMAND, 0, 1);
}

static void
command (FakeHostFixture *fixture, guint8 value)
{
  vmm_device_write (fixture->device, COMMAND, 0, 1, value);
}

static void
parameter (FakeHostFixture *fixture, guint8 value)
{
  vmm_device_write (fixture->device, DATA, 0, 1, value);
}

static void
assert_answers (FakeHostFixture *fixture, guint8 value)
{
  g_assert_cmphex (status (fixture) & STATUS_OUTPUT_FULL, ==, STATUS_OUTPUT_FULL);
  g_assert_cmphex (vmm_device_read (fixture->device, DATA, 0, 1), ==, value);
  g_assert_cmphex (status (fixture) & STATUS_OUTPUT_FULL, ==, 0);
}

static void
test_has_nothing_to_say (FakeHostFixture *fixture, gconstpointer data)
{
  g_assert_cmphex (status (fixture) & (STATUS_OUTPUT_FULL | STATUS_INPUT_FULL), ==, 0);
  g_assert_cmphex (status (fixture) & STATUS_UNLOCKED, ==, STATUS_UNLOCKED);
  /* a reset command to a keyboard that is not there */
  parameter (fixture, 0xff);
  g_assert_cmphex (status (fixture) & (STATUS_OUTPUT_FULL | STATUS_INPUT_FULL), ==, 0);
}

static void
test_resets_machine (FakeHostFixture *fixture, gconstpointer data)
{
  command (fixture, 0xff);
  command (fixture, 0xf1);
  g_assert_cmpuint (fixture->host.resets, ==, 0);
  command (fixture, 0xfe);
  g_assert_cmpuint (fixture->host.resets, ==, 1);
  command (fixture, 0xf0);
  g_assert_cmpuint (fixture->host.resets, ==, 2);
}

static void
test_resets_machine_by_output_port (FakeHostFixture *fixture, gconstpointer data)
{
  command (fixture, 0xd1);
  parameter (fixture, 0xdf);
  command (fixture, 0xd0);
  assert_answers (fixture, 0xdf);
  g_assert_cmpuint (fixture->host.resets, ==, 0);
  command (fixture, 0xd1);
  parameter (fixture, 0xde);
  g_assert_cmpuint (fixture->host.resets, ==, 1);
}

static void
test_passes_self_test (FakeHostFixture *fixture, gconstpointer data)
{
  command (fixture, 0xaa);
  assert_answers (fixture, 0x55);
}

static void
test_keeps_command_byte (FakeHostFixture *fixture, gconstpointer data)
{
  command (fixture, 0x60);
  parameter (fixture, 0x47);
  command (fixture, 0x20);
  assert_answers (fixture, 0x47);
  command (fixture, 0xad);
  command (fixture, 0xa7);
  command (fixture, 0x20);
  assert_answers (fixture, 0x77);
  command (fixture, 0xae);
  command (fixture, 0xa8);
  command (fixture, 0x20);
  assert_answers (fixture, 0x47);
  /* the parameter was one, what follows is for the keyboard */
  parameter (fixture, 0x11);
  command (fixture, 0x20);
  assert_answers (fixture, 0x47);
}

/* Linux concludes from these two answers, without a time-out, that there is no mouse. */
static void
test_denies_mouse_at_once (FakeHostFixture *fixture, gconstpointer data)
{
  command (fixture, 0xd3);
  parameter (fixture, 0x5a);
  g_assert_cmphex (status (fixture) & (STATUS_MOUSE | STATUS_OUTPUT_FULL), ==, STATUS_OUTPUT_FULL);
  assert_answers (fixture, 0x5a);
  command (fixture, 0xa9);
  assert_answers (fixture, 0x01);
  command (fixture, 0xd4);
  parameter (fixture, 0xf2);
  g_assert_cmphex (status (fixture) & STATUS_OUTPUT_FULL, ==, 0);
}

static void
test_switches_a20 (FakeHostFixture *fixture, gconstpointer data)
{
  command (fixture, 0xd0);
  assert_answers (fixture, 0x03);
  command (fixture, 0xdd);
  command (fixture, 0xd0);
  assert_answers (fixture, 0x01);
  command (fixture, 0xdf);
  command (fixture, 0xd0);
  assert_answers (fixture, 0x03);
}

static void
test_answers_the_rest (FakeHostFixture *fixture, gconstpointer data)
{
  command (fixture, 0xab);
  assert_answers (fixture, 0x01);
  command (fixture, 0xc0);
  assert_answers (fixture, 0x80);
  command (fixture, 0xd2);
  parameter (fixture, 0x1c);
  assert_answers (fixture, 0x1c);
  /* one that nobody knows: no answer, and it takes no parameter */
  command (fixture, 0x99);
  parameter (fixture, 0x12);
  g_assert_cmphex (status (fixture) & STATUS_OUTPUT_FULL, ==, 0);
}

static void
test_half_a_command_survives_restore (FakeHostFixture *fixture, gconstpointer data)
{
  g_autoptr (VmmDevice) copy = NULL;

  command (fixture, 0xd1);
  copy = fake_host_copy_device (&fixture->host, fixture->device);
  vmm_device_write (copy, DATA, 0, 1, 0xfe);
  g_assert_cmpuint (fixture->host.resets, ==, 1);
}

static void
test_refuses_impossible_state (FakeHostFixture *fixture, gconstpointer data)
{
  Openvmm__Devices__I8042State command_byte = OPENVMM__DEVICES__I8042_STATE__INIT;
  Openvmm__Devices__I8042State output_port = OPENVMM__DEVICES__I8042_STATE__INIT;
  Openvmm__Devices__I8042State pending = OPENVMM__DEVICES__I8042_STATE__INIT;
  Openvmm__Devices__I8042State output = OPENVMM__DEVICES__I8042_STATE__INIT;

  command_byte.command_byte = 0x100;
  fake_host_assert_refused (fixture->device, &command_byte.base, "command_byte");
  output_port.output_port = 0x100;
  fake_host_assert_refused (fixture->device, &output_port.base, "output_port");
  pending.pending_command = 0x100;
  fake_host_assert_refused (fixture->device, &pending.base, "pending_command");
  output.output = 0x100;
  fake_host_assert_refused (fixture->device, &output.base, "output");
  g_assert_cmpuint (fixture->host.resets, ==, 0);
}

int
main (int argc, char **argv)
{
  static const FakeHostCase cases[] = {
    { "/vmm/devices/i8042/has-nothing-to-say", test_has_nothing_to_say },
    { "/vmm/devices/i8042/resets-machine", test_resets_machine },
    { "/vmm/devices/i8042/resets-machine-by-output-port", test_resets_machine_by_output_port },
    { "/vmm/devices/i8042/passes-self-test", test_passes_self_test },
    { "/vmm/devices/i8042/keeps-command-byte", test_keeps_command_byte },
    { "/vmm/devices/i8042/denies-mouse-at-once", test_denies_mouse_at_once },
    { "/vmm/devices/i8042/switches-a20", test_switches_a20 },
    { "/vmm/devices/i8042/answers-the-rest", test_answers_the_rest },
    { "/vmm/devices/i8042/half-a-command-survives-restore", test_half_a_command_survives_restore },
    { "/vmm/devices/i8042/refuses-impossible-state", test_refuses_impossible_state },
  };

  g_test_init (&argc, &argv, NULL);
  fake_host_add_cases (&vmm_i8042_type, cases, G_N_ELEMENTS (cases));
  return g_test_run ();
}
