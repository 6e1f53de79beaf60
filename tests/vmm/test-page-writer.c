/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/page-writer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/fd.h"

#define MIB (1024 * 1024ull)
#define SIZE (16 * MIB)

static int
new_file (void)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  return fd;
}

static void
write_byte (VmmMemory *memory, guint64 gpa, guint8 byte)
{
  g_assert_true (vmm_memory_write (memory, gpa, &byte, 1, NULL));
}

static void
assert_file_equals_memory (int fd, VmmMemory *memory)
{
  g_autofree guint8 *ours = g_malloc (SIZE);
  g_autofree guint8 *theirs = g_malloc (SIZE);

  g_assert_true (vmm_memory_read (memory, 0, ours, SIZE, NULL));
  g_assert_cmpint (pread (fd, theirs, SIZE, 0), ==, SIZE);
  g_assert_cmpint (memcmp (ours, theirs, SIZE), ==, 0);
}

static guint64
bytes_on_disk (int fd)
{
  struct stat st;

  g_assert_cmpint (fstat (fd, &st), ==, 0);
  return (guint64) st.st_blocks * 512;
}

static void
test_writes_anonymous_sparsely (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = new_file ();

  config->memory_size = SIZE;
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  write_byte (memory, 0, 1);
  write_byte (memory, MIB - 1, 2);
  write_byte (memory, SIZE - 1, 3);
  write_byte (memory, 5 * MIB, 0); /* touched, and still zero */

  g_assert_true (vmm_page_writer_write (memory, fd, NULL, &error));
  g_assert_no_error (error);
  assert_file_equals_memory (fd, memory);
  g_assert_cmpuint (bytes_on_disk (fd), ==, 3 * VMM_PAGE_SIZE);
}

static void
test_joins_base_and_changes (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (GError) error = NULL;
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 0; i < 200; i++)
    g_assert_cmpint (pwrite (base, "base", 4, g_rand_int_range (random, 0, SIZE - 4)), ==, 4);
  memory = vmm_memory_new_private (base, SIZE, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 200; i++)
    write_byte (memory, g_rand_int_range (random, 0, SIZE), i);
  g_rand_free (random);

  g_assert_true (vmm_page_writer_write (memory, fd, NULL, &error));
  g_assert_no_error (error);
  assert_file_equals_memory (fd, memory);
}

/* what lies over the base, in a hole of it, and was not looked at yet */
static VmmMemory *
new_overlaid_memory (int base, int over)
{
  g_autoptr (GError) error = NULL;
  VmmMemory *memory = vmm_memory_new_private (base, SIZE, &error);

  g_assert_no_error (error);
  g_assert_cmpint (pwrite (over, "over", 4, 3 * MIB), ==, 4);
  g_assert_true (vmm_memory_overlay (memory, 3 * MIB, over, 2 * VMM_PAGE_SIZE, &error));
  g_assert_no_error (error);
  return memory;
}

