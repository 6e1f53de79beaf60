/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/memory-file.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/fd.h"

#define SIZE VMM_MEMORY_SIZE_MIN

typedef struct
{
  char *directory;
  char *path;
  VmmConfig *config;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("test-memory-file-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "ram", NULL);
  fixture->config = vmm_config_new ();
  fixture->config->memory_size = SIZE;
  fixture->config->memory_file = g_strdup (fixture->path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (g_remove (fixture->path) != 0)
    g_unlink (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  vmm_config_free (fixture->config);
  g_free (fixture->path);
  g_free (fixture->directory);
}

static void
assert_refused (Fixture *fixture, VmmError code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (vmm_memory_file_open (fixture->config, &error), ==, -1);
  g_assert_error (error, VMM_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, fixture->path));
  g_assert_nonnull (strstr (error->message, word));
}

static void
test_creates_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = vmm_memory_file_open (fixture->config, &error);
  struct stat st;

  g_assert_no_error (error);
  g_assert_cmpint (stat (fixture->path, &st), ==, 0);
  g_assert_cmpuint (st.st_size, ==, SIZE);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
}

static void
test_keeps_content_of_right_size (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *content = g_strnfill (SIZE, 'x');
  VMM_AUTO_FD int fd = -1;
  char byte = 0;

  g_assert_true (g_file_set_contents (fixture->path, content, SIZE, NULL));
  fd = vmm_memory_file_open (fixture->config, &error);
  g_assert_no_error (error);
  g_assert_cmpint (pread (fd, &byte, 1, SIZE - 1), ==, 1);
  g_assert_cmpint (byte, ==, 'x');
}

static void
test_refuses_other_size (Fixture *fixture, gconstpointer data)
{
  struct stat st;

  g_assert_true (g_file_set_contents (fixture->path, "123", 3, NULL));
  assert_refused (fixture, VMM_ERROR_INVALID_MEMORY_FILE, "has 3 bytes");
  g_assert_cmpint (stat (fixture->path, &st), ==, 0);
  g_assert_cmpint (st.st_size, ==, 3);
}

static void
test_refuses_directory (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  assert_refused (fixture, VMM_ERROR_INVALID_MEMORY_FILE, "directory");
}

static void
test_refuses_symlink_loop (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (symlink (fixture->path, fixture->path), ==, 0);
  assert_refused (fixture, VMM_ERROR_INVALID_MEMORY_FILE, "symbolic link");
}

static void
test_refuses_fifo (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_refused (fixture, VMM_ERROR_INVALID_MEMORY_FILE, "not a regular file");
}

static void
test_refuses_read_only (Fixture *fixture, gconstpointer data)
{
  g_assert_true (g_file_set_contents (fixture->path, "", 0, NULL));
  g_assert_cmpint (g_chmod (fixture->path, 0440), ==, 0);
  /* root is let in by the kernel and told so by us; anybody else is refused by the kernel */
  assert_refused (fixture, VMM_ERROR_INVALID_MEMORY_FILE, geteuid () == 0 ? "read-only" : "ermission");
}

static void
test_refuses_in_use (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = vmm_memory_file_open (fixture->config, NULL);

  g_assert_cmpint (fd, >=, 0);
  assert_refused (fixture, VMM_ERROR_MEMORY_FILE_IN_USE, "in use");
}

static void
test_refuses_second_link (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_strconcat (fixture->path, ".link", NULL);

  g_assert_true (g_file_set_contents (fixture->path, "", 0, NULL));
  g_assert_cmpint (link (fixture->path, other), ==, 0);
  assert_refused (fixture, VMM_ERROR_MEMORY_FILE_IN_USE, "2 links");
  g_assert_cmpint (g_unlink (other), ==, 0);
}

static void
test_nameless_has_no_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = -1;
  struct stat st;

  g_clear_pointer (&fixture->config->memory_file, g_free);
  fixture->config->memory_directory = g_strdup (fixture->directory);
  fd = vmm_memory_file_open (fixture->config, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  g_assert_cmpuint (st.st_nlink, ==, 0);
  g_assert_cmpuint (st.st_size, ==, SIZE);
}

static void
test_room (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_memory_file_check_room (fixture->config, &error));
  g_assert_no_error (error);

  fixture->config->memory_size = 1ull << 45; /* no test machine has 32 TiB free */
  g_assert_false (vmm_memory_file_check_room (fixture->config, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SPACE);
  g_clear_error (&error);

  fixture->config->memory_backing = VMM_MEMORY_BACKING_MEMFD;
  g_clear_pointer (&fixture->config->memory_file, g_free);
  g_assert_false (vmm_memory_file_check_room (fixture->config, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_MEMORY_SIZE);
}

static void
test_removes_only_own_name (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = vmm_memory_file_open (fixture->config, NULL);

  g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  g_assert_true (g_file_set_contents (fixture->path, "other", 5, NULL));
  vmm_memory_file_remove_name (fd, fixture->path);
  g_assert_true (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
}

#define ADD(name, func) g_test_add ("/vmm/memory-file/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("creates-missing", test_creates_missing);
  ADD ("keeps-content-of-right-size", test_keeps_content_of_right_size);
  ADD ("refuses-other-size", test_refuses_other_size);
  ADD ("refuses-directory", test_refuses_directory);
  ADD ("refuses-symlink-loop", test_refuses_symlink_loop);
  ADD ("refuses-fifo", test_refuses_fifo);
  ADD ("refuses-read-only", test_refuses_read_only);
  ADD ("refuses-in-use", test_refuses_in_use);
  ADD ("refuses-second-link", test_refuses_second_link);
  ADD ("nameless-has-no-name", test_nameless_has_no_name);
  ADD ("room", test_room);
  ADD ("removes-only-own-name", test_removes_only_own_name);
  return g_test_run ();
}
