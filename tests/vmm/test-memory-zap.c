/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* That KVM lets go cannot be seen from outside; what is told to the kernel is, by a wrapped ioctl(). */

#include "config.h"
#include "vmm/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/fd.h"
#include "vmm/pagemap.h"

#define MIB (1024 * 1024ull)
#define SIZE (144 * MIB) /* no multiple of a piece */
#define PAGEMAP_SCAN_NUMBER 16u

static struct
{
  gint refusal; /* errno; 0 for none */
  guint n_calls;
  guint64 next; /* address */
  guint64 longest;
} seen;

int __real_ioctl (int fd, gulong request, ...);
int __wrap_ioctl (int fd, gulong request, ...);

int
__wrap_ioctl (int fd, gulong request, ...)
{
  guint64 *scan;
  va_list arguments;

  va_start (arguments, request);
  scan = va_arg (arguments, gpointer);
  va_end (arguments);
  if (_IOC_TYPE (request) != 'f' || _IOC_NR (request) != PAGEMAP_SCAN_NUMBER)
    return __real_ioctl (fd, request, scan);
  seen.n_calls++;
  if (seen.refusal != 0)
    {
      errno = seen.refusal;
      return -1;
    }
  g_assert_cmpuint (scan[2], ==, seen.next);
  g_assert_cmpuint (scan[3], >, scan[2]);
  seen.longest = MAX (seen.longest, scan[3] - scan[2]);
  seen.next = scan[3];
  return __real_ioctl (fd, request, scan);
}

typedef struct
{
  VmmMemory *memory;
  guint64 host;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = memfd_create ("test", MFD_CLOEXEC);
  guint n_regions;

  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  fixture->memory = vmm_memory_new_private (fd, SIZE, &error);
  g_assert_no_error (error);
  fixture->host = (guintptr) vmm_memory_get_regions (fixture->memory, &n_regions)[0].host;
  seen.refusal = 0;
  seen.n_calls = 0;
  seen.longest = 0;
  seen.next = fixture->host;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_memory_free (fixture->memory);
}

static void
test_is_told_of_all_of_ram_in_pieces (Fixture *fixture, gconstpointer data)
{
  vmm_memory_zap (fixture->memory);
  g_assert_cmpuint (seen.next, ==, fixture->host + SIZE);
  g_assert_cmpuint (seen.n_calls, ==, 3);
  g_assert_cmpuint (seen.longest, ==, 64 * MIB);
}

static VmmPageSet *
find (Fixture *fixture)
{
  VmmPageSet *pages = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_pagemap_find (fixture->memory, VMM_PAGEMAP_HELD, pages, NULL, &error));
  g_assert_no_error (error);
  return pages;
}

static void
test_leaves_our_pages (Fixture *fixture, gconstpointer data)
{
  volatile guint8 *host = GSIZE_TO_POINTER (fixture->host);
  g_autoptr (VmmPageSet) before = NULL;
  g_autoptr (VmmPageSet) after = NULL;

  for (guint64 offset = 0; offset < SIZE; offset += 3 * MIB)
    host[offset] = 0x5a;
  (void) host[MIB];
  before = find (fixture);
  vmm_memory_zap (fixture->memory);
  after = find (fixture);
  g_assert_cmpuint (vmm_page_set_count (before), ==, 49);
  g_assert_cmpuint (vmm_page_set_count (after), ==, 49);
  g_assert_true (vmm_page_set_contains (after, MIB / VMM_PAGE_SIZE));
  for (guint64 offset = 0; offset < SIZE; offset += 3 * MIB)
    g_assert_cmpuint (host[offset]++, ==, 0x5a);
}

/* before Linux 6.7 */
static void
test_asks_an_older_kernel_once (Fixture *fixture, gconstpointer data)
{
  seen.refusal = ENOTTY;
  vmm_memory_zap (fixture->memory);
  g_assert_cmpuint (seen.n_calls, ==, 1);
}

static void
test_comes_before_a_flip (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_memory_prepare_flip (fixture->memory, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (seen.next, ==, fixture->host + SIZE);
  g_assert_true (vmm_memory_flip (fixture->memory, -1, &error));
  g_assert_no_error (error);
  vmm_memory_drop_aside (fixture->memory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function) g_test_add ("/vmm/memory-zap/" name, Fixture, NULL, set_up, function, tear_down)
  add ("is-told-of-all-of-ram-in-pieces", test_is_told_of_all_of_ram_in_pieces);
  add ("leaves-our-pages", test_leaves_our_pages);
  add ("asks-an-older-kernel-once", test_asks_an_older_kernel_once);
  add ("comes-before-a-flip", test_comes_before_a_flip);
#undef add
  return g_test_run ();
}
