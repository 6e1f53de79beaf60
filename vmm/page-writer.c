/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A page can differ from zero only if the file under the view has data there, if another lies over it, or if our own
 * page tables hold a page.
 * The rest, mostly the larger part, is passed over without being touched: touching would make the kernel give out
 * a page for it.
 */

#include "config.h"
#include "vmm/page-writer.h"

#include <errno.h>
#include <unistd.h>

#include "vmm/fd.h"
#include "vmm/file-ops.h"
#include "vmm/pagemap.h"
#include "vmm/sparse-copy.h"

#define CHUNK_PAGES 256u /* looked at in one step: 1 MiB */

typedef struct
{
  guint8 *host;
  guint64 size;
  int base_fd;                /* -1: nothing under the view */
  const VmmPageSet *overlaid; /* NULL: nothing over it */
  int pagemap_fd;
  int fd;
  guint64 data_start, data_end; /* the extent of data in base_fd at or after the last place asked for */
} PageWriter;

static gboolean
set_error_from_errno (GError **error, const char *what)
{
  int saved_errno = errno;

  g_set_error (error,
               VMM_ERROR,
               saved_errno == ENOSPC || saved_errno == EDQUOT ? VMM_ERROR_NO_SPACE : VMM_ERROR_HOST,
               "%s: %s",
               what,
               g_strerror (saved_errno));
  return FALSE;
}

static gboolean
base_has_data (PageWriter *writer, guint64 offset)
{
  off_t start;

  if (writer->base_fd < 0)
    return FALSE;
  if (offset < writer->data_end)
    return offset + VMM_PAGE_SIZE > writer->data_start;

  start = TEMP_FAILURE_RETRY (lseek (writer->base_fd, offset, SEEK_DATA));
  if (start < 0)
    {
      /* ENXIO: no data to the end. Any other answer means the file system cannot tell, so all of it may be data */
      writer->data_start = errno == ENXIO ? writer->size : offset;
      writer->data_end = writer->size;
    }
  else
    {
      off_t end = TEMP_FAILURE_RETRY (lseek (writer->base_fd, start, SEEK_HOLE));

      writer->data_start = start;
      writer->data_end = end < 0 ? writer->size : (guint64) end;
    }
  return offset + VMM_PAGE_SIZE > writer->data_start;
}

/* of a file, be it seen yet or not */
static gboolean
has_data (PageWriter *writer, guint64 offset)
{
  return base_has_data (writer, offset) ||
         (writer->overlaid != NULL && vmm_page_set_contains (writer->overlaid, offset / VMM_PAGE_SIZE));
}

