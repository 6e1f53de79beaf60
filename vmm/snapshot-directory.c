/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The directory is opened once, and its files through that descriptor: whoever renames or replaces things later
 * changes nothing for us.
 */

#include "config.h"
#include "vmm/snapshot-directory.h"

#include "vmm/fd.h"
#include "vmm/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void
vmm_snapshot_directory_init (VmmSnapshotDirectory *directory, const VmmFileOps *ops, const char *path)
{
  *directory = (VmmSnapshotDirectory){ .ops = ops, .path = g_strdup (path), .fd = -1 };
}

void
vmm_snapshot_directory_clear (VmmSnapshotDirectory *directory)
{
  vmm_fd_clear (&directory->fd);
  g_clear_pointer (&directory->path, g_free);
}

/* a file that is not there makes it no snapshot, rather than a bad path */
static void
set_error (GError **error, int error_number, const char *action, const char *directory, const char *name)
{
  g_autoptr (GError) local_error = NULL;

  vmm_file_ops_set_error (&local_error, error_number, action, directory, name);
  if (g_error_matches (local_error, VMM_ERROR, VMM_ERROR_NO_SUCH_FILE))
    local_error->code = VMM_ERROR_NO_SUCH_SNAPSHOT;
  g_propagate_error (error, g_steal_pointer (&local_error));
}

gboolean
vmm_snapshot_directory_open (VmmSnapshotDirectory *directory, GError **error)
{
  if (!g_path_is_absolute (directory->path))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_NO_SUCH_SNAPSHOT,
                   "'%s' is not an absolute path",
                   directory->path);
      return FALSE;
    }
  directory->fd =
      vmm_file_ops_open (directory->ops, AT_FDCWD, directory->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
  if (directory->fd >= 0)
    return TRUE;
  if (errno == ENOTDIR || errno == ELOOP)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_NO_SUCH_SNAPSHOT,
                 "'%s' is not a directory; a snapshot is one, and a symbolic link to one is not followed",
                 directory->path);
  else
    set_error (error, errno, "open snapshot", NULL, directory->path);
  return FALSE;
}

/* O_NONBLOCK so that a FIFO does not hold us up */
int
vmm_snapshot_directory_open_file (VmmSnapshotDirectory *directory,
                                  const char *name,
                                  guint64 *size,
                                  GError **error)
{
  VMM_AUTO_FD int fd = vmm_file_ops_open (directory->ops,
                                          directory->fd,
                                          name,
                                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                                          0);
  struct stat st;

  if (fd < 0 && (errno == ELOOP || errno == ENXIO))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "'%s/%s' is not a regular file: symbolic links and sockets are no part of a snapshot",
                   directory->path,
                   name);
      return -1;
    }
  if (fd < 0 || vmm_file_ops_stat (directory->ops, fd, name, &st) < 0)
    {
      set_error (error, errno, "open", directory->path, name);
      return -1;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "'%s/%s' is not a regular file, its mode is 0%o",
                   directory->path,
                   name,
                   st.st_mode);
      return -1;
    }
  g_return_val_if_fail (directory->n_files < VMM_SNAPSHOT_DIRECTORY_FILES_MAX, -1);
  directory->size_on_disk += (guint64) st.st_blocks * 512;
  directory->files[directory->n_files++] = (VmmSnapshotFile){ name, vmm_file_stamp_take (&st) };
  *size = (guint64) st.st_size;
  return vmm_fd_steal (&fd);
}

gboolean
vmm_snapshot_directory_check_size (const VmmSnapshotDirectory *directory,
                                   const char *name,
                                   guint64 size,
                                   guint64 expected,
                                   GError **error)
{
  if (size == expected)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "'%s/%s' has %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT,
               directory->path,
               name,
               size,
               expected);
  return FALSE;
}

GBytes *
vmm_snapshot_directory_read_file (const VmmSnapshotDirectory *directory,
                                  int fd,
                                  const char *name,
                                  gsize size,
                                  GError **error)
{
  g_autofree guint8 *buffer = g_try_malloc (size + 1);
  gssize n;

  if (buffer == NULL)
    {
      vmm_file_ops_set_error (error, ENOMEM, "read", directory->path, name);
      return NULL;
    }
  /* one byte more than there should be, to see whether it grew */
  n = vmm_file_ops_read (directory->ops, fd, name, buffer, size + 1, 0);
  if (n < 0)
    {
      vmm_file_ops_set_error (error, errno, "read", directory->path, name);
      return NULL;
    }
  if (!vmm_snapshot_directory_check_size (directory, name, (guint64) n, size, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&buffer), size);
}

gboolean
vmm_snapshot_directory_has_file (const VmmSnapshotDirectory *directory, const char *name)
{
  struct stat st;

  return vmm_file_ops_stat_at (directory->ops, directory->fd, name, &st) == 0 || errno != ENOENT;
}

gboolean
vmm_snapshot_directory_has_name (const VmmSnapshotDirectory *directory)
{
  struct stat named, opened;

  return fstatat (AT_FDCWD, directory->path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         fstat (directory->fd, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

gboolean
vmm_snapshot_directory_is_current (const VmmSnapshotDirectory *directory)
{
  struct stat st;

  for (guint i = 0; i < directory->n_files; i++)
    if (vmm_file_ops_stat_at (directory->ops, directory->fd, directory->files[i].name, &st) != 0 ||
        !vmm_file_stamp_matches (&directory->files[i].stamp, &st))
      return FALSE;
  return vmm_snapshot_directory_has_name (directory);
}
