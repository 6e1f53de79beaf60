/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_does_it_to_each (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "a", "");
  ovm_ctl_fixture_create (f, "b", "");
  ovm_ctl_fixture_must (f, "start a b");
  ovm_ctl_fixture_assert_state (f, "a", "running");
  ovm_ctl_fixture_assert_state (f, "b", "running");
}

static void
test_goes_on_after_a_failure (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "a", "--start");
  ovm_ctl_fixture_create (f, "b", "");
  ovm_ctl_fixture_fails (f, "start nobody a b", 3, "openvmmctl: no such VM: ");
  ovm_ctl_assert_contains (f->err, "\nopenvmmctl: not possible in this state: ");
  ovm_ctl_fixture_assert_state (f, "b", "running");
}

static void
test_prints_new_states_as_json (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "a", "");
  ovm_ctl_fixture_create (f, "b-1", "");
  ovm_ctl_fixture_must (f, "start a b-1 --json");
  g_assert_cmpstr (f->out,
                   ==,
                   "[{\"Name\":\"a\",\"Path\":\"/org/openvmm/vm/a\",\"State\":\"running\"},"
                   "{\"Name\":\"b-1\",\"Path\":\"/org/openvmm/vm/b_2d1\",\"State\":\"running\"}]\n");
  ovm_ctl_fixture_must (f, "pause a --json");
  ovm_ctl_assert_contains (f->out, "\"State\":\"paused\"");
}

static void
test_prints_the_rest_as_json_after_a_failure (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "a", "");
  g_assert_cmpint (ovm_ctl_fixture_run (f, "--json start nobody a"), ==, 3);
  ovm_ctl_assert_contains (f->out, "[{\"Name\":\"a\",");
  g_assert_true (g_str_has_prefix (f->err, "{\"Error\":\"org.openvmm.Error.NoSuchVM\",\"Message\":"));
  g_assert_true (g_str_has_suffix (f->err, ",\"Status\":3}\n"));
}

static void
test_needs_a_vm (OvmCtlFixture *f, gconstpointer data)
{
  static const char *const verbs[] = { "start", "pause", "resume", "shutdown", "poweroff", "reset", "delete" };

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autofree char *message =
          g_strdup_printf ("openvmmctl: something is missing: it is “openvmmctl %s VM…”\n", verbs[i]);
      g_autofree char *of_nobody = g_strdup_printf ("%s nobody", verbs[i]);
      g_autofree char *odd = g_strdup_printf ("%s --odd a", verbs[i]);

      ovm_ctl_fixture_fails (f, verbs[i], 2, message);
      ovm_ctl_fixture_fails (f, odd, 2, "openvmmctl: Unknown option --odd");
      ovm_ctl_fixture_fails (f, of_nobody, 3, "openvmmctl: no such VM: ");
      ovm_ctl_assert_contains (f->err, "nobody");
    }
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/verb/does-it-to-each", test_does_it_to_each);
  ovm_ctl_fixture_add ("/src/ctl/verb/goes-on-after-a-failure", test_goes_on_after_a_failure);
  ovm_ctl_fixture_add ("/src/ctl/verb/prints-new-states-as-json", test_prints_new_states_as_json);
  ovm_ctl_fixture_add ("/src/ctl/verb/prints-the-rest-as-json-after-a-failure",
                       test_prints_the_rest_as_json_after_a_failure);
  ovm_ctl_fixture_add ("/src/ctl/verb/needs-a-vm", test_needs_a_vm);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
