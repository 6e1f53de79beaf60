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
 * VmmDigestPlan: what is to be digested, and how
 * @ops: (nullable): its hook is called on all of the threads
 * @fd: open for reading; its file offset moves
 * @path: for messages
 * @size: bytes of the file
 * @chunk_size: bytes of a chunk, not 0
 * @threads_max: 0 for as many as there are processors and as @size is worth
 * @unreadable: (nullable) (array): an item for each chunk, all of them 0. One that the disk cannot give back gets the
 *   errno, and 32 zero bytes for a digest; the rest is digested. With %NULL such a chunk is an error like any other
 * @known: (nullable) (array): an item for each chunk, of #VMM_DIGEST_SIZE bytes
 * @is_known: (array): an item for each chunk: whether it is not read, as @known has its digest; goes with @known
 * @progress: (nullable): told of the bytes done, on the thread of the caller
 */
typedef struct
{
  const VmmFileOps *ops;
  int fd;
  const char *path;
  guint64 size;
  guint64 chunk_size;
  guint threads_max;
  int *unreadable;
  const guint8 *known;
  const gboolean *is_known;
  VmmProgressFunc progress;
  gpointer progress_data;
  GCancellable *cancellable;
} VmmDigestPlan;

/**
 * vmm_digest_run:
 *
 * The digest of each chunk of the file, one after the other: SHA-256 of its bytes, or 32 zero bytes if they are
 * all zero. Holes are not read. Several threads work on it, each with 1 MiB of memory; the result, and the error of a
 * failure, do not depend on how many.
 *
 * Thread: any that may block. Errors: CORRUPT if the file ends before @size, CANCELLED, HOST.
 * Returns: (transfer full): #VMM_DIGEST_SIZE bytes a chunk
 */
GBytes *vmm_digest_run (const VmmDigestPlan *plan, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_digest_chunks: vmm_digest_run() with a plan of these. */
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
