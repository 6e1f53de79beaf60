/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot-chain.h"

#include "tests/vmm/sample-chain.h"

#define LONG_PAGES 40u /* is worth a mapping */
#define SHORT_PAGES 3u /* is not */
#define GAP_PAGES 5u

typedef struct
{
  char *scratch;
  char *base;
  char *over;
  guint8 *memory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);

  fixture->scratch = scratch_new (NULL);
  fixture->base = g_build_filename (fixture->scratch, "base", NULL);
  fixture->over = g_build_filename (fixture->scratch, "over", NULL);
  fixture->memory = g_malloc0 (VMM_MEMORY_SIZE_MIN);
  sample_chain_change (fixture->memory, pages, 2000);
  sample_chain_write (fixture->base, NULL, pages, fixture->memory);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->base);
  g_free (fixture->over);
  g_free (fixture->memory);
  scratch_free (fixture->scratch);
}

static void
change_run (Fixture *fixture, VmmPageSet *pages, guint64 first, guint64 n, guint8 byte)
{
  memset (fixture->memory + first * VMM_PAGE_SIZE, byte, n * VMM_PAGE_SIZE);
  vmm_page_set_add_bytes (pages, first * VMM_PAGE_SIZE, n * VMM_PAGE_SIZE);
}

static VmmMemory *
load (const char *directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, &error);
  VmmMemory *memory;

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_open_chain (snapshot, &error));
  memory = vmm_snapshot_chain_new_memory (snapshot, &error);
  g_assert_no_error (error);
  return memory;
}

static void
test_maps_what_is_complete (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmMemory) memory = load (fixture->base);

  g_assert_null (vmm_memory_get_overlaid (memory));
  sample_chain_assert_memory (fixture->base, fixture->memory);
}

static void
test_maps_long_runs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmMemory) memory = NULL;
  const VmmPageSet *overlaid;

  change_run (fixture, pages, 0, LONG_PAGES, 1);
  change_run (fixture, pages, 200, SHORT_PAGES, 2);
  change_run (fixture, pages, SAMPLE_CHAIN_PAGES - LONG_PAGES, LONG_PAGES, 0);
  sample_chain_write (fixture->over, fixture->base, pages, fixture->memory);
  sample_chain_assert_memory (fixture->over, fixture->memory);

  memory = load (fixture->over);
  overlaid = vmm_memory_get_overlaid (memory);
  g_assert_nonnull (overlaid);
  g_assert_cmpuint (vmm_page_set_count (overlaid), ==, 2 * LONG_PAGES);
  g_assert_true (vmm_page_set_contains (overlaid, 0));
  g_assert_false (vmm_page_set_contains (overlaid, 200));
  g_assert_true (vmm_page_set_contains (overlaid, SAMPLE_CHAIN_PAGES - 1));
}

/* the youngest that has a page has it, be the one under it mapped or read */
static void
test_maps_the_youngest (Fixture *fixture, gconstpointer data)
{
  g_autofree char *top = g_build_filename (fixture->scratch, "top", NULL);
  g_autoptr (VmmPageSet) lower = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmPageSet) upper = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);

  change_run (fixture, lower, 100, 3 * LONG_PAGES, 1);
  sample_chain_write (fixture->over, fixture->base, lower, fixture->memory);
  change_run (fixture, upper, 100 + LONG_PAGES, LONG_PAGES, 2);
  change_run (fixture, upper, 110, SHORT_PAGES, 3);
  sample_chain_write (top, fixture->over, upper, fixture->memory);
  sample_chain_assert_memory (top, fixture->memory);
}

/* Each run is a page longer than the one before. The longest are mapped, as many as may be. */
static void
test_maps_the_longest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmPageSet) read = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
  g_autoptr (VmmMemory) memory = NULL;
  const VmmPageSet *overlaid;
  guint64 first = 0;
  guint64 start;
  guint64 end = 0;
  guint64 mapped_min = G_MAXUINT64;
  guint64 read_max = 0;
  guint n_mapped = 0;

  for (guint64 n = 1; first + n < SAMPLE_CHAIN_PAGES; n++)
    {
      change_run (fixture, pages, first, n, (guint8) n);
      first += n + GAP_PAGES;
    }
  sample_chain_write (fixture->over, fixture->base, pages, fixture->memory);
  sample_chain_assert_memory (fixture->over, fixture->memory);

  memory = load (fixture->over);
  overlaid = vmm_memory_get_overlaid (memory);
  g_assert_nonnull (overlaid);
  for (; vmm_page_set_next_run (overlaid, end, &start, &end); n_mapped++)
    mapped_min = MIN (mapped_min, end - start);
  vmm_page_set_add_all (read, pages);
  vmm_page_set_remove_all (read, overlaid);
  end = 0;
  while (vmm_page_set_next_run (read, end, &start, &end))
    read_max = MAX (read_max, end - start);
  g_test_message ("%u runs are mapped", n_mapped);
  g_assert_cmpuint (n_mapped, >, 0);
  g_assert_cmpuint (n_mapped, <=, 256);
  g_assert_cmpuint (mapped_min, >, read_max);
  g_assert_cmpuint (mapped_min, >=, 16);
}

#define ADD(name, func)                                                                                      \
  g_test_add ("/vmm/snapshot-chain-memory/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("maps-what-is-complete", test_maps_what_is_complete);
  ADD ("maps-long-runs", test_maps_long_runs);
  ADD ("maps-the-youngest", test_maps_the_youngest);
  ADD ("maps-the-longest", test_maps_the_longest);
  return g_test_run ();
}
