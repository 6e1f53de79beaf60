/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every system call by which a snapshot is read, written, published or removed goes through here, so that a test
 * can make each of them fail in turn. The hook travels with the caller as a pointer: there is nothing global to
 * switch.
 */

#include "config.h"
#include "vmm/file-ops.h"

#include "vmm/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>

/* whether the call may be made; errno is set if not */
static gboolean
enter_sized (const VmmFileOps *ops, const char *call, const char *name, gsize *length)
{
  int error_number;

  if (ops == NULL)
    return TRUE;
  error_number = ops->before (ops, call, name, length);
  errno = error_number;
  return error_number == 0;
}

static gboolean
enter (const VmmFileOps *ops, const char *call, const char *name)
{
  gsize length = 0;

  return enter_sized (ops, call, name, &length);
}

int
vmm_file_ops_open (const VmmFileOps *ops, int dirfd, const char *name, int flags, mode_t mode)
{
  if (!enter (ops, "openat", name))
    return -1;
  return TEMP_FAILURE_RETRY (openat (dirfd, name, flags | O_CLOEXEC, mode));
}

int
vmm_file_ops_mkdir (const VmmFileOps *ops, int dirfd, const char *name, mode_t mode)
{
  if (!enter (ops, "mkdirat", name))
    return -1;
  return TEMP_FAILURE_RETRY (mkdirat (dirfd, name, mode));
}

int
vmm_file_ops_stat (const VmmFileOps *ops, int fd, const char *name, struct stat *st)
{
  if (!enter (ops, "fstat", name))
    return -1;
  return TEMP_FAILURE_RETRY (fstat (fd, st));
}

int
vmm_file_ops_stat_at (const VmmFileOps *ops, int dirfd, const char *name, struct stat *st)
{
  if (!enter (ops, "fstatat", name))
    return -1;
  return TEMP_FAILURE_RETRY (fstatat (dirfd, name, st, AT_SYMLINK_NOFOLLOW));
}

int
vmm_file_ops_truncate (const VmmFileOps *ops, int fd, const char *name, guint64 size)
{
  if (!enter (ops, "ftruncate", name))
    return -1;
  return TEMP_FAILURE_RETRY (ftruncate (fd, (off_t) size));
}

int
vmm_file_ops_chmod (const VmmFileOps *ops, int fd, const char *name, mode_t mode)
{
  if (!enter (ops, "fchmod", name))
    return -1;
  return TEMP_FAILURE_RETRY (fchmod (fd, mode));
}

int
vmm_file_ops_sync (const VmmFileOps *ops, int fd, const char *name)
{
  if (!enter (ops, "fsync", name))
    return -1;
  return TEMP_FAILURE_RETRY (fsync (fd));
}

int
vmm_file_ops_lock (const VmmFileOps *ops, int fd, const char *name)
{
  if (!enter (ops, "flock", name))
    return -1;
  return TEMP_FAILURE_RETRY (flock (fd, LOCK_EX | LOCK_NB));
}

int
vmm_file_ops_clone (const VmmFileOps *ops, int source_fd, int fd, const char *name)
{
  if (!enter (ops, "ficlone", name))
    return -1;
  return TEMP_FAILURE_RETRY (ioctl (fd, FICLONE, source_fd));
}

int
vmm_file_ops_set_copy_unit (const VmmFileOps *ops, int fd, const char *name, guint32 size)
{
  struct fsxattr attributes;

  if (!enter (ops, "fsgetxattr", name) || TEMP_FAILURE_RETRY (ioctl (fd, FS_IOC_FSGETXATTR, &attributes)) < 0)
    return -1;
  attributes.fsx_xflags |= FS_XFLAG_COWEXTSIZE;
  attributes.fsx_cowextsize = size;
  if (!enter (ops, "fssetxattr", name))
    return -1;
  return TEMP_FAILURE_RETRY (ioctl (fd, FS_IOC_FSSETXATTR, &attributes));
}

int
vmm_file_ops_punch_hole (const VmmFileOps *ops, int fd, const char *name, guint64 offset, guint64 length)
{
  if (!enter (ops, "fallocate", name))
    return -1;
  return TEMP_FAILURE_RETRY (
      fallocate (fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) offset, (off_t) length));
}

int
vmm_file_ops_link_fd (const VmmFileOps *ops, int fd, int dirfd, const char *name)
{
  char path[64];

  if (!enter (ops, "linkat", name))
    return -1;
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return TEMP_FAILURE_RETRY (linkat (AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW));
}

int
vmm_file_ops_rename (const VmmFileOps *ops, int dirfd, const char *old_name, const char *name, guint flags)
{
  if (!enter (ops, flags != 0 ? "renameat2" : "renameat", name))
    return -1;
  return TEMP_FAILURE_RETRY (renameat2 (dirfd, old_name, dirfd, name, flags));
}

int
vmm_file_ops_unlink (const VmmFileOps *ops, int dirfd, const char *name, int flags)
{
  if (!enter (ops, "unlinkat", name))
    return -1;
  return TEMP_FAILURE_RETRY (unlinkat (dirfd, name, flags));
}

