/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mappings without a name come and go with malloc() and with the stacks of threads. Any of ours is guest RAM, or a
 * place for it, and is known by where it begins, and by its size: one in sixteen of malloc()'s heaps begins on such a
 * boundary, too. So does the heap of AddressSanitizer, in a part of the address space that neither we nor the kernel
 * choose for RAM.
 */

#include "config.h"
#include "tests/faults/resources.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#include "vmm/memory-place.h"
#include "vmm/vmm.h"

#define PATIENCE_USEC (10 * G_USEC_PER_SEC)

#define SANITIZER_HEAP_START 0x500000000000ull
#define SANITIZER_HEAP_END 0x640000000000ull

#ifdef __SANITIZE_THREAD__
#define MAPS_LIKE_RAM TRUE /* the sanitizer, itself */
#else
#define MAPS_LIKE_RAM FALSE
#endif

static gboolean
may_be_ram (guint64 start, guint64 end)
{
  return !MAPS_LIKE_RAM && start % VMM_MEMORY_PLACE_ALIGNMENT == 0 && end - start >= VMM_MEMORY_SIZE_MIN &&
         (start < SANITIZER_HEAP_START || start >= SANITIZER_HEAP_END);
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
count_mappings (Resources *resources)
{
  g_autofree char *content = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &content, NULL, NULL));
  lines = g_strsplit (content, "\n", -1);
  for (char **line = lines; **line != '\0'; line++)
    {
      guint64 start, end;

      g_assert_cmpint (sscanf (*line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", &start, &end), ==, 2);
      if (strstr (*line, " /") != NULL || strstr (*line, "anon_inode:") != NULL || may_be_ram (start, end))
        resources->n_mappings++;
    }
}

Resources
resources_count (void)
{
  Resources resources = {
    .n_fds = count_entries ("/proc/self/fd"),
    .n_threads = count_entries ("/proc/self/task"),
  };

  count_mappings (&resources);
  return resources;
}

static void
tell_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *id;

  while ((id = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", id, "comm", NULL);
      g_autofree char *name = NULL;

      if (g_file_get_contents (path, &name, NULL, NULL))
        g_test_message ("thread %s: %s", id, g_strchomp (name));
    }
}

void
resources_assert_not_grown (const Resources *before)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_USEC;
  Resources now = resources_count ();

  /* a thread that was joined is in the list for a moment more */
  while (now.n_threads > before->n_threads && g_get_monotonic_time () < deadline)
    {
      g_usleep (1000);
      now = resources_count ();
    }
  if (now.n_threads > before->n_threads)
    tell_threads ();
  g_assert_cmpuint (now.n_fds, <=, before->n_fds);
  g_assert_cmpuint (now.n_threads, <=, before->n_threads);
  g_assert_cmpuint (now.n_mappings, <=, before->n_mappings);
}
