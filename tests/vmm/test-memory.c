/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/memory.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/fd.h"

#define MIB (1024 * 1024ull)
#define GIB (1024 * MIB)

static VmmMemory *
new_memory (VmmMemoryBacking backing, guint64 size)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;
  VmmMemory *memory;

  config->memory_backing = backing;
  config->memory_size = size;
  memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  return memory;
}

static void
write_u64 (VmmMemory *memory, guint64 gpa, guint64 value)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_memory_write (memory, gpa, &value, sizeof value, &error));
  g_assert_no_error (error);
}

static guint64
read_u64 (VmmMemory *memory, guint64 gpa)
{
  g_autoptr (GError) error = NULL;
  guint64 value = 0;

  g_assert_true (vmm_memory_read (memory, gpa, &value, sizeof value, &error));
  g_assert_no_error (error);
  return value;
}

static guint64
read_file_u64 (int fd, guint64 offset)
{
  guint64 value = 0;

  g_assert_cmpint (pread (fd, &value, sizeof value, offset), ==, sizeof value);
  return value;
}

static void
test_every_backing_keeps_bytes (void)
{
  static const VmmMemoryBacking backings[] = {
    VMM_MEMORY_BACKING_FILE,
    VMM_MEMORY_BACKING_MEMFD,
    VMM_MEMORY_BACKING_ANONYMOUS,
  };

  for (gsize i = 0; i < G_N_ELEMENTS (backings); i++)
    {
      g_autoptr (VmmMemory) memory = new_memory (backings[i], 16 * MIB);

      g_assert_cmpuint (read_u64 (memory, 0), ==, 0);
      write_u64 (memory, 16 * MIB - 8, 0x1122334455667788);
      g_assert_cmphex (read_u64 (memory, 16 * MIB - 8), ==, 0x1122334455667788);
      g_assert_cmpint (vmm_memory_get_shared (memory), ==, backings[i] != VMM_MEMORY_BACKING_ANONYMOUS);
    }
}

