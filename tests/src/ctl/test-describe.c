/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_says_something_else (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *json = g_strdup_printf ("{\"Description\":\"later\",\"Directory\":\"%s/one\"}\n",
                                           f->directory);

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one --description first");
  ovm_ctl_fixture_must (f, "describe one 'before the update'");
  g_assert_cmpstr (f->out, ==, "");
  ovm_ctl_fixture_must (f, "list --snapshots --json");
  g_assert_nonnull (strstr (f->out, "\"Description\":\"before the update\""));
  ovm_ctl_fixture_must (f, "describe one later --json");
  g_assert_cmpstr (f->out, ==, json);
  ovm_ctl_fixture_must (f, "verify one");
  ovm_ctl_fixture_must (f, "describe one ''");
  ovm_ctl_fixture_must (f, "list --snapshots --json");
  g_assert_nonnull (strstr (f->out, "\"Description\":\"\""));
  ovm_ctl_fixture_must (f, "delete --snapshot one");
}

static void
test_refuses (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f, "describe one", 2, "openvmmctl: something is missing: ");
  ovm_ctl_fixture_fails (f, "describe none text", 3, "openvmmctl: no such snapshot: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/describe/says-something-else", test_says_something_else);
  ovm_ctl_fixture_add ("/src/ctl/describe/refuses", test_refuses);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
