/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/page-set.h"

#include <string.h>

#include "vmm/memory.h"

#define N_PAGES 1000u
#define SIZE ((guint64) N_PAGES * VMM_PAGE_SIZE)

static void
assert_packs (const VmmPageSet *set)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = vmm_page_set_pack (set);
  g_autoptr (VmmPageSet) again = vmm_page_set_unpack (bytes, set->n_pages * VMM_PAGE_SIZE, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (again->bits,
                   again->n_words * sizeof again->bits[0],
                   set->bits,
                   set->n_words * sizeof set->bits[0]);
  g_assert_cmpuint (g_bytes_get_size (bytes), <=, vmm_page_set_get_packed_size_max (set->n_pages));
}

static void
test_packs_random_sets (void)
{
  for (guint round = 0; round < 200; round++)
    {
      g_autoptr (VmmPageSet)
          set = vmm_page_set_new ((guint64) g_test_rand_int_range (0, N_PAGES) * VMM_PAGE_SIZE);
      gint density = g_test_rand_int_range (0, 101);

      for (guint64 page = 0; page < set->n_pages; page++)
        if (g_test_rand_int_range (0, 100) < density)
          vmm_page_set_add (set, page);
      assert_packs (set);
    }
}

static void
test_packs_extremes (void)
{
  for (guint step = 1; step <= 3; step++)
    for (guint first = 0; first < 3; first++)
      {
        g_autoptr (VmmPageSet) set = vmm_page_set_new (SIZE);

        for (guint64 page = first; page < N_PAGES; page += step)
          vmm_page_set_add (set, page);
        assert_packs (set);
      }
}

static void
test_packed_is_small (void)
{
  g_autoptr (VmmPageSet) set = vmm_page_set_new (SIZE);
  g_autoptr (GBytes) none = vmm_page_set_pack (set);
  g_autoptr (GBytes) one = NULL;

  g_assert_cmpuint (g_bytes_get_size (none), ==, 0);
  vmm_page_set_add_bytes (set, 100 * VMM_PAGE_SIZE, 100 * VMM_PAGE_SIZE);
  one = vmm_page_set_pack (set);
  g_assert_cmpmem (g_bytes_get_data (one, NULL), g_bytes_get_size (one), "\x64\x64", 2);
}

static void
test_walks_runs (void)
{
  g_autoptr (VmmPageSet) set = vmm_page_set_new (SIZE);
  guint64 start;
  guint64 end;

  g_assert_false (vmm_page_set_next_run (set, 0, &start, &end));
  vmm_page_set_add_bytes (set, 63 * VMM_PAGE_SIZE + 5, 2 * VMM_PAGE_SIZE);
  vmm_page_set_add (set, N_PAGES - 1);
  g_assert_true (vmm_page_set_next_run (set, 0, &start, &end));
  g_assert_cmpuint (start, ==, 63);
  g_assert_cmpuint (end, ==, 66);
  g_assert_true (vmm_page_set_next_run (set, end, &start, &end));
  g_assert_cmpuint (start, ==, N_PAGES - 1);
  g_assert_cmpuint (end, ==, N_PAGES);
  g_assert_false (vmm_page_set_next_run (set, end, &start, &end));
  g_assert_cmpuint (vmm_page_set_count (set), ==, 4);
}

static void
test_joins_and_takes_away (void)
{
  g_autoptr (VmmPageSet) a = vmm_page_set_new (SIZE);
  g_autoptr (VmmPageSet) b = vmm_page_set_new (SIZE);

  vmm_page_set_add (a, 1);
  vmm_page_set_add (a, 64);
  vmm_page_set_add (b, 64);
  vmm_page_set_add (b, 999);
  vmm_page_set_add_all (a, b);
  g_assert_cmpuint (vmm_page_set_count (a), ==, 3);
  vmm_page_set_remove_all (a, b);
  g_assert_cmpuint (vmm_page_set_count (a), ==, 1);
  g_assert_true (vmm_page_set_contains (a, 1));
  g_assert_false (vmm_page_set_contains (a, 64));
  g_assert_false (vmm_page_set_contains (a, N_PAGES));
  vmm_page_set_clear (a);
  g_assert_cmpuint (vmm_page_set_count (a), ==, 0);
}

static void
test_refuses_damage (void)
{
  static const struct
  {
    const char *bytes;
    gsize length;
  } bad[] = {
    { "\x00", 1 },                                              /* a gap without a run */
    { "\x00\x00", 2 },                                          /* an empty run */
    { "\x01\x80", 2 },                                          /* cut */
    { "\x81\x00\x01", 3 },                                      /* longer than need be */
    { "\x00\xe9\x07", 3 },                                      /* 1001 pages */
    { "\xe8\x07\x01", 3 },                                      /* behind the end */
    { "\x01\x01\x00\x01", 4 },                                  /* two runs that are one */
    { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02", 11 },     /* an overflow */
    { "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 }, /* 11 bytes */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = g_bytes_new_static (bad[i].bytes, bad[i].length);
      g_autoptr (VmmPageSet) set = vmm_page_set_unpack (bytes, SIZE, &error);

      g_assert_null (set);
      g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/page-set/packs-random-sets", test_packs_random_sets);
  g_test_add_func ("/vmm/page-set/packs-extremes", test_packs_extremes);
  g_test_add_func ("/vmm/page-set/packed-is-small", test_packed_is_small);
  g_test_add_func ("/vmm/page-set/walks-runs", test_walks_runs);
  g_test_add_func ("/vmm/page-set/joins-and-takes-away", test_joins_and_takes_away);
  g_test_add_func ("/vmm/page-set/refuses-damage", test_refuses_damage);
  return g_test_run ();
}
