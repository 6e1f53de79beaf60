/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A flip moves the page tables of the process, and the kernel has KVM let go of the same RAM, entry by entry, while the
 * guest stands still. What KVM has let go of before, it need not then. A piece at a time, since a VP that asks for a
 * page of a piece waits until the kernel is through with that piece.
 *
 * Of the calls that tell KVM, PAGEMAP_SCAN is the one that does nothing else: it announces that it takes away the right
 * to write in all of its range, and then passes over mappings that userfaultfd does not watch, as all of ours.
 */

#include "config.h"
#include "vmm/memory.h"

#include <sys/ioctl.h>

#include "vmm/fd.h"
#include "vmm/pagemap.h"

#define PIECE (64 * 1024 * 1024ull)

/* Linux admin-guide/mm/pagemap; since 6.7, and in no header that is old enough to be everywhere */
typedef struct
{
  guint64 size;
  guint64 flags;
  guint64 start, end; /* addresses */
  guint64 walk_end;
  guint64 vec, vec_len, max_pages;
  guint64 category_inverted, category_mask, category_anyof_mask, return_mask;
} Scan;

G_STATIC_ASSERT (sizeof (Scan) == 96);

#define SCAN _IOWR ('f', 16, Scan)
#define SCAN_WP_MATCHING 1u

static gboolean
zap (int pagemap_fd, const guint8 *host, guint64 length)
{
  Scan scan = {
    .size = sizeof scan,
    .flags = SCAN_WP_MATCHING,
    .start = (guintptr) host,
    .end = (guintptr) host + length,
  };

  return ioctl (pagemap_fd, SCAN, &scan) == 0;
}

void
vmm_memory_zap (VmmMemory *memory)
{
  VMM_AUTO_FD int pagemap_fd = vmm_pagemap_open (NULL);
  guint64 size = vmm_memory_get_size (memory);
  guint n_regions;
  const guint8 *host = vmm_memory_get_regions (memory, &n_regions)[0].host;

  for (guint64 start = 0; start < size; start += PIECE)
    if (pagemap_fd < 0 || !zap (pagemap_fd, host + start, MIN (PIECE, size - start)))
      {
        g_debug ("KVM lets go of RAM in the freeze");
        return;
      }
}