static void
test_writes_overlays (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int over = new_file ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (VmmMemory) memory = new_overlaid_memory (base, over);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_page_writer_write (memory, fd, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (bytes_on_disk (fd), ==, VMM_PAGE_SIZE);
  assert_file_equals_memory (fd, memory);
}

static void
test_counts_overlays_as_private (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int over = new_file ();
  g_autoptr (VmmMemory) memory = new_overlaid_memory (base, over);
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_page_writer_find_private (memory, pages, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (vmm_page_set_count (pages), ==, 2);
  g_assert_true (vmm_page_set_contains (pages, 3 * MIB / VMM_PAGE_SIZE));
}

/* of a file that lies over the base and was cut, so that a pointer into it is a SIGBUS */
static void
test_reports_pages_that_are_lost (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int over = new_file ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (VmmMemory) memory = new_overlaid_memory (base, over);
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);
  g_autoptr (VmmPageSet) written = vmm_page_set_new (SIZE);
  g_autoptr (GError) all_error = NULL;
  g_autoptr (GError) set_error = NULL;
  g_autoptr (GError) dirty_error = NULL;

  g_assert_cmpint (ftruncate (over, MIB), ==, 0);
  vmm_page_set_add_bytes (pages, 3 * MIB, VMM_PAGE_SIZE);
  g_assert_false (vmm_page_writer_write (memory, fd, NULL, &all_error));
  g_assert_error (all_error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_false (vmm_page_writer_write_set (memory, fd, pages, written, NULL, NULL, &set_error));
  g_assert_error (set_error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_false (vmm_page_writer_write_dirty (memory, fd, pages, &dirty_error));
  g_assert_error (dirty_error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_cmpuint (vmm_page_set_count (written), ==, 0);
}

static void
test_can_be_cancelled (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (VmmMemory) memory = vmm_memory_new_private (base, SIZE, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_page_writer_write (memory, fd, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
}

static void
test_reports_failed_write (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int sealed = memfd_create ("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  g_autoptr (VmmMemory) memory = vmm_memory_new_private (base, SIZE, NULL);
  g_autoptr (GError) error = NULL;

  write_byte (memory, 0, 1);
  g_assert_cmpint (ftruncate (sealed, SIZE), ==, 0);
  g_assert_cmpint (fcntl (sealed, F_ADD_SEALS, F_SEAL_WRITE), ==, 0);
  g_assert_false (vmm_page_writer_write (memory, sealed, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
}

static void
test_writes_marked_pages_alone (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (VmmMemory) memory = vmm_memory_new_private (base, SIZE, NULL);
  g_autoptr (VmmPageSet) dirty = vmm_page_set_new (SIZE);
  static const guint marked[] = { 0, 63, 64, 65, 200, SIZE / VMM_PAGE_SIZE - 1 };
  g_autoptr (GError) error = NULL;

  for (guint page = 0; page < SIZE / VMM_PAGE_SIZE; page++)
    write_byte (memory, (guint64) page * VMM_PAGE_SIZE, 7);
  write_byte (memory, 200 * VMM_PAGE_SIZE, 0);
  g_assert_cmpint (pwrite (fd, "x", 1, 200 * VMM_PAGE_SIZE), ==, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (marked); i++)
    vmm_page_set_add (dirty, marked[i]);

  g_assert_true (vmm_page_writer_write_dirty (memory, fd, dirty, &error));
  g_assert_no_error (error);
  for (guint page = 0; page < SIZE / VMM_PAGE_SIZE; page++)
    {
      gboolean is_marked = vmm_page_set_contains (dirty, page);
      guint8 byte = 0xff;

      g_assert_cmpint (pread (fd, &byte, 1, (off_t) page * VMM_PAGE_SIZE), ==, 1);
      g_assert_cmpuint (byte, ==, is_marked && page != 200 ? 7 : 0);
    }
}

/* what was only read is the file's, and not our own */
static void
test_finds_what_is_private (void)
{
  VMM_AUTO_FD int base = new_file ();
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *all = g_malloc (SIZE);

  g_assert_cmpint (pwrite (base, "base", 4, 5 * MIB), ==, 4);
  memory = vmm_memory_new_private (base, SIZE, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_memory_read (memory, 0, all, SIZE, &error));
  write_byte (memory, 5 * MIB + 7, 1);
  write_byte (memory, 3 * MIB, 0); /* not another byte than before, but a page of our own */
  write_byte (memory, SIZE - 1, 1);
  g_assert_true (vmm_page_writer_find_private (memory, pages, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (vmm_page_set_count (pages), ==, 3);
  g_assert_true (vmm_page_set_contains (pages, 5 * MIB / VMM_PAGE_SIZE));
  g_assert_true (vmm_page_set_contains (pages, 3 * MIB / VMM_PAGE_SIZE));
  g_assert_true (vmm_page_set_contains (pages, SIZE / VMM_PAGE_SIZE - 1));
}

static void
test_writes_sets (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (VmmMemory) memory = vmm_memory_new_private (base, SIZE, NULL);
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);
  g_autoptr (VmmPageSet) written = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;

  write_byte (memory, 0, 1);
  write_byte (memory, MIB, 2);
  write_byte (memory, 2 * MIB, 3); /* not in the set */
  vmm_page_set_add_bytes (pages, 0, 2 * MIB);
  g_assert_true (vmm_page_writer_write_set (memory, fd, pages, written, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (bytes_on_disk (fd), ==, 2 * VMM_PAGE_SIZE);
  g_assert_cmpuint (vmm_page_set_count (written), ==, 2);

  /* zero again: what the file has must go */
  write_byte (memory, MIB, 0);
  g_assert_true (vmm_page_writer_write_set (memory, fd, pages, written, NULL, NULL, &error));
  write_byte (memory, 2 * MIB, 0);
  assert_file_equals_memory (fd, memory);
  g_assert_cmpuint (bytes_on_disk (fd), ==, VMM_PAGE_SIZE);
  g_assert_cmpuint (vmm_page_set_count (written), ==, 1);
}

/* in a file that is full, and where holes have to wait */
static void
test_zeros_become_holes_later (void)
{
  VMM_AUTO_FD int base = new_file ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (VmmMemory) memory = vmm_memory_new_private (base, SIZE, NULL);
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (SIZE);
  g_autoptr (VmmPageSet) written = vmm_page_set_new (SIZE);
  g_autoptr (VmmPageSet) zeroed = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;
  g_autofree char *full = g_malloc (SIZE);

  memset (full, 'x', SIZE);
  g_assert_cmpint (pwrite (fd, full, SIZE, 0), ==, SIZE);
  vmm_page_set_add_bytes (written, 0, SIZE);
  vmm_page_set_add_bytes (pages, 0, SIZE);
  write_byte (memory, MIB, 1);
  g_assert_true (vmm_page_writer_write_set (memory, fd, pages, written, zeroed, NULL, &error));
  g_assert_no_error (error);
  assert_file_equals_memory (fd, memory);
  g_assert_cmpuint (bytes_on_disk (fd), ==, SIZE);
  g_assert_cmpuint (vmm_page_set_count (zeroed), ==, SIZE / VMM_PAGE_SIZE - 1);

  /* of two that change, one is not zero any more, the other one is now */
  write_byte (memory, 2 * MIB, 2);
  write_byte (memory, MIB, 0);
  g_assert_true (vmm_page_writer_write_set (memory, fd, pages, written, zeroed, NULL, &error));
  vmm_page_writer_make_holes (fd, zeroed);
  assert_file_equals_memory (fd, memory);
  g_assert_cmpuint (bytes_on_disk (fd), ==, VMM_PAGE_SIZE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/page-writer/writes-anonymous-sparsely", test_writes_anonymous_sparsely);
  g_test_add_func ("/vmm/page-writer/joins-base-and-changes", test_joins_base_and_changes);
  g_test_add_func ("/vmm/page-writer/writes-overlays", test_writes_overlays);
  g_test_add_func ("/vmm/page-writer/counts-overlays-as-private", test_counts_overlays_as_private);
  g_test_add_func ("/vmm/page-writer/writes-marked-pages-alone", test_writes_marked_pages_alone);
  g_test_add_func ("/vmm/page-writer/reports-pages-that-are-lost", test_reports_pages_that_are_lost);
  g_test_add_func ("/vmm/page-writer/can-be-cancelled", test_can_be_cancelled);
  g_test_add_func ("/vmm/page-writer/reports-failed-write", test_reports_failed_write);
  g_test_add_func ("/vmm/page-writer/finds-what-is-private", test_finds_what_is_private);
  g_test_add_func ("/vmm/page-writer/writes-sets", test_writes_sets);
  g_test_add_func ("/vmm/page-writer/zeros-become-holes-later", test_zeros_become_holes_later);
  return g_test_run ();
}
