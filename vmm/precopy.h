/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* precopy.h: RAM of a running guest, out to a file in passes (private) */

#pragma once

#include "vmm/kvm.h"

G_BEGIN_DECLS

typedef struct _VmmPrecopy VmmPrecopy;

/**
 * vmm_precopy_new:
 * @fd: an empty file of the size of @memory; both must outlive this
 *
 * Begins to note what the guest changes. Errors: HOST.
 */
VmmPrecopy *vmm_precopy_new (VmmKvm *kvm, VmmMemory *memory, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_precopy_new_noting:
 * @noted: pages that the guest changes are added; borrowed
 *
 * As vmm_precopy_new(), where the log is on already, for a reason of its own, and stays on.
 */
VmmPrecopy *vmm_precopy_new_noting (VmmKvm *kvm, VmmMemory *memory, int fd, VmmPageSet *noted);

/**
 * vmm_precopy_new_changes:
 * @fd: a file of the size of @memory
 * @filled: whether @fd has RAM as it is but for @pages; else it is empty, and stays so but for them
 * @pages: pages to be written; borrowed
 * @noted: as before
 *
 * The same, of some pages and of what the guest changes. The log is on since before @pages was put together.
 */
VmmPrecopy *vmm_precopy_new_changes (VmmKvm *kvm,
                                     VmmMemory *memory,
                                     int fd,
                                     gboolean filled,
                                     const VmmPageSet *pages,
                                     VmmPageSet *noted);

/** vmm_precopy_free: stops noting. */
void vmm_precopy_free (VmmPrecopy *precopy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmPrecopy, vmm_precopy_free)

/**
 * vmm_precopy_run:
 *
 * Writes RAM, then in passes what has changed meanwhile, until little is left or the guest is faster than we are.
 * The guest runs.
 *
 * Thread: any that may block for long. Errors: NO_SPACE, CANCELLED, HOST.
 */
gboolean vmm_precopy_run (VmmPrecopy *precopy,
                          GCancellable *cancellable,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_precopy_finish:
 *
 * Writes what is left, so that the file is RAM. The guest stands still. Errors: NO_SPACE, HOST.
 */
gboolean vmm_precopy_finish (VmmPrecopy *precopy, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_precopy_make_holes:
 *
 * Gives back what zeros take that had to be written, when all is written. The guest may run. Thread: any that may block
 * for long.
 */
void vmm_precopy_make_holes (VmmPrecopy *precopy);

G_END_DECLS
