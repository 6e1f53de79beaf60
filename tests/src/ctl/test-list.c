/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_aligns (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_must (f, "list");
  g_assert_cmpstr (f->out, ==, "NAME  STATE  MEMORY  VPS  DRIVER\n");

  ovm_ctl_fixture_create (f, "web-server", "--start --vps 4");
  ovm_ctl_fixture_create (f, "db", "");
  ovm_ctl_fixture_must (f, "list");
  g_assert_cmpstr (f->out,
                   ==,
                   "NAME        STATE    MEMORY  VPS  DRIVER\n"
                   "db          stopped  16 MiB  1    test\n"
                   "web-server  running  16 MiB  4    test\n");
}

static void
test_prints_all_properties_as_json (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *of_list = NULL;
  g_autofree char *of_show = NULL;

  ovm_ctl_fixture_must (f, "list --json");
  g_assert_cmpstr (f->out, ==, "[]\n");
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_must (f, "list --json");
  of_list = g_strdup (f->out);
  ovm_ctl_fixture_must (f, "show web --json");
  g_strchomp (f->out);
  of_show = g_strdup_printf ("[%s]\n", f->out);
  g_assert_cmpstr (of_list, ==, of_show);
}

static void
test_lists_snapshots_by_age (OvmCtlFixture *f, gconstpointer data)
{
  const char *first;
  const char *second;

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web z-first --description 'the first'");
  ovm_ctl_fixture_must (f, "save web a-second");
  ovm_ctl_fixture_must (f, "list --snapshots");
  g_assert_true (g_str_has_prefix (f->out, "DIRECTORY"));
  first = strstr (f->out, "/z-first ");
  second = strstr (f->out, "/a-second ");
  g_assert_true (first != NULL && second != NULL && first < second);
  ovm_ctl_assert_contains (first, " the first\n");

  ovm_ctl_fixture_must (f, "list --snapshots --json");
  ovm_ctl_assert_contains (f->out, "\"Description\":\"the first\"");
  ovm_ctl_assert_contains (f->out, "\"MemorySize\":16777216");
}

static void
test_takes_no_words (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f,
                         "list web",
                         2,
                         "openvmmctl: “web” is one word too many; “openvmmctl list --help” explains\n");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/list/aligns", test_aligns);
  ovm_ctl_fixture_add ("/src/ctl/list/prints-all-properties-as-json", test_prints_all_properties_as_json);
  ovm_ctl_fixture_add ("/src/ctl/list/lists-snapshots-by-age", test_lists_snapshots_by_age);
  ovm_ctl_fixture_add ("/src/ctl/list/takes-no-words", test_takes_no_words);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
