/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot-cache.h: snapshots that were opened a moment ago */

#pragma once

#include "src/worker.h"

G_BEGIN_DECLS

#define OVM_TYPE_SNAPSHOT_CACHE (ovm_snapshot_cache_get_type ())
G_DECLARE_FINAL_TYPE (OvmSnapshotCache, ovm_snapshot_cache, OVM, SNAPSHOT_CACHE, GObject)

#define OVM_SNAPSHOT_CACHE_MAX 8
#define OVM_SNAPSHOT_CACHE_KEPT_SEC 2
#define OVM_SNAPSHOT_CACHE_STATE_SIZE_MAX (4 * 1024 * 1024u) /* bytes; one with more is opened each time */

/** ovm_snapshot_cache_new: @worker lets go of what is not used any more. */
OvmSnapshotCache *ovm_snapshot_cache_new (OvmWorker *worker);

/**
 * ovm_snapshot_cache_open:
 *
 * vmm_snapshot_open(), unless the snapshot was opened before and nothing about its files has changed since.
 *
 * Thread: any that may block. Errors: those of vmm_snapshot_open().
 * Returns: (transfer full): others may have it, too
 */
VmmSnapshot *ovm_snapshot_cache_open (OvmSnapshotCache *cache,
                                      const char *directory,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_snapshot_cache_expire:
 *
 * Sees to it that what is not used any more is let go, after OVM_SNAPSHOT_CACHE_KEPT_SEC. To be called on the main
 * thread when something may have been opened.
 */
void ovm_snapshot_cache_expire (OvmSnapshotCache *cache);

/** ovm_snapshot_cache_get_length: how many there are. Thread: any. */
guint ovm_snapshot_cache_get_length (OvmSnapshotCache *cache);

G_END_DECLS
