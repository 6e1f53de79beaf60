/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* page-writer.h: pages of guest RAM, out to a file (private) */

#pragma once

#include "vmm/memory.h"

G_BEGIN_DECLS

/**
 * vmm_page_writer_write:
 * @fd: an empty file of the size of @memory
 *
 * Writes RAM as it is to @fd; pages of zeros stay holes. For RAM that cannot be handed over by a flip: anonymous
 * RAM, or a private view that has changed. What the guest changes meanwhile is to be written again.
 *
 * Thread: any that may block for long. Errors: NO_SPACE, CANCELLED, HOST.
 */
gboolean vmm_page_writer_write (VmmMemory *memory, int fd, GCancellable *cancellable, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_page_writer_write_dirty:
 * @bits: a bit for each page of RAM, in the order of the file
 *
 * Writes the pages that are marked to @fd, zeros too.
 *
 * Thread: any that may block. Errors: NO_SPACE, HOST.
 */
gboolean vmm_page_writer_write_dirty (VmmMemory *memory, int fd, const guint64 *bits, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
