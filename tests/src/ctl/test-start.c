/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_boots (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_must (f, "start web");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_stops_before_the_first_instruction (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_must (f, "start web --paused");
  ovm_ctl_fixture_assert_state (f, "web", "paused");
}

static void
test_refuses_what_runs (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_fails (f, "start web", 6, "openvmmctl: not possible in this state: ");
}

static void
test_tells_kinds_of_failure_apart (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "a", "-o test-fail=\"'start:NoSuchFile'\"");
  ovm_ctl_fixture_fails (f, "start a", 3, "openvmmctl: no such file: ");
  ovm_ctl_fixture_create (f, "b", "-o test-fail=\"'start:InvalidKernel'\"");
  ovm_ctl_fixture_fails (f, "start b", 2, "openvmmctl: not a kernel that can be booted: ");
  ovm_ctl_fixture_create (f, "c", "-o test-fail=\"'start:NoHypervisor'\"");
  ovm_ctl_fixture_fails (f, "start c", 1, "openvmmctl: VMs cannot run here: ");
  ovm_ctl_fixture_create (f, "d", "-o test-fail=\"'start:NotAuthorized'\"");
  ovm_ctl_fixture_fails (f, "start d", 4, "openvmmctl: not allowed: ");
  ovm_ctl_fixture_create (f, "e", "-o test-fail=\"'start:MemoryFileInUse'\"");
  ovm_ctl_fixture_fails (f, "start e", 6, "openvmmctl: the memory file is in use: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/start/boots", test_boots);
  ovm_ctl_fixture_add ("/src/ctl/start/stops-before-the-first-instruction",
                       test_stops_before_the_first_instruction);
  ovm_ctl_fixture_add ("/src/ctl/start/refuses-what-runs", test_refuses_what_runs);
  ovm_ctl_fixture_add ("/src/ctl/start/tells-kinds-of-failure-apart", test_tells_kinds_of_failure_apart);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
