/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/bench.h"

#include <glib/gstdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

void
bench_die (const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_printerr ("snapshot: %s\n", text);
  exit (EXIT_FAILURE);
}

void
bench_check (const GError *error, const char *what)
{
  if (error != NULL)
    bench_die ("%s: %s", what, error->message);
}

double
bench_now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

void
bench_remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      bench_remove_tree (child);
    }
  g_remove (path);
}

char *
bench_guest_path (const Bench *bench, const char *guest)
{
  g_autofree char *file = g_strconcat (guest, ".elf", NULL);

  return g_build_filename (bench->guests, file, NULL);
}

char *
bench_path (const Bench *bench, const char *name)
{
  return g_build_filename (bench->directory, name, NULL);
}

Bench
bench_for_size (const Bench *bench, guint mib)
{
  Bench sized = *bench;

  if (mib >= 4096)
    sized.directory = bench->big_directory;
  return sized;
}
