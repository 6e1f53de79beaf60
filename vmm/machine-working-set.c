/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a guest uses in its first seconds is what our page tables hold then: at a restore they hold next to nothing. The
 * kernel maps neighbours along with a page that is read and in the page cache, so a record is somewhat more than what
 * was used, and in the neighbourhood of it.
 *
 * A thread waits for the moment, looks, and writes. It reads nothing but our page tables and the descriptor of RAM, and
 * takes no lock of the machine: whoever has the lock, and is about to do something to RAM, first ends the thread and
 * waits for it, which never takes long.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/pagemap.h"
#include "vmm/snapshot.h"
#include "vmm/working-set.h"

#define RECORD_AFTER_USEC (2 * G_USEC_PER_SEC)

struct _VmmRecorder
{
  VmmMemory *memory;
  char *path;
  VmmWorkingSetKey key;
  char *uuid;            /* of key */
  VmmPageSet *before;    /* pages that were private before the guest ran; NULL for none worth a look */
  GThread *thread;       /* NULL until the guest runs */
  GCancellable *stopped; /* set with the lock held */
  GMutex lock;
  GCond cond;
};

static void
recorder_free (VmmRecorder *recorder)
{
  g_mutex_lock (&recorder->lock);
  g_cancellable_cancel (recorder->stopped);
  g_cond_signal (&recorder->cond);
  g_mutex_unlock (&recorder->lock);
  if (recorder->thread != NULL)
    g_thread_join (recorder->thread);

  g_bytes_unref (recorder->key.manifest_sha256);
  g_free (recorder->uuid);
  g_free (recorder->path);
  vmm_page_set_free (recorder->before);
  g_object_unref (recorder->stopped);
  g_mutex_clear (&recorder->lock);
  g_cond_clear (&recorder->cond);
  g_free (recorder);
}

/* not so if the guest was stopped before */
static gboolean
wait_for_moment (VmmRecorder *recorder)
{
  gint64 deadline = g_get_monotonic_time () + RECORD_AFTER_USEC;
  gboolean stopped;

  g_mutex_lock (&recorder->lock);
  while (!g_cancellable_is_cancelled (recorder->stopped) &&
         g_cond_wait_until (&recorder->cond, &recorder->lock, deadline))
    ;
  stopped = g_cancellable_is_cancelled (recorder->stopped);
  g_mutex_unlock (&recorder->lock);
  return !stopped;
}

/* another clone may have been quicker, and a snapshot that was deleted has no use for a record */
static gboolean
is_wanted (const VmmRecorder *recorder)
{
  g_autoptr (VmmPageSet) present = vmm_working_set_read (NULL, recorder->path, &recorder->key, NULL);
  struct stat st;

  return present == NULL &&
         vmm_file_ops_stat (NULL, vmm_memory_get_fd (recorder->memory), VMM_SNAPSHOT_MEMORY, &st) == 0 &&
         st.st_nlink > 0;
}

static gboolean
write_record (const VmmRecorder *recorder, GError **error)
{
  g_autoptr (VmmPageSet) pages = vmm_page_set_new (recorder->key.memory_size);

  if (!vmm_memory_find_populated (recorder->memory, pages, recorder->stopped, error))
    return FALSE;
  if (recorder->before != NULL)
    vmm_page_set_remove_all (pages, recorder->before);
  return vmm_working_set_write (NULL, recorder->path, &recorder->key, pages, error);
}

static gpointer
record (gpointer data)
{
  const VmmRecorder *recorder = data;
  g_autoptr (GError) error = NULL;

  if (wait_for_moment (data) && is_wanted (recorder) && !write_record (recorder, &error))
    g_debug ("the working set is not recorded: %s", error->message);
  return NULL;
}

