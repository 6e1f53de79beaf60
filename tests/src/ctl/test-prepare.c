/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include <stdio.h>

#include "tests/src/ctl/fixture.h"

static void
test_keeps_clones_ready (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *json = g_strdup_printf ("{\"Directory\":\"%s/moved\",\"Prepared\":2}\n", f->directory);
  g_autofree char *from = ovm_ctl_fixture_path (f, "one");
  g_autofree char *to = ovm_ctl_fixture_path (f, "moved");

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
  ovm_ctl_fixture_must (f, "prepare one 1 --driver test");
  g_assert_cmpstr (f->out, ==, "");
  /* also one that the service has not seen yet in this place */
  g_assert_cmpint (rename (from, to), ==, 0);
  ovm_ctl_fixture_must (f, "prepare moved 2 --driver test --cpu superset --json");
  g_assert_cmpstr (f->out, ==, json);
  ovm_ctl_fixture_must (f, "list --snapshots --json");
  g_assert_nonnull (strstr (f->out, "\"Prepared\":2"));
  ovm_ctl_fixture_must (f, "prepare moved 1 --driver test --memory working-set");
  ovm_ctl_fixture_must (f, "prepare moved 0 --driver test");
  ovm_ctl_fixture_must (f, "list --snapshots --json");
  g_assert_nonnull (strstr (f->out, "\"Prepared\":0"));
}

static void
test_refuses (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
  ovm_ctl_fixture_fails (f, "prepare one", 2, "openvmmctl: something is missing: ");
  ovm_ctl_fixture_fails (f, "prepare one some", 2, "openvmmctl: “some” is not a number of clones; ");
  ovm_ctl_fixture_fails (f, "prepare one -- -1", 2, "openvmmctl: “-1” is not a number of clones; ");
  ovm_ctl_fixture_fails (f, "prepare one 1 --driver test --memory eager", 2, "openvmmctl: ");
  ovm_ctl_fixture_fails (f, "prepare none 1", 3, "openvmmctl: no such snapshot: ");
  ovm_ctl_fixture_fails (f, "prepare one 4096 --driver test", 1, "openvmmctl: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/prepare/keeps-clones-ready", test_keeps_clones_ready);
  ovm_ctl_fixture_add ("/src/ctl/prepare/refuses", test_refuses);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
