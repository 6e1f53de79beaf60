/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest that changes pages slower than we write them leaves less to do in each pass. What the last pass leaves
 * is written in the freeze. A guest that is faster would keep us busy for ever: when a pass has not halved what
 * there is to do, or after PASSES_MAX, the rest is the freeze's, however much it is.
 */

#include "config.h"
#include "vmm/precopy.h"

#include "vmm/page-writer.h"

#define ENOUGH_PAGES 256u /* 1 MiB: a fraction of a millisecond to write */
#define PASSES_MAX 12u

struct _VmmPrecopy
{
  VmmKvm *kvm;
  VmmMemory *memory;
  int fd;
  VmmPageSet *log;   /* as it was read last */
  VmmPageSet *noted; /* all that was ever read is added; NULL if nobody wants that, and the log is ours */
  const VmmPageSet *pages; /* that differ from what the file has; NULL for all of RAM, with the next two */
  VmmPageSet *written;     /* what is in the file */
  VmmPageSet *zeroed;      /* zeros in the file that are to be holes */
};

static VmmPrecopy *
precopy_new (VmmKvm *kvm, VmmMemory *memory, int fd)
{
  VmmPrecopy *precopy = g_new0 (VmmPrecopy, 1);

  precopy->kvm = kvm;
  precopy->memory = memory;
  precopy->fd = fd;
  precopy->log = vmm_page_set_new (vmm_memory_get_size (memory));
  return precopy;
}

VmmPrecopy *
vmm_precopy_new (VmmKvm *kvm, VmmMemory *memory, int fd, GError **error)
{
  g_autoptr (VmmPrecopy) precopy = precopy_new (kvm, memory, fd);

  if (!vmm_kvm_start_dirty_log (kvm, memory, error))
    return NULL;
  return g_steal_pointer (&precopy);
}

VmmPrecopy *
vmm_precopy_new_noting (VmmKvm *kvm, VmmMemory *memory, int fd, VmmPageSet *noted)
{
  VmmPrecopy *precopy = precopy_new (kvm, memory, fd);

  precopy->noted = noted;
  return precopy;
}

VmmPrecopy *
vmm_precopy_new_changes (VmmKvm *kvm,
                         VmmMemory *memory,
                         int fd,
                         gboolean filled,
                         const VmmPageSet *pages,
                         VmmPageSet *noted)
{
  VmmPrecopy *precopy = vmm_precopy_new_noting (kvm, memory, fd, noted);
  guint64 size = vmm_memory_get_size (memory);

  precopy->pages = pages;
  precopy->written = vmm_page_set_new (size);
  precopy->zeroed = vmm_page_set_new (size);
  if (filled)
    vmm_page_set_add_bytes (precopy->written, 0, size);
  return precopy;
}

void
vmm_precopy_free (VmmPrecopy *precopy)
{
  if (precopy == NULL)
    return;
  if (precopy->noted == NULL)
    vmm_kvm_stop_dirty_log (precopy->kvm, precopy->memory);
  vmm_page_set_free (precopy->log);
  vmm_page_set_free (precopy->written);
  vmm_page_set_free (precopy->zeroed);
  g_free (precopy);
}

static guint64
read_log (VmmPrecopy *precopy, GError **error)
{
  guint64 n_pages;

  vmm_page_set_clear (precopy->log);
  n_pages = vmm_kvm_read_dirty_log (precopy->kvm, precopy->memory, precopy->log->bits, error);
  /* after a failure, too: what was read of it is cleared in the kernel */
  if (precopy->noted != NULL)
    vmm_page_set_add_all (precopy->noted, precopy->log);
  return n_pages;
}

static gboolean
write_first (VmmPrecopy *precopy, GCancellable *cancellable, GError **error)
{
  if (precopy->pages == NULL)
    return vmm_page_writer_write (precopy->memory, precopy->fd, cancellable, error);
  return vmm_page_writer_write_set (
      precopy->memory, precopy->fd, precopy->pages, precopy->written, NULL, cancellable, error);
}

static gboolean
write_again (VmmPrecopy *precopy, GError **error)
{
  if (precopy->pages == NULL)
    return vmm_page_writer_write_dirty (precopy->memory, precopy->fd, precopy->log, error);
  return vmm_page_writer_write_set (
      precopy->memory, precopy->fd, precopy->log, precopy->written, precopy->zeroed, NULL, error);
}

gboolean
vmm_precopy_run (VmmPrecopy *precopy, GCancellable *cancellable, GError **error)
{
  guint64 last = G_MAXUINT64;

  if (!write_first (precopy, cancellable, error))
    return FALSE;
  for (guint pass = 0; pass < PASSES_MAX; pass++)
    {
      guint64 n_pages = read_log (precopy, error);

      if (n_pages == G_MAXUINT64 || !write_again (precopy, error))
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
  return read_log (precopy, error) != G_MAXUINT64 && write_again (precopy, error);
}

void
vmm_precopy_make_holes (VmmPrecopy *precopy)
{
  if (precopy->zeroed != NULL)
    vmm_page_writer_make_holes (precopy->fd, precopy->zeroed);
}
