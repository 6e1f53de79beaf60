/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/pagemap.h"

#include <sys/mman.h>
#include <unistd.h>

#include "vmm/fd.h"

#define MIB (1024 * 1024ull)
#define SIZE (16 * MIB)

typedef struct
{
  VmmMemory *memory;
} Fixture;

/* a file with nothing in it: no page lies beside another in the page cache, so the kernel maps none along */
static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  fixture->memory = vmm_memory_new_private (fd, SIZE, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_memory_free (fixture->memory);
}

static VmmPageSet *
find (Fixture *fixture, VmmPagemapKind kind)
{
  VmmPageSet *pages = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_pagemap_find (fixture->memory, kind, pages, NULL, &error));
  g_assert_no_error (error);
  return pages;
}

static void
test_tells_kinds_apart (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) none = find (fixture, VMM_PAGEMAP_HELD);
  g_autoptr (VmmPageSet) held = NULL;
  g_autoptr (VmmPageSet) private = NULL;
  guint8 byte = 1;

  g_assert_cmpuint (vmm_page_set_count (none), ==, 0);
  g_assert_true (vmm_memory_write (fixture->memory, 5 * MIB, &byte, 1, NULL));
  g_assert_true (vmm_memory_read (fixture->memory, 9 * MIB, &byte, 1, NULL));
  g_assert_true (vmm_memory_write (fixture->memory, SIZE - 1, &byte, 1, NULL));
  held = find (fixture, VMM_PAGEMAP_HELD);
  private = find (fixture, VMM_PAGEMAP_PRIVATE);
  g_assert_cmpuint (vmm_page_set_count (held), ==, 3);
  g_assert_true (vmm_page_set_contains (held, 9 * MIB / VMM_PAGE_SIZE));
  g_assert_cmpuint (vmm_page_set_count (private), ==, 2);
  g_assert_true (vmm_page_set_contains (private, 5 * MIB / VMM_PAGE_SIZE));
  g_assert_true (vmm_page_set_contains (private, SIZE / VMM_PAGE_SIZE - 1));
}

static void
test_adds (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);

  vmm_page_set_add (pages, 77);
  g_assert_true (vmm_pagemap_find (fixture->memory, VMM_PAGEMAP_HELD, pages, NULL, NULL));
  g_assert_cmpuint (vmm_page_set_count (pages), ==, 1);
  g_assert_true (vmm_page_set_contains (pages, 77));
}

static void
test_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_pagemap_find (fixture->memory, VMM_PAGEMAP_HELD, pages, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
}

static void
test_reads_one_by_one (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = vmm_pagemap_open (&error);
  guint n_regions;
  const guint8 *host = vmm_memory_get_regions (fixture->memory, &n_regions)[0].host;
  guint64 entries[3];
  guint8 byte = 1;

  g_assert_no_error (error);
  g_assert_true (vmm_memory_write (fixture->memory, MIB + VMM_PAGE_SIZE, &byte, 1, NULL));
  g_assert_true (vmm_pagemap_read (fd, host + MIB, entries, G_N_ELEMENTS (entries), &error));
  g_assert_no_error (error);
  g_assert_false (vmm_pagemap_is (entries[0], VMM_PAGEMAP_HELD));
  g_assert_true (vmm_pagemap_is (entries[1], VMM_PAGEMAP_HELD));
  g_assert_true (vmm_pagemap_is (entries[1], VMM_PAGEMAP_PRIVATE));
  g_assert_false (vmm_pagemap_is (entries[2], VMM_PAGEMAP_HELD));
  g_assert_false (vmm_pagemap_read (-1, host, entries, G_N_ELEMENTS (entries), &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function) g_test_add ("/vmm/pagemap/" name, Fixture, NULL, set_up, function, tear_down)
  add ("tells-kinds-apart", test_tells_kinds_apart);
  add ("adds", test_adds);
  add ("can-be-cancelled", test_can_be_cancelled);
  add ("reads-one-by-one", test_reads_one_by_one);
#undef add
  return g_test_run ();
}
