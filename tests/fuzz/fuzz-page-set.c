/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The input is the number of pages of RAM, in three bytes, and pages.bin. Each set has one encoding: what is accepted
 * is what is written again.
 */

#include "config.h"
#include "tests/fuzz/fuzz.h"

#include "vmm/memory.h"
#include "vmm/page-set.h"

static void
check_accepted (const VmmPageSet *set, GBytes *bytes)
{
  g_autoptr (GBytes) again = vmm_page_set_pack (set);
  guint64 count = 0;
  guint64 start;
  guint64 end = 0;

  g_assert_true (g_bytes_equal (bytes, again));
  g_assert_cmpuint (g_bytes_get_size (bytes), <=, vmm_page_set_get_packed_size_max (set->n_pages));
  while (vmm_page_set_next_run (set, end, &start, &end))
    {
      g_assert_cmpuint (start, <, end);
      g_assert_cmpuint (end, <=, set->n_pages);
      g_assert_true (vmm_page_set_contains (set, start) && vmm_page_set_contains (set, end - 1));
      count += end - start;
    }
  g_assert_cmpuint (count, ==, vmm_page_set_count (set));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  guint64 n_pages = fuzz_take_byte (&input);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmPageSet) set = NULL;

  n_pages |= (guint64) fuzz_take_byte (&input) << 8;
  n_pages |= (guint64) (fuzz_take_byte (&input) & 0x0f) << 16;
  bytes = g_bytes_new (input.data, input.size);
  set = vmm_page_set_unpack (bytes, n_pages * VMM_PAGE_SIZE, &error);
  g_assert_true ((set == NULL) == (error != NULL));
  if (set != NULL)
    check_accepted (set, bytes);
  return 0;
}
