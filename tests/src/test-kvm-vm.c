/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/kvm-vm.h"

#include <poll.h>

#include "tests/src/kvm-model.h"

/* the tiny guest "ending" ends as the key tells that is sent to its serial port */
static void
send_key (OvmVm *vm, char key)
{
  g_autoptr (GError) error = NULL;
  int fd = ovm_vm_open_console (vm, &error);
  struct pollfd readable = { .fd = fd, .events = POLLIN };

  g_assert_no_error (error);
  g_assert_cmpint (poll (&readable, 1, 60 * 1000), ==, 1); /* it has booted */
  g_assert_cmpint (write (fd, &key, 1), ==, 1);
  g_assert_cmpint (close (fd), ==, 0);
}

static void
on_state_changed (OvmVm *vm, guint old, guint new, const char *reason, GString *steps)
{
  g_string_append_printf (steps,
                          "%s>%s ",
                          ovm_state_to_string ((OvmState) old),
                          ovm_state_to_string ((OvmState) new));
}

static void
test_guest_ends_its_machine (void)
{
  static const struct
  {
    char key;
    const char *steps;
    OvmState state;
  } cases[] = {
    { 'p', "stopped>running running>stopped ", OVM_STATE_STOPPED },
    { 'r', "stopped>running running>running ", OVM_STATE_RUNNING },
    { 't', "stopped>running running>crashed ", OVM_STATE_CRASHED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Model) model;
      g_autoptr (GString) steps = g_string_new (NULL);
      OvmVm *vm;

      model_init (&model);
      vm = kvm_model_create (&model, "vm", "ending", NULL);
      g_signal_connect (vm, "state-changed", G_CALLBACK (on_state_changed), steps);
      model_do (&model, vm, OVM_OPERATION_START);
      send_key (vm, cases[i].key);
      model_wait_until (g_str_equal (steps->str, cases[i].steps));
      g_assert_cmpint (ovm_vm_get_state (vm), ==, cases[i].state);
      g_signal_handlers_disconnect_by_data (vm, steps);
      if (cases[i].state == OVM_STATE_STOPPED)
        model_do (&model, vm, OVM_OPERATION_START);
      else
        model_do (&model, vm, OVM_OPERATION_RESET);
    }
}

static void
test_console_outlives_the_machine (void)
{
  g_auto (Model) model;
  g_autoptr (GError) error = NULL;
  struct pollfd readable = { .events = POLLIN };
  char byte;
  OvmVm *vm;

  model_init (&model);
  vm = kvm_model_create (&model, "vm", "echo", NULL);
  readable.fd = ovm_vm_open_console (vm, &error);
  g_assert_no_error (error);
  for (int i = 0; i < 3; i++)
    {
      model_do (&model, vm, i == 0 ? OVM_OPERATION_START : OVM_OPERATION_RESET);
      g_assert_cmpint (write (readable.fd, "x", 1), ==, 1);
      do
        {
          g_assert_cmpint (poll (&readable, 1, 60 * 1000), ==, 1);
          g_assert_cmpint (read (readable.fd, &byte, 1), ==, 1);
        }
      while (byte != 'y'); /* the guest sends each byte back, one larger */
    }
  g_assert_cmpint (close (readable.fd), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/kvm-vm/guest-ends-its-machine", test_guest_ends_its_machine);
  g_test_add_func ("/src/kvm-vm/console-outlives-the-machine", test_console_outlives_the_machine);
  return g_test_run ();
}
