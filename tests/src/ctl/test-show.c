/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_shows_what_people_ask (OvmCtlFixture *f, gconstpointer data)
{
  static const char *const lines[] = {
    "\nState:                    running\n", "\nMemory:                   16 MiB\n",
    "\nVirtual processors:       2\n",       "\nCan be saved:             yes\n",
    "\nDriver:                   test\n",    "\nDescription:              a\\x1b[2Jb\n",
  };

  ovm_ctl_fixture_create (f, "web", "--vps 2 --start -o description=\"'a\\u001b[2Jb'\"");
  ovm_ctl_fixture_must (f, "show web");
  g_assert_true (g_str_has_prefix (f->out, "Name:                     web\n"));
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    ovm_ctl_assert_contains (f->out, lines[i]);
}

static void
test_says_why_it_cannot_be_saved (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "");
  ovm_ctl_fixture_must (f, "show web");
  ovm_ctl_assert_contains (f->out, "\nCan be saved:             no\n");
  ovm_ctl_assert_contains (f->out, "\nCannot be saved:          ");
}

static void
test_needs_a_vm_that_is_there (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f, "show", 2, "openvmmctl: something is missing: it is “openvmmctl show VM”\n");
  ovm_ctl_fixture_fails (f, "show nobody", 3, "openvmmctl: no such VM: ");
  ovm_ctl_fixture_fails (f, "show ''", 3, "openvmmctl: no such VM: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/show/shows-what-people-ask", test_shows_what_people_ask);
  ovm_ctl_fixture_add ("/src/ctl/show/says-why-it-cannot-be-saved", test_says_why_it_cannot_be_saved);
  ovm_ctl_fixture_add ("/src/ctl/show/needs-a-vm-that-is-there", test_needs_a_vm_that_is_there);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
