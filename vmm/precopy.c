/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that changes pages slower than we write them leaves less to do in each pass. What the last pass leaves
 * is written in the freeze. A guest that is faster would keep us busy for ever: when a pass has not halved what
 * there is to do, or after PASSES_MAX, the rest is the freeze's, however much it is.
 */

#include "config.h"
#include "vmm/precopy.h"

#include <string.h>

#include "vmm/page-writer.h"

#define ENOUGH_PAGES 256u /* 1 MiB: a fraction of a millisecond to write */
#define PASSES_MAX 12u

struct _VmmPrecopy
{
  VmmKvm *kvm;
  VmmMemory *memory;
  int fd;
  guint64 *bits;
  gsize n_words;
};

VmmPrecopy *
vmm_precopy_new (VmmKvm *kvm, VmmMemory *memory, int fd, GError **error)
{
  g_autoptr (VmmPrecopy) precopy = g_new0 (VmmPrecopy, 1);

  precopy->kvm = kvm;
  precopy->memory = memory;
  precopy->fd = fd;
  precopy->n_words = vmm_memory_get_size (memory) / VMM_PAGE_SIZE / 64 + 1;
  precopy->bits = g_new0 (guint64, precopy->n_words);
  if (!vmm_kvm_start_dirty_log (kvm, memory, error))
    return NULL;
  return g_steal_pointer (&precopy);
}

void
vmm_precopy_free (VmmPrecopy *precopy)
{
  if (precopy == NULL)
    return;
  vmm_kvm_stop_dirty_log (precopy->kvm, precopy->memory);
  g_free (precopy->bits);
  g_free (precopy);
}

static guint64
read_log (VmmPrecopy *precopy, GError **error)
{
  memset (precopy->bits, 0, precopy->n_words * sizeof precopy->bits[0]);
  return vmm_kvm_read_dirty_log (precopy->kvm, precopy->memory, precopy->bits, error);
}

gboolean
vmm_precopy_run (VmmPrecopy *precopy, GCancellable *cancellable, GError **error)
{
  guint64 last = G_MAXUINT64;

  if (!vmm_page_writer_write (precopy->memory, precopy->fd, cancellable, error))
    return FALSE;
  for (guint pass = 0; pass < PASSES_MAX; pass++)
    {
      guint64 n_pages = read_log (precopy, error);

      if (n_pages == G_MAXUINT64 ||
          !vmm_page_writer_write_dirty (precopy->memory, precopy->fd, precopy->bits, error))
        return FALSE;
      if (n_pages <= ENOUGH_PAGES || n_pages > last / 2)
        return TRUE;
      last = n_pages;
    }
  return TRUE;
}

gboolean
vmm_precopy_finish (VmmPrecopy *precopy, GError **error)
{
  return read_log (precopy, error) != G_MAXUINT64 &&
         vmm_page_writer_write_dirty (precopy->memory, precopy->fd, precopy->bits, error);
}
