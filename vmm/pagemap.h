/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pagemap.h: which pages of guest RAM our page tables hold (private) */

#pragma once

#include "vmm/memory.h"

G_BEGIN_DECLS

/** VmmPagemapKind: which pages are looked for. */
typedef enum
{
  VMM_PAGEMAP_HELD,    /* all there are */
  VMM_PAGEMAP_PRIVATE, /* those that are not the file's */
} VmmPagemapKind;

/** vmm_pagemap_open: a descriptor for vmm_pagemap_read(), or -1. Errors: HOST. */
int vmm_pagemap_open (GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_pagemap_read:
 * @host: address of a page of ours
 * @entries: (out caller-allocates) (array length=n_pages): what the kernel tells of it and of those after it
 *
 * Errors: HOST.
 */
gboolean vmm_pagemap_read (int pagemap_fd,
                           const guint8 *host,
                           guint64 *entries,
                           gsize n_pages,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_pagemap_is: whether the page that @entry is about is of that kind. */
gboolean vmm_pagemap_is (guint64 entry, VmmPagemapKind kind);

/**
 * vmm_pagemap_find:
 * @pages: of the size of @memory; what is found is added
 *
 * Thread: any that may block. Errors: CANCELLED, HOST.
 */
gboolean vmm_pagemap_find (VmmMemory *memory,
                           VmmPagemapKind kind,
                           VmmPageSet *pages,
                           GCancellable *cancellable,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
