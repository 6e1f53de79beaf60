/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/memory.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/fd.h"

#define SIZE (2 * VMM_MEMORY_SIZE_MIN)
#define PAGE 4096u
#define MIB (1024 * 1024ull)
#define PRESENT (1ull << 63)

typedef struct
{
  int fd;
  VmmMemory *memory;
  guint64 progress;
} Fixture;

static void
write_data (int fd, guint64 offset, guint64 length)
{
  g_autofree guint8 *data = g_malloc (length);

  memset (data, 0x5a, length);
  g_assert_cmpint (pwrite (fd, data, length, (off_t) offset), ==, length);
}

/* data, a hole, data, and a hole to the end */
static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  VMM_AUTO_FD int fd = g_file_open_tmp ("test-memory-populate-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  write_data (fd, 0, MIB);
  write_data (fd, 20 * MIB, MIB);
  fixture->memory = vmm_memory_new_private (fd, SIZE, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_memory_free (fixture->memory);
}

static void
on_progress (guint64 done, guint64 total, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_cmpuint (done, >=, fixture->progress);
  g_assert_cmpuint (total, ==, SIZE);
  fixture->progress = done;
}

/* whether the page at @offset is mapped */
static gboolean
is_present (VmmMemory *memory, guint64 offset)
{
  VMM_AUTO_FD int pagemap = open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const guint8 *host;
  guint n_regions;
  guint64 entry;

  host = vmm_memory_get_regions (memory, &n_regions)[0].host + offset;
  g_assert_cmpint (pagemap, >=, 0);
  g_assert_cmpint (pread (pagemap, &entry, sizeof entry, (off_t) ((guintptr) host / PAGE * sizeof entry)),
                   ==,
                   sizeof entry);
  return (entry & PRESENT) != 0;
}

static void
test_maps_data_and_no_holes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (is_present (fixture->memory, 0));
  g_assert_true (vmm_memory_populate (fixture->memory, on_progress, fixture, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (is_present (fixture->memory, 0));
  g_assert_true (is_present (fixture->memory, MIB - PAGE));
  g_assert_true (is_present (fixture->memory, 20 * MIB));
  g_assert_true (is_present (fixture->memory, 21 * MIB - PAGE));
  g_assert_false (is_present (fixture->memory, 10 * MIB));
  g_assert_false (is_present (fixture->memory, SIZE - PAGE));
  g_assert_cmpuint (fixture->progress, ==, SIZE);
}

/* the pages are the file's still, until they are written to */
static void
test_file_stays_as_it_is (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint8 byte = 1;

  g_assert_true (vmm_memory_populate (fixture->memory, NULL, NULL, NULL, &error));
  g_assert_true (vmm_memory_write (fixture->memory, 0, &byte, 1, &error));
  g_assert_no_error (error);
  g_assert_cmpint (pread (vmm_memory_get_fd (fixture->memory), &byte, 1, 0), ==, 1);
  g_assert_cmphex (byte, ==, 0x5a);
}

static void
test_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_memory_populate (fixture->memory, NULL, NULL, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_assert_false (is_present (fixture->memory, 0));
}

/* some of the first part with data: the kernel may map others of it along, up to all */
static VmmPageSet *
some_pages (void)
{
  VmmPageSet *pages = vmm_page_set_new (SIZE);

  vmm_page_set_add (pages, 3);
  vmm_page_set_add (pages, 6); /* near enough for what lies between to be read along */
  vmm_page_set_add (pages, 200);
  return pages;
}

static void
test_maps_a_set (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) pages = some_pages ();
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_memory_populate_set (fixture->memory, pages, on_progress, fixture, NULL, &error));
  g_assert_no_error (error);
  for (guint page = 3; page <= 6; page++)
    g_assert_true (is_present (fixture->memory, page * PAGE));
  g_assert_true (is_present (fixture->memory, 200 * PAGE));
  g_assert_false (is_present (fixture->memory, 10 * MIB));
  g_assert_false (is_present (fixture->memory, 20 * MIB));
  g_assert_cmpuint (fixture->progress, ==, 201 * PAGE);
}

