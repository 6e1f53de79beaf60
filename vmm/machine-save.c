/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The freeze does only what must see the guest stand still: save the state, and part the guest from the file that
 * is to be the snapshot's memory. Where RAM still is its file, that is the flip. Where it is not (anonymous RAM,
 * or a private view since an earlier snapshot), RAM is written to a new file, most of it before the freeze in
 * passes over what the running guest has changed meanwhile, and the flip goes on to that one. Everything else
 * comes after the guest runs again.
 *
 * An incremental save writes what has changed since the origin, in the same passes, and does not flip: there is no
 * file that has all of RAM. The view goes on to show what it showed, the guest keeps its pages, and from the freeze on
 * it is logged what changes. So does a complete save, once RAM is a private view, into a file that shares all the rest
 * with an older one, where the file system can do that.
 *
 * A failure before the flip changes nothing. After it the guest runs on a private view of a file that nobody else
 * has, and the next save writes RAM out.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/fd.h"
#include "vmm/page-writer.h"
#include "vmm/precopy.h"
#include "vmm/snapshot-chain.h"

typedef struct
{
  VmmMachine *machine;
  VmmSnapshotWriter *writer;
  const VmmSavePlan *plan;
  VmmSaveResult *result;
  int memory_fd;       /* where RAM is written to; -1 if the RAM file itself becomes the snapshot's */
  VmmPrecopy *precopy; /* what has written RAM but for the last changes; NULL if the guest did not run */
  VmmSnapshot *parent; /* of an incremental save; else NULL */
  VmmMachineShare share;
  VmmPageSet *pages; /* that the snapshot holds; of a complete one those that it does not share */
  VmmPageSet *noted; /* changed since the origin, when the guest stood still; NULL if that is not tracked */
  VmmSavedState *state;
} Save;

#define CONSOLE_DRAIN_MS 200u

static gboolean
write_memory (Save *save, GError **error)
{
  if (save->precopy != NULL)
    return vmm_precopy_finish (save->precopy, error);
  return vmm_page_writer_write (save->machine->memory, save->memory_fd, save->plan->cancellable, error);
}

/* what the guest writes from now on is the next snapshot's */
static gboolean
finish_changes (Save *save, GError **error)
{
  if (!vmm_precopy_finish (save->precopy, error) || !vmm_memory_check_file (save->machine->memory, error))
    return FALSE;
  save->noted = vmm_machine_take_changes (save->machine);
  vmm_page_set_add_all (save->pages, save->noted);
  return TRUE;
}

/* the guest's RAM parts from the file that becomes the snapshot's */
static gboolean
finish_complete (Save *save, GError **error)
{
  if (save->memory_fd >= 0 &&
      (!write_memory (save, error) || !vmm_memory_check_file (save->machine->memory, error)))
    return FALSE;
  if (!vmm_memory_flip (save->machine->memory, save->memory_fd, error))
    return FALSE;
  /* what the view shows from now on is no snapshot's before it is published */
  vmm_machine_clear_origin (save->machine);
  return TRUE;
}

static gboolean
save_standing_still (Save *save, GError **error)
{
  if (!vmm_machine_settle_locked (save->machine, error))
    return FALSE;
  save->state = vmm_machine_save_state (save->machine, error);
  if (save->state == NULL)
    return FALSE;
  return save->pages != NULL ? finish_changes (save, error) : finish_complete (save, error);
}

static gboolean
freeze (Save *save, GError **error)
{
  VmmMachine *machine = save->machine;
  gboolean was_running = machine->running;
  g_autoptr (GError) resume_error = NULL;
  gint64 start;
  gboolean ok;

  if (was_running)
    vmm_machine_rehearse_save (machine);
  start = g_get_monotonic_time ();
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
  save->result->freeze_usec = was_running ? g_get_monotonic_time () - start : 0;
  return ok;
}

static VmmManifest *
describe (Save *save, gboolean was_running)
{
  VmmMachine *machine = save->machine;
  VmmManifest *manifest = vmm_manifest_new (machine->config,
                                            was_running,
                                            save->plan->description,
                                            save->plan->parent_uuid,
                                            save->result->freeze_usec);
  VmmKvmCpu cpu;

  vmm_kvm_describe_cpu (vmm_vp_get_kvm (g_ptr_array_index (machine->vps, 0)), &cpu);
  vmm_manifest_set_cpu (manifest, cpu.vendor, cpu.model_name, cpu.tsc_khz);
  return manifest;
}

