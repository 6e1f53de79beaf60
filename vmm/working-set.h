/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* working-set.h: the pages that a guest used first after a restore, as a file (private) */

#pragma once

#include "vmm/file-ops.h"
#include "vmm/page-set.h"

G_BEGIN_DECLS

/** VMM_WORKING_SET_MEMORY_MAX: bytes; of a guest with more there is no record, as sets are held in memory. */
#define VMM_WORKING_SET_MEMORY_MAX (1ull << 40)

/**
 * VmmWorkingSetKey: what a record is of
 * @uuid: of the snapshot
 * @manifest_sha256: 32 bytes: at the end of the snapshot's manifest
 * @memory_size: bytes
 *
 * A snapshot that is consolidated keeps its UUID; then other pages are to be read, and its manifest is another one.
 */
typedef struct
{
  const char *uuid;
  GBytes *manifest_sha256;
  guint64 memory_size;
} VmmWorkingSetKey;

/** vmm_working_set_pack: (transfer full): the record: the key, @pages, and a digest of both. */
GBytes *vmm_working_set_pack (const VmmWorkingSetKey *key, const VmmPageSet *pages);

/**
 * vmm_working_set_unpack:
 *
 * @bytes is hostile. Errors: CORRUPT if they are no record, or one of something else than @key.
 */
VmmPageSet *vmm_working_set_unpack (GBytes *bytes,
                                    const VmmWorkingSetKey *key,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_working_set_write:
 * @path: absolute; directories that are missing are made
 *
 * Writes a record in the place of whatever has the name: it is there whole, or not at all. It is not synced: after a
 * power cut its digest tells.
 *
 * Thread: any that may block. Errors: those of vmm_file_ops_set_error(), LIMIT_EXCEEDED.
 */
gboolean vmm_working_set_write (const VmmFileOps *ops,
                                const char *path,
                                const VmmWorkingSetKey *key,
                                const VmmPageSet *pages,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_working_set_read:
 *
 * Thread: any that may block. Errors: those of vmm_working_set_unpack() and of vmm_file_ops_set_error(), NO_SUCH_FILE
 * among them; LIMIT_EXCEEDED.
 */
VmmPageSet *vmm_working_set_read (const VmmFileOps *ops,
                                  const char *path,
                                  const VmmWorkingSetKey *key,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
