/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The freeze does only what must see the guest stand still: save the state, and part the guest from the file that
 * is to be the snapshot's memory. Where RAM still is its file, that is the flip. Where it is not (anonymous RAM,
 * or a private view since an earlier snapshot), RAM is written to a new file, most of it before the freeze in
 * passes over what the running guest has changed meanwhile, and the flip goes on to that one. Everything else
 * comes after the guest runs again.
 *
 * A failure before the flip changes nothing. After it the guest runs on a private view of a file that nobody else
 * has, and the next save writes RAM out.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/fd.h"
#include "vmm/page-writer.h"
#include "vmm/precopy.h"
#include "vmm/snapshot-writer.h"

typedef struct
{
  VmmMachine *machine;
  VmmSnapshotWriter *writer;
  GCancellable *cancellable;
  int memory_fd;       /* where RAM is written to; -1 if the RAM file itself becomes the snapshot's */
  VmmPrecopy *precopy; /* what has written RAM but for the last changes; NULL if the guest did not run */
  VmmSavedState *state;
  VmmKvmCpu cpu;
  guint64 freeze_usec;
} Save;

#define CONSOLE_DRAIN_MS 200u

static gboolean
write_memory (Save *save, GError **error)
{
  if (save->precopy != NULL)
    return vmm_precopy_finish (save->precopy, error);
  return vmm_page_writer_write (save->machine->memory, save->memory_fd, save->cancellable, error);
}

static gboolean
save_standing_still (Save *save, GError **error)
{
  VmmMemory *memory = save->machine->memory;

  if (!vmm_machine_settle_locked (save->machine, error))
    return FALSE;
  /* here, because KVM answers for a VP only while it does not run: a guest that never exits would block us */
  vmm_kvm_describe_cpu (vmm_vp_get_kvm (g_ptr_array_index (save->machine->vps, 0)), &save->cpu);
  save->state = vmm_machine_save_state (save->machine, error);
  if (save->state == NULL)
    return FALSE;
  if (save->memory_fd >= 0 && !write_memory (save, error))
    return FALSE;
  if (!vmm_memory_flip (memory, save->memory_fd, error))
    return FALSE;
  /* what the view shows from now on is no snapshot's before it is published */
  g_clear_pointer (&save->machine->origin_uuid, g_free);
  return TRUE;
}

static gboolean
freeze (Save *save, GError **error)
{
  VmmMachine *machine = save->machine;
  gboolean was_running = machine->running;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) resume_error = NULL;
  gboolean ok;

  if (was_running && !vmm_machine_stop_vps_locked (machine, error))
    return FALSE;
  ok = save_standing_still (save, error);
  if (was_running && !vmm_machine_release_vps_locked (machine, &resume_error))
    {
      /* the state is saved, but the VM stands still against the caller's will: that is the worse news */
      g_clear_error (error);
      g_propagate_prefixed_error (error,
                                  g_steal_pointer (&resume_error),
                                  "the VM could not go on after the freeze and is paused: ");
      return FALSE;
    }
  save->freeze_usec = was_running ? g_get_monotonic_time () - start : 0;
  return ok;
}

static VmmManifest *
describe (Save *save, gboolean was_running, const char *description, const char *parent_uuid)
{
  VmmMachine *machine = save->machine;
  VmmManifest *manifest =
      vmm_manifest_new (machine->config, was_running, description, parent_uuid, save->freeze_usec);

  vmm_manifest_set_cpu (manifest, save->cpu.vendor, save->cpu.model_name, save->cpu.tsc_khz);
  return manifest;
}

static gboolean
publish (Save *save, VmmManifest *manifest, VmmProgressFunc progress, gpointer progress_data, GError **error)
{
  VmmMemory *memory = save->machine->memory;
  gboolean linked = FALSE;

  if (save->memory_fd < 0 && !vmm_snapshot_writer_adopt_memory (save->writer,
                                                                vmm_memory_get_fd (memory),
                                                                vmm_memory_get_size (memory),
                                                                save->cancellable,
                                                                &linked,
                                                                error))
    return FALSE;
  if (!vmm_snapshot_writer_commit (
          save->writer, manifest, save->state, progress, progress_data, save->cancellable, error))
    return FALSE;
  if (linked)
    vmm_memory_give_file_away (memory);
  save->machine->origin_uuid = g_strdup (manifest->uuid);
  return TRUE;
}

static gboolean
save_locked (Save *save,
             const char *directory,
             const char *description,
             const char *parent_uuid,
             VmmProgressFunc progress,
             gpointer progress_data,
             VmmSaveResult *result,
             GError **error)
{
  VmmMachine *machine = save->machine;
  gboolean was_running = machine->running;
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new (directory, error);
  g_autoptr (VmmManifest) manifest = NULL;
  VMM_AUTO_FD int memory_fd = -1;
  g_autoptr (VmmPrecopy) precopy = NULL;
  gboolean frozen;

  if (writer == NULL)
    return FALSE;
  save->writer = writer;
  if (!vmm_memory_get_shared (machine->memory))
    {
      memory_fd = vmm_snapshot_writer_create_memory (writer, vmm_memory_get_size (machine->memory), error);
      if (memory_fd < 0)
        return FALSE;
    }
  save->memory_fd = memory_fd;
  if (memory_fd >= 0 && was_running)
    {
      precopy = vmm_precopy_new (machine->kvm, machine->memory, memory_fd, error);
      if (precopy == NULL || !vmm_precopy_run (precopy, save->cancellable, error))
        return FALSE;
    }
  save->precopy = precopy;
  frozen = vmm_memory_prepare_flip (machine->memory, error) && freeze (save, error);
  g_clear_pointer (&precopy, vmm_precopy_free);
  vmm_memory_drop_aside (machine->memory); /* after a failure, too: it may hold a second copy of all of RAM */
  if (!frozen)
    return FALSE;
  vmm_console_drain (machine->console, CONSOLE_DRAIN_MS);

  manifest = describe (save, was_running, description, parent_uuid);
  if (!publish (save, manifest, progress, progress_data, error))
    return FALSE;
  g_strlcpy (result->uuid, manifest->uuid, sizeof result->uuid);
  result->freeze_usec = save->freeze_usec;
  return TRUE;
}

gboolean
vmm_machine_save (VmmMachine *machine,
                  const char *directory,
                  const char *description,
                  const char *parent_uuid,
                  VmmProgressFunc progress,
                  gpointer progress_data,
                  GCancellable *cancellable,
                  VmmSaveResult *result,
                  GError **error)
{
  Save save = { .machine = machine, .cancellable = cancellable, .memory_fd = -1 };
  gboolean ok;

  g_mutex_lock (&machine->lock);
  ok = vmm_machine_check_not_ended (machine, error) &&
       save_locked (&save, directory, description, parent_uuid, progress, progress_data, result, error);
  g_mutex_unlock (&machine->lock);
  vmm_saved_state_free (save.state);
  return ok;
}
