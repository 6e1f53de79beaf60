/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine that waits to be taken has its state loaded, and KVM's timers run from then on: they have nothing to do
 * with the guest's clocks, which stand still. So they, and what they raise interrupts in, are loaded once more when the
 * machine is taken, unless the snapshot has none that runs. What is slow about a restore, making the virtual machine,
 * is not done again, nor are registers loaded that only a VP that runs can change.
 *
 * What the guest's first steps will need is made while the machine waits; what cannot be made then is made later.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/snapshot.h"

static void
map_code (VmmMachine *machine)
{
  guint8 byte;
  guint64 gpa;

  if (!vmm_kvm_vp_find_code (vmm_vp_get_kvm (g_ptr_array_index (machine->vps, 0)), &gpa) ||
      !vmm_memory_read (machine->memory, gpa, &byte, sizeof byte, NULL))
    g_debug ("the first VP's next instruction is not in RAM");
}

static void
make_console_thread (VmmMachine *machine)
{
  g_autoptr (GError) error = NULL;

  if (machine->console_thread == NULL)
    machine->console_thread = vmm_console_thread_new (&error);
  if (error != NULL)
    g_debug ("%s", error->message);
}

void
vmm_machine_get_ready (VmmMachine *machine)
{
  g_mutex_lock (&machine->lock);
  map_code (machine);
  make_console_thread (machine);
  g_mutex_unlock (&machine->lock);
}

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
  vmm_console_take_thread (console, g_steal_pointer (&machine->console_thread));
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
