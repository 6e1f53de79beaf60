/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hang in the lab is an hour away from the next one: it has to tell all there is to know when it is seen. */

#include "config.h"
#include "tests/lab/stall.h"

#include <stdio.h>

static guint steps; /* (atomic) */

static void
tell_thread (const char *id)
{
  static const char *const files[] = { "comm", "syscall", "stack", "status" };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", id, files[i], NULL);
      g_autofree char *text = NULL;

      if (g_file_get_contents (path, &text, NULL, NULL))
        printf ("thread %s, %s:\n%s\n", id, files[i], g_strchomp (text));
    }
}

static gpointer
watch (gpointer data)
{
  guint seconds = GPOINTER_TO_UINT (data);

  for (;;)
    {
      guint before = (guint) g_atomic_int_get (&steps);
      g_autoptr (GDir) dir = NULL;
      const char *id;

      g_usleep ((gulong) seconds * G_USEC_PER_SEC);
      if ((guint) g_atomic_int_get (&steps) != before)
        continue;
      printf ("no step for %u s:\n", seconds);
      dir = g_dir_open ("/proc/self/task", 0, NULL);
      while (dir != NULL && (id = g_dir_read_name (dir)) != NULL)
        tell_thread (id);
      fflush (stdout);
    }
  return NULL;
}

void
stall_watch (guint seconds)
{
  g_thread_unref (g_thread_new ("stall", watch, GUINT_TO_POINTER (seconds)));
}

void
stall_moved (void)
{
  g_atomic_int_inc (&steps);
}
