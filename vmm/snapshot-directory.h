/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot-directory.h: the directory of an opened snapshot, and files in it (private) */

#pragma once

#include "vmm/file-ops.h"
#include "vmm/file-stamp.h"

G_BEGIN_DECLS

#define VMM_SNAPSHOT_DIRECTORY_FILES_MAX 4u

/* a file that was opened, and what it was then */
typedef struct
{
  const char *name; /* static */
  VmmFileStamp stamp;
} VmmSnapshotFile;

/**
 * VmmSnapshotDirectory:
 * @ops: (nullable): goes between it and the file system
 * @path: as its user gave it
 * @fd: O_PATH; -1 before vmm_snapshot_directory_open()
 * @size_on_disk: bytes that the files opened so far take
 * @files: those opened so far
 *
 * Belongs to one thread until all its files are open; after that nothing changes it.
 */
typedef struct
{
  const VmmFileOps *ops;
  char *path;
  int fd;
  guint64 size_on_disk;
  VmmSnapshotFile files[VMM_SNAPSHOT_DIRECTORY_FILES_MAX];
  guint n_files;
} VmmSnapshotDirectory;

/** vmm_snapshot_directory_init: opens nothing yet. @ops must outlive @directory. */
void vmm_snapshot_directory_init (VmmSnapshotDirectory *directory, const VmmFileOps *ops, const char *path);
void vmm_snapshot_directory_clear (VmmSnapshotDirectory *directory);

/**
 * vmm_snapshot_directory_open:
 *
 * Once. A symbolic link is not followed.
 *
 * Errors: NO_SUCH_SNAPSHOT if the path is relative or there is no directory, NOT_AUTHORIZED, HOST.
 */
gboolean vmm_snapshot_directory_open (VmmSnapshotDirectory *directory,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_directory_open_file:
 * @name: static; VMM_SNAPSHOT_DIRECTORY_FILES_MAX names in all
 * @size: (out): bytes
 *
 * Opens a regular file for reading, and notes what it is.
 *
 * Errors: NO_SUCH_SNAPSHOT if it is not there, CORRUPT if it is no regular file, NOT_AUTHORIZED, HOST.
 * Returns: a descriptor that is the caller's, or -1
 */
int vmm_snapshot_directory_open_file (VmmSnapshotDirectory *directory,
                                      const char *name,
                                      guint64 *size,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_snapshot_directory_check_size: Errors: CORRUPT, saying that @name has @size bytes and should have @expected. */
gboolean vmm_snapshot_directory_check_size (const VmmSnapshotDirectory *directory,
                                            const char *name,
                                            guint64 size,
                                            guint64 expected,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_directory_read_file:
 * @size: bytes that it has, and no more
 *
 * Errors: CORRUPT if it has another size by now, HOST.
 */
GBytes *vmm_snapshot_directory_read_file (const VmmSnapshotDirectory *directory,
                                          int fd,
                                          const char *name,
                                          gsize size,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_snapshot_directory_has_file: whether there is something of that name, readable or not. */
gboolean vmm_snapshot_directory_has_file (const VmmSnapshotDirectory *directory, const char *name);

/** vmm_snapshot_directory_has_name: whether the path leads to the directory that was opened. Thread: any. */
gboolean vmm_snapshot_directory_has_name (const VmmSnapshotDirectory *directory);

/** vmm_snapshot_directory_is_current: the same, and no file that was opened was replaced or written to. Thread: any. */
gboolean vmm_snapshot_directory_is_current (const VmmSnapshotDirectory *directory);

G_END_DECLS
