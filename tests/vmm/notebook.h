/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* notebook.h: the tiny guest that takes down what it is told, and answers for it, at the other end of its console */

#pragma once

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>

#define NOTEBOOK_PAGES 64u
#define NOTEBOOK_PATIENCE_MSEC 60000

/** Notebook: what the guest should know. */
typedef struct
{
  guint n;
  guint8 pages[NOTEBOOK_PAGES];
} Notebook;

static inline guint32
notebook_sum (const Notebook *notebook)
{
  guint32 sum = 0;

  for (guint i = 0; i < NOTEBOOK_PAGES; i++)
    sum = sum * 33 + notebook->pages[i];
  return sum;
}

/** notebook_tell: the guest at @console, a socket, is told @byte, not 0. */
static inline void
notebook_tell (Notebook *notebook, int console, guint8 byte)
{
  g_assert_cmpint (write (console, &byte, 1), ==, 1);
  notebook->pages[notebook->n++ % NOTEBOOK_PAGES] = byte;
}

/** notebook_assert_known: the guest at @console has all pages as @notebook has them. */
static inline void
notebook_assert_known (const Notebook *notebook, int console)
{
  guint8 answer[4];
  gsize n = 0;

  g_assert_cmpint (write (console, "", 1), ==, 1);
  while (n < sizeof answer)
    {
      struct pollfd pollfd = { .fd = console, .events = POLLIN };
      gssize length;

      g_assert_cmpint (poll (&pollfd, 1, NOTEBOOK_PATIENCE_MSEC), ==, 1);
      length = read (console, answer + n, sizeof answer - n);
      g_assert_cmpint (length, >, 0);
      n += (gsize) length;
    }
  g_assert_cmpuint (answer[0] | answer[1] << 8 | answer[2] << 16 | (guint32) answer[3] << 24,
                    ==,
                    notebook_sum (notebook));
}
