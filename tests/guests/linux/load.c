/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Both loads know the right answer beforehand: the burner repeats one calculation, whose first result is
 * the measure of the others, and the block's sum is kept up to date by arithmetic alone while the block is
 * changed in memory. A register or a page that a snapshot lost shows as a wrong sum.
 */

#include "tests/guests/linux/load.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "tests/guests/linux/console.h"

#define BURN_STEPS 2000000u
#define WORDS_PER_PAGE (4096 / sizeof (uint64_t))

typedef struct
{
  uint64_t integer;
  double real;
} BurnResult;

static uint64_t
scramble (uint64_t x)
{
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  return x * 0x2545f4914f6cdd1dull;
}

static BurnResult
burn_once (void)
{
  BurnResult result = { 1, 1.0 };

  for (unsigned i = 1; i <= BURN_STEPS; i++)
    {
      result.integer = scramble (result.integer + i);
      result.real = result.real * 0.999 + 1.0 / i;
    }
  return result;
}

void
guest_burn (void)
{
  BurnResult expected = burn_once ();

  for (;;)
    {
      BurnResult found = burn_once ();

      if (found.integer != expected.integer || found.real != expected.real)
        guest_say ("burn BAD");
    }
}

static uint64_t
word_at (uint64_t generation, size_t index)
{
  return scramble (generation * 0x9e3779b97f4a7c15ull + index + 1);
}

static uint64_t
sum_words (const volatile uint64_t *words, size_t count)
{
  uint64_t sum = 0;

  for (size_t i = 0; i < count; i++)
    sum = (sum << 1 | sum >> 63) ^ words[i];
  return sum;
}

/* Writes page @page as generation @generation; returns what its sum must be from now on. */
static uint64_t
write_page (volatile uint64_t *words, size_t page, uint64_t generation)
{
  uint64_t sum = 0;

  for (size_t i = 0; i < WORDS_PER_PAGE; i++)
    {
      uint64_t word = word_at (generation, page * WORDS_PER_PAGE + i);

      words[page * WORDS_PER_PAGE + i] = word;
      sum = (sum << 1 | sum >> 63) ^ word;
    }
  return sum;
}

static bool
check_all (const volatile uint64_t *words, const uint64_t *sums, size_t pages, size_t *bad)
{
  for (size_t page = 0; page < pages; page++)
    if (sum_words (words + page * WORDS_PER_PAGE, WORDS_PER_PAGE) != sums[page])
      {
        *bad = page;
        return false;
      }
  return true;
}

static void *
map (size_t size)
{
  void *area = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return area == MAP_FAILED ? NULL : area;
}

void
guest_check_block (size_t size)
{
  const size_t pages = size / 4096;
  volatile uint64_t *words = map (size);
  uint64_t *sums = map (pages * sizeof *sums);
  uint64_t round = 0;
  time_t last = 0;
  size_t bad = 0;

  if (words == NULL || sums == NULL)
    {
      guest_say ("sum BAD: no memory for %zu bytes", size);
      size = 0;
    }

  for (size_t page = 0; page < size / 4096; page++)
    sums[page] = write_page (words, page, 0);

  for (;; round++)
    {
      size_t page = scramble (round + 1) % (pages + 1);

      if (page < size / 4096)
        sums[page] = write_page (words, page, round + 1);
      if (!check_all (words, sums, size / 4096, &bad))
        guest_say ("sum BAD in round %llu at page %zu", (unsigned long long) round, bad);
      else if (guest_is_next_second (&last))
        guest_say ("sum ok %llu", (unsigned long long) round);
    }
}
