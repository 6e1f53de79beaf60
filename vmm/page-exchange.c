/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What can fail, reading files and finding memory, comes first, with RAM as it is. The swap itself only copies between
 * pages that are there. Should the host fail even in that, what has been swapped is swapped back: those pages have just
 * been written to, so they can be once more.
 */

#include "config.h"
#include "vmm/page-exchange.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/file-ops.h"

#define PIECE_PAGES 64u

/** Run: pages that follow each other, in RAM and in the exchange. */
typedef struct
{
  guint64 start; /* page of RAM */
  guint64 end;
  guint64 place; /* page of the exchange */
} Run;

struct _VmmPageExchange
{
  VmmMemory *memory;
  GArray *runs; /* of Run, ascending */
  guint8 *bytes;
  gsize size;
  guint8 piece[PIECE_PAGES * VMM_PAGE_SIZE];
};

static void
add_runs (VmmPageExchange *exchange, const VmmPageSet *pages)
{
  guint64 place = 0;
  Run run = { 0 };

  while (vmm_page_set_next_run (pages, run.end, &run.start, &run.end))
    {
      run.place = place;
      place += run.end - run.start;
      g_array_append_val (exchange->runs, run);
    }
}

VmmPageExchange *
vmm_page_exchange_new (VmmMemory *memory, const VmmPageSet *pages, GError **error)
{
  g_autoptr (VmmPageExchange) exchange = g_new0 (VmmPageExchange, 1);
  gsize size = vmm_page_set_count (pages) * VMM_PAGE_SIZE;
  void *bytes;

  exchange->memory = memory;
  exchange->runs = g_array_new (FALSE, FALSE, sizeof (Run));
  if (size == 0)
    return g_steal_pointer (&exchange);
  bytes = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (bytes == MAP_FAILED)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_HOST,
                   "the host has no %zu bytes of memory to put pages in: %s",
                   size,
                   g_strerror (errno));
      return NULL;
    }
  exchange->bytes = bytes;
  exchange->size = size;
  add_runs (exchange, pages);
  return g_steal_pointer (&exchange);
}

void
vmm_page_exchange_free (VmmPageExchange *exchange)
{
  if (exchange == NULL)
    return;
  if (exchange->bytes != NULL)
    munmap (exchange->bytes, exchange->size);
  g_array_unref (exchange->runs);
  g_free (exchange);
}

/* the run that page @key is in */
static int
compare_run (const void *key, const void *element)
{
  guint64 page = *(const guint64 *) key;
  const Run *run = element;

  return page < run->start ? -1 : page >= run->end ? 1 : 0;
}

static guint8 *
find (VmmPageExchange *exchange, guint64 offset, guint64 length)
{
  guint64 page = offset / VMM_PAGE_SIZE;
  const Run *run = bsearch (&page, exchange->runs->data, exchange->runs->len, sizeof (Run), compare_run);

  if (run == NULL || length > (run->end - page) * VMM_PAGE_SIZE)
    return NULL;
  return exchange->bytes + (run->place + page - run->start) * VMM_PAGE_SIZE;
}

gboolean
vmm_page_exchange_read (VmmPageExchange *exchange, guint64 offset, guint64 length, int fd, GError **error)
{
  guint8 *bytes = find (exchange, offset, length);
  gssize n;

  g_return_val_if_fail (bytes != NULL, FALSE);

  n = vmm_file_ops_read (NULL, fd, "memory.bin", bytes, length, offset);
  if (n < 0)
    vmm_file_ops_set_error (error, errno, "read", NULL, "memory.bin");
  else if ((guint64) n < length)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_CORRUPT,
                 "the file ends before byte %" G_GUINT64_FORMAT,
                 offset + length);
  return n >= 0 && (guint64) n == length;
}

/* @length: up to a piece, all in one region */
static gboolean
swap_piece (VmmPageExchange *exchange, guint64 gpa, guint8 *bytes, gsize length, GError **error)
{
  if (!vmm_memory_read (exchange->memory, gpa, exchange->piece, length, error))
    return FALSE;
  if (!vmm_memory_write (exchange->memory, gpa, bytes, length, error))
    {
      /* those before the one that could not be written to are written back, and it is what it was */
      if (!vmm_memory_write (exchange->memory, gpa, exchange->piece, length, NULL))
        g_debug ("a page of RAM cannot be written to");
      return FALSE;
    }
  memcpy (bytes, exchange->piece, length);
  return TRUE;
}

/* Swaps what of the exchange lies before @limit, in bytes of it. Returns how much was. */
static gsize
swap_until (VmmPageExchange *exchange, gsize limit, GError **error)
{
  guint n_regions;
  const VmmMemoryRegion *regions = vmm_memory_get_regions (exchange->memory, &n_regions);
  gsize done = 0;

  for (guint i = 0; i < exchange->runs->len; i++)
    {
      const Run *run = &g_array_index (exchange->runs, Run, i);
      guint64 offset = run->start * VMM_PAGE_SIZE;

      while (offset < run->end * VMM_PAGE_SIZE && done < limit)
        {
          const VmmMemoryRegion *region = &regions[n_regions > 1 && offset >= regions[1].file_offset];
          guint64 end = MIN (run->end * VMM_PAGE_SIZE, region->file_offset + region->length);
          gsize length = MIN (MIN (end - offset, sizeof exchange->piece), limit - done);

          if (!swap_piece (exchange,
                           region->gpa + (offset - region->file_offset),
                           exchange->bytes + done,
                           length,
                           error))
            return done;
          done += length;
          offset += length;
        }
    }
  return done;
}

gboolean
vmm_page_exchange_swap (VmmPageExchange *exchange, GError **error)
{
  gsize done = swap_until (exchange, exchange->size, error);

  if (done == exchange->size)
    return TRUE;
  if (swap_until (exchange, done, NULL) < done)
    g_debug ("pages of RAM cannot be written to any more");
  return FALSE;
}