gint64
vmm_file_ops_seek_data (const VmmFileOps *ops, int fd, const char *name, guint64 offset)
{
  if (!enter (ops, "lseek", name))
    return -1;
  return TEMP_FAILURE_RETRY (lseek (fd, (off_t) offset, SEEK_DATA));
}

gint64
vmm_file_ops_seek_hole (const VmmFileOps *ops, int fd, const char *name, guint64 offset)
{
  if (!enter (ops, "lseek", name))
    return -1;
  return TEMP_FAILURE_RETRY (lseek (fd, (off_t) offset, SEEK_HOLE));
}

gssize
vmm_file_ops_read (const VmmFileOps *ops,
                   int fd,
                   const char *name,
                   gpointer buffer,
                   gsize length,
                   guint64 offset)
{
  gsize done = 0;

  while (done < length)
    {
      gsize part = length - done;
      gssize n;

      if (!enter_sized (ops, "pread", name, &part))
        return -1;
      n = TEMP_FAILURE_RETRY (pread (fd, (guint8 *) buffer + done, part, (off_t) (offset + done)));
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      done += (gsize) n;
    }
  return (gssize) done;
}

int
vmm_file_ops_write (const VmmFileOps *ops,
                    int fd,
                    const char *name,
                    gconstpointer buffer,
                    gsize length,
                    guint64 offset)
{
  gsize done = 0;

  while (done < length)
    {
      gsize part = length - done;
      gssize n;

      if (!enter_sized (ops, "pwrite", name, &part))
        return -1;
      n = TEMP_FAILURE_RETRY (pwrite (fd, (const guint8 *) buffer + done, part, (off_t) (offset + done)));
      if (n < 0)
        return -1;
      if (n == 0)
        {
          errno = EIO;
          return -1;
        }
      done += (gsize) n;
    }
  return 0;
}

void
vmm_file_ops_start_writeback (const VmmFileOps *ops, int fd, const char *name, guint64 offset, guint64 length)
{
  if (enter (ops, "sync_file_range", name))
    sync_file_range (fd, (off_t) offset, (off_t) length, SYNC_FILE_RANGE_WRITE);
}

GPtrArray *
vmm_file_ops_list (const VmmFileOps *ops, int dirfd, const char *name)
{
  g_autoptr (GPtrArray) names = NULL;
  struct dirent *entry;
  DIR *stream;
  int saved_errno;
  int fd;

  /* a descriptor of its own, because the stream moves the offset, and @dirfd may be one of O_PATH */
  fd = vmm_file_ops_open (ops, dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    return NULL;
  stream = enter (ops, "getdents", name) ? fdopendir (fd) : NULL;
  if (stream == NULL)
    {
      vmm_fd_clear (&fd);
      return NULL;
    }

  names = g_ptr_array_new_with_free_func (g_free);
  while (errno = 0, (entry = readdir (stream)) != NULL || errno == EINTR)
    {
      if (entry != NULL && strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
        g_ptr_array_add (names, g_strdup (entry->d_name));
    }
  saved_errno = errno;
  closedir (stream);
  errno = saved_errno;
  return saved_errno == 0 ? g_steal_pointer (&names) : NULL;
}

/* the code that stands for an errno, and what the reader of the message may do about it */
static VmmError
explain (int error_number, const char **advice)
{
  switch (error_number)
    {
    case ENOSPC:
    case EDQUOT:
      *advice = "free some space or quota there, or choose another directory";
      return VMM_ERROR_NO_SPACE;
    case EACCES:
    case EPERM:
      *advice = "check owner and mode of it and of the directories above";
      return VMM_ERROR_NOT_AUTHORIZED;
    case EROFS:
      *advice = "choose a directory on a file system that can be written to";
      return VMM_ERROR_NOT_AUTHORIZED;
    case ENOENT:
    case ENOTDIR:
      *advice = "check the path";
      return VMM_ERROR_NO_SUCH_FILE;
    case EEXIST:
    case ENOTEMPTY:
      *advice = "choose another name, or remove it first";
      return VMM_ERROR_EXISTS;
    case EFBIG:
      *advice = "a file of this size is more than the file system or the limits of this process allow";
      return VMM_ERROR_HOST;
    case EIO:
      *advice = "the storage failed: look into the kernel's log";
      return VMM_ERROR_HOST;
    case EMFILE:
    case ENFILE:
      *advice = "raise the limit on open files";
      return VMM_ERROR_HOST;
    default:
      *advice = "look into the kernel's log";
      return VMM_ERROR_HOST;
    }
}

void
vmm_file_ops_set_error (GError **error,
                        int error_number,
                        const char *action,
                        const char *directory,
                        const char *name)
{
  g_autofree char *path = directory != NULL ? g_build_filename (directory, name, NULL) : g_strdup (name);
  g_autofree char *shown = g_utf8_make_valid (path, -1);
  const char *advice;
  VmmError code = explain (error_number, &advice);

  g_set_error (
      error, VMM_ERROR, code, "cannot %s '%s': %s; %s", action, shown, g_strerror (error_number), advice);
}
