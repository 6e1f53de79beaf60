/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/boot-file.h"

#include "vmm/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static VmmError
open_error_code (int error_number, VmmError invalid)
{
  switch (error_number)
    {
    case ENOENT:
    case ENOTDIR:
      return VMM_ERROR_NO_SUCH_FILE;
    case EACCES:
    case EPERM:
      return VMM_ERROR_NOT_AUTHORIZED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
      return VMM_ERROR_HOST;
    default:
      return invalid;
    }
}

static const char *
file_type_name (mode_t mode)
{
  switch (mode & S_IFMT)
    {
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a named pipe";
    case S_IFCHR:
    case S_IFBLK:
      return "a device node";
    case S_IFSOCK:
      return "a socket";
    default:
      return "not a regular file";
    }
}

GError *
vmm_boot_file_error (const VmmBootFile *file, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  return g_error_new (VMM_ERROR, file->invalid, "%s '%s' %s", file->role, file->path, message);
}

VmmBootFile *
vmm_boot_file_open (const char *role, const char *path, VmmError invalid, GError **error)
{
  g_autoptr (VmmBootFile) file = g_new0 (VmmBootFile, 1);
  struct stat st;

  file->role = role;
  file->path = g_strdup (path);
  file->invalid = invalid;
  /* a pipe without a writer, or a tape, must not hold us up */
  file->fd = TEMP_FAILURE_RETRY (open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file->fd < 0 || TEMP_FAILURE_RETRY (fstat (file->fd, &st)) < 0)
    {
      int saved_errno = errno;

      g_set_error (error,
                   VMM_ERROR,
                   open_error_code (saved_errno, invalid),
                   "%s '%s' cannot be opened for reading: %s",
                   role,
                   path,
                   g_strerror (saved_errno));
      return NULL;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_propagate_error (error,
                         vmm_boot_file_error (file, "is %s; expected a file", file_type_name (st.st_mode)));
      return NULL;
    }
  if (st.st_size <= 0)
    {
      g_propagate_error (error, vmm_boot_file_error (file, "is empty"));
      return NULL;
    }
  file->size = (guint64) st.st_size;
  return g_steal_pointer (&file);
}

void
vmm_boot_file_free (VmmBootFile *file)
{
  if (file == NULL)
    return;
  vmm_fd_clear (&file->fd);
  g_free (file->path);
  g_free (file);
}

gboolean
vmm_boot_file_contains (const VmmBootFile *file, guint64 offset, guint64 length)
{
  return offset <= file->size && length <= file->size - offset;
}

gboolean
vmm_boot_file_read (const VmmBootFile *file,
                    const char *what,
                    guint64 offset,
                    gpointer buffer,
                    gsize length,
                    GError **error)
{
  guint8 *bytes = buffer;
  gsize done = 0;

  if (!vmm_boot_file_contains (file, offset, length))
    return vmm_boot_file_reject (file,
                                 error,
                                 "has %" G_GUINT64_FORMAT
                                 " bytes, but its %s takes %zu bytes at offset %" G_GUINT64_FORMAT
                                 "; it may be truncated",
                                 file->size,
                                 what,
                                 length,
                                 offset);
  while (done < length)
    {
      ssize_t n = TEMP_FAILURE_RETRY (pread (file->fd, bytes + done, length - done, (off_t) (offset + done)));

      if (n <= 0)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_HOST,
                       "%s '%s': reading its %s failed: %s",
                       file->role,
                       file->path,
                       what,
                       n < 0 ? g_strerror (errno) : "the file has become shorter");
          return FALSE;
        }
      done += (gsize) n;
    }
  return TRUE;
}
