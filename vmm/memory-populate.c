/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pages are read into the page cache and shown to the guest read-only: clones of one snapshot go on sharing them, and a
 * page that the guest writes to is copied then, as without populating. Populating for writing would copy all of RAM
 * for each clone. Holes of the file are left out: a page of zeros is quicker made than read, and would only fill the
 * page cache.
 *
 * Where only some pages are wanted, the disk is asked for all of them before the first is waited for: it then reads in
 * large pieces, and several at a time. Pages between two that are wanted are read along if they are few, since that
 * takes less than another request.
 */

#include "config.h"
#include "vmm/memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/pagemap.h"

#define STEP (16 * 1024 * 1024ull) /* bytes between looking whether to stop */
#define ADVICE                                                                                               \
  (128 * 1024ull)    /* bytes: the kernel takes no more at once where read-ahead is what it is by default */
#define GAP_PAGES 8u /* read along, if they lie between others */

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
check_not_cancelled (const Populating *populating, GError **error)
{
  if (populating->cancellable == NULL || !g_cancellable_is_cancelled (populating->cancellable))
    return TRUE;
  g_set_error_literal (error, VMM_ERROR, VMM_ERROR_CANCELLED, "the operation was cancelled");
  return FALSE;
}

static gboolean
populate_range (const Populating *populating, guint64 start, guint64 length)
{
  int result;

  do
    result = madvise (populating->host + start, length, MADV_POPULATE_READ);
  while (result != 0 && (errno == EINTR || errno == EAGAIN));
  return result == 0;
}

static gboolean
populate_step (const Populating *populating, guint64 start, guint64 length, GError **error)
{
  if (!check_not_cancelled (populating, error))
    return FALSE;
  if (!populate_range (populating, start, length))
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

/* pages at which a file has data */
static VmmPageSet *
find_data (VmmMemory *memory)
{
  VmmPageSet *data = vmm_page_set_new (vmm_memory_get_size (memory));
  guint64 end;

  for (guint64 start = seek (memory, 0, SEEK_DATA); start < vmm_memory_get_size (memory);
       start = seek (memory, end, SEEK_DATA))
    {
      end = seek (memory, start, SEEK_HOLE);
      vmm_page_set_add_bytes (data, start, end - start);
    }
  if (vmm_memory_get_overlaid (memory) != NULL)
    vmm_page_set_add_all (data, vmm_memory_get_overlaid (memory));
  return data;
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
  g_autoptr (VmmPageSet) data = NULL;
  guint64 start;
  guint64 end = 0;

  if (vmm_memory_get_fd (memory) < 0)
    return TRUE;
  data = find_data (memory);
  while (vmm_page_set_next_run (data, end, &start, &end))
    for (guint64 at = start * VMM_PAGE_SIZE; at < end * VMM_PAGE_SIZE; at += STEP)
      if (!populate_step (&populating, at, MIN (end * VMM_PAGE_SIZE - at, STEP), error))
        return FALSE;
  if (progress != NULL)
    progress (vmm_memory_get_size (memory), vmm_memory_get_size (memory), progress_data);
  return TRUE;
}

/* bytes of the next pages at or after *@end that lie together, or nearly so */
static gboolean
next_piece (const VmmPageSet *pages, guint64 *start, guint64 *end)
{
  guint64 first;
  guint64 next;
  guint64 last;

  if (!vmm_page_set_next_run (pages, *end / VMM_PAGE_SIZE, &first, &last))
    return FALSE;
  *start = first * VMM_PAGE_SIZE;
  *end = last * VMM_PAGE_SIZE;
  while (vmm_page_set_next_run (pages, last, &next, &last) && next - *end / VMM_PAGE_SIZE <= GAP_PAGES)
    *end = last * VMM_PAGE_SIZE;
  return TRUE;
}

/* only a hint, so nothing depends on whether it is taken; of the file under the view, or of what lies over it */
static void
ask_for (const Populating *populating, guint64 start, guint64 end)
{
  for (guint64 at = start; at < end; at += ADVICE)
    (void) madvise (populating->host + at, MIN (end - at, ADVICE), MADV_WILLNEED);
}

gboolean
vmm_memory_populate_set (VmmMemory *memory,
                         const VmmPageSet *pages,
                         VmmProgressFunc progress,
                         gpointer progress_data,
                         GCancellable *cancellable,
                         GError **error)
{
  guint n_regions;
  const Populating populating = {
    memory, vmm_memory_get_regions (memory, &n_regions)[0].host, progress, progress_data, cancellable
  };
  guint64 start;
  guint64 end = 0;

  if (vmm_memory_get_fd (memory) < 0)
    return TRUE;
  while (next_piece (pages, &start, &end))
    {
      if (!check_not_cancelled (&populating, error))
        return FALSE;
      ask_for (&populating, start, end);
    }
  end = 0;
  while (next_piece (pages, &start, &end))
    for (guint64 at = start; at < end; at += STEP)
      {
        if (!check_not_cancelled (&populating, error))
          return FALSE;
        if (!populate_range (&populating, at, MIN (end - at, STEP)))
          g_debug ("a part of guest RAM is read when the guest asks for it: %s", g_strerror (errno));
        if (progress != NULL)
          progress (MIN (at + STEP, end), vmm_memory_get_size (memory), progress_data);
      }
  return TRUE;
}

gboolean
vmm_memory_find_populated (VmmMemory *memory, VmmPageSet *pages, GCancellable *cancellable, GError **error)
{
  g_autoptr (VmmPageSet) held = vmm_page_set_new (vmm_memory_get_size (memory));
  g_autoptr (VmmPageSet) holes = NULL;
  g_autoptr (VmmPageSet) data = NULL;

  if (vmm_memory_get_fd (memory) < 0)
    return TRUE;
  if (!vmm_pagemap_find (memory, VMM_PAGEMAP_HELD, held, cancellable, error))
    return FALSE;
  holes = vmm_page_set_new (vmm_memory_get_size (memory));
  vmm_page_set_add_all (holes, held);
  data = find_data (memory);
  vmm_page_set_remove_all (holes, data);
  vmm_page_set_remove_all (held, holes);
  vmm_page_set_add_all (pages, held);
  return TRUE;
}
