/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_pauses_what_runs (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "pause web");
  g_assert_cmpstr (f->out, ==, "");
  ovm_ctl_fixture_assert_state (f, "web", "paused");
}

static void
test_is_idempotent (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "pause web");
  ovm_ctl_fixture_must (f, "pause web");
  ovm_ctl_fixture_assert_state (f, "web", "paused");
}

static void
test_refuses_a_stopped_vm (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_fails (f, "pause web", 6, "openvmmctl: not possible in this state: ");
  ovm_ctl_fixture_assert_state (f, "web", "stopped");
}

static void
test_reports_what_failed (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start -o test-fail=\"'pause:TimedOut'\"");
  ovm_ctl_fixture_fails (f, "pause web", 1, "openvmmctl: it took too long: ");
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/pause/pauses-what-runs", test_pauses_what_runs);
  ovm_ctl_fixture_add ("/src/ctl/pause/is-idempotent", test_is_idempotent);
  ovm_ctl_fixture_add ("/src/ctl/pause/refuses-a-stopped-vm", test_refuses_a_stopped_vm);
  ovm_ctl_fixture_add ("/src/ctl/pause/reports-what-failed", test_reports_what_failed);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
