/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/heap.h"

#include <malloc.h>
#include <stdio.h>

#include "tests/src/model.h"

#define PIECES 20000u
#define PIECE_SIZE 1000u
#define KIB 1024u

static guint
read_anonymous_kib (void)
{
  g_autofree char *content = NULL;
  guint kib;

  g_assert_true (g_file_get_contents ("/proc/self/status", &content, NULL, NULL));
  g_assert_cmpint (sscanf (strstr (content, "RssAnon:"), "RssAnon: %u", &kib), ==, 1);
  return kib;
}

static gpointer
grow_heap (gpointer unused)
{
  gpointer piece = malloc (PIECE_SIZE);

  memset (piece, 1, PIECE_SIZE);
  return piece;
}

/* a thread's pieces come out of the one heap, which brk() ends */
static void
test_threads_share_it (void)
{
  gpointer ours = malloc (PIECE_SIZE);
  g_autoptr (GThread) thread = g_thread_new ("other", grow_heap, NULL);
  gpointer theirs = g_thread_join (g_steal_pointer (&thread));
  guintptr distance = MAX ((guintptr) ours, (guintptr) theirs) - MIN ((guintptr) ours, (guintptr) theirs);

  g_assert_cmpuint (distance, <, 64 * 1024 * KIB);
  free (ours);
  free (theirs);
}

/* pieces that others lie between are given back when a VM was removed */
static void
test_gives_back (void)
{
  g_auto (Model) model;
  gpointer *pieces = g_new0 (gpointer, PIECES);
  gpointer last;
  OvmVm *vm;
  guint before;

  model_init (&model);
  ovm_heap_watch (model.manager);
  vm = model_create (&model, "vm", NULL);
  for (guint i = 0; i < PIECES; i++)
    pieces[i] = grow_heap (NULL);
  last = grow_heap (NULL); /* the end of the heap cannot go */
  for (guint i = 0; i < PIECES; i++)
    free (pieces[i]);
  before = read_anonymous_kib ();
  model_do (&model, vm, OVM_OPERATION_DELETE);
  model_wait_until (read_anonymous_kib () + PIECES * PIECE_SIZE / KIB / 2 < before);
  free (last);
  g_free (pieces);
}

int
main (int argc, char **argv)
{
  ovm_heap_settle ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/heap/threads-share-it", test_threads_share_it);
  g_test_add_func ("/src/heap/gives-back", test_gives_back);
  return g_test_run ();
}
