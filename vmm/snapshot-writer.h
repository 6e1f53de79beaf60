/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot-writer.h: a snapshot directory in the making (private) */

#pragma once

#include "vmm/file-ops.h"
#include "vmm/manifest.h"
#include "vmm/page-set.h"
#include "vmm/saved-state.h"

G_BEGIN_DECLS

typedef struct _VmmSnapshotWriter VmmSnapshotWriter;

/**
 * vmm_snapshot_writer_new:
 * @directory: absolute path of the snapshot to be; must not exist, its parent must
 *
 * Removes stale staging directories of dead processes beside the target, then makes a staging directory, locked.
 *
 * Errors: EXISTS, NO_SUCH_FILE, NOT_AUTHORIZED, NO_SPACE, INVALID_CONFIG for a path that cannot be a snapshot's,
 * HOST.
 */
VmmSnapshotWriter *vmm_snapshot_writer_new (const char *directory, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_writer_new_with_ops: the same, with @ops, which must outlive the writer, between it and the file
 * system.
 */
VmmSnapshotWriter *vmm_snapshot_writer_new_with_ops (const VmmFileOps *ops,
                                                     const char *directory,
                                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_writer_new_for: the same, of a snapshot that takes the place of the one in @directory, which is open as
 * @fd. See vmm_staging_new_for().
 */
VmmSnapshotWriter *vmm_snapshot_writer_new_for (const VmmFileOps *ops,
                                                const char *directory,
                                                int fd,
                                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_snapshot_writer_free: removes the staging directory if it was not committed. */
void vmm_snapshot_writer_free (VmmSnapshotWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmSnapshotWriter, vmm_snapshot_writer_free)

/**
 * vmm_snapshot_writer_create_memory:
 *
 * Makes an empty memory.bin of @size bytes in the staging directory, for a caller that writes RAM itself. It is
 * taken as it is then by vmm_snapshot_writer_commit().
 *
 * Returns: a descriptor for reading and writing that the caller owns, or -1
 */
int vmm_snapshot_writer_create_memory (VmmSnapshotWriter *writer,
                                       guint64 size,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_writer_share_memory:
 * @source_fd: a file that never changes again
 * @size: bytes of it, and of memory.bin, which was just made
 * @shared: (out): whether it could be done; if not, memory.bin is as it was made
 *
 * Gives memory.bin the content of @source_fd at no cost, where the file system can let two files share their blocks.
 *
 * Errors: NO_SPACE, HOST if memory.bin could not be made empty again.
 */
gboolean vmm_snapshot_writer_share_memory (VmmSnapshotWriter *writer,
                                           int source_fd,
                                           guint64 size,
                                           gboolean *shared,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_writer_keep_digests:
 * @manifest: of the complete snapshot whose content memory.bin began with
 * @changed: pages that have been written over since
 *
 * What is as it was is not read again: it has the digest it had. So damage that is in both is still seen in both.
 */
void vmm_snapshot_writer_keep_digests (VmmSnapshotWriter *writer,
                                       const VmmManifest *manifest,
                                       const VmmPageSet *changed);

/**
 * vmm_snapshot_writer_adopt_memory:
 * @fd: the RAM file, which must not change any more
 *
 * Makes memory.bin out of @fd: a hard link where that is possible, else a reflink, else a copy that keeps holes.
 *
 * Thread: any that may block for long. Errors: NO_SPACE, CANCELLED, HOST.
 * @linked: (out): whether memory.bin is the very file of @fd
 */
gboolean vmm_snapshot_writer_adopt_memory (VmmSnapshotWriter *writer,
                                           int fd,
                                           guint64 size,
                                           GCancellable *cancellable,
                                           gboolean *linked,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_writer_set_parent:
 * @manifest: that the snapshot is committed with; it becomes an incremental one's
 * @page_count: pages that memory.bin holds
 * @pages: pages.bin: which these are
 *
 * memory.bin holds pages over the RAM of @parent, and not all of RAM.
 */
void vmm_snapshot_writer_set_parent (VmmSnapshotWriter *writer,
                                     VmmManifest *manifest,
                                     VmmSnapshot *parent,
                                     guint64 page_count,
                                     GBytes *pages);

/**
 * vmm_snapshot_writer_commit:
 * @manifest: borrowed; its own digest, state size, digests, unit names and memory digests are filled in here
 *
 * Digests memory, writes state and manifest, makes all of it durable and read-only, and renames the staging
 * directory to its name. After a failure nothing is visible under the target's name. To be called once, after
 * memory.bin was made.
 *
 * Errors: EXISTS, NO_SPACE, NOT_AUTHORIZED, CANCELLED, INVALID_CONFIG or LIMIT_EXCEEDED if manifest or state
 * could not be read again, HOST.
 */
gboolean vmm_snapshot_writer_commit (VmmSnapshotWriter *writer,
                                     VmmManifest *manifest,
                                     VmmSavedState *state,
                                     VmmProgressFunc progress,
                                     gpointer progress_data,
                                     GCancellable *cancellable,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
