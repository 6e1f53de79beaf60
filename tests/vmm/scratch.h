/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* scratch.h: a directory for one test, and small things to do with files in it */

#pragma once

#include "vmm/fd.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <gio/gio.h>

/**
 * scratch_new: (transfer full): path of a fresh directory below @parent, or below where tests are built if that
 * is %NULL.
 */
static inline char *
scratch_new (const char *parent)
{
  const char *build_directory = g_getenv ("G_TEST_BUILDDIR");
  char *path = g_strdup_printf ("%s/scratch-XXXXXX",
                                parent != NULL            ? parent
                                : build_directory != NULL ? build_directory
                                                          : g_get_tmp_dir ());

  g_assert_nonnull (g_mkdtemp (path));
  return path;
}

static inline int
scratch_remove_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  return remove (path);
}

/** scratch_free: removes the directory with all that is in it. */
static inline void
scratch_free (char *path)
{
  g_assert_cmpint (nftw (path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
  g_free (path);
}

/** scratch_read: (transfer full): the content of a file. */
static inline GBytes *
scratch_read (const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;
  char *content = NULL;
  gsize length = 0;

  g_file_get_contents (path, &content, &length, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (content, length);
}

/** scratch_write: puts a file with this content in the place of whatever has the name. */
static inline void
scratch_write (const char *directory, const char *name, gconstpointer content, gsize length)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  VMM_AUTO_FD int fd = -1;

  (void) unlink (path);
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, content, length), ==, (gssize) length);
}

static inline int
scratch_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/** scratch_list: (transfer full): names in the directory, "." and ".." left out, sorted, with a space between. */
static inline char *
scratch_list (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, scratch_compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (" ", (char **) names->pdata);
}

/** scratch_assert_list: that scratch_list() gives @expected. */
#define scratch_assert_list(directory, expected)                                                             \
  do                                                                                                         \
    {                                                                                                        \
      g_autofree char *list_ = scratch_list (directory);                                                     \
      g_assert_cmpstr (list_, ==, expected);                                                                 \
    }                                                                                                        \
  while (0)