/* what a record says need not fit the file that is there */
static void
test_maps_a_set_past_the_end (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) pages = some_pages ();
  g_autoptr (GError) error = NULL;

  vmm_page_set_add (pages, 20 * MIB / PAGE);
  g_assert_cmpint (ftruncate (vmm_memory_get_fd (fixture->memory), 10 * MIB), ==, 0);
  g_assert_true (vmm_memory_populate_set (fixture->memory, pages, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (is_present (fixture->memory, 200 * PAGE));
  g_assert_false (is_present (fixture->memory, 20 * MIB));
}

static void
test_set_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) pages = some_pages ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_memory_populate_set (fixture->memory, pages, NULL, NULL, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_assert_false (is_present (fixture->memory, 3 * PAGE));
}

static void
test_finds_what_is_populated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) wanted = some_pages ();
  g_autoptr (VmmPageSet) found = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;
  guint8 byte = 1;

  g_assert_true (vmm_memory_find_populated (fixture->memory, found, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (vmm_page_set_count (found), ==, 0);
  g_assert_true (vmm_memory_populate_set (fixture->memory, wanted, NULL, NULL, NULL, &error));
  g_assert_true (vmm_memory_write (fixture->memory, 10 * MIB, &byte, 1, &error)); /* in a hole */
  g_assert_true (vmm_memory_write (fixture->memory, 6 * PAGE, &byte, 1, &error)); /* over data */
  g_assert_true (vmm_memory_find_populated (fixture->memory, found, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (vmm_page_set_contains (found, 10 * MIB / PAGE));
  g_assert_false (vmm_page_set_contains (found, 20 * MIB / PAGE));
  vmm_page_set_remove_all (wanted, found);
  g_assert_cmpuint (vmm_page_set_count (wanted), ==, 0);
}

/* data of another file over a hole */
static void
lay_over (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = memfd_create ("over", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  write_data (fd, 10 * MIB, MIB);
  g_assert_true (vmm_memory_overlay (fixture->memory, 10 * MIB, fd, MIB, &error));
  g_assert_no_error (error);
}

static void
test_maps_overlays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  lay_over (fixture);
  g_assert_true (vmm_memory_populate (fixture->memory, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (is_present (fixture->memory, 0));
  g_assert_true (is_present (fixture->memory, 10 * MIB));
  g_assert_true (is_present (fixture->memory, 11 * MIB - PAGE));
  g_assert_false (is_present (fixture->memory, 12 * MIB));
}

static void
test_set_holds_overlays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmPageSet) wanted = some_pages ();
  g_autoptr (VmmPageSet) found = vmm_page_set_new (SIZE);
  g_autoptr (GError) error = NULL;

  lay_over (fixture);
  vmm_page_set_add (wanted, 10 * MIB / PAGE);
  g_assert_true (vmm_memory_populate_set (fixture->memory, wanted, NULL, NULL, NULL, &error));
  g_assert_true (vmm_memory_find_populated (fixture->memory, found, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_page_set_contains (found, 10 * MIB / PAGE));
  vmm_page_set_remove_all (wanted, found);
  g_assert_cmpuint (vmm_page_set_count (wanted), ==, 0);
}

static void
test_without_a_file (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (VmmPageSet) pages = some_pages ();
  g_autoptr (VmmPageSet) found = vmm_page_set_new (SIZE);

  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  config->memory_size = SIZE;
  memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_memory_populate (memory, NULL, NULL, NULL, &error));
  g_assert_true (vmm_memory_populate_set (memory, pages, NULL, NULL, NULL, &error));
  g_assert_false (is_present (memory, 3 * PAGE));
  g_assert_true (vmm_memory_find_populated (memory, found, NULL, &error));
  g_assert_cmpuint (vmm_page_set_count (found), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function)                                                                                  \
  g_test_add ("/vmm/memory-populate/" name, Fixture, NULL, set_up, function, tear_down)
  add ("maps-data-and-no-holes", test_maps_data_and_no_holes);
  add ("file-stays-as-it-is", test_file_stays_as_it_is);
  add ("can-be-cancelled", test_can_be_cancelled);
  add ("set/maps-it", test_maps_a_set);
  add ("set/past-the-end", test_maps_a_set_past_the_end);
  add ("set/can-be-cancelled", test_set_can_be_cancelled);
  add ("set/finds-what-is-populated", test_finds_what_is_populated);
  add ("overlays", test_maps_overlays);
  add ("set/holds-overlays", test_set_holds_overlays);
#undef add
  g_test_add_func ("/vmm/memory-populate/without-a-file", test_without_a_file);
  return g_test_run ();
}
