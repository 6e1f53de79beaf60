/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/guests/linux/chance.h"

#include <stdint.h>
#include <sys/random.h>
#include <time.h>

#include "tests/guests/linux/console.h"

void
guest_say_chance (void)
{
  const struct timespec second = { 1, 0 };

  for (;;)
    {
      uint64_t words[2] = { 0, 0 };
      struct timespec wall;

      if (getrandom (words, sizeof words, 0) != sizeof words)
        guest_say ("chance BAD: no random bytes");
      clock_gettime (CLOCK_REALTIME, &wall);
      guest_say ("chance %016llx%016llx at %ld.%03ld",
                 (unsigned long long) words[0],
                 (unsigned long long) words[1],
                 (long) wall.tv_sec,
                 wall.tv_nsec / 1000000);
      nanosleep (&second, NULL);
    }
}
