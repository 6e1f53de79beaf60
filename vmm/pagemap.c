/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel tells of our page tables is read, not changed: a page that is looked for is not made by it. */

#include "config.h"
#include "vmm/pagemap.h"

#include <fcntl.h>

#include "vmm/fd.h"
#include "vmm/file-ops.h"

#define CHUNK_PAGES 256u                           /* looked at in one step: 1 MiB */
#define PAGEMAP_HELD ((1ull << 63) | (1ull << 62)) /* present, or swapped out: Linux admin-guide/mm/pagemap */
#define PAGEMAP_FILE (1ull << 61)                  /* a page of the file, which we only look at */

static void
set_error_from_errno (GError **error, const char *what)
{
  vmm_file_ops_set_error (error, errno, what, "/proc/self", "pagemap");
}

int
vmm_pagemap_open (GError **error)
{
  int fd = TEMP_FAILURE_RETRY (open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));

  if (fd < 0)
    set_error_from_errno (error, "open");
  return fd;
}

gboolean
vmm_pagemap_read (int pagemap_fd, const guint8 *host, guint64 *entries, gsize n_pages, GError **error)
{
  off_t place = (off_t) ((guintptr) host / VMM_PAGE_SIZE * sizeof entries[0]);
  gsize length = n_pages * sizeof entries[0];

  for (gsize done = 0; done < length;)
    {
      ssize_t n = TEMP_FAILURE_RETRY (
          pread (pagemap_fd, (guint8 *) entries + done, length - done, place + (off_t) done));

      if (n == 0)
        errno = EIO;
      if (n <= 0)
        {
          set_error_from_errno (error, "read");
          return FALSE;
        }
      done += (gsize) n;
    }
  return TRUE;
}

gboolean
vmm_pagemap_is (guint64 entry, VmmPagemapKind kind)
{
  return (entry & PAGEMAP_HELD) != 0 && (kind == VMM_PAGEMAP_HELD || (entry & PAGEMAP_FILE) == 0);
}

gboolean
vmm_pagemap_find (VmmMemory *memory,
                  VmmPagemapKind kind,
                  VmmPageSet *pages,
                  GCancellable *cancellable,
                  GError **error)
{
  VMM_AUTO_FD int pagemap_fd = vmm_pagemap_open (error);
  guint n_regions;
  const guint8 *host = vmm_memory_get_regions (memory, &n_regions)[0].host;
  guint64 entries[CHUNK_PAGES] = { 0 };

  if (pagemap_fd < 0)
    return FALSE;
  for (guint64 page = 0; page < pages->n_pages; page += CHUNK_PAGES)
    {
      gsize n_pages = MIN (CHUNK_PAGES, pages->n_pages - page);

      if (cancellable != NULL && g_cancellable_is_cancelled (cancellable))
        {
          g_set_error_literal (error, VMM_ERROR, VMM_ERROR_CANCELLED, "the search for pages was cancelled");
          return FALSE;
        }
      if (!vmm_pagemap_read (pagemap_fd, host + page * VMM_PAGE_SIZE, entries, n_pages, error))
        return FALSE;
      for (gsize i = 0; i < n_pages; i++)
        if (vmm_pagemap_is (entries[i], kind))
          vmm_page_set_add (pages, page + i);
    }
  return TRUE;
}
