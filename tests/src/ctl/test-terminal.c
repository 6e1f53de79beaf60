/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/terminal.h"

#include "src/ctl/status.h"

#include <pty.h>
#include <termios.h>
#include <unistd.h>

static void
test_puts_the_terminal_back (void)
{
  g_autoptr (GError) error = NULL;
  OvmCtlTerminal *terminal = NULL;
  struct termios before, during, after;
  int leader, follower;

  g_assert_cmpint (openpty (&leader, &follower, NULL, NULL, NULL), ==, 0);
  g_assert_cmpint (tcgetattr (follower, &before), ==, 0);
  g_assert_true ((before.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));

  terminal = ovm_ctl_terminal_new (follower, &error);
  g_assert_no_error (error);
  g_assert_cmpint (tcgetattr (follower, &during), ==, 0);
  g_assert_true ((during.c_lflag & (ICANON | ECHO | ISIG)) == 0);
  g_assert_true ((during.c_oflag & OPOST) == 0);

  ovm_ctl_terminal_free (terminal);
  g_assert_cmpint (tcgetattr (follower, &after), ==, 0);
  g_assert_true (after.c_lflag == before.c_lflag && after.c_oflag == before.c_oflag &&
                 after.c_iflag == before.c_iflag);

  close (leader);
  close (follower);
}

static void
test_rejects_what_is_no_terminal (void)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_null (ovm_ctl_terminal_new (fds[0], &error));
  g_assert_error (error, OVM_CTL_ERROR, OVM_CTL_STATUS_FAILED);
  close (fds[0]);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/terminal/puts-the-terminal-back", test_puts_the_terminal_back);
  g_test_add_func ("/src/ctl/terminal/rejects-what-is-no-terminal", test_rejects_what_is_no_terminal);
  return g_test_run ();
}
