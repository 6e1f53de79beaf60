/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/boot-file.h"

#include "tests/vmm/kernel-image.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

typedef struct
{
  char *directory;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("openvmm-boot-file-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
  fixture->path = g_build_filename (fixture->directory, "file", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->path);
  g_free (fixture->directory);
}

static void
assert_rejected (const char *path, VmmError code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vmm_boot_file_open ("initrd", path, VMM_ERROR_INVALID_INITRD, &error));
  g_assert_error (error, VMM_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, "initrd '"));
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_opens_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmBootFile) file = NULL;
  g_autoptr (GError) error = NULL;
  char content[4];

  g_assert_true (g_file_set_contents (fixture->path, "abcdef", 6, NULL));
  file = vmm_boot_file_open ("initrd", fixture->path, VMM_ERROR_INVALID_INITRD, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (file->size, ==, 6);
  g_assert_true (vmm_boot_file_read (file, "tail", 2, content, sizeof content, &error));
  g_assert_cmpmem (content, sizeof content, "cdef", 4);
}

static void
test_rejects_missing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *below = NULL;

  assert_rejected (fixture->path, VMM_ERROR_NO_SUCH_FILE, "No such file");
  g_assert_true (g_file_set_contents (fixture->path, "x", 1, NULL));
  below = g_build_filename (fixture->path, "below", NULL);
  assert_rejected (below, VMM_ERROR_NO_SUCH_FILE, "Not a directory");
}

static void
test_rejects_what_is_not_a_file (Fixture *fixture, gconstpointer data)
{
  assert_rejected (fixture->directory, VMM_ERROR_INVALID_INITRD, "is a directory");
  assert_rejected ("/dev/null", VMM_ERROR_INVALID_INITRD, "is a device node");
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_rejected (fixture->path, VMM_ERROR_INVALID_INITRD, "is a named pipe");
}

static void
test_rejects_symlink_loop (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (symlink ("file", fixture->path), ==, 0);
  assert_rejected (fixture->path, VMM_ERROR_INVALID_INITRD, g_strerror (ELOOP));
}

static void
test_rejects_empty (Fixture *fixture, gconstpointer data)
{
  g_assert_true (g_file_set_contents (fixture->path, "", 0, NULL));
  assert_rejected (fixture->path, VMM_ERROR_INVALID_INITRD, "is empty");
}

static void
test_contains_does_not_overflow (Fixture *fixture, gconstpointer data)
{
  const VmmBootFile file = { .size = 100 };

  g_assert_true (vmm_boot_file_contains (&file, 0, 100));
  g_assert_true (vmm_boot_file_contains (&file, 100, 0));
  g_assert_false (vmm_boot_file_contains (&file, 1, 100));
  g_assert_false (vmm_boot_file_contains (&file, 101, 0));
  g_assert_false (vmm_boot_file_contains (&file, G_MAXUINT64, 2));
  g_assert_false (vmm_boot_file_contains (&file, 2, G_MAXUINT64 - 1));
}

static void
test_read_rejects_range_outside_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new (100);
  g_autoptr (VmmBootFile) file = kernel_image_open (bytes);
  g_autoptr (GError) error = NULL;
  guint8 content[8];

  g_assert_false (vmm_boot_file_read (file, "trailer", 93, content, sizeof content, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_KERNEL);
  g_assert_nonnull (strstr (error->message, "has 100 bytes, but its trailer takes 8 bytes at offset 93"));
}

static void
test_read_notices_file_that_shrank (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new (100);
  g_autoptr (VmmBootFile) file = kernel_image_open (bytes);
  g_autoptr (GError) error = NULL;
  guint8 content[8];

  g_assert_cmpint (ftruncate (file->fd, 96), ==, 0);
  g_assert_false (vmm_boot_file_read (file, "trailer", 92, content, sizeof content, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "has become shorter"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/vmm/boot-file/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("opens-file", test_opens_file);
  ADD ("rejects-missing", test_rejects_missing);
  ADD ("rejects-what-is-not-a-file", test_rejects_what_is_not_a_file);
  ADD ("rejects-symlink-loop", test_rejects_symlink_loop);
  ADD ("rejects-empty", test_rejects_empty);
  ADD ("contains-does-not-overflow", test_contains_does_not_overflow);
  ADD ("read-rejects-range-outside-file", test_read_rejects_range_outside_file);
  ADD ("read-notices-file-that-shrank", test_read_notices_file_that_shrank);
#undef ADD
  return g_test_run ();
}
