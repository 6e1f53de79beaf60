/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes, page tables, page cache and files come and go all the time: a child writes a file and ends, the
 * parent reads it back and removes it.
 */

#include "tests/guests/linux/files.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guests/linux/console.h"

#define FILE_WORDS 8192u /* 64 KiB */

static bool
write_file (const char *path, uint64_t seed)
{
  static uint64_t words[FILE_WORDS];
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool ok;

  for (uint64_t i = 0; i < FILE_WORDS; i++)
    words[i] = seed * FILE_WORDS + i;
  ok = fd >= 0 && write (fd, words, sizeof words) == sizeof words;
  return close (fd) == 0 && ok;
}

static bool
check_file (const char *path, uint64_t seed)
{
  static uint64_t words[FILE_WORDS];
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  bool ok = fd >= 0 && read (fd, words, sizeof words) == sizeof words;

  for (uint64_t i = 0; ok && i < FILE_WORDS; i++)
    ok = words[i] == seed * FILE_WORDS + i;
  return close (fd) == 0 && ok;
}

static bool
write_in_child (const char *path, uint64_t seed)
{
  int status = -1;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (write_file (path, seed) ? 0 : 1);
  return pid > 0 && waitpid (pid, &status, 0) == pid && status == 0;
}

void
guest_churn_files (void)
{
  time_t last = 0;

  for (uint64_t number = 1;; number++)
    {
      char path[64];

      snprintf (path, sizeof path, "/file-%llu", (unsigned long long) number);
      if (!write_in_child (path, number) || !check_file (path, number) || unlink (path) < 0)
        guest_say ("files BAD at %s", path);
      if (guest_is_next_second (&last))
        guest_say ("files ok %llu", (unsigned long long) number);
    }
}
