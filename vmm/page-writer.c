/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A page can differ from zero only if the file under the view has data there, if another lies over it, or if our own
 * page tables hold a page.
 * The rest, mostly the larger part, is passed over without being touched: touching would make the kernel give out
 * a page for it.
 *
 * What is looked at is read first, and written from there: a page that the file system cannot give any more is an
 * error so, and what was seen to be zero is what is written, however fast the guest changes it.
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
  VmmMemory *memory;
  int fd;
  guint8 *piece; /* CHUNK_PAGES pages: those that are looked at */

  /* of a writer of all of RAM */
  guint64 size;
  int base_fd;                /* -1: nothing under the view */
  const VmmPageSet *overlaid; /* NULL: nothing over it */
  int pagemap_fd;
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
write_all (int fd, const guint8 *bytes, guint64 offset, gsize length, GError **error)
{
  while (length > 0)
    {
      ssize_t n = pwrite (fd, bytes, length, offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return set_error_from_errno (error, "writing guest RAM to the snapshot's memory.bin failed");
      bytes += n;
      offset += n;
      length -= n;
    }
  return TRUE;
}

static gboolean
read_piece (PageWriter *writer, guint64 offset, guint n_pages, GError **error)
{
  return vmm_memory_read_view (writer->memory, offset, writer->piece, (gsize) n_pages * VMM_PAGE_SIZE, error);
}

/* pages from the piece, by their number in it */
static gboolean
write_piece (PageWriter *writer, guint64 offset, guint start, guint end, GError **error)
{
  gsize first = (gsize) start * VMM_PAGE_SIZE;

  return write_all (writer->fd,
                    writer->piece + first,
                    offset + first,
                    (gsize) (end - start) * VMM_PAGE_SIZE,
                    error);
}

static gboolean
is_zero (const PageWriter *writer, guint i)
{
  return vmm_sparse_copy_is_zero (writer->piece + (gsize) i * VMM_PAGE_SIZE, VMM_PAGE_SIZE);
}

static gboolean
write_what_is_not_zero (PageWriter *writer, guint64 offset, guint n_pages, GError **error)
{
  guint start = 0;

  if (!read_piece (writer, offset, n_pages, error))
    return FALSE;
  while (start < n_pages)
    {
      guint end = start;

      while (end < n_pages && !is_zero (writer, end))
        end++;
      if (end > start && !write_piece (writer, offset, start, end, error))
        return FALSE;
      start = end + 1;
    }
  return TRUE;
}

/* Writes the runs of pages that hold something, between @offset and the @n_pages pages after it. */
static gboolean
write_chunk (PageWriter *writer, const guint8 *host, guint64 offset, guint n_pages, GError **error)
{
  guint64 held[CHUNK_PAGES] = { 0 };
  guint run = 0;

  if (!vmm_pagemap_read (writer->pagemap_fd, host + offset, held, n_pages, error))
    return FALSE;
  for (guint i = 0; i <= n_pages; i++)
    {
      guint64 here = offset + (guint64) i * VMM_PAGE_SIZE;

      if (i < n_pages && (vmm_pagemap_is (held[i], VMM_PAGEMAP_HELD) || has_data (writer, here)))
        run++;
      else if (run > 0)
        {
          if (!write_what_is_not_zero (writer, here - (guint64) run * VMM_PAGE_SIZE, run, error))
            return FALSE;
          run = 0;
        }
    }
  return TRUE;
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
  g_autofree guint8 *piece = g_malloc ((gsize) CHUNK_PAGES * VMM_PAGE_SIZE);
  guint n_regions;
  const guint8 *host = vmm_memory_get_regions (memory, &n_regions)[0].host;
  PageWriter writer = {
    .memory = memory,
    .fd = fd,
    .piece = piece,
    .size = vmm_memory_get_size (memory),
    .base_fd = vmm_memory_get_fd (memory),
    .overlaid = vmm_memory_get_overlaid (memory),
    .pagemap_fd = pagemap_fd,
  };

  if (pagemap_fd < 0)
    return FALSE;
  for (guint64 offset = 0; offset < writer.size; offset += (guint64) CHUNK_PAGES * VMM_PAGE_SIZE)
    {
      guint n_pages = MIN (CHUNK_PAGES, (writer.size - offset) / VMM_PAGE_SIZE);

      if (!check_not_cancelled (cancellable, error) || !write_chunk (&writer, host, offset, n_pages, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vmm_page_writer_write_dirty (VmmMemory *memory, int fd, const VmmPageSet *dirty, GError **error)
{
  guint n_regions;
  const guint8 *host = vmm_memory_get_regions (memory, &n_regions)[0].host;
  guint64 start;
  guint64 end = 0;

  /* to write from a page that cannot be had is an error, too */
  while (vmm_page_set_next_run (dirty, end, &start, &end))
    if (!write_all (fd,
                    host + start * VMM_PAGE_SIZE,
                    start * VMM_PAGE_SIZE,
                    (end - start) * VMM_PAGE_SIZE,
                    error))
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

/* One set of pages on its way: what it has come to is noted in the other two. */
typedef struct
{
  PageWriter *writer;
  VmmPageSet *written;
  VmmPageSet *zeroed; /* NULL: zeros become holes at once */
} SetWriter;

/* of page @first + @i, which is number @i in the piece */
static PageFate
get_fate (const SetWriter *set, guint64 first, guint i)
{
  if (!is_zero (set->writer, i))
    return PAGE_IS_WRITTEN;
  if (!vmm_page_set_contains (set->written, first + i))
    return PAGE_STAYS_HOLE;
  return set->zeroed != NULL ? PAGE_IS_WRITTEN : PAGE_BECOMES_HOLE;
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

static void
note_written (const SetWriter *set, guint64 first, guint i)
{
  vmm_page_set_add (set->written, first + i);
  if (set->zeroed == NULL)
    return;
  if (is_zero (set->writer, i))
    vmm_page_set_add (set->zeroed, first + i);
  else
    vmm_page_set_remove (set->zeroed, first + i);
}

static gboolean
write_alike (const SetWriter *set, guint64 first, guint start, guint end, PageFate fate, GError **error)
{
  if (fate == PAGE_STAYS_HOLE)
    return TRUE;
  if (fate == PAGE_BECOMES_HOLE && make_hole (set->writer->fd, first + start, first + end))
    {
      for (guint i = start; i < end; i++)
        vmm_page_set_remove (set->written, first + i);
      return TRUE;
    }
  if (!write_piece (set->writer, first * VMM_PAGE_SIZE, start, end, error))
    return FALSE;
  for (guint i = start; i < end; i++)
    note_written (set, first, i);
  return TRUE;
}

static gboolean
write_run (const SetWriter *set, guint64 first, guint n_pages, GError **error)
{
  guint start = 0;

  if (!read_piece (set->writer, first * VMM_PAGE_SIZE, n_pages, error))
    return FALSE;
  while (start < n_pages)
    {
      PageFate fate = get_fate (set, first, start);
      guint end = start + 1;

      while (end < n_pages && get_fate (set, first, end) == fate)
        end++;
      if (!write_alike (set, first, start, end, fate, error))
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
  g_autofree guint8 *piece = g_malloc ((gsize) CHUNK_PAGES * VMM_PAGE_SIZE);
  PageWriter writer = { .memory = memory, .fd = fd, .piece = piece };
  const SetWriter set = { .writer = &writer, .written = written, .zeroed = zeroed };
  guint64 start;
  guint64 end = 0;

  while (vmm_page_set_next_run (pages, end, &start, &end))
    {
      end = MIN (end, start + CHUNK_PAGES);
      if (!check_not_cancelled (cancellable, error) || !write_run (&set, start, (guint) (end - start), error))
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
