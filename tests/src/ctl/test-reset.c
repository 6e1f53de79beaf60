/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_boots_anew (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "pause web");
  ovm_ctl_fixture_must (f, "reset web");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_refuses_a_stopped_vm (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_fails (f, "reset web", 6, "openvmmctl: not possible in this state: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/reset/boots-anew", test_boots_anew);
  ovm_ctl_fixture_add ("/src/ctl/reset/refuses-a-stopped-vm", test_refuses_a_stopped_vm);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
