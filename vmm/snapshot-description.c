/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What people say of a snapshot may change, and the snapshot may not: so a description that is given later stands in a
 * file of its own, beside those that digests speak of. It is a note. One that cannot be read is no damage, and keeps
 * nobody from restoring; the description that was saved shows in its place.
 */

#include "config.h"
#include "vmm/snapshot.h"

#include "vmm/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MODE 0440

/* of a regular file that is not too large; -1 otherwise. O_NONBLOCK so that a FIFO does not hold us up */
static int
open_note (const VmmFileOps *ops, int directory_fd, gsize *size)
{
  VMM_AUTO_FD int fd = vmm_file_ops_open (ops,
                                          directory_fd,
                                          VMM_SNAPSHOT_DESCRIPTION,
                                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                                          0);
  struct stat st;

  if (fd < 0 || vmm_file_ops_stat (ops, fd, VMM_SNAPSHOT_DESCRIPTION, &st) < 0 || !S_ISREG (st.st_mode) ||
      (guint64) st.st_size > VMM_MANIFEST_DESCRIPTION_MAX)
    return -1;
  *size = (gsize) st.st_size;
  return vmm_fd_steal (&fd);
}

char *
vmm_snapshot_read_description (const VmmFileOps *ops, int directory_fd)
{
  gsize size;
  VMM_AUTO_FD int fd = open_note (ops, directory_fd, &size);
  g_autofree char *text = NULL;

  if (fd < 0)
    return NULL;
  text = g_malloc0 (size + 1);
  if (vmm_file_ops_read (ops, fd, VMM_SNAPSHOT_DESCRIPTION, text, size, 0) != (gssize) size ||
      !g_utf8_validate_len (text, size, NULL))
    return NULL;
  return g_steal_pointer (&text);
}

static gboolean
check_text (const char *text, GError **error)
{
  gsize length = strlen (text);

  if (length > VMM_MANIFEST_DESCRIPTION_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "the description has %zu bytes; %u are the most",
                   length,
                   VMM_MANIFEST_DESCRIPTION_MAX);
      return FALSE;
    }
  if (g_utf8_validate (text, (gssize) length, NULL))
    return TRUE;
  g_set_error_literal (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG, "the description is not UTF-8");
  return FALSE;
}

/* Returns what failed, with errno, or NULL. */
static const char *
write_note (const VmmFileOps *ops, int directory_fd, const char *text)
{
  VMM_AUTO_FD int fd = vmm_file_ops_open (ops,
                                          directory_fd,
                                          VMM_SNAPSHOT_DESCRIPTION_NEW,
                                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                                          MODE);

  if (fd < 0)
    return "make";
  if (vmm_file_ops_write (ops, fd, VMM_SNAPSHOT_DESCRIPTION_NEW, text, strlen (text), 0) < 0)
    return "write";
  return vmm_file_ops_sync (ops, fd, VMM_SNAPSHOT_DESCRIPTION_NEW) < 0 ? "sync" : NULL;
}

static const char *
put_in_place (const VmmFileOps *ops, int directory_fd)
{
  VMM_AUTO_FD int listed_fd = vmm_file_ops_open (ops, directory_fd, ".", O_RDONLY | O_DIRECTORY, 0);

  if (listed_fd < 0)
    return "open the directory of";
  if (vmm_file_ops_rename (ops, listed_fd, VMM_SNAPSHOT_DESCRIPTION_NEW, VMM_SNAPSHOT_DESCRIPTION, 0) < 0)
    return "name";
  return vmm_file_ops_sync (ops, listed_fd, ".") < 0 ? "sync the directory of" : NULL;
}

gboolean
vmm_snapshot_set_description (VmmSnapshot *snapshot, const char *text, GError **error)
{
  const VmmFileOps *ops = vmm_snapshot_get_ops (snapshot);
  int directory_fd = vmm_snapshot_get_directory_fd (snapshot);
  const char *failed;
  int error_number;

  if (!check_text (text, error))
    return FALSE;
  /* of one who was stopped in the middle */
  (void) vmm_file_ops_unlink (ops, directory_fd, VMM_SNAPSHOT_DESCRIPTION_NEW, 0);
  failed = write_note (ops, directory_fd, text);
  if (failed == NULL)
    failed = put_in_place (ops, directory_fd);
  if (failed == NULL)
    return TRUE;
  error_number = errno;
  (void) vmm_file_ops_unlink (ops, directory_fd, VMM_SNAPSHOT_DESCRIPTION_NEW, 0);
  vmm_file_ops_set_error (error,
                          error_number,
                          failed,
                          vmm_snapshot_get_directory (snapshot),
                          VMM_SNAPSHOT_DESCRIPTION);
  return FALSE;
}