static gboolean
write_all (PageWriter *writer, guint64 offset, gsize length, GError **error)
{
  while (length > 0)
    {
      ssize_t n = pwrite (writer->fd, writer->host + offset, length, offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return set_error_from_errno (error, "writing guest RAM to the snapshot's memory.bin failed");
      offset += n;
      length -= n;
    }
  return TRUE;
}

/* Writes the runs of pages that hold something, between @offset and the @n_pages pages after it. */
static gboolean
write_chunk (PageWriter *writer, guint64 offset, guint n_pages, GError **error)
{
  guint64 held[CHUNK_PAGES] = { 0 };
  guint64 run = 0;

  if (!vmm_pagemap_read (writer->pagemap_fd, writer->host + offset, held, n_pages, error))
    return FALSE;
  for (guint i = 0; i < n_pages; i++)
    {
      guint64 here = offset + (guint64) i * VMM_PAGE_SIZE;
      gboolean keep = (vmm_pagemap_is (held[i], VMM_PAGEMAP_HELD) || has_data (writer, here)) &&
                      !vmm_sparse_copy_is_zero (writer->host + here, VMM_PAGE_SIZE);

      if (keep)
        run += VMM_PAGE_SIZE;
      else if (run > 0)
        {
          if (!write_all (writer, here - run, run, error))
            return FALSE;
          run = 0;
        }
    }
  return run == 0 || write_all (writer, offset + (guint64) n_pages * VMM_PAGE_SIZE - run, run, error);
}

static gboolean
check_not_cancelled (GCancellable *cancellable, GError **error)
{
  if (!g_cancellable_is_cancelled (cancellable))
    return TRUE;
  g_set_error_literal (error, VMM_ERROR, VMM_ERROR_CANCELLED, "the save was cancelled");
  return FALSE;
}

gboolean
vmm_page_writer_write (VmmMemory *memory, int fd, GCancellable *cancellable, GError **error)
{
  VMM_AUTO_FD int pagemap_fd = vmm_pagemap_open (error);
  guint n_regions;
  PageWriter writer = {
    .host = vmm_memory_get_regions (memory, &n_regions)[0].host,
    .size = vmm_memory_get_size (memory),
    .base_fd = vmm_memory_get_fd (memory),
    .overlaid = vmm_memory_get_overlaid (memory),
    .pagemap_fd = pagemap_fd,
    .fd = fd,
  };

  if (pagemap_fd < 0)
    return FALSE;
  for (guint64 offset = 0; offset < writer.size; offset += (guint64) CHUNK_PAGES * VMM_PAGE_SIZE)
    {
      guint n_pages = MIN (CHUNK_PAGES, (writer.size - offset) / VMM_PAGE_SIZE);

      if (!check_not_cancelled (cancellable, error) || !write_chunk (&writer, offset, n_pages, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vmm_page_writer_write_dirty (VmmMemory *memory, int fd, const VmmPageSet *dirty, GError **error)
{
  guint n_regions;
  PageWriter writer = { .host = vmm_memory_get_regions (memory, &n_regions)[0].host, .fd = fd };
  guint64 start;
  guint64 end = 0;

  while (vmm_page_set_next_run (dirty, end, &start, &end))
    if (!write_all (&writer, start * VMM_PAGE_SIZE, (end - start) * VMM_PAGE_SIZE, error))
      return FALSE;
  return TRUE;
}

gboolean
vmm_page_writer_find_private (VmmMemory *memory, VmmPageSet *pages, GError **error)
{
  if (vmm_memory_get_overlaid (memory) != NULL)
    vmm_page_set_add_all (pages, vmm_memory_get_overlaid (memory));
  return vmm_pagemap_find (memory, VMM_PAGEMAP_PRIVATE, pages, NULL, error);
}

typedef enum
{
  PAGE_STAYS_HOLE,
  PAGE_BECOMES_HOLE,
  PAGE_IS_WRITTEN,
} PageFate;

static PageFate
get_fate (const PageWriter *writer, const VmmPageSet *written, const VmmPageSet *zeroed, guint64 page)
{
  if (!vmm_sparse_copy_is_zero (writer->host + page * VMM_PAGE_SIZE, VMM_PAGE_SIZE))
    return PAGE_IS_WRITTEN;
  if (!vmm_page_set_contains (written, page))
    return PAGE_STAYS_HOLE;
  return zeroed != NULL ? PAGE_IS_WRITTEN : PAGE_BECOMES_HOLE;
}

static gboolean
make_hole (int fd, guint64 start, guint64 end)
{
  return vmm_file_ops_punch_hole (NULL,
                                  fd,
                                  "memory.bin",
                                  start * VMM_PAGE_SIZE,
                                  (end - start) * VMM_PAGE_SIZE) == 0;
}

/* the guest may have changed the page since it was looked at: what it has now is then written once more */
static void
note_written (const PageWriter *writer, guint64 page, VmmPageSet *written, VmmPageSet *zeroed)
{
  gboolean was_written = vmm_page_set_contains (written, page);

  vmm_page_set_add (written, page);
  if (zeroed == NULL)
    return;
  if (was_written && vmm_sparse_copy_is_zero (writer->host + page * VMM_PAGE_SIZE, VMM_PAGE_SIZE))
    vmm_page_set_add (zeroed, page);
  else
    vmm_page_set_remove (zeroed, page);
}
static gboolean
write_pages (PageWriter *writer,
             guint64 start,
             guint64 end,
             VmmPageSet *written,
             VmmPageSet *zeroed,
             GError **error)
{
  if (!write_all (writer, start * VMM_PAGE_SIZE, (end - start) * VMM_PAGE_SIZE, error))
    return FALSE;
  for (guint64 page = start; page < end; page++)
    note_written (writer, page, written, zeroed);
  return TRUE;
}

static gboolean
write_run (PageWriter *writer,
           guint64 start,
           guint64 stop,
           VmmPageSet *written,
           VmmPageSet *zeroed,
           GError **error)
{
  while (start < stop)
    {
      PageFate fate = get_fate (writer, written, zeroed, start);
      guint64 end = start + 1;

      while (end < stop && get_fate (writer, written, zeroed, end) == fate)
        end++;
      if (fate == PAGE_BECOMES_HOLE && make_hole (writer->fd, start, end))
        {
          for (guint64 page = start; page < end; page++)
            vmm_page_set_remove (written, page);
        }
      else if (fate != PAGE_STAYS_HOLE && !write_pages (writer, start, end, written, zeroed, error))
        return FALSE;
      start = end;
    }
  return TRUE;
}

gboolean
vmm_page_writer_write_set (VmmMemory *memory,
                           int fd,
                           const VmmPageSet *pages,
                           VmmPageSet *written,
                           VmmPageSet *zeroed,
                           GCancellable *cancellable,
                           GError **error)
{
  guint n_regions;
  PageWriter writer = { .host = vmm_memory_get_regions (memory, &n_regions)[0].host, .fd = fd };
  guint64 start;
  guint64 end = 0;

  while (vmm_page_set_next_run (pages, end, &start, &end))
    {
      end = MIN (end, start + CHUNK_PAGES);
      if (!check_not_cancelled (cancellable, error) ||
          !write_run (&writer, start, end, written, zeroed, error))
        return FALSE;
    }
  return TRUE;
}

void
vmm_page_writer_make_holes (int fd, const VmmPageSet *zeroed)
{
  guint64 start;
  guint64 end = 0;

  while (vmm_page_set_next_run (zeroed, end, &start, &end))
    if (!make_hole (fd, start, end))
      g_debug ("zeros of a snapshot take room: %s", g_strerror (errno));
}
