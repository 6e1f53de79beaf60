/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* staging.h: a snapshot directory before it has its name, and after it has lost it (private) */

#pragma once

#include "vmm/file-ops.h"

G_BEGIN_DECLS

#define VMM_STAGING_FILE_MODE                                                                                \
  0440 /* of the files of a snapshot: RAM holds secrets, and nothing is written again */
#define VMM_STAGING_DIRECTORY_MODE 0750 /* of the directory: its owner may delete what is in it */

typedef struct _VmmStaging VmmStaging;

/**
 * vmm_staging_new:
 * @ops: (nullable): must outlive the object
 * @directory: absolute path of the snapshot to be; must not exist, its parent must
 *
 * Makes ".<name>.staging-<pid>-<random>" beside the target, with mode 0700, and holds a lock on it. First removes
 * such directories of ours that nobody holds a lock on: what a process left that was killed.
 *
 * Errors: EXISTS, NO_SUCH_FILE, NOT_AUTHORIZED, NO_SPACE, INVALID_CONFIG for a path that cannot be a snapshot's,
 * HOST.
 */
VmmStaging *vmm_staging_new (const VmmFileOps *ops,
                             const char *directory,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_staging_new_for:
 * @fd: the snapshot that is in @directory now, and is to be replaced; must outlive the object
 *
 * The same, to put another snapshot in the place of one. A directory in which there is anything but the files of a
 * snapshot is not replaced.
 *
 * Errors: NO_SUCH_SNAPSHOT if @directory is another one than @fd, and those of vmm_staging_new() but EXISTS.
 */
VmmStaging *vmm_staging_new_for (const VmmFileOps *ops, const char *directory, int fd, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** vmm_staging_free: removes the directory, with the files of a snapshot in it, if it was not published. */
void vmm_staging_free (VmmStaging *staging);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmStaging, vmm_staging_free)

/** vmm_staging_is_published: whether it has the target's name, be it that publishing reported an error after that. */
gboolean vmm_staging_is_published (VmmStaging *staging);

int vmm_staging_get_fd (VmmStaging *staging);           /* of the directory; belongs to @staging */
const char *vmm_staging_get_path (VmmStaging *staging); /* of the directory, for messages */

/**
 * vmm_staging_publish:
 *
 * Makes the directory durable and gives it the target's name, which must still be free, durably. The files in it
 * must be durable already. After a failure nothing is under the target's name.
 *
 * One that replaces another trades places with it, in one step, and then removes it. After a failure the old one
 * is under the target's name.
 *
 * Errors: EXISTS, NO_SPACE, NOT_AUTHORIZED, NOT_SUPPORTED by the file system, HOST.
 */
gboolean vmm_staging_publish (VmmStaging *staging, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_staging_remove_published:
 * @directory: absolute path
 * @fd: the directory as it was opened: nothing is done if @directory is another one now
 *
 * Takes the name from a snapshot, in one step, and then removes it. A directory in which there is anything but
 * the files of a snapshot is left as it is.
 *
 * Errors: NO_SUCH_SNAPSHOT, NOT_AUTHORIZED, HOST.
 */
gboolean vmm_staging_remove_published (const VmmFileOps *ops, const char *directory, int fd, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
