/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

static void
test_needs_a_command (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f, "", 2, "openvmmctl: what shall be done? “openvmmctl --help” lists the commands\n");
  ovm_ctl_fixture_fails (f,
                         "--json",
                         2,
                         "{\"Error\":\"org.openvmm.Ctl.Error.Usage\",\"Message\":\"what shall be done? ");
  ovm_ctl_fixture_fails (f,
                         "odd",
                         2,
                         "openvmmctl: there is no command “odd”; “openvmmctl --help” lists them\n");
  ovm_ctl_fixture_fails (f, "''", 2, "openvmmctl: there is no command “”; ");
  ovm_ctl_fixture_fails (f, "--odd list", 2, "openvmmctl: Unknown option --odd");
}

static void
test_takes_options_on_both_sides (OvmCtlFixture *f, gconstpointer data)
{
  g_autofree char *before = NULL;

  ovm_ctl_fixture_must (f, "--json --session list");
  before = g_steal_pointer (&f->out);
  g_assert_cmpstr (before, ==, "[]\n");
  ovm_ctl_fixture_must (f, "list --session --json");
  g_assert_cmpstr (f->out, ==, before);
}

static void
test_takes_one_bus (OvmCtlFixture *f, gconstpointer data)
{
  const char *message = "openvmmctl: --session and --system exclude each other\n";

  ovm_ctl_fixture_fails (f, "--session --system list", 2, message);
  ovm_ctl_fixture_fails (f, "list --session --system", 2, message);
}

static int
run_with_environment (OvmCtlFixture *f, const char *line, const char *variable, const char *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher =
      ovm_ctl_fixture_make_launcher (f, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = NULL;

  g_subprocess_launcher_setenv (launcher, variable, value, TRUE);
  process = ovm_ctl_fixture_spawn (f, launcher, line);
  g_clear_pointer (&f->out, g_free);
  g_clear_pointer (&f->err, g_free);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &f->out, &f->err, &error));
  return g_subprocess_get_exit_status (process);
}

static void
test_takes_the_bus_from_the_environment (OvmCtlFixture *f, gconstpointer data)
{
  g_assert_cmpint (run_with_environment (f, "list", "OPENVMM_BUS", "odd"), ==, 2);
  g_assert_cmpstr (
      f->err,
      ==,
      "openvmmctl: the environment variable OPENVMM_BUS is “odd”; it may be “system” or “session”\n");
  g_assert_cmpint (run_with_environment (f, "list --session", "OPENVMM_BUS", "system"), ==, 0);
  g_assert_cmpint (
      run_with_environment (f, "list --system", "DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/no/such/bus"), ==, 5);
  g_assert_true (g_str_has_prefix (f->err, "openvmmctl: cannot reach the system bus: "));
}

static void
test_misses_the_service (OvmCtlFixture *f, gconstpointer data)
{
  static const char *const lines[] = {
    "list",      "show a",    "create a", "start a",   "save a b",
    "restore a", "inspect a", "verify a", "console a", "delete -s a",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    ovm_ctl_fixture_fails (
        f,
        lines[i],
        5,
        "openvmmctl: openvmmd is not on the session bus; “openvmmd --session” starts it, and --system "
        "asks the service of the system\n");
  ovm_ctl_fixture_fails (f, "list --json", 5, "{\"Error\":\"org.openvmm.Ctl.Error.Unreachable\",");
}

static void
test_refuses_what_is_not_utf8 (OvmCtlFixture *f, gconstpointer data)
{
  g_autoptr (GSubprocessLauncher) launcher =
      ovm_ctl_fixture_make_launcher (f, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = ovm_ctl_fixture_spawn (f, launcher, "show 'a\xff'");

  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &f->out, &f->err, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 2);
  g_assert_cmpstr (f->err, ==, "openvmmctl: “a\xef\xbf\xbd” is not written in UTF-8\n");
}

static void
test_notices_lost_output (OvmCtlFixture *f, gconstpointer data)
{
  g_autoptr (GSubprocessLauncher)
      launcher = ovm_ctl_fixture_make_launcher (f, G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = NULL;

  g_subprocess_launcher_set_stdout_file_path (launcher, "/dev/full");
  process = ovm_ctl_fixture_spawn (f, launcher, "--help");
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &f->err, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 1);
  g_assert_cmpstr (f->err, ==, "openvmmctl: not all of the output could be written\n");
}

static void
test_json_is_utf8_in_every_locale (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_fixture_must (f, "save web Büro");
  g_assert_cmpint (run_with_environment (f, "inspect Büro --json", "LC_ALL", "C"), ==, 0);
  ovm_ctl_assert_contains (f->out, "/Büro\"");
  g_assert_cmpint (run_with_environment (f, "show Büro --json", "LC_ALL", "C"), ==, 3);
  ovm_ctl_assert_contains (f->err, "Büro");
}

static void
add (void)
{
  ovm_ctl_fixture_add_without_service ("/src/ctl/ctl/needs-a-command", test_needs_a_command);
  ovm_ctl_fixture_add ("/src/ctl/ctl/takes-options-on-both-sides", test_takes_options_on_both_sides);
  ovm_ctl_fixture_add_without_service ("/src/ctl/ctl/takes-one-bus", test_takes_one_bus);
  ovm_ctl_fixture_add ("/src/ctl/ctl/takes-the-bus-from-the-environment",
                       test_takes_the_bus_from_the_environment);
  ovm_ctl_fixture_add_without_service ("/src/ctl/ctl/misses-the-service", test_misses_the_service);
  ovm_ctl_fixture_add_without_service ("/src/ctl/ctl/refuses-what-is-not-utf8", test_refuses_what_is_not_utf8);
  ovm_ctl_fixture_add ("/src/ctl/ctl/json-is-utf8-in-every-locale", test_json_is_utf8_in_every_locale);
  ovm_ctl_fixture_add_without_service ("/src/ctl/ctl/notices-lost-output", test_notices_lost_output);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
