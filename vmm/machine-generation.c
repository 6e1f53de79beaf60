/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that is restored has a past that others may share: random numbers, keys and names it made up may come out
 * twice. A generation ID that is never seen twice tells it so. It is written into the guest's RAM before its VPs run
 * again; on a private view that is the VM's own page, so the snapshot does not change.
 */

#include "config.h"
#include "vmm/machine.h"

#include <errno.h>
#include <sys/random.h>

#include "vmm/acpi.h"

gboolean
vmm_machine_write_generation (VmmMachine *machine, GError **error)
{
  guint8 id[VMM_GENERATION_ID_SIZE];
  ssize_t n;

  do
    n = getrandom (id, sizeof id, 0);
  while (n < 0 && errno == EINTR);
  if (n != sizeof id)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_HOST,
                   "the host has no random numbers for the VM's generation ID: %s",
                   g_strerror (errno));
      return FALSE;
    }
  return vmm_memory_write (machine->memory, VMM_ACPI_GENERATION_ID_GPA, id, sizeof id, error);
}

void
vmm_machine_announce_generation (VmmMachine *machine)
{
  for (guint i = 0; i < machine->devices->len; i++)
    vmm_device_generation_changed (g_ptr_array_index (machine->devices, i));
}

gboolean
vmm_machine_renew_generation (VmmMachine *machine, GError **error)
{
  if (!vmm_machine_write_generation (machine, error))
    return FALSE;
  vmm_machine_announce_generation (machine);
  return TRUE;
}
