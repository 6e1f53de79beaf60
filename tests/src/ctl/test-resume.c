/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_lets_run_on (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "pause web");
  ovm_ctl_fixture_must (f, "resume web");
  ovm_ctl_fixture_assert_state (f, "web", "running");
  ovm_ctl_fixture_must (f, "resume web");
}

static void
test_refuses_a_stopped_vm (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_fails (f, "resume web", 6, "openvmmctl: not possible in this state: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/resume/lets-run-on", test_lets_run_on);
  ovm_ctl_fixture_add ("/src/ctl/resume/refuses-a-stopped-vm", test_refuses_a_stopped_vm);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
