/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_explains_every_command (OvmCtlFixture *f, gconstpointer data)
{
  static const char *const commands[] = {
    "create",  "start",    "pause",    "resume", "save",   "restore", "list",   "show",
    "console", "shutdown", "poweroff", "reset",  "delete", "inspect", "verify",
  };
  g_autofree char *overall = NULL;

  ovm_ctl_fixture_must (f, "--help");
  overall = g_steal_pointer (&f->out);
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *option = g_strdup_printf ("%s --help", commands[i]);
      g_autofree char *word = g_strdup_printf ("help %s", commands[i]);
      g_autofree char *usage = g_strdup_printf ("Usage:\n  openvmmctl %s [OPTION…]", commands[i]);
      g_autofree char *listed = g_strdup_printf ("\n  %s ", commands[i]);
      g_autofree char *by_option = NULL;

      ovm_ctl_assert_contains (overall, listed);
      ovm_ctl_fixture_must (f, option);
      g_assert_true (g_str_has_prefix (f->out, usage));
      ovm_ctl_assert_contains (f->out, "\nExample");
      by_option = g_steal_pointer (&f->out);
      ovm_ctl_fixture_must (f, word);
      g_assert_cmpstr (f->out, ==, by_option);
    }
}

static void
test_teaches (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_must (f, "help");
  ovm_ctl_assert_contains (f->out, "\nExit status:\n  0  done\n");
  ovm_ctl_assert_contains (f->out, "\nA first session:\n  openvmmctl create web ");
  ovm_ctl_assert_contains (f->out, "OPENVMM_BUS=session");
}

static void
test_comes_before_mistakes (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_must (f, "pause --help");
  ovm_ctl_fixture_must (f, "show a b c --help");
  ovm_ctl_fixture_fails (f,
                         "help odd",
                         2,
                         "openvmmctl: there is no command “odd”; “openvmmctl --help” lists them\n");
}

static void
add (void)
{
  ovm_ctl_fixture_add_without_service ("/src/ctl/help/explains-every-command", test_explains_every_command);
  ovm_ctl_fixture_add_without_service ("/src/ctl/help/teaches", test_teaches);
  ovm_ctl_fixture_add_without_service ("/src/ctl/help/comes-before-mistakes", test_comes_before_mistakes);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