void
vmm_machine_start_recording (VmmMachine *machine)
{
  VmmRecorder *recorder = machine->recorder;

  if (recorder == NULL || recorder->thread != NULL)
    return;
  recorder->thread = g_thread_try_new ("working-set", record, recorder, NULL);
  if (recorder->thread == NULL)
    vmm_machine_forget_recording (machine);
}

void
vmm_machine_stop_recording (VmmMachine *machine)
{
  if (machine->recorder != NULL && machine->recorder->thread != NULL)
    vmm_machine_forget_recording (machine);
}

void
vmm_machine_forget_recording (VmmMachine *machine)
{
  g_clear_pointer (&machine->recorder, recorder_free);
}

static VmmWorkingSetKey
get_key (VmmMachine *machine)
{
  return (VmmWorkingSetKey){
    .uuid = machine->origin_uuid,
    .manifest_sha256 = machine->origin_sha256,
    .memory_size = vmm_memory_get_size (machine->memory),
  };
}

/* what a restore has read of a chain is private, and is read by each restore anyway */
static VmmPageSet *
find_before (VmmMachine *machine)
{
  g_autoptr (VmmPageSet) before = NULL;

  if (machine->changed == NULL)
    return NULL;
  before = vmm_page_set_new (vmm_memory_get_size (machine->memory));
  if (!vmm_pagemap_find (machine->memory, VMM_PAGEMAP_PRIVATE, before, NULL, NULL))
    return NULL; /* then too much is recorded, which is harmless */
  return g_steal_pointer (&before);
}

static void
expect_run (VmmMachine *machine, const char *path)
{
  VmmRecorder *recorder = g_new0 (VmmRecorder, 1);

  recorder->memory = machine->memory;
  recorder->path = g_strdup (path);
  recorder->key = get_key (machine);
  recorder->key.uuid = recorder->uuid = g_strdup (machine->origin_uuid);
  g_bytes_ref (recorder->key.manifest_sha256);
  recorder->before = find_before (machine);
  recorder->stopped = g_cancellable_new ();
  g_mutex_init (&recorder->lock);
  g_cond_init (&recorder->cond);
  machine->recorder = recorder;
}

static gboolean
use_locked (VmmMachine *machine,
            const char *path,
            VmmProgressFunc progress,
            gpointer progress_data,
            GCancellable *cancellable,
            GError **error)
{
  const VmmWorkingSetKey key = get_key (machine);
  g_autoptr (VmmPageSet) pages = NULL;
  g_autoptr (GError) read_error = NULL;

  if (key.uuid == NULL)
    return TRUE;
  pages = vmm_working_set_read (NULL, path, &key, &read_error);
  if (pages != NULL)
    {
      vmm_machine_forget_recording (machine);
      return vmm_memory_populate_set (machine->memory, pages, progress, progress_data, cancellable, error);
    }
  g_debug ("nothing is read in advance: %s", read_error->message);
  if (!machine->has_run && !machine->populated && machine->recorder == NULL)
    expect_run (machine, path);
  return TRUE;
}

gboolean
vmm_machine_use_working_set (VmmMachine *machine,
                             const char *path,
                             VmmProgressFunc progress,
                             gpointer progress_data,
                             GCancellable *cancellable,
                             GError **error)
{
  gboolean ok;

  g_mutex_lock (&machine->lock);
  ok = use_locked (machine, path, progress, progress_data, cancellable, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}

gboolean
vmm_snapshot_write_working_set (VmmSnapshot *snapshot, const char *path, GError **error)
{
  const VmmManifest *manifest = vmm_snapshot_get_manifest (snapshot);
  g_autoptr (GBytes)
      manifest_sha256 = g_bytes_new (manifest->manifest_sha256.data, manifest->manifest_sha256.len);
  g_autoptr (VmmPageSet) none = vmm_page_set_new (manifest->memory_size_bytes);
  const VmmWorkingSetKey key = { manifest->uuid, manifest_sha256, manifest->memory_size_bytes };

  return vmm_working_set_write (NULL, path, &key, none, error);
}
