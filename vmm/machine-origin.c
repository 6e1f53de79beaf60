/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which pages an incremental snapshot has to hold. There are two cases.
 *
 * The view of RAM shows the origin itself: RAM was flipped onto its file, or restored from a complete snapshot. Then
 * what is private in the view has changed, and nothing else; the page tables know, at no cost while the guest runs.
 *
 * The view shows an older snapshot, and what has changed between that and the origin is private as well: after an
 * incremental save, or a restore from an incremental snapshot. There the page tables do not tell what changed before
 * the origin and what after it. So KVM logs what the guest writes from then on. The first write to each page costs a
 * fault; on a fresh private view it would cost one too, and a copy of the page besides.
 *
 * Until both are put together nothing may be lost: what has been read of KVM's log is cleared there.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/snapshot-chain.h"

void
vmm_machine_clear_origin (VmmMachine *machine)
{
  g_clear_pointer (&machine->origin_uuid, g_free);
  g_clear_pointer (&machine->origin_directory, g_free);
  g_clear_pointer (&machine->origin_sha256, g_bytes_unref);
}

void
vmm_machine_set_origin (VmmMachine *machine, const VmmManifest *manifest, const char *directory)
{
  vmm_machine_clear_origin (machine);
  machine->origin_uuid = g_strdup (manifest->uuid);
  machine->origin_directory = g_canonicalize_filename (directory, "/");
  machine->origin_sha256 = g_bytes_new (manifest->manifest_sha256.data, manifest->manifest_sha256.len);
}

gboolean
vmm_machine_track_changes (VmmMachine *machine, GError **error)
{
  g_return_val_if_fail (machine->changed == NULL, FALSE);
  if (!vmm_kvm_start_dirty_log (machine->kvm, machine->memory, error))
    return FALSE;
  machine->changed = vmm_page_set_new (vmm_memory_get_size (machine->memory));
  vmm_memory_note_writes (machine->memory, machine->changed);
  return TRUE;
}

void
vmm_machine_stop_tracking (VmmMachine *machine)
{
  if (machine->changed == NULL)
    return;
  vmm_kvm_stop_dirty_log (machine->kvm, machine->memory);
  vmm_memory_note_writes (machine->memory, NULL);
  g_clear_pointer (&machine->changed, vmm_page_set_free);
}

VmmPageSet *
vmm_machine_take_changes (VmmMachine *machine)
{
  VmmPageSet *changes = machine->changed;

  machine->changed = vmm_page_set_new (vmm_memory_get_size (machine->memory));
  vmm_memory_note_writes (machine->memory, machine->changed);
  return changes;
}

gboolean
vmm_machine_collect_changes (VmmMachine *machine, VmmPageSet *pages, GError **error)
{
  g_autoptr (VmmPageSet) log = vmm_page_set_new (vmm_memory_get_size (machine->memory));
  gboolean ok = vmm_kvm_read_dirty_log (machine->kvm, machine->memory, log->bits, error) != G_MAXUINT64;

  vmm_page_set_add_all (machine->changed, log);
  vmm_page_set_add_all (pages, machine->changed);
  return ok;
}

VmmSnapshot *
vmm_machine_find_origin (VmmMachine *machine, const char *directory, GError **error)
{
  g_autoptr (VmmSnapshot) origin = NULL;
  ProtobufCBinaryData sha256;

  sha256.data = (guint8 *) g_bytes_get_data (machine->origin_sha256, &sha256.len);
  origin = vmm_snapshot_chain_find (NULL,
                                    machine->origin_directory,
                                    directory,
                                    machine->origin_uuid,
                                    &sha256,
                                    error);
  if (origin == NULL || !vmm_snapshot_open_chain (origin, error))
    return NULL;
  return g_steal_pointer (&origin);
}
