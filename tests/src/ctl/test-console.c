/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"
#include "tests/src/ctl/session.h"

#include <signal.h>
#include <termios.h>

/* what the driver "test" writes first; when it is there, the terminal is in raw mode */
#define GREETING "test console"

static void
test_is_a_terminal (OvmCtlFixture *f, gconstpointer data)
{
  OvmCtlSession s;
  struct termios during;

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_session_open (&s, f, "console web");
  ovm_ctl_session_expect (&s, "Connected to web. Ctrl-] leaves.");
  ovm_ctl_session_expect (&s, GREETING);
  ovm_ctl_session_type (&s, "ls\x03\x1a\r");
  ovm_ctl_session_expect (&s, "ls\x03\x1a\r");
  g_assert_no_errno (tcgetattr (s.follower, &during));
  g_assert_true ((during.c_lflag & (ICANON | ECHO | ISIG)) == 0);
  ovm_ctl_session_type (&s, "\x1d");
  ovm_ctl_session_expect (&s, "Left the console of web.");
  ovm_ctl_session_ends (&s, 0);
}

static void
test_takes_another_escape_key (OvmCtlFixture *f, gconstpointer data)
{
  OvmCtlSession s;

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_session_open (&s, f, "console web --escape ^A");
  ovm_ctl_session_expect (&s, "Connected to web. Ctrl-A leaves.");
  ovm_ctl_session_expect (&s, GREETING);
  ovm_ctl_session_type (&s,
                        "a\x1d"
                        "b");
  ovm_ctl_session_expect (&s,
                          "a\x1d"
                          "b");
  ovm_ctl_session_type (&s, "\x01");
  ovm_ctl_session_ends (&s, 0);
}

static void
test_puts_the_terminal_back_when_killed (OvmCtlFixture *f, gconstpointer data)
{
  OvmCtlSession s;

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_session_open (&s, f, "console web --escape none");
  ovm_ctl_session_expect (&s, "There is no key to leave.");
  ovm_ctl_session_expect (&s, GREETING);
  ovm_ctl_session_type (&s, "x");
  ovm_ctl_session_expect (&s, "x");
  g_subprocess_send_signal (s.process, SIGTERM);
  ovm_ctl_session_ends (&s, 130);
}

static void
test_survives_reset_and_power_off (OvmCtlFixture *f, gconstpointer data)
{
  OvmCtlSession s;

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_session_open (&s, f, "console web");
  ovm_ctl_session_expect (&s, GREETING);
  ovm_ctl_fixture_must (f, "reset web");
  ovm_ctl_session_type (&s, "after-reset");
  ovm_ctl_session_expect (&s, "after-reset");
  ovm_ctl_fixture_must (f, "poweroff web");
  ovm_ctl_fixture_must (f, "start web");
  ovm_ctl_session_type (&s, "after-start");
  ovm_ctl_session_expect (&s, "after-start");
  ovm_ctl_session_type (&s, "\x1d");
  ovm_ctl_session_ends (&s, 0);
}

static void
test_ends_when_the_other_side_closes (OvmCtlFixture *f, gconstpointer data)
{
  OvmCtlSession s;

  ovm_ctl_fixture_create (f, "web", "--start");
  ovm_ctl_session_open (&s, f, "console web");
  ovm_ctl_session_expect (&s, GREETING);
  g_subprocess_send_signal (f->service, SIGTERM);
  ovm_ctl_session_expect (&s, "web has closed its console.");
  ovm_ctl_session_ends (&s, 0);
}

static int
run_with_input (OvmCtlFixture *f, const char *line, const char *input)
{
  g_autoptr (GSubprocessLauncher)
      launcher = ovm_ctl_fixture_make_launcher (f,
                                                G_SUBPROCESS_FLAGS_STDIN_PIPE |
                                                    G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                                    G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = ovm_ctl_fixture_spawn (f, launcher, line);

  g_clear_pointer (&f->out, g_free);
  g_clear_pointer (&f->err, g_free);
  g_assert_true (g_subprocess_communicate_utf8 (process, input, NULL, &f->out, &f->err, NULL));
  return g_subprocess_get_exit_status (process);
}

static void
test_serves_scripts (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_create (f, "web", "--start");
  g_assert_cmpint (run_with_input (f, "console web --linger 0.5", "uptime \x1d now\n"), ==, 0);
  ovm_ctl_assert_contains (f->out, "uptime \x1d now\n");
  g_assert_cmpstr (f->err, ==, "");
}

static void
test_refuses_bad_choices (OvmCtlFixture *f, gconstpointer data)
{
  ovm_ctl_fixture_fails (f, "console", 2, "openvmmctl: something is missing: it is “openvmmctl console VM”\n");
  ovm_ctl_fixture_fails (f, "console nobody", 3, "openvmmctl: no such VM: ");
  ovm_ctl_fixture_fails (f, "console a --escape ab", 2, "openvmmctl: “ab” is not an escape key: ");
  ovm_ctl_fixture_fails (f, "console a --linger -1", 2, "openvmmctl: --linger takes 0 to 86400 seconds\n");
  ovm_ctl_fixture_fails (f, "console a --linger nan", 2, "openvmmctl: ");
}

static void
add (void)
{
  ovm_ctl_fixture_add ("/src/ctl/console/is-a-terminal", test_is_a_terminal);
  ovm_ctl_fixture_add ("/src/ctl/console/takes-another-escape-key", test_takes_another_escape_key);
  ovm_ctl_fixture_add ("/src/ctl/console/puts-the-terminal-back-when-killed",
                       test_puts_the_terminal_back_when_killed);
  ovm_ctl_fixture_add ("/src/ctl/console/survives-reset-and-power-off", test_survives_reset_and_power_off);
  ovm_ctl_fixture_add ("/src/ctl/console/ends-when-the-other-side-closes",
                       test_ends_when_the_other_side_closes);
  ovm_ctl_fixture_add ("/src/ctl/console/serves-scripts", test_serves_scripts);
  ovm_ctl_fixture_add ("/src/ctl/console/refuses-bad-choices", test_refuses_bad_choices);
}

int
main (int argc, char **argv)
{
  return ovm_ctl_fixture_main (argc, argv, add);
}
