/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_asks_the_guest (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "shutdown web");
  ovm_ctl_fixture_assert_state (f, "web", "stopped");
}

static void
test_leaves_the_choice_to_the_guest (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start -o test-deaf=true");
  ovm_ctl_fixture_must (f, "shutdown web");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_refuses_a_paused_vm (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "pause web");
  ovm_ctl_fixture_fails (f, "shutdown web", 6, "openvmmctl: not possible in this state: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/shutdown/asks-the-guest", test_asks_the_guest);
  ovm_ctl_fixture_add ("/src/ctl/shutdown/leaves-the-choice-to-the-guest",
                       test_leaves_the_choice_to_the_guest);
  ovm_ctl_fixture_add ("/src/ctl/shutdown/refuses-a-paused-vm", test_refuses_a_paused_vm);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
