/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A VM that runs from a snapshot has a private view of the snapshot's memory: going back to it needs no new
 * machine. The pages that the guest has made private are dropped, so that the file shows through again, and the
 * state is put back.
 *
 * Dropping the pages cannot be undone and cannot fail, so it comes last. If the state cannot be put back, the
 * present one, saved beforehand, is.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/snapshot.h"

gboolean
vmm_machine_go_back_to_state_locked (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  g_autoptr (VmmSavedState) present = vmm_machine_save_state (machine, error);
  guint64 held_clock_ns = machine->held_clock_ns;
  g_autoptr (GError) undo_error = NULL;

  if (present == NULL)
    return FALSE;
  if (vmm_machine_load_state (machine, state, error))
    {
      vmm_memory_drop_changes (machine->memory);
      return vmm_machine_renew_generation (machine, error); /* fails only where the host has no page left */
    }
  if (!vmm_machine_load_state (machine, present, &undo_error))
    g_prefix_error (error, "the state the VM was in could not be put back either (%s): ", undo_error->message);
  machine->held_clock_ns = held_clock_ns;
  return FALSE;
}

static gboolean
check_origin (VmmMachine *machine, VmmSnapshot *snapshot, GError **error)
{
  if (g_strcmp0 (machine->origin_uuid, vmm_snapshot_get_uuid (snapshot)) == 0)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INVALID_STATE,
               "the machine does not run from snapshot %s",
               vmm_snapshot_get_directory (snapshot));
  return FALSE;
}

gboolean
vmm_machine_runs_from (VmmMachine *machine, VmmSnapshot *snapshot)
{
  gboolean runs_from;

  g_mutex_lock (&machine->lock);
  runs_from = !g_atomic_int_get (&machine->ended) && check_origin (machine, snapshot, NULL);
  g_mutex_unlock (&machine->lock);
  return runs_from;
}

static gboolean
go_back_locked (VmmMachine *machine, VmmSnapshot *snapshot, gboolean paused, GError **error)
{
  gboolean was_running = machine->running;
  gboolean ok;

  if (!vmm_machine_check_not_ended (machine, error) || !check_origin (machine, snapshot, error))
    return FALSE;
  if (was_running && !vmm_machine_stop_vps_locked (machine, error))
    return FALSE;
  ok = vmm_machine_go_back_to_state_locked (machine, vmm_snapshot_get_saved_state (snapshot), error);
  if (ok ? paused : !was_running)
    return ok;
  return vmm_machine_release_vps_locked (machine, ok ? error : NULL) && ok;
}

gboolean
vmm_machine_go_back (VmmMachine *machine, VmmSnapshot *snapshot, gboolean paused, GError **error)
{
  gboolean ok;

  g_mutex_lock (&machine->lock);
  ok = go_back_locked (machine, snapshot, paused, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}
