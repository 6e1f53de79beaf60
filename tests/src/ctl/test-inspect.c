/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_shows_what_is_saved (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one --description 'before it'");
  ovm_ctl_fixture_must (f, "inspect one");
  ovm_ctl_assert_contains (f->out, "\nDescription:                 before it\n");
  ovm_ctl_assert_contains (f->out, "\nVM:                          web\n");
  ovm_ctl_assert_contains (f->out, "\nState of the VM:             running\n");
  ovm_ctl_assert_contains (f->out, "\nMemory:                      16 MiB\n");
  ovm_ctl_assert_contains (f->out, "\nIncremental:                 no\n");
  ovm_ctl_assert_contains (f->out, "\nSnapshots in its chain:      1\n");
}

static void
test_prints_json (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web one");
  ovm_ctl_fixture_must (f, "inspect one --json");
  ovm_ctl_assert_contains (f->out, "\"memory-size\":16777216");
  ovm_ctl_assert_contains (f->out, "\"vm-name\":\"web\"");
  ovm_ctl_assert_contains (f->out, "\"vm-state\":\"running\"");
}

static void
test_refuses_what_is_no_snapshot (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f,
                         "inspect",
                         2,
                         "openvmmctl: something is missing: it is “openvmmctl inspect DIRECTORY”\n");
  ovm_ctl_fixture_fails (f, "inspect none", 3, "openvmmctl: no such snapshot: ");
  ovm_ctl_assert_contains (f->err, f->directory);
  ovm_ctl_fixture_fails (f, "inspect .", 3, "openvmmctl: no such snapshot: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/inspect/shows-what-is-saved", test_shows_what_is_saved);
  ovm_ctl_fixture_add ("/src/ctl/inspect/prints-json", test_prints_json);
  ovm_ctl_fixture_add ("/src/ctl/inspect/refuses-what-is-no-snapshot", test_refuses_what_is_no_snapshot);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