static void
describe_increment (Save *save, VmmManifest *manifest)
{
  g_autoptr (GBytes) packed = vmm_page_set_pack (save->pages);

  vmm_snapshot_writer_set_parent (save->writer,
                                  manifest,
                                  save->parent,
                                  vmm_page_set_count (save->pages),
                                  packed);
}

static gboolean
publish (Save *save, gboolean was_running, GError **error)
{
  VmmMemory *memory = save->machine->memory;
  g_autoptr (VmmManifest) manifest = describe (save, was_running);
  gboolean linked = FALSE;

  if (save->memory_fd < 0 && !vmm_snapshot_writer_adopt_memory (save->writer,
                                                                vmm_memory_get_fd (memory),
                                                                vmm_memory_get_size (memory),
                                                                save->plan->cancellable,
                                                                &linked,
                                                                error))
    return FALSE;
  if (save->parent != NULL)
    describe_increment (save, manifest);
  if (save->share.source != NULL)
    vmm_snapshot_writer_keep_digests (save->writer,
                                      vmm_snapshot_get_manifest (save->share.source),
                                      save->pages);
  if (!vmm_snapshot_writer_commit (save->writer,
                                   manifest,
                                   save->state,
                                   save->plan->progress,
                                   save->plan->progress_data,
                                   save->plan->cancellable,
                                   error))
    return FALSE;
  if (linked)
    vmm_memory_give_file_away (memory);
  vmm_machine_set_origin (save->machine, manifest, save->plan->directory);
  g_strlcpy (save->result->uuid, manifest->uuid, sizeof save->result->uuid);
  return TRUE;
}

/* the guest does not run on before all that must be written while it stands still is written */
static gboolean
save_all (Save *save, GError **error)
{
  VmmMachine *machine = save->machine;
  gboolean was_running = machine->running;
  g_autoptr (VmmPrecopy) precopy = NULL;
  gboolean frozen;

  if (save->memory_fd >= 0 && was_running)
    {
      if (machine->changed != NULL)
        precopy = vmm_precopy_new_noting (machine->kvm, machine->memory, save->memory_fd, machine->changed);
      else
        precopy = vmm_precopy_new (machine->kvm, machine->memory, save->memory_fd, error);
      if (precopy == NULL || !vmm_precopy_run (precopy, save->plan->cancellable, error))
        return FALSE;
    }
  save->precopy = precopy;
  frozen = vmm_memory_prepare_flip (machine->memory, error) && freeze (save, error);
  g_clear_pointer (&precopy, vmm_precopy_free);
  vmm_memory_drop_aside (machine->memory); /* after a failure, too: it may hold a second copy of all of RAM */
  if (!frozen)
    return FALSE;
  /* the view shows what it was flipped onto: all that is private has changed */
  vmm_machine_stop_tracking (machine);
  vmm_console_drain (machine->console, CONSOLE_DRAIN_MS);
  return publish (save, was_running, error);
}

static gboolean
write_changes (Save *save, GError **error)
{
  VmmMachine *machine = save->machine;
  gboolean was_running = machine->running;
  g_autoptr (VmmPrecopy) precopy = vmm_precopy_new_changes (machine->kvm,
                                                            machine->memory,
                                                            save->memory_fd,
                                                            save->share.shared,
                                                            save->pages,
                                                            machine->changed);

  if (!vmm_precopy_run (precopy, save->plan->cancellable, error))
    return FALSE;
  save->precopy = precopy;
  if (!freeze (save, error))
    return FALSE;
  vmm_precopy_make_holes (precopy);
  vmm_console_drain (machine->console, CONSOLE_DRAIN_MS);
  return publish (save, was_running, error);
}

