/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot-directory.h"

#include "tests/vmm/scratch.h"
#include "vmm/fd.h"
#include "vmm/vmm.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "file"
#define CONTENT "twelve bytes"
#define SIZE 12u

typedef struct
{
  char *scratch;
  char *path;
  VmmSnapshotDirectory directory;
} Fixture;

static char *
get_file (Fixture *fixture)
{
  return g_build_filename (fixture->path, NAME, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = NULL;

  fixture->scratch = scratch_new (NULL);
  fixture->path = g_build_filename (fixture->scratch, "directory", NULL);
  file = get_file (fixture);
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, CONTENT, SIZE, NULL));
  vmm_snapshot_directory_init (&fixture->directory, NULL, fixture->path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_snapshot_directory_clear (&fixture->directory);
  g_free (fixture->path);
  scratch_free (fixture->scratch);
}

/* the directory, and its file */
static int
open_both (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  guint64 size = 0;
  int fd;

  g_assert_true (vmm_snapshot_directory_open (&fixture->directory, &error));
  g_assert_no_error (error);
  fd = vmm_snapshot_directory_open_file (&fixture->directory, NAME, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpuint (size, ==, SIZE);
  return fd;
}

static void
test_reads_a_file (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = open_both (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = vmm_snapshot_directory_read_file (&fixture->directory, fd, NAME, SIZE, &error);
  struct stat st;

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), CONTENT, SIZE);
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  g_assert_cmpuint (fixture->directory.size_on_disk, ==, (guint64) st.st_blocks * 512);
}

static void
assert_not_of_size (Fixture *fixture, int fd, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = g_strdup_printf ("expected %zu", size);

  g_assert_null (vmm_snapshot_directory_read_file (&fixture->directory, fd, NAME, size, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, expected));
}

static void
test_sees_that_a_file_shrank_or_grew (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = open_both (fixture);

  assert_not_of_size (fixture, fd, SIZE + 1);
  assert_not_of_size (fixture, fd, SIZE - 1);
}

static void
test_stays_with_what_it_opened (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = open_both (fixture);
  g_autofree char *elsewhere = g_build_filename (fixture->scratch, "elsewhere", NULL);

  g_assert_true (vmm_snapshot_directory_has_name (&fixture->directory));
  g_assert_true (vmm_snapshot_directory_is_current (&fixture->directory));
  g_assert_cmpint (g_rename (fixture->path, elsewhere), ==, 0);
  g_assert_false (vmm_snapshot_directory_has_name (&fixture->directory));
  g_assert_false (vmm_snapshot_directory_is_current (&fixture->directory));
  g_assert_true (vmm_snapshot_directory_has_file (&fixture->directory, NAME));
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  g_assert_false (vmm_snapshot_directory_has_name (&fixture->directory));
}

static void
test_knows_a_file_that_was_replaced (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = open_both (fixture);
  g_autofree char *file = get_file (fixture);

  g_assert_true (g_file_set_contents (file, CONTENT, SIZE, NULL));
  g_assert_true (vmm_snapshot_directory_has_name (&fixture->directory));
  g_assert_false (vmm_snapshot_directory_is_current (&fixture->directory));
}

static void
test_tells_what_is_there (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = open_both (fixture);
  g_autofree char *link = g_build_filename (fixture->path, "link", NULL);

  g_assert_cmpint (symlink ("nowhere", link), ==, 0);
  g_assert_true (vmm_snapshot_directory_has_file (&fixture->directory, NAME));
  g_assert_true (vmm_snapshot_directory_has_file (&fixture->directory, "link"));
  g_assert_false (vmm_snapshot_directory_has_file (&fixture->directory, "other"));
}

static void
assert_file_refused (Fixture *fixture, const char *name, VmmError code)
{
  g_autoptr (GError) error = NULL;
  guint64 size;

  g_assert_cmpint (vmm_snapshot_directory_open_file (&fixture->directory, name, &size, &error), ==, -1);
  g_assert_error (error, VMM_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_nonnull (strstr (error->message, fixture->path));
}

static void
test_refuses_what_is_no_regular_file (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = open_both (fixture);
  g_autofree char *link = g_build_filename (fixture->path, "link", NULL);
  g_autofree char *fifo = g_build_filename (fixture->path, "fifo", NULL);
  g_autofree char *below = g_build_filename (fixture->path, "below", NULL);

  g_assert_cmpint (symlink (NAME, link), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (g_mkdir (below, 0700), ==, 0);
  assert_file_refused (fixture, "link", VMM_ERROR_CORRUPT);
  assert_file_refused (fixture, "fifo", VMM_ERROR_CORRUPT);
  assert_file_refused (fixture, "below", VMM_ERROR_CORRUPT);
  assert_file_refused (fixture, "other", VMM_ERROR_NO_SUCH_SNAPSHOT);
  /* none of them counts */
  g_assert_cmpuint (fixture->directory.n_files, ==, 1);
}

static void
assert_refused (const char *path)
{
  g_autoptr (GError) error = NULL;
  VmmSnapshotDirectory directory;

  vmm_snapshot_directory_init (&directory, NULL, path);
  g_assert_false (vmm_snapshot_directory_open (&directory, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT);
  g_assert_nonnull (strstr (error->message, path));
  vmm_snapshot_directory_clear (&directory);
}

static void
test_refuses_what_is_no_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = get_file (fixture);
  g_autofree char *link = g_build_filename (fixture->scratch, "link", NULL);
  g_autofree char *missing = g_build_filename (fixture->scratch, "missing", NULL);

  g_assert_cmpint (symlink (fixture->path, link), ==, 0);
  assert_refused (file);
  assert_refused (link);
  assert_refused (missing);
  assert_refused ("directory");
}

#define ADD(name, function)                                                                                  \
  g_test_add ("/vmm/snapshot-directory/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("reads-a-file", test_reads_a_file);
  ADD ("sees-that-a-file-shrank-or-grew", test_sees_that_a_file_shrank_or_grew);
  ADD ("stays-with-what-it-opened", test_stays_with_what_it_opened);
  ADD ("knows-a-file-that-was-replaced", test_knows_a_file_that_was_replaced);
  ADD ("tells-what-is-there", test_tells_what_is_there);
  ADD ("refuses-what-is-no-regular-file", test_refuses_what_is_no_regular_file);
  ADD ("refuses-what-is-no-directory", test_refuses_what_is_no_directory);
  return g_test_run ();
}
