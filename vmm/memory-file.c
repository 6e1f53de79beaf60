/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A RAM file is its VM's alone: flock tells other VMs, in this process too, since each opens the file anew. What a
 * snapshot holds must never become RAM again; its files are known by a second link or by the missing write
 * permission, which is looked at by hand because root may write to anything.
 */

#include "config.h"
#include "vmm/memory-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "vmm/fd.h"
#include "vmm/memory.h"

#define GUEST_ADDRESS_LIMIT (1ull << 46) /* bytes: what every x86-64 host with EPT or NPT can map */

static guint64
host_memory (void)
{
  struct sysinfo info;

  if (sysinfo (&info) != 0)
    return G_MAXUINT64;
  return ((guint64) info.totalram + info.totalswap) * info.mem_unit;
}

static const char *
directory_of (const VmmConfig *config, char **to_free)
{
  if (config->memory_file != NULL)
    return *to_free = g_path_get_dirname (config->memory_file);
  return config->memory_directory != NULL ? config->memory_directory : g_get_tmp_dir ();
}

static gboolean
check_disk (const VmmConfig *config, GError **error)
{
  g_autofree char *to_free = NULL;
  const char *directory = directory_of (config, &to_free);
  struct statvfs fs;
  struct stat st;
  guint64 free_bytes;

  if (statvfs (directory, &fs) != 0)
    return TRUE; /* opening the file tells better what is wrong */
  free_bytes = (guint64) fs.f_bavail * fs.f_frsize;
  if (config->memory_file != NULL && stat (config->memory_file, &st) == 0)
    free_bytes += (guint64) st.st_blocks * 512;
  if (config->memory_size <= free_bytes)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_NO_SPACE,
               "memory-size is %" G_GUINT64_FORMAT
               " bytes, but the file system of %s has only %" G_GUINT64_FORMAT
               " free; make room, or choose another memory-file or memory-backing",
               config->memory_size,
               directory,
               free_bytes);
  return FALSE;
}

gboolean
vmm_memory_file_check_room (const VmmConfig *config, GError **error)
{
  guint64 limit = GUEST_ADDRESS_LIMIT;

  if (config->memory_backing != VMM_MEMORY_BACKING_FILE)
    limit = MIN (limit, host_memory ());
  if (config->memory_size > limit)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_MEMORY_SIZE,
                   "memory-size is %" G_GUINT64_FORMAT
                   " bytes; this host can give at most %" G_GUINT64_FORMAT,
                   config->memory_size,
                   limit);
      return FALSE;
    }
  return config->memory_backing != VMM_MEMORY_BACKING_FILE || check_disk (config, error);
}

static gboolean
set_open_error (const char *path, int saved_errno, GError **error)
{
  VmmError code = VMM_ERROR_INVALID_MEMORY_FILE;

  if (saved_errno == ENOSPC || saved_errno == EDQUOT)
    code = VMM_ERROR_NO_SPACE;
  g_set_error (error,
               VMM_ERROR,
               code,
               "memory-file '%s' cannot be opened for writing: %s",
               path,
               g_strerror (saved_errno));
  return FALSE;
}

static gboolean
check_named (int fd, const struct stat *st, const VmmConfig *config, GError **error)
{
  const char *path = config->memory_file;

  if (!S_ISREG (st->st_mode))
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_INVALID_MEMORY_FILE,
                 "memory-file '%s' is not a regular file",
                 path);
  else if ((st->st_mode & 0222) == 0)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_INVALID_MEMORY_FILE,
                 "memory-file '%s' is read-only, as the files of a snapshot are; name another file",
                 path);
  else if (st->st_nlink > 1)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_MEMORY_FILE_IN_USE,
                 "memory-file '%s' has %lu links, so a snapshot or something else holds it; name another file",
                 path,
                 (gulong) st->st_nlink);
  else if (TEMP_FAILURE_RETRY (flock (fd, LOCK_EX | LOCK_NB)) != 0)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_MEMORY_FILE_IN_USE,
                 "memory-file '%s' is in use by another VM; name another file",
                 path);
  else if (st->st_size != 0 && (guint64) st->st_size != config->memory_size)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_INVALID_MEMORY_FILE,
                 "memory-file '%s' has %" G_GUINT64_FORMAT " bytes, but memory-size is %" G_GUINT64_FORMAT
                 "; remove the file or give its size",
                 path,
                 (guint64) st->st_size,
                 config->memory_size);
  else
    return TRUE;
  return FALSE;
}

static int
open_named (const VmmConfig *config, GError **error)
{
  VMM_AUTO_FD int fd = -1;
  struct stat st;

  /* O_NONBLOCK: a FIFO must not hang us before it is seen to be one */
  fd = TEMP_FAILURE_RETRY (
      open (config->memory_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600));
  if (fd < 0 || TEMP_FAILURE_RETRY (fstat (fd, &st)) != 0)
    {
      set_open_error (config->memory_file, errno, error);
      return -1;
    }
  if (!check_named (fd, &st, config, error))
    return -1;
  return vmm_fd_steal (&fd);
}

static int
open_nameless (const VmmConfig *config, GError **error)
{
  g_autofree char *to_free = NULL;
  const char *directory = directory_of (config, &to_free);
  g_autofree char *template = NULL;
  int fd;

  if (g_mkdir_with_parents (directory, 0700) != 0)
    {
      set_open_error (directory, errno, error);
      return -1;
    }
  fd = TEMP_FAILURE_RETRY (open (directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  if (fd >= 0)
    return fd;

  /* not every file system has O_TMPFILE; without it a snapshot copies this file where it would have linked it */
  template = g_build_filename (directory, "ram-XXXXXX", NULL);
  fd = g_mkstemp_full (template, O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0)
    set_open_error (template, errno, error);
  else
    g_unlink (template);
  return fd;
}

static int
open_memfd (GError **error)
{
  int fd = TEMP_FAILURE_RETRY (memfd_create ("guest-ram", MFD_CLOEXEC));

  if (fd < 0)
    g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "cannot make a memfd for guest RAM: %s", g_strerror (errno));
  return fd;
}

int
vmm_memory_file_open (const VmmConfig *config, GError **error)
{
  VMM_AUTO_FD int fd = -1;

  if (config->memory_backing == VMM_MEMORY_BACKING_MEMFD)
    fd = open_memfd (error);
  else if (config->memory_file != NULL)
    fd = open_named (config, error);
  else
    fd = open_nameless (config, error);
  if (fd < 0)
    return -1;

  /* a file of the right size already has it; this sizes an empty one */
  if (TEMP_FAILURE_RETRY (ftruncate (fd, config->memory_size)) != 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   errno == EFBIG || errno == EINVAL ? VMM_ERROR_INVALID_MEMORY_SIZE : VMM_ERROR_NO_SPACE,
                   "the file of guest RAM cannot have %" G_GUINT64_FORMAT " bytes: %s",
                   config->memory_size,
                   g_strerror (errno));
      return -1;
    }
  return vmm_fd_steal (&fd);
}

void
vmm_memory_file_remove_name (int fd, const char *path)
{
  struct stat ours, named;

  if (fstat (fd, &ours) == 0 && lstat (path, &named) == 0 && ours.st_dev == named.st_dev &&
      ours.st_ino == named.st_ino)
    g_unlink (path);
  (void) flock (fd, LOCK_SH | LOCK_NB);
}
