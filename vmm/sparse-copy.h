/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sparse-copy.h: copies of files that are mostly holes (private) */

#pragma once

#include "vmm/file-ops.h"

G_BEGIN_DECLS

/** vmm_sparse_copy_is_zero: whether @bytes are all zero. */
gboolean vmm_sparse_copy_is_zero (gconstpointer bytes, gsize length) G_GNUC_PURE;

/**
 * vmm_sparse_copy:
 * @source_fd: open for reading; its file offset moves
 * @fd: open for writing, a new file without content
 * @path: of @fd's file, for messages
 * @size: bytes of the source; the copy becomes as long
 *
 * Copies a file. Where both ends share storage that can, they share the blocks; else what is data is copied, and
 * holes and pages of zeros become holes.
 *
 * Thread: any that may block for long. Errors: NO_SPACE, CANCELLED, HOST; also if the source ends before @size.
 */
gboolean vmm_sparse_copy (const VmmFileOps *ops,
                          int source_fd,
                          int fd,
                          const char *path,
                          guint64 size,
                          GCancellable *cancellable,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
