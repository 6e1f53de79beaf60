/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_forgets (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_must (f, "delete web --json");
  g_assert_cmpstr (f->out, ==, "[{\"Name\":\"web\",\"Path\":\"/org/openvmm/vm/web\"}]\n");
  ovm_ctl_fixture_fails (f, "show web", 3, "openvmmctl: no such VM: ");
}

static void
test_asks_for_force (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_fails (f, "delete web", 6, "openvmmctl: not possible in this state: ");
  ovm_ctl_fixture_assert_state (f, "web", "running");
  ovm_ctl_fixture_must (f, "delete --force web");
  ovm_ctl_fixture_fails (f, "show web", 3, "openvmmctl: no such VM: ");
}

static void
test_deletes_snapshots (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *directory = ovm_ctl_fixture_path (f, "one");

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
  g_assert_true (g_file_test (directory, G_FILE_TEST_IS_DIR));
  ovm_ctl_fixture_must (f, "delete --snapshot one --json");
  g_assert_cmpstr (f->out, ==, "[{\"Snapshot\":\"one\"}]\n");
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  ovm_ctl_fixture_assert_state (f, "web", "running");
}

static void
test_refuses_unknown_snapshots (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (
      f,
      "delete --snapshot odd",
      3,
      "openvmmctl: openvmmd knows no snapshot “odd”; “openvmmctl list --snapshots” lists those it "
      "knows\n");
  ovm_ctl_fixture_fails (f,
                         "delete --snapshot --force odd",
                         2,
                         "openvmmctl: --force and --snapshot exclude each other\n");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/delete/forgets", test_forgets);
  ovm_ctl_fixture_add ("/src/ctl/delete/asks-for-force", test_asks_for_force);
  ovm_ctl_fixture_add ("/src/ctl/delete/deletes-snapshots", test_deletes_snapshots);
  ovm_ctl_fixture_add ("/src/ctl/delete/refuses-unknown-snapshots", test_refuses_unknown_snapshots);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
