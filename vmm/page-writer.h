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
 * @fd: a file of the size of @memory
 *
 * Writes the pages of @dirty to @fd, zeros too.
 *
 * Thread: any that may block. Errors: NO_SPACE, HOST.
 */
gboolean vmm_page_writer_write_dirty (VmmMemory *memory, int fd, const VmmPageSet *dirty, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_page_writer_find_private:
 * @pages: what a private view of a file holds that is its own, and not the file's, is added
 *
 * Thread: any that may block. Errors: HOST.
 */
gboolean vmm_page_writer_find_private (VmmMemory *memory,
                                       VmmPageSet *pages,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_page_writer_write_set:
 * @fd: a file of the size of @memory
 * @pages: which pages are written
 * @written: pages that @fd has already, in all others it is zero; kept up to date
 * @zeroed: (nullable): pages that are zeros in @fd where a hole would do; kept up to date
 *
 * Writes pages as they are. What is zero, and was, stays a hole. What is zero and was not becomes a hole if @zeroed is
 * %NULL. Else zeros are written: a hole has to wait for what is on its way to the disk.
 *
 * Thread: any that may block for long. Errors: NO_SPACE, CANCELLED, HOST.
 */
gboolean vmm_page_writer_write_set (VmmMemory *memory,
                                    int fd,
                                    const VmmPageSet *pages,
                                    VmmPageSet *written,
                                    VmmPageSet *zeroed,
                                    GCancellable *cancellable,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_page_writer_make_holes: of @zeroed, where the file system has holes. Thread: any that may block for long. */
void vmm_page_writer_make_holes (int fd, const VmmPageSet *zeroed);

G_END_DECLS
