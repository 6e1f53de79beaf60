/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* file-ops.h: the one door to the file system for all that reads or writes snapshots (private) */

#pragma once

#include "vmm/vmm.h"

#include <sys/stat.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _VmmFileOps VmmFileOps;

/**
 * VmmFileOps:
 * @before: told of each call before it is made, with the name of the system call and of the file; lets it through
 *   with 0, or makes it fail with the errno it returns. May lower *@length of a read or write, but not to 0. Called on
 *   the thread that makes the call: of a file of more than 16 MiB that is digested, on several at once
 *
 * %NULL instead of a VmmFileOps means: nothing in between. A test puts this struct first in its own, and so
 * counts calls, fails the n-th, cuts writes short, or ends the process between any two of them.
 */
struct _VmmFileOps
{
  int (*before) (const VmmFileOps *ops, const char *call, const char *name, gsize *length);
};

/*
 * Each of these is the system call it is named after: it returns what that returns, with errno, and starts again
 * after EINTR.
 * @name is relative to @dirfd; where only a descriptor is worked on, @name just tells the hook and messages which
 * file it is.
 */
int vmm_file_ops_open (const VmmFileOps *ops, int dirfd, const char *name, int flags, mode_t mode);
int vmm_file_ops_mkdir (const VmmFileOps *ops, int dirfd, const char *name, mode_t mode);
int vmm_file_ops_stat (const VmmFileOps *ops, int fd, const char *name, struct stat *st);
int vmm_file_ops_stat_at (const VmmFileOps *ops, int dirfd, const char *name, struct stat *st);
int vmm_file_ops_truncate (const VmmFileOps *ops, int fd, const char *name, guint64 size);
int vmm_file_ops_chmod (const VmmFileOps *ops, int fd, const char *name, mode_t mode);
int vmm_file_ops_sync (const VmmFileOps *ops, int fd, const char *name);
int vmm_file_ops_lock (const VmmFileOps *ops, int fd, const char *name);
int vmm_file_ops_clone (const VmmFileOps *ops, int source_fd, int fd, const char *name);

/**
 * vmm_file_ops_set_copy_unit:
 * @size: bytes, a multiple of the file system's blocks
 *
 * Asks for room of no more than @size where a block that @fd's file shares with another is written to. XFS takes
 * 128 KiB each time otherwise, which makes 32 times as much of pages that lie apart. Other file systems refuse:
 * EOPNOTSUPP, ENOTTY or EINVAL.
 */
int vmm_file_ops_set_copy_unit (const VmmFileOps *ops, int fd, const char *name, guint32 size);
int vmm_file_ops_punch_hole (const VmmFileOps *ops, int fd, const char *name, guint64 offset, guint64 length);
int vmm_file_ops_link_fd (const VmmFileOps *ops, int fd, int dirfd, const char *name);
int vmm_file_ops_rename (const VmmFileOps *ops, int dirfd, const char *old_name, const char *name, guint flags);
int vmm_file_ops_unlink (const VmmFileOps *ops, int dirfd, const char *name, int flags);

/** vmm_file_ops_seek_data: where data next begins at or after @offset (ENXIO: nowhere), as lseek() tells. */
gint64 vmm_file_ops_seek_data (const VmmFileOps *ops, int fd, const char *name, guint64 offset);

/** vmm_file_ops_seek_hole: where a hole next begins at or after @offset; the end of the file counts as one. */
gint64 vmm_file_ops_seek_hole (const VmmFileOps *ops, int fd, const char *name, guint64 offset);

/** vmm_file_ops_read: reads until @length bytes are there or the file ends. Returns: bytes read, or -1 */
gssize vmm_file_ops_read (const VmmFileOps *ops,
                          int fd,
                          const char *name,
                          gpointer buffer,
                          gsize length,
                          guint64 offset);

/** vmm_file_ops_write: writes all of @length bytes, however often the kernel takes fewer. Returns: 0, or -1 */
int vmm_file_ops_write (const VmmFileOps *ops,
                        int fd,
                        const char *name,
                        gconstpointer buffer,
                        gsize length,
                        guint64 offset);

/**
 * vmm_file_ops_start_writeback: asks the kernel to begin to write what is dirty of @length bytes at @offset; waits for
 * as long as the disk takes no more. Only a hint: nothing is told of failure.
 */
void vmm_file_ops_start_writeback (const VmmFileOps *ops,
                                   int fd,
                                   const char *name,
                                   guint64 offset,
                                   guint64 length);

/**
 * vmm_file_ops_list:
 *
 * Returns: (transfer full): names in the directory, without "." and "..", or %NULL with errno
 */
GPtrArray *vmm_file_ops_list (const VmmFileOps *ops, int dirfd, const char *name);

/**
 * vmm_file_ops_set_error:
 * @error_number: an errno
 * @action: what was tried, to be read after "cannot": "write"
 * @directory: (nullable): what @name is relative to
 * @name: the file
 *
 * Sets @error to "cannot <action> '<directory>/<name>': <reason>; <what to do>", with the code that stands for
 * @error_number: NO_SPACE, NOT_AUTHORIZED, NO_SUCH_FILE, EXISTS, or HOST for all others.
 */
void vmm_file_ops_set_error (GError **error,
                             int error_number,
                             const char *action,
                             const char *directory,
                             const char *name);

G_END_DECLS
