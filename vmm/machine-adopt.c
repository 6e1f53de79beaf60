/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine that waits to be taken has its state loaded, and KVM's timers run from then on: they have nothing to do
 * with the guest's clocks, which stand still. So they, and what they raise interrupts in, are loaded once more when the
 * machine is taken. What is slow about a restore, making the virtual machine, is not done again, nor are registers
 * loaded that only a VP that runs can change.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/snapshot.h"

static gboolean
check_fresh (VmmMachine *machine, VmmSnapshot *snapshot, GError **error)
{
  if (!machine->has_run && g_strcmp0 (machine->origin_uuid, vmm_snapshot_get_uuid (snapshot)) == 0)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INVALID_STATE,
               "the machine was not built from snapshot %s, or it has run",
               vmm_snapshot_get_directory (snapshot));
  return FALSE;
}

static gboolean
adopt_locked (VmmMachine *machine,
              VmmSnapshot *snapshot,
              const VmmConfig *config,
              VmmConsole *console,
              GError **error)
{
  if (!check_fresh (machine, snapshot, error) || !vmm_machine_check_config (snapshot, config, error) ||
      !vmm_machine_load_timers (machine, vmm_snapshot_get_saved_state (snapshot), error))
    return FALSE;
  vmm_config_free (machine->config);
  machine->config = vmm_config_copy (config);
  machine->console = console;
  return vmm_machine_renew_generation (machine, error);
}

gboolean
vmm_machine_adopt (VmmMachine *machine,
                   VmmSnapshot *snapshot,
                   const VmmConfig *config,
                   VmmConsole *console,
                   GError **error)
{
  gboolean ok;

  g_mutex_lock (&machine->lock);
  ok = adopt_locked (machine, snapshot, config, console, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}
