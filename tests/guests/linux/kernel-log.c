/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/guests/linux/kernel-log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/guests/linux/console.h"

#define LEVEL_WARNING 4

static unsigned long long
now_usec (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

static void
print_record (char *record, unsigned long long start_usec)
{
  /* priority,sequence,microseconds,...;text */
  char *end;
  unsigned long level = strtoul (record, &end, 10) % 8;
  char *text = strchr (record, ';');

  if (text == NULL || *end != ',')
    return;
  strtoull (end + 1, &end, 10);
  if (*end != ',')
    return;
  unsigned long long usec = strtoull (end + 1, NULL, 10);

  text++;
  text[strcspn (text, "\n")] = '\0';
  if (usec >= start_usec || level <= LEVEL_WARNING)
    guest_say ("kernel %lu %s", level, text);
}

void
guest_copy_kernel_log (void)
{
  unsigned long long start_usec = now_usec ();
  int fd = open ("/dev/kmsg", O_RDONLY | O_CLOEXEC);
  char record[8192];

  if (fd < 0)
    guest_say ("kernel 3 no /dev/kmsg: %s", strerror (errno));

  for (;;)
    {
      ssize_t length = fd < 0 ? -1 : read (fd, record, sizeof record - 1);

      if (length > 0)
        {
          record[length] = '\0';
          print_record (record, start_usec);
        }
      else if (length == 0 || errno != EPIPE) /* EPIPE: records were overwritten, read on */
        sleep (1);
    }
}