static gboolean
save_changes (Save *save, GError **error)
{
  VmmMachine *machine = save->machine;
  gboolean was_tracking = machine->changed != NULL;
  gboolean since_origin = was_tracking && (save->parent != NULL || save->share.since_origin);
  g_autoptr (VmmPageSet) pages = NULL;
  g_autoptr (VmmPageSet) noted = NULL;
  gboolean ok;

  if (!was_tracking && !vmm_machine_track_changes (machine, error))
    return FALSE;
  /* the log is on: what changes while we look is seen in one place or the other */
  pages = vmm_page_set_new (vmm_memory_get_size (machine->memory));
  save->pages = pages;
  ok = since_origin ? vmm_machine_collect_changes (machine, pages, error)
                    : vmm_page_writer_find_private (machine->memory, pages, error);
  ok = ok && write_changes (save, error);
  noted = g_steal_pointer (&save->noted);
  if (ok)
    return TRUE;
  if (!was_tracking)
    vmm_machine_stop_tracking (machine);
  else if (noted != NULL)
    vmm_page_set_add_all (machine->changed, noted); /* they have changed since the old origin all the same */
  return FALSE;
}

/* the chain must be whole: a child of a snapshot that cannot be restored could not be either */
static VmmSnapshot *
find_parent (VmmMachine *machine, const char *directory, GError **error)
{
  g_autoptr (VmmSnapshot) parent = NULL;
  g_autoptr (GError) local_error = NULL;

  if (machine->origin_uuid == NULL || vmm_memory_get_shared (machine->memory))
    {
      g_set_error_literal (
          error,
          VMM_ERROR,
          VMM_ERROR_NO_PARENT,
          "there is no snapshot that this VM was saved to or restored from, and whose changes could be "
          "saved; make a complete one first");
      return NULL;
    }
  parent = vmm_machine_find_origin (machine, directory, &local_error);
  if (parent != NULL && vmm_snapshot_get_chain_length (parent) < VMM_SNAPSHOT_CHAIN_MAX)
    return g_steal_pointer (&parent);
  if (local_error == NULL)
    g_set_error (&local_error,
                 VMM_ERROR,
                 VMM_ERROR_LIMIT_EXCEEDED,
                 "%u snapshots lie under one another already, which is the limit; consolidate one of them",
                 VMM_SNAPSHOT_CHAIN_MAX);
  else
    local_error->code = VMM_ERROR_NO_PARENT;
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "there can be no incremental snapshot: ");
  return NULL;
}

static gboolean
save_with_writer (Save *save, GError **error)
{
  VmmMachine *machine = save->machine;
  VMM_AUTO_FD int memory_fd = -1;

  if (!vmm_memory_get_shared (machine->memory))
    {
      memory_fd = vmm_snapshot_writer_create_memory (save->writer,
                                                     vmm_memory_get_size (machine->memory),
                                                     error);
      if (memory_fd < 0)
        return FALSE;
      save->memory_fd = memory_fd;
      if (save->parent == NULL &&
          !vmm_machine_share_memory (machine, save->writer, save->plan->directory, &save->share, error))
        return FALSE;
    }
  return save->parent != NULL || save->share.shared ? save_changes (save, error) : save_all (save, error);
}

/* with the machine locked */
static gboolean
run_locked (Save *save, GError **error)
{
  g_autoptr (VmmSnapshotWriter) writer = NULL;
  g_autoptr (VmmSnapshot) parent = NULL;
  gboolean ok;

  if (!vmm_machine_check_not_ended (save->machine, error))
    return FALSE;
  vmm_machine_forget_recording (save->machine);
  if (save->plan->incremental)
    {
      parent = find_parent (save->machine, save->plan->directory, error);
      if (parent == NULL)
        return FALSE;
    }
  writer = vmm_snapshot_writer_new (save->plan->directory, error);
  if (writer == NULL)
    return FALSE;
  save->writer = writer;
  save->parent = parent;
  ok = save_with_writer (save, error);
  vmm_machine_share_clear (&save->share);
  return ok;
}

gboolean
vmm_machine_save (VmmMachine *machine, const VmmSavePlan *plan, VmmSaveResult *result, GError **error)
{
  Save save = { .machine = machine, .plan = plan, .result = result, .memory_fd = -1 };
  gboolean ok;

  result->freeze_usec = 0;
  g_mutex_lock (&machine->lock);
  ok = run_locked (&save, error);
  g_mutex_unlock (&machine->lock);
  vmm_saved_state_free (save.state);
  return ok;
}
