/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/session.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MSEC 10000

void
ovm_ctl_session_open (OvmCtlSession *s, OvmCtlFixture *f, const char *line)
{
  g_autoptr (GSubprocessLauncher) launcher = ovm_ctl_fixture_make_launcher (f, G_SUBPROCESS_FLAGS_NONE);

  g_assert_no_errno (openpty (&s->leader, &s->follower, NULL, NULL, NULL));
  g_assert_no_errno (tcgetattr (s->follower, &s->before));
  g_subprocess_launcher_take_stdin_fd (launcher, fcntl (s->follower, F_DUPFD_CLOEXEC, 3));
  g_subprocess_launcher_take_stdout_fd (launcher, fcntl (s->follower, F_DUPFD_CLOEXEC, 3));
  g_subprocess_launcher_take_stderr_fd (launcher, fcntl (s->follower, F_DUPFD_CLOEXEC, 3));
  s->process = ovm_ctl_fixture_spawn (f, launcher, line);
  s->seen = g_string_new (NULL);
}

void
ovm_ctl_session_expect (OvmCtlSession *s, const char *text)
{
  while (strstr (s->seen->str, text) == NULL)
    {
      struct pollfd fd = { s->leader, POLLIN, 0 };
      char bytes[256];
      gssize length = poll (&fd, 1, WAIT_MSEC) == 1 ? read (s->leader, bytes, sizeof bytes) : -1;

      if (length <= 0)
        g_error ("waited for “%s”, have “%s”", text, s->seen->str);
      g_string_append_len (s->seen, bytes, length);
    }
}

void
ovm_ctl_session_type (OvmCtlSession *s, const char *text)
{
  g_assert_cmpint (write (s->leader, text, strlen (text)), ==, (gssize) strlen (text));
}

void
ovm_ctl_session_ends (OvmCtlSession *s, int status)
{
  struct termios after;

  g_assert_true (g_subprocess_wait (s->process, NULL, NULL));
  g_assert_true (g_subprocess_get_if_exited (s->process));
  g_assert_cmpint (g_subprocess_get_exit_status (s->process), ==, status);
  g_assert_no_errno (tcgetattr (s->follower, &after));
  g_assert_true (after.c_iflag == s->before.c_iflag && after.c_oflag == s->before.c_oflag &&
                 after.c_lflag == s->before.c_lflag);
  g_clear_object (&s->process);
  close (s->leader);
  close (s->follower);
  g_string_free (s->seen, TRUE);
}