static void
test_jumps_over_hole (void)
{
  g_autoptr (VmmMemory) memory = new_memory (VMM_MEMORY_BACKING_MEMFD, 4 * GIB);
  g_autoptr (GError) error = NULL;
  guint n_regions;
  const VmmMemoryRegion *regions = vmm_memory_get_regions (memory, &n_regions);
  guint64 value;

  g_assert_cmpuint (n_regions, ==, 2);
  g_assert_cmphex (regions[0].gpa, ==, 0);
  g_assert_cmphex (regions[0].length, ==, 3 * GIB);
  g_assert_cmphex (regions[1].gpa, ==, 4 * GIB);
  g_assert_cmphex (regions[1].file_offset, ==, 3 * GIB);
  g_assert_cmphex (regions[1].length, ==, 1 * GIB);
  g_assert_true (regions[1].host == regions[0].host + 3 * GIB);

  write_u64 (memory, 4 * GIB, 7);
  g_assert_cmpuint (read_file_u64 (vmm_memory_get_fd (memory), 3 * GIB), ==, 7);
  g_assert_false (vmm_memory_read (memory, 3 * GIB, &value, sizeof value, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_BAD_ADDRESS);
}

static void
test_rejects_ranges_outside (void)
{
  static const struct
  {
    guint64 gpa;
    gsize length;
  } ranges[] = {
    { 16 * MIB, 1 },        { 16 * MIB - 1, 2 }, { G_MAXUINT64, 1 },
    { G_MAXUINT64 - 3, 8 }, { 1, G_MAXSIZE },    { 0, 16 * MIB + 1 },
  };
  g_autoptr (VmmMemory) memory = new_memory (VMM_MEMORY_BACKING_ANONYMOUS, 16 * MIB);
  guint8 byte = 0xaa;

  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (vmm_memory_read (memory, ranges[i].gpa, &byte, ranges[i].length, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_BAD_ADDRESS);
      g_clear_error (&error);
      g_assert_false (vmm_memory_zero (memory, ranges[i].gpa, ranges[i].length, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_BAD_ADDRESS);
    }
  g_assert_cmphex (byte, ==, 0xaa);
}

static void
test_fills_from_file_and_zeroes (void)
{
  g_autoptr (VmmMemory) memory = new_memory (VMM_MEMORY_BACKING_ANONYMOUS, 16 * MIB);
  VMM_AUTO_FD int fd = memfd_create ("source", MFD_CLOEXEC);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (pwrite (fd, "abcdefgh12345678", 16, 0), ==, 16);
  g_assert_true (vmm_memory_write_from_file (memory, 4096, fd, 8, 8, &error));
  g_assert_no_error (error);
  g_assert_cmpint (memcmp (&(guint64){ read_u64 (memory, 4096) }, "12345678", 8), ==, 0);

  g_assert_false (vmm_memory_write_from_file (memory, 0, fd, 8, 9, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_clear_error (&error);

  g_assert_true (vmm_memory_zero (memory, 4090, 200000, &error));
  g_assert_cmpuint (read_u64 (memory, 4096), ==, 0);
}

static void
flip (VmmMemory *memory, int fd)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_memory_prepare_flip (memory, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_memory_flip (memory, fd, &error));
  g_assert_no_error (error);
  vmm_memory_drop_aside (memory);
}

static void
test_flip_parts_guest_from_file (void)
{
  g_autoptr (VmmMemory) memory = new_memory (VMM_MEMORY_BACKING_FILE, 16 * MIB);
  guint n_regions;
  guint8 *host = vmm_memory_get_regions (memory, &n_regions)[0].host;

  write_u64 (memory, 8192, 1);
  flip (memory, -1);
  g_assert_true (vmm_memory_get_regions (memory, &n_regions)[0].host == host);
  g_assert_false (vmm_memory_get_shared (memory));
  g_assert_cmpuint (read_u64 (memory, 8192), ==, 1);

  write_u64 (memory, 8192, 2);
  g_assert_cmpuint (read_u64 (memory, 8192), ==, 2);
  g_assert_cmpuint (read_file_u64 (vmm_memory_get_fd (memory), 8192), ==, 1);
}

static void
test_flip_again_onto_other_file (void)
{
  g_autoptr (VmmMemory) memory = new_memory (VMM_MEMORY_BACKING_MEMFD, 16 * MIB);
  VMM_AUTO_FD int next = memfd_create ("next", MFD_CLOEXEC);
  guint64 value = 42;

  flip (memory, -1);
  write_u64 (memory, 0, 41);
  g_assert_cmpint (ftruncate (next, 16 * MIB), ==, 0);
  g_assert_cmpint (pwrite (next, &value, sizeof value, 0), ==, sizeof value);
  flip (memory, next);
  g_assert_cmpuint (read_u64 (memory, 0), ==, 42);
  write_u64 (memory, 0, 43);
  g_assert_cmpuint (read_file_u64 (next, 0), ==, 42);
}

static void
test_private_leaves_file_alone (void)
{
  VMM_AUTO_FD int fd = memfd_create ("base", MFD_CLOEXEC);
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (GError) error = NULL;
  guint64 value = 5;

  g_assert_cmpint (ftruncate (fd, 16 * MIB), ==, 0);
  g_assert_cmpint (pwrite (fd, &value, sizeof value, 4096), ==, sizeof value);
  memory = vmm_memory_new_private (fd, 16 * MIB, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (read_u64 (memory, 4096), ==, 5);
  write_u64 (memory, 4096, 6);
  g_assert_cmpuint (read_file_u64 (fd, 4096), ==, 5);
}

static void
test_blank_shows_a_file (void)
{
  VMM_AUTO_FD int fd = memfd_create ("base", MFD_CLOEXEC);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMemory) memory = vmm_memory_new_blank (16 * MIB, &error);
  guint n_regions;
  guint8 *host = vmm_memory_get_regions (memory, &n_regions)[0].host;
  guint64 value = 5;

  g_assert_no_error (error);
  g_assert_cmpint (ftruncate (fd, 16 * MIB), ==, 0);
  g_assert_cmpint (pwrite (fd, &value, sizeof value, 4096), ==, sizeof value);
  g_assert_true (vmm_memory_show (memory, fd, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_memory_get_regions (memory, &n_regions)[0].host == host);
  g_assert_false (vmm_memory_get_shared (memory));
  g_assert_cmpuint (read_u64 (memory, 4096), ==, 5);
  write_u64 (memory, 4096, 6);
  g_assert_cmpuint (read_file_u64 (fd, 4096), ==, 5);
}

static void
test_blank_shows_nothing_else (void)
{
  VMM_AUTO_FD int directory = open ("/", O_RDONLY | O_CLOEXEC);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMemory) memory = vmm_memory_new_blank (16 * MIB, &error);

  g_assert_no_error (error);
  g_assert_false (vmm_memory_show (memory, directory, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
}

static int
new_marked_file (guint64 value)
{
  int fd = memfd_create ("marked", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, 16 * MIB), ==, 0);
  for (guint64 offset = 0; offset < 16 * MIB; offset += VMM_PAGE_SIZE)
    g_assert_cmpint (pwrite (fd, &value, sizeof value, (off_t) offset), ==, sizeof value);
  return fd;
}

/* over the first page, over pages that follow each other from two files, and over the last */
static VmmMemory *
new_overlaid_memory (int base, int first, int second)
{
  g_autoptr (GError) error = NULL;
  VmmMemory *memory = vmm_memory_new_private (base, 16 * MIB, &error);

  g_assert_no_error (error);
  g_assert_null (vmm_memory_get_overlaid (memory));
  g_assert_true (vmm_memory_overlay (memory, 5 * MIB, second, MIB, &error));
  g_assert_true (vmm_memory_overlay (memory, 4 * MIB, first, MIB, &error));
  g_assert_true (vmm_memory_overlay (memory, 0, first, VMM_PAGE_SIZE, &error));
  g_assert_true (vmm_memory_overlay (memory, 16 * MIB - VMM_PAGE_SIZE, second, VMM_PAGE_SIZE, &error));
  g_assert_no_error (error);
  return memory;
}

static guint64
expected_over (guint64 offset)
{
  if (offset == 0 || (offset >= 4 * MIB && offset < 5 * MIB))
    return 2;
  return offset == 16 * MIB - VMM_PAGE_SIZE || (offset >= 5 * MIB && offset < 6 * MIB) ? 3 : 1;
}

static void
test_overlays_show_their_files (void)
{
  VMM_AUTO_FD int base = new_marked_file (1);
  VMM_AUTO_FD int first = new_marked_file (2);
  VMM_AUTO_FD int second = new_marked_file (3);
  g_autoptr (VmmMemory) memory = new_overlaid_memory (base, first, second);

  for (guint64 offset = 0; offset < 16 * MIB; offset += VMM_PAGE_SIZE)
    {
      g_assert_cmpuint (read_u64 (memory, offset), ==, expected_over (offset));
      g_assert_true (vmm_page_set_contains (vmm_memory_get_overlaid (memory), offset / VMM_PAGE_SIZE) ==
                     (expected_over (offset) != 1));
      write_u64 (memory, offset, 9);
    }
  g_assert_cmpuint (read_file_u64 (base, 0), ==, 1);
  g_assert_cmpuint (read_file_u64 (first, 4 * MIB), ==, 2);
  g_assert_cmpuint (read_file_u64 (second, 5 * MIB), ==, 3);
}

static void
test_flip_leaves_overlays_behind (void)
{
  VMM_AUTO_FD int base = new_marked_file (1);
  VMM_AUTO_FD int first = new_marked_file (2);
  VMM_AUTO_FD int second = new_marked_file (3);
  VMM_AUTO_FD int next = new_marked_file (4);
  g_autoptr (VmmMemory) memory = new_overlaid_memory (base, first, second);

  write_u64 (memory, 4 * MIB, 9);
  flip (memory, next);
  g_assert_null (vmm_memory_get_overlaid (memory));
  for (guint64 offset = 0; offset < 16 * MIB; offset += VMM_PAGE_SIZE)
    g_assert_cmpuint (read_u64 (memory, offset), ==, 4);
}

/* a descriptor that cannot be mapped */
static void
test_failed_overlay_changes_nothing (void)
{
  VMM_AUTO_FD int base = new_marked_file (1);
  VMM_AUTO_FD int directory = open ("/", O_RDONLY | O_CLOEXEC);
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (GError) error = NULL;

  memory = vmm_memory_new_private (base, 16 * MIB, &error);
  g_assert_no_error (error);
  g_assert_false (vmm_memory_overlay (memory, MIB, directory, MIB, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_null (vmm_memory_get_overlaid (memory));
  g_assert_cmpuint (read_u64 (memory, MIB), ==, 1);
}

static void
test_gives_file_away (void)
{
  g_autofree char *directory = g_dir_make_tmp ("test-memory-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "ram", NULL);
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (GError) error = NULL;

  config->memory_size = 16 * MIB;
  config->memory_file = g_strdup (path);
  memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
  vmm_memory_give_file_away (memory);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/memory/every-backing-keeps-bytes", test_every_backing_keeps_bytes);
  g_test_add_func ("/vmm/memory/jumps-over-hole", test_jumps_over_hole);
  g_test_add_func ("/vmm/memory/rejects-ranges-outside", test_rejects_ranges_outside);
  g_test_add_func ("/vmm/memory/fills-from-file-and-zeroes", test_fills_from_file_and_zeroes);
  g_test_add_func ("/vmm/memory/flip-parts-guest-from-file", test_flip_parts_guest_from_file);
  g_test_add_func ("/vmm/memory/flip-again-onto-other-file", test_flip_again_onto_other_file);
  g_test_add_func ("/vmm/memory/blank/shows-a-file", test_blank_shows_a_file);
  g_test_add_func ("/vmm/memory/blank/shows-nothing-else", test_blank_shows_nothing_else);
  g_test_add_func ("/vmm/memory/overlays-show-their-files", test_overlays_show_their_files);
  g_test_add_func ("/vmm/memory/flip-leaves-overlays-behind", test_flip_leaves_overlays_behind);
  g_test_add_func ("/vmm/memory/failed-overlay-changes-nothing", test_failed_overlay_changes_nothing);
  g_test_add_func ("/vmm/memory/private-leaves-file-alone", test_private_leaves_file_alone);
  g_test_add_func ("/vmm/memory/gives-file-away", test_gives_file_away);
  return g_test_run ();
}
