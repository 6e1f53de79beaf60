/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/guests/linux/console.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guests/linux/power.h"

void
guest_say (const char *format, ...)
{
  char line[512];
  va_list args;
  int length;

  va_start (args, format);
  length = vsnprintf (line, sizeof line - 1, format, args);
  va_end (args);

  if (length < 0)
    return;
  if (length > (int) sizeof line - 2)
    length = sizeof line - 2;
  line[length++] = '\n';

  if (write (STDOUT_FILENO, line, length) < 0)
    return; /* nowhere left to complain to */
}

bool
guest_is_next_second (time_t *last)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  if (now.tv_sec == *last)
    return false;
  *last = now.tv_sec;
  return true;
}

/* Returns what the shell ended with, -1 if it did not run. */
static int
run_command (const char *line)
{
  int status = -1;
  pid_t pid = fork ();

  if (pid == 0)
    {
      execl ("/bin/sh", "sh", "-c", line, (char *) NULL);
      _exit (127);
    }
  if (pid > 0)
    waitpid (pid, &status, 0);
  return status;
}

void
guest_serve_commands (void)
{
  char line[256];

  for (;;)
    {
      if (fgets (line, sizeof line, stdin) == NULL)
        {
          clearerr (stdin);
          sleep (1);
          continue;
        }

      line[strcspn (line, "\r\n")] = '\0';
      if (line[0] == '\0' || guest_end (line))
        continue;

      guest_say ("ran %s: %d", line, run_command (line));
    }
}
