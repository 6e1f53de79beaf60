/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/page-exchange.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/fd.h"

#define MIB (1024 * 1024ull)
#define SIZE (16 * MIB)
#define PAGES (SIZE / VMM_PAGE_SIZE)

typedef struct
{
  VmmMemory *memory;
  VmmPageExchange *exchange;
  guint8 *before; /* what RAM was */
  guint8 *after;  /* what it shall be */
} World;

static void
world_clear (World *world)
{
  vmm_page_exchange_free (world->exchange);
  vmm_memory_free (world->memory);
  g_free (world->before);
  g_free (world->after);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (World, world_clear)

static int
new_file (const guint8 *content, gsize size)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (pwrite (fd, content, size, 0), ==, (gssize) size);
  return fd;
}

static void
fill (guint8 *bytes, guint8 first)
{
  for (guint64 page = 0; page < PAGES; page++)
    memset (bytes + page * VMM_PAGE_SIZE, (int) (first + page % 100), VMM_PAGE_SIZE);
}

/* RAM, and an exchange of 1 page, of 200 that follow each other, and of the last. */
static void
set_up (World *world)
{
  static const struct
  {
    guint64 start, n;
  } runs[] = { { 3, 1 }, { 100, 200 }, { PAGES - 1, 1 } };
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);
  g_autofree guint8 *other = g_malloc (SIZE);
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int ram = -1;
  VMM_AUTO_FD int file = -1;

  world->before = g_malloc (SIZE);
  fill (world->before, 1);
  fill (other, 101);
  ram = new_file (world->before, SIZE);
  file = new_file (other, SIZE);
  world->after = g_memdup2 (world->before, SIZE);
  world->memory = vmm_memory_new_private (ram, SIZE, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      guint64 offset = runs[i].start * VMM_PAGE_SIZE;
      guint64 length = runs[i].n * VMM_PAGE_SIZE;

      vmm_page_set_add_bytes (pages, offset, length);
      memcpy (world->after + offset, other + offset, length);
    }
  world->exchange = vmm_page_exchange_new (world->memory, pages, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    g_assert_true (vmm_page_exchange_read (world->exchange,
                                           runs[i].start * VMM_PAGE_SIZE,
                                           runs[i].n * VMM_PAGE_SIZE,
                                           file,
                                           &error));
  g_assert_no_error (error);
}

static void
assert_memory (World *world, const guint8 *expected)
{
  g_autofree guint8 *found = g_malloc (SIZE);

  g_assert_true (vmm_memory_read (world->memory, 0, found, SIZE, NULL));
  g_assert_cmpint (memcmp (found, expected, SIZE), ==, 0);
}

static void
test_swaps_and_back (void)
{
  g_auto (World) world = { 0 };
  g_autoptr (GError) error = NULL;

  set_up (&world);
  assert_memory (&world, world.before);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (vmm_page_exchange_swap (world.exchange, &error));
      assert_memory (&world, world.after);
      g_assert_true (vmm_page_exchange_swap (world.exchange, &error));
      assert_memory (&world, world.before);
    }
}

/* one page of the middle run cannot be written to: those before it are put back */
static void
test_failure_leaves_memory_as_it_was (void)
{
  static const guint64 bad[] = { 3, 100, 163, 164, 250, PAGES - 1 };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_auto (World) world = { 0 };
      g_autoptr (GError) error = NULL;
      guint8 *page;
      guint n_regions;

      set_up (&world);
      page = vmm_memory_get_regions (world.memory, &n_regions)[0].host + bad[i] * VMM_PAGE_SIZE;
      g_assert_cmpint (mprotect (page, VMM_PAGE_SIZE, PROT_READ), ==, 0);
      g_assert_false (vmm_page_exchange_swap (world.exchange, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
      assert_memory (&world, world.before);
      g_assert_cmpint (mprotect (page, VMM_PAGE_SIZE, PROT_READ | PROT_WRITE), ==, 0);
      g_assert_true (vmm_page_exchange_swap (world.exchange, NULL));
      assert_memory (&world, world.after);
    }
}

static void
test_short_file_is_damage (void)
{
  g_auto (World) world = { 0 };
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int file = -1;

  set_up (&world);
  file = new_file (world.after, 150 * VMM_PAGE_SIZE + 1);
  g_assert_true (
      vmm_page_exchange_read (world.exchange, 100 * VMM_PAGE_SIZE, 50 * VMM_PAGE_SIZE, file, &error));
  g_assert_false (vmm_page_exchange_read (world.exchange, 150 * VMM_PAGE_SIZE, VMM_PAGE_SIZE, file, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  assert_memory (&world, world.before);
}

static void
test_nothing_to_swap (void)
{
  g_auto (World) world = { 0 };
  g_autoptr (VmmPageSet) none = vmm_page_set_new (SIZE);
  g_autoptr (VmmPageExchange) exchange = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&world);
  exchange = vmm_page_exchange_new (world.memory, none, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_page_exchange_swap (exchange, &error));
  assert_memory (&world, world.before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/page-exchange/swaps-and-back", test_swaps_and_back);
  g_test_add_func ("/vmm/page-exchange/failure-leaves-memory-as-it-was", test_failure_leaves_memory_as_it_was);
  g_test_add_func ("/vmm/page-exchange/short-file-is-damage", test_short_file_is_damage);
  g_test_add_func ("/vmm/page-exchange/nothing-to-swap", test_nothing_to_swap);
  return g_test_run ();
}
