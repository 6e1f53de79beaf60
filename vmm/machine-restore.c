/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What can be checked without building is checked first, and told all at once. RAM is a private view of the snapshot's
 * memory: pages come when the guest asks for them, and the file is never written to.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/snapshot-chain.h"

gboolean
vmm_machine_check_config (VmmSnapshot *snapshot, const VmmConfig *config, GError **error)
{
  const VmmConfig *saved = vmm_snapshot_get_config (snapshot);
  g_autoptr (GString) reasons = g_string_new (NULL);

  if (config->memory_size != saved->memory_size)
    g_string_append_printf (reasons,
                            "; memory-size is %" G_GUINT64_FORMAT " bytes, the snapshot's %" G_GUINT64_FORMAT,
                            config->memory_size,
                            saved->memory_size);
  if (config->vp_count != saved->vp_count)
    g_string_append_printf (reasons, "; vp-count is %u, the snapshot's %u", config->vp_count, saved->vp_count);
  if (reasons->len == 0)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INCOMPATIBLE,
               "the machine does not fit the snapshot %s%s",
               vmm_snapshot_get_directory (snapshot),
               reasons->str);
  return FALSE;
}

static gboolean
check_snapshot (VmmSnapshot *snapshot, const VmmConfig *config, GError **error)
{
  return vmm_machine_check_config (snapshot, config, error) &&
         vmm_snapshot_check_cpu (snapshot, VMM_CPU_ANY, error) && vmm_snapshot_open_chain (snapshot, error);
}

/* all but its RAM, which is there */
static gboolean
load (VmmMachine *machine, VmmSnapshot *snapshot, GError **error)
{
  /* before anything is written to RAM: KVM does when it is given its state */
  if (vmm_snapshot_get_incremental (snapshot) && !vmm_machine_track_changes (machine, error))
    return FALSE;
  if (!vmm_machine_load_state (machine, vmm_snapshot_get_saved_state (snapshot), error))
    {
      g_prefix_error (error, "snapshot %s: ", vmm_snapshot_get_directory (snapshot));
      return FALSE;
    }
  if (!vmm_machine_renew_generation (machine, error))
    return FALSE;
  vmm_machine_set_origin (machine,
                          vmm_snapshot_get_manifest (snapshot),
                          vmm_snapshot_get_directory (snapshot));
  return TRUE;
}

VmmMachine *
vmm_machine_new_from_snapshot (VmmSnapshot *snapshot,
                               const VmmConfig *config,
                               VmmConsole *console,
                               VmmEventFunc event,
                               gpointer user_data,
                               GError **error)
{
  g_autoptr (VmmMachine) machine = NULL;
  VmmMemory *memory;

  if (!check_snapshot (snapshot, config, error))
    return NULL;
  memory = vmm_snapshot_chain_new_memory (snapshot, error);
  if (memory == NULL)
    return NULL;
  machine = vmm_machine_assemble (config, memory, console, event, user_data, error);
  if (machine == NULL || !load (machine, snapshot, error))
    return NULL;
  return g_steal_pointer (&machine);
}

VmmMachine *
vmm_machine_new_blank (const VmmConfig *config, VmmEventFunc event, gpointer user_data, GError **error)
{
  VmmMemory *memory = vmm_memory_new_blank (config->memory_size, error);
  g_autoptr (VmmMachine) machine = NULL;

  if (memory == NULL)
    return NULL;
  machine = vmm_machine_assemble (config, memory, NULL, event, user_data, error);
  if (machine == NULL || !vmm_vp_warm_up (g_ptr_array_index (machine->vps, 0), error))
    return NULL;
  return g_steal_pointer (&machine);
}

static gboolean
fill_locked (VmmMachine *machine,
             VmmSnapshot *snapshot,
             const VmmConfig *config,
             VmmConsole *console,
             GError **error)
{
  if (!vmm_machine_check_config (snapshot, machine->config, error) ||
      !check_snapshot (snapshot, config, error) ||
      !vmm_snapshot_chain_show (snapshot, machine->memory, error))
    return FALSE;
  vmm_config_free (machine->config);
  machine->config = vmm_config_copy (config);
  machine->console = console;
  return load (machine, snapshot, error);
}

gboolean
vmm_machine_fill (VmmMachine *machine,
                  VmmSnapshot *snapshot,
                  const VmmConfig *config,
                  VmmConsole *console,
                  GError **error)
{
  gboolean ok;

  g_return_val_if_fail (!machine->has_run && machine->origin_uuid == NULL, FALSE);

  g_mutex_lock (&machine->lock);
  ok = fill_locked (machine, snapshot, config, console, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}

gboolean
vmm_machine_populate (VmmMachine *machine,
                      VmmProgressFunc progress,
                      gpointer progress_data,
                      GCancellable *cancellable,
                      GError **error)
{
  gboolean ok;

  g_mutex_lock (&machine->lock);
  machine->populated = TRUE;
  ok = vmm_memory_populate (machine->memory, progress, progress_data, cancellable, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}
