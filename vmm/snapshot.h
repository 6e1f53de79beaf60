/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot.h: what the machine needs of an opened snapshot (private); the rest is in vmm.h */

#pragma once

#include "vmm/file-ops.h"
#include "vmm/manifest.h"
#include "vmm/saved-state.h"

G_BEGIN_DECLS

#define VMM_SNAPSHOT_MANIFEST "manifest.bin"
#define VMM_SNAPSHOT_STATE "state.bin"
#define VMM_SNAPSHOT_MEMORY "memory.bin"

/**
 * vmm_snapshot_open_with_ops:
 * @ops: (nullable): goes between the snapshot and the file system; must outlive the snapshot
 *
 * As vmm_snapshot_open().
 */
VmmSnapshot *vmm_snapshot_open_with_ops (const VmmFileOps *ops,
                                         const char *directory,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

const VmmManifest *vmm_snapshot_get_manifest (VmmSnapshot *snapshot);
VmmSavedState *vmm_snapshot_get_saved_state (VmmSnapshot *snapshot); /* (transfer none) */

/** vmm_snapshot_get_memory_fd: memory.bin, open for reading; belongs to @snapshot. */
int vmm_snapshot_get_memory_fd (VmmSnapshot *snapshot);

G_END_DECLS
