/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_stops_what_runs_or_stands (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start -o test-deaf=true");
  ovm_ctl_fixture_must (f, "poweroff web");
  ovm_ctl_fixture_assert_state (f, "web", "stopped");

  ovm_ctl_fixture_must (f, "start --paused web");
  ovm_ctl_fixture_must (f, "poweroff web");
  ovm_ctl_fixture_assert_state (f, "web", "stopped");
}

static void
test_refuses_a_stopped_vm (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_fails (f, "poweroff web", 6, "openvmmctl: not possible in this state: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/poweroff/stops-what-runs-or-stands", test_stops_what_runs_or_stands);
  ovm_ctl_fixture_add ("/src/ctl/poweroff/refuses-a-stopped-vm", test_refuses_a_stopped_vm);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
