/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot-chain.h: an incremental snapshot and those under it (private); vmm_snapshot_open_chain() is in vmm.h */

#pragma once

#include "vmm/memory.h"
#include "vmm/snapshot.h"

G_BEGIN_DECLS

#define VMM_SNAPSHOT_CHAIN_MAX 256u /* snapshots; each has two files open */

/**
 * vmm_snapshot_chain_find:
 * @directory: where the snapshot was last
 * @beside: absolute path of a snapshot, which need not be there, that it may lie beside
 * @uuid: its UUID
 * @sha256: the digest of its manifest, or of the one it had before it was consolidated
 *
 * Errors: PARENT_MISSING; PARENT_CHANGED if it is there with another digest; CORRUPT if what is in @directory is
 * damaged.
 * Returns: (transfer full): opened without its state
 */
VmmSnapshot *vmm_snapshot_chain_find (const VmmFileOps *ops,
                                      const char *directory,
                                      const char *beside,
                                      const char *uuid,
                                      const ProtobufCBinaryData *sha256,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_chain_find_damaged:
 *
 * As vmm_snapshot_chain_find(), by vmm_snapshot_open_damaged(): the manifest alone must be sound. Where it is not, and
 * the snapshot is nowhere else, what is in @directory is returned, without a manifest.
 */
VmmSnapshot *vmm_snapshot_chain_find_damaged (const VmmFileOps *ops,
                                              const char *directory,
                                              const char *beside,
                                              const char *uuid,
                                              const ProtobufCBinaryData *sha256,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_snapshot_chain_check_memory: that @parent has as much RAM as @snapshot. Errors: CORRUPT. */
gboolean vmm_snapshot_chain_check_memory (VmmSnapshot *snapshot,
                                          VmmSnapshot *parent,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_snapshot_chain_get_base: (transfer none): the complete snapshot under @snapshot, whose chain is open. */
VmmSnapshot *vmm_snapshot_chain_get_base (VmmSnapshot *snapshot);

/**
 * VmmSnapshotChainFunc:
 * @offset, @length: bytes of RAM
 * @fd: a file that holds them at the same offset
 */
typedef gboolean (
    *VmmSnapshotChainFunc) (guint64 offset, guint64 length, int fd, gpointer user_data, GError **error);

/**
 * vmm_snapshot_chain_foreach_change:
 * @wanted: (nullable): pages to be told of; %NULL for all
 *
 * Tells of all pages in which @snapshot differs from its base, or of those in @wanted, each once, with the newest file
 * that has it.
 */
gboolean vmm_snapshot_chain_foreach_change (VmmSnapshot *snapshot,
                                            const VmmPageSet *wanted,
                                            VmmSnapshotChainFunc func,
                                            gpointer user_data,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- snapshot-chain-memory.c ------------------------------------------------------------------ */

/**
 * vmm_snapshot_chain_new_memory:
 *
 * RAM as @snapshot, whose chain is open, has it: a private view of the base, with what has changed since laid over it
 * or read into it.
 *
 * Errors: CORRUPT if a file is shorter than it was, HOST.
 */
VmmMemory *vmm_snapshot_chain_new_memory (VmmSnapshot *snapshot, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_chain_show:
 * @memory: blank, of the size of the snapshot's
 *
 * Makes @memory what vmm_snapshot_chain_new_memory() would have made. Errors: the same; then it is only good to be
 * freed.
 */
gboolean vmm_snapshot_chain_show (VmmSnapshot *snapshot,
                                  VmmMemory *memory,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
