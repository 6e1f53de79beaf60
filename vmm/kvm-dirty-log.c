/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which pages the guest has changed: KVM keeps a bit for each page of a slot while it is told to. Reading the bits
 * clears them, so a page that changes meanwhile is in this reading or in the next one. What the VMM itself writes
 * is not in the log: while it is on, nothing of ours writes to guest RAM.
 */

#include "config.h"
#include "vmm/kvm-private.h"

gboolean
vmm_kvm_start_dirty_log (VmmKvm *kvm, VmmMemory *memory, GError **error)
{
  return vmm_kvm_set_slots (kvm, memory, KVM_MEM_LOG_DIRTY_PAGES, error);
}

void
vmm_kvm_stop_dirty_log (VmmKvm *kvm, VmmMemory *memory)
{
  /* a log that stays on costs time, and does no harm */
  if (!vmm_kvm_set_slots (kvm, memory, 0, NULL))
    g_debug ("the log of dirty pages could not be stopped");
}

guint64
vmm_kvm_read_dirty_log (VmmKvm *kvm, VmmMemory *memory, guint64 *bits, GError **error)
{
  guint n_regions;
  const VmmMemoryRegion *regions = vmm_memory_get_regions (memory, &n_regions);
  gsize n_words = vmm_memory_get_size (memory) / VMM_PAGE_SIZE / 64 + 1;
  guint64 n_pages = 0;

  for (guint i = 0; i < n_regions; i++)
    {
      /* a slot's bits begin with a word, and the second region's offset is a whole number of words */
      struct kvm_dirty_log log = {
        .slot = i,
        .dirty_bitmap = bits + regions[i].file_offset / VMM_PAGE_SIZE / 64,
      };

      if (vmm_kvm_ioctl (kvm->fd, KVM_GET_DIRTY_LOG, &log, "read the log of dirty pages", error) < 0)
        return G_MAXUINT64;
    }
  for (gsize i = 0; i < n_words; i++)
    n_pages += __builtin_popcountll (bits[i]);
  return n_pages;
}
