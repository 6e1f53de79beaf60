/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pages are read into the page cache and shown to the guest read-only: clones of one snapshot go on sharing them, and a
 * page that the guest writes to is copied then, as without populating. Populating for writing would copy all of RAM
 * for each clone. Holes of the file are left out: a page of zeros is quicker made than read, and would only fill the
 * page cache.
 */

#include "config.h"
#include "vmm/memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEP (16 * 1024 * 1024ull) /* bytes between looking whether to stop */

typedef struct
{
  VmmMemory *memory;
  guint8 *host;
  VmmProgressFunc progress;
  gpointer progress_data;
  GCancellable *cancellable;
} Populating;

static gboolean
set_error (GError **error, int error_number)
{
  if (error_number == EINVAL)
    g_set_error_literal (error,
                         VMM_ERROR,
                         VMM_ERROR_NOT_SUPPORTED,
                         "this kernel cannot populate guest RAM; Linux 5.14 or a newer one can");
  else
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_HOST,
                 "guest RAM cannot be read into memory: %s",
                 g_strerror (error_number));
  return FALSE;
}

static gboolean
populate_step (const Populating *populating, guint64 start, guint64 length, GError **error)
{
  int result;

  if (populating->cancellable != NULL && g_cancellable_is_cancelled (populating->cancellable))
    {
      g_set_error_literal (error, VMM_ERROR, VMM_ERROR_CANCELLED, "the operation was cancelled");
      return FALSE;
    }
  do
    result = madvise (populating->host + start, length, MADV_POPULATE_READ);
  while (result != 0 && (errno == EINTR || errno == EAGAIN));
  if (result != 0)
    return set_error (error, errno);
  if (populating->progress != NULL)
    populating->progress (start + length, vmm_memory_get_size (populating->memory), populating->progress_data);
  return TRUE;
}

/* to the next page at which there is data, or a hole; the end of the file if there is none */
static guint64
seek (VmmMemory *memory, guint64 from, int whence)
{
  off_t offset = lseek (vmm_memory_get_fd (memory), (off_t) from, whence);

  if (offset >= 0)
    return MIN ((guint64) offset, vmm_memory_get_size (memory));
  /* a file system that cannot tell has data everywhere */
  return errno == ENXIO || whence == SEEK_HOLE ? vmm_memory_get_size (memory) : from;
}

gboolean
vmm_memory_populate (VmmMemory *memory,
                     VmmProgressFunc progress,
                     gpointer progress_data,
                     GCancellable *cancellable,
                     GError **error)
{
  guint n_regions;
  const VmmMemoryRegion *regions = vmm_memory_get_regions (memory, &n_regions);
  const Populating populating = { memory, regions[0].host, progress, progress_data, cancellable };
  guint64 end;

  if (vmm_memory_get_fd (memory) < 0)
    return TRUE;
  for (guint64 start = seek (memory, 0, SEEK_DATA); start < vmm_memory_get_size (memory);
       start = seek (memory, end, SEEK_DATA))
    {
      end = seek (memory, start, SEEK_HOLE);
      for (guint64 at = start; at < end; at += STEP)
        if (!populate_step (&populating, at, MIN (end - at, STEP), error))
          return FALSE;
    }
  if (progress != NULL)
    progress (vmm_memory_get_size (memory), vmm_memory_get_size (memory), progress_data);
  return TRUE;
}
