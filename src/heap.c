/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whatever is mapped, protected otherwise or unmapped in a process, the kernel tells each VM in it, which with a
 * thousand of them takes a third of a millisecond. One heap that grows by brk() in large steps does without; heaps for
 * threads are grown by mprotect(), a page at a time, and were 13 % of the processors' time while a thousand clones were
 * made.
 *
 * What a thousand VMs leave behind lies between what others hold, so it does not go by itself.
 */

#include "config.h"
#include "src/heap.h"

#include <malloc.h>

/* bytes */
#define GROWTH (1024 * 1024)
#define SPARE_MAX (8 * 1024 * 1024) /* at the end of the heap, for the next VM when one is gone */
#define PIECE_MAX (4 * 1024 * 1024) /* a larger one is mapped */

void
ovm_heap_settle (void)
{
  (void) mallopt (M_ARENA_MAX, 1);
  (void) mallopt (M_TOP_PAD, GROWTH);
  (void) mallopt (M_TRIM_THRESHOLD, SPARE_MAX);
  (void) mallopt (M_MMAP_THRESHOLD, PIECE_MAX);
}

typedef struct
{
  OvmManager *manager; /* owns the list that owns this */
  guint quiet_id;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  g_clear_handle_id (&watch->quiet_id, g_source_remove);
  g_free (watch);
}

static gboolean
run_trim (gpointer unused, const OvmDriverTask *task, GError **error)
{
  (void) malloc_trim (0); /* tells whether there was anything to give back */
  return TRUE;
}

static void
on_trimmed (gpointer unused, const GError *error)
{
}

static gboolean
on_quiet (gpointer user_data)
{
  Watch *watch = user_data;

  watch->quiet_id = 0;
  ovm_worker_run (ovm_job_list_get_worker (ovm_manager_get_jobs (watch->manager)),
                  NULL,
                  run_trim,
                  on_trimmed,
                  NULL);
  return G_SOURCE_REMOVE;
}

static void
on_vm_removed (OvmVmList *vms, OvmVm *vm, Watch *watch)
{
  g_clear_handle_id (&watch->quiet_id, g_source_remove);
  watch->quiet_id = g_timeout_add_seconds (OVM_HEAP_QUIET_SEC, on_quiet, watch);
}

void
ovm_heap_watch (OvmManager *manager)
{
  OvmVmList *vms = ovm_manager_get_vms (manager);
  Watch *watch = g_new0 (Watch, 1);

  watch->manager = manager;
  g_signal_connect (vms, "removed", G_CALLBACK (on_vm_removed), watch);
  g_object_set_data_full (G_OBJECT (vms), "heap-watch", watch, watch_free);
}
