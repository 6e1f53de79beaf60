/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* digest.h: SHA-256 of bytes and of the chunks of a file (private) */

#pragma once

#include "vmm/file-ops.h"

G_BEGIN_DECLS

#define VMM_DIGEST_SIZE 32u /* bytes */

/** vmm_digest_bytes: SHA-256 of @bytes. */
void vmm_digest_bytes (gconstpointer bytes, gsize length, guint8 digest[VMM_DIGEST_SIZE]);

/** vmm_digest_to_string: (transfer full): @digest in hexadecimal. */
char *vmm_digest_to_string (const guint8 digest[VMM_DIGEST_SIZE]);

/** vmm_digest_chunk_count: how many chunks a file of @size bytes has; the last may be shorter. */
guint64 vmm_digest_chunk_count (guint64 size, guint64 chunk_size);

/**
 * vmm_digest_chunks:
 * @fd: open for reading; its file offset moves
 * @path: for messages
 * @size: bytes of the file
 * @chunk_size: bytes of a chunk, not 0
 * @progress: (nullable): told of the bytes done
 *
 * The digest of each chunk of the file, one after the other: SHA-256 of its bytes, or 32 zero bytes if they are
 * all zero. Holes are not read.
 *
 * Thread: any that may block. Errors: CORRUPT if the file ends before @size, CANCELLED, HOST.
 * Returns: (transfer full): #VMM_DIGEST_SIZE bytes a chunk
 */
GBytes *vmm_digest_chunks (const VmmFileOps *ops,
                           int fd,
                           const char *path,
                           guint64 size,
                           guint64 chunk_size,
                           VmmProgressFunc progress,
                           gpointer progress_data,
                           GCancellable *cancellable,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
