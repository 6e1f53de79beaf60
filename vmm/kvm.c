/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * RAM slots are set before the interrupt controllers exist: in the other order each slot waits 7 ms for a grace
 * period of the kernel, which was measured, and is felt with every VM that is made.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/fd.h"

/*
 * three pages for the TSS and one for the identity map that KVM on Intel needs, in the hole below 4 GiB where
 * nothing else is
 */
#define IDENTITY_MAP_GPA 0xfffbc000ull
#define TSS_GPA 0xfffbd000ull

int
vmm_kvm_ioctl (int fd, gulong request, gpointer argument, const char *what, GError **error)
{
  int result;

  do
    result = ioctl (fd, request, argument);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "KVM failed to %s: %s", what, g_strerror (errno));
  return result;
}

int
vmm_kvm_check_extension (VmmKvm *kvm, guint capability)
{
  int result = ioctl (kvm->fd, KVM_CHECK_EXTENSION, (gulong) capability); /* MAX() would ask twice */

  return MAX (0, result);
}

gboolean
vmm_kvm_set_slots (VmmKvm *kvm, VmmMemory *memory, guint32 flags, GError **error)
{
  guint n_regions;
  const VmmMemoryRegion *regions = vmm_memory_get_regions (memory, &n_regions);

  for (guint i = 0; i < n_regions; i++)
    {
      struct kvm_userspace_memory_region slot = {
        .slot = i,
        .flags = flags,
        .guest_phys_addr = regions[i].gpa,
        .memory_size = regions[i].length,
        .userspace_addr = (guintptr) regions[i].host,
      };

      if (vmm_kvm_ioctl (kvm->fd, KVM_SET_USER_MEMORY_REGION, &slot, "take guest RAM", error) < 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
create_platform (VmmKvm *kvm, GError **error)
{
  guint64 identity_map = IDENTITY_MAP_GPA;
  struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

  return vmm_kvm_ioctl (kvm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map, "set the identity map", error) >=
             0 &&
         vmm_kvm_ioctl (kvm->fd, KVM_SET_TSS_ADDR, (gpointer) (guintptr) TSS_GPA, "set the TSS", error) >=
             0 &&
         vmm_kvm_ioctl (kvm->fd, KVM_CREATE_IRQCHIP, NULL, "make the interrupt controllers", error) >= 0 &&
         vmm_kvm_ioctl (kvm->fd, KVM_CREATE_PIT2, &pit, "make the timer", error) >= 0;
}

VmmKvm *
vmm_kvm_new (VmmMemory *memory, GError **error)
{
  g_autoptr (VmmKvm) kvm = g_new0 (VmmKvm, 1);
  int xsave_size;

  kvm->fd = -1;
  kvm->host = vmm_kvm_host_get (error);
  if (kvm->host == NULL)
    return NULL;
  kvm->fd = vmm_kvm_ioctl (kvm->host->fd, KVM_CREATE_VM, NULL, "make a virtual machine", error);
  if (kvm->fd < 0)
    return NULL;
  if (!vmm_kvm_set_slots (kvm, memory, 0, error) || !create_platform (kvm, error))
    return NULL;

  xsave_size = vmm_kvm_check_extension (kvm, KVM_CAP_XSAVE2);
  kvm->xsave_size = MAX ((gsize) xsave_size, sizeof (struct kvm_xsave));
  return g_steal_pointer (&kvm);
}

void
vmm_kvm_free (VmmKvm *kvm)
{
  if (kvm == NULL)
    return;
  if (kvm->fd >= 0)
    close (kvm->fd);
  g_free (kvm);
}

void
vmm_kvm_set_irq (VmmKvm *kvm, guint irq, gboolean asserted)
{
  struct kvm_irq_level level = { .irq = irq, .level = asserted };

  /* fails only for a line that does not exist, and ours come from constants */
  (void) ioctl (kvm->fd, KVM_IRQ_LINE, &level);
}
