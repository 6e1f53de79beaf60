/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Most of what RAM is free is taken and kept changing, so that the kernel has to look for every page it needs.
 * Each page carries its own number and the same stamp at both ends.
 */

#include "tests/guests/linux/pressure.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "tests/guests/linux/console.h"

#define PAGE_WORDS (4096 / sizeof (uint64_t))
#define LEFT_OVER (16ul << 20) /* bytes: less, and the kernel kills the first process */
#define PAGES_AT_ONCE 16u
#define PAUSE_NSEC 2000000L /* 32 MiB/s */

static void
stamp (volatile uint64_t *page, uint64_t number, uint64_t value)
{
  page[0] = value;
  page[1] = number;
  page[PAGE_WORDS - 1] = value;
}

static bool
is_sound (const volatile uint64_t *page, uint64_t number)
{
  return page[0] == page[PAGE_WORDS - 1] && page[1] == number;
}

void
guest_press_memory (void)
{
  const struct timespec pause = { 0, PAUSE_NSEC };
  struct sysinfo info;
  uint64_t room, pages, value = 0;
  volatile uint64_t *words;
  time_t last = 0;

  sysinfo (&info);
  room = info.freeram * info.mem_unit;
  pages = (room > LEFT_OVER ? room - LEFT_OVER : 0) / 4096 + 1;
  words = mmap (NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (words == MAP_FAILED || pages == 0)
    {
      guest_say ("pressure BAD: no memory for %llu pages", (unsigned long long) pages);
      exit (1);
    }
  for (uint64_t page = 0; page < pages; page++)
    stamp (words + page * PAGE_WORDS, page, 0);

  for (;;)
    {
      for (unsigned i = 0; i < PAGES_AT_ONCE; i++)
        {
          uint64_t page = ((uint64_t) random () << 16 ^ (uint64_t) random ()) % pages;

          if (!is_sound (words + page * PAGE_WORDS, page))
            guest_say ("pressure BAD at page %llu", (unsigned long long) page);
          stamp (words + page * PAGE_WORDS, page, ++value);
        }
      if (guest_is_next_second (&last))
        guest_say ("pressure ok %llu of %llu pages", (unsigned long long) value, (unsigned long long) pages);
      nanosleep (&pause, NULL);
    }
}
