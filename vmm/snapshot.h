/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot.h: what the machine needs of an opened snapshot (private); the rest is in vmm.h */

#pragma once

#include "vmm/damage.h"
#include "vmm/file-ops.h"
#include "vmm/manifest.h"
#include "vmm/page-set.h"
#include "vmm/saved-state.h"

G_BEGIN_DECLS

#define VMM_SNAPSHOT_MANIFEST "manifest.bin"
#define VMM_SNAPSHOT_STATE "state.bin"
#define VMM_SNAPSHOT_MEMORY "memory.bin"
#define VMM_SNAPSHOT_PAGES "pages.bin"             /* of an incremental one only */
#define VMM_SNAPSHOT_DESCRIPTION "description.txt" /* of one that was described after it was saved */
#define VMM_SNAPSHOT_DESCRIPTION_NEW "description.txt.new"

/**
 * vmm_snapshot_open_with_ops:
 * @ops: (nullable): goes between the snapshot and the file system; must outlive the snapshot
 *
 * As vmm_snapshot_open().
 */
VmmSnapshot *vmm_snapshot_open_with_ops (const VmmFileOps *ops,
                                         const char *directory,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_open_link:
 *
 * As vmm_snapshot_open_with_ops(), of a snapshot whose memory alone is wanted, under that of a child: its state is not
 * read, and may be damaged.
 */
VmmSnapshot *vmm_snapshot_open_link (const VmmFileOps *ops,
                                     const char *directory,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_open_damaged:
 *
 * Opens what can be opened of a snapshot in order to tell what is wrong with it, and for nothing else: there may be no
 * manifest, state or pages, and a memory.bin of another size or none at all (-1). With @with_state its state is looked
 * at, too.
 *
 * Errors: NO_SUCH_SNAPSHOT if there is no directory, or no file of a snapshot in it, NOT_AUTHORIZED, HOST.
 */
VmmSnapshot *vmm_snapshot_open_damaged (const VmmFileOps *ops,
                                        const char *directory,
                                        gboolean with_state,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_snapshot_get_damage: (nullable): what vmm_snapshot_open_damaged() found; %NULL if others opened it. */
const VmmDamage *vmm_snapshot_get_damage (VmmSnapshot *snapshot);

/**
 * vmm_snapshot_read_description:
 *
 * (nullable) (transfer full): what was said of it since it was saved, if that is sound.
 */
char *vmm_snapshot_read_description (const VmmFileOps *ops, int directory_fd);

const VmmFileOps *vmm_snapshot_get_ops (VmmSnapshot *snapshot); /* (nullable) */
int vmm_snapshot_get_directory_fd (VmmSnapshot *snapshot);      /* O_PATH; belongs to @snapshot */

/** vmm_snapshot_get_pages: (nullable): which pages memory.bin holds; %NULL for all, in a complete snapshot. */
const VmmPageSet *vmm_snapshot_get_pages (VmmSnapshot *snapshot);

/** vmm_snapshot_get_fits_cpu: whether this host's processor was found to do, by @policy. Thread: any, as the next. */
gboolean vmm_snapshot_get_fits_cpu (VmmSnapshot *snapshot, VmmCpuPolicy policy);
void vmm_snapshot_set_fits_cpu (VmmSnapshot *snapshot, VmmCpuPolicy policy);

/** vmm_snapshot_get_parent: (nullable) (transfer none): the parent whose memory lies under this one's, if opened. */
VmmSnapshot *vmm_snapshot_get_parent (VmmSnapshot *snapshot);

/** vmm_snapshot_take_parent: takes @parent over; the first one stays. For vmm_snapshot_open_chain(). Thread: any. */
void vmm_snapshot_take_parent (VmmSnapshot *snapshot, VmmSnapshot *parent);

const VmmManifest *vmm_snapshot_get_manifest (VmmSnapshot *snapshot);
VmmSavedState *vmm_snapshot_get_saved_state (VmmSnapshot *snapshot); /* (transfer none) */

/** vmm_snapshot_get_memory_fd: memory.bin, open for reading; belongs to @snapshot. */
int vmm_snapshot_get_memory_fd (VmmSnapshot *snapshot);

G_END_DECLS
