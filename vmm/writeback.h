/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* writeback.h: a file on its way to the disk while something else is done with it (private) */

#pragma once

#include "vmm/file-ops.h"

G_BEGIN_DECLS

/** VmmWriteback: opaque */
typedef struct _VmmWriteback VmmWriteback;

/**
 * vmm_writeback_start:
 * @ops: (nullable): its hook is called on another thread, and outlives this
 * @fd: open, and stays so until vmm_writeback_wait()
 * @name: for the hook
 * @size: bytes of the file
 * @cancellable: (nullable): ends it early; outlives this
 *
 * Begins to write what is dirty of the file, from its beginning to its end. Only a hint: nothing is told of failure,
 * and nothing is durable before an fsync.
 *
 * Thread: any.
 * Returns: (nullable): NULL if there can be no thread for it now
 */
VmmWriteback *vmm_writeback_start (const VmmFileOps *ops,
                                   int fd,
                                   const char *name,
                                   guint64 size,
                                   GCancellable *cancellable);

/** vmm_writeback_wait: frees @self (nullable) when the disk has taken all, or, once cancelled, the 16 MiB it is at. */
void vmm_writeback_wait (VmmWriteback *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmWriteback, vmm_writeback_wait)

G_END_DECLS
