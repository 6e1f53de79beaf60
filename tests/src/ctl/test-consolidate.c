/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
make_chain (OvmCtlFixture *f)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web base");
  ovm_ctl_fixture_must (f, "save web child --incremental");
}

static void
test_makes_complete (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *message = g_strdup_printf ("%s/child is complete.\n", f->directory);
  g_autofree char *pages = ovm_ctl_fixture_path (f, "child/pages.bin");

  make_chain (f);
  g_assert_true (g_file_test (pages, G_FILE_TEST_EXISTS));
  ovm_ctl_fixture_must (f, "consolidate child");
  g_assert_cmpstr (f->out, ==, message);
  g_assert_false (g_file_test (pages, G_FILE_TEST_EXISTS));
  ovm_ctl_fixture_must (f, "consolidate child --json");
  g_assert_cmpstr (f->out, ==, "{\"Snapshot\":\"child\"}\n");
  ovm_ctl_fixture_must (f, "delete --snapshot base");
  ovm_ctl_fixture_must (f, "verify child");
}

static void
test_delete_spares_parents (OvmCtlFixture *f, gconstpointer data)
{
  make_chain (f);
  ovm_ctl_fixture_fails (f, "delete --snapshot base", 6, "openvmmctl: other snapshots need it: ");
  ovm_ctl_fixture_must (f, "verify child");
  ovm_ctl_fixture_must (f, "delete --snapshot base --consolidate-children");
  ovm_ctl_fixture_must (f, "verify child");
}

static void
test_refuses_what_is_no_snapshot (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f,
                         "consolidate",
                         2,
                         "openvmmctl: something is missing: it is “openvmmctl consolidate SNAPSHOT”\n");
  ovm_ctl_fixture_fails (f, "consolidate none", 3, "openvmmctl: openvmmd knows no snapshot “none”");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/consolidate/makes-complete", test_makes_complete);
  ovm_ctl_fixture_add ("/src/ctl/consolidate/delete-spares-parents", test_delete_spares_parents);
  ovm_ctl_fixture_add ("/src/ctl/consolidate/refuses-what-is-no-snapshot", test_refuses_what_is_no_snapshot);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
