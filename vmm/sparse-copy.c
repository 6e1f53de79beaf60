/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Data goes through a buffer of ours and not through copy_file_range(), because RAM has many pages that were
 * touched and are zero: only who sees the bytes can leave them out.
 */

#include "config.h"
#include "vmm/sparse-copy.h"

#include <errno.h>
#include <string.h>

#define PIECE_SIZE (1024 * 1024u) /* bytes */
#define BLOCK_SIZE 4096u          /* bytes; what a hole is made of */

/** Copy: one copy under way. */
typedef struct
{
  const VmmFileOps *ops;
  int source_fd;
  int fd;
  const char *path;
  guint64 size;
  GCancellable *cancellable;
  guint8 *piece; /* PIECE_SIZE bytes */
} Copy;

gboolean
vmm_sparse_copy_is_zero (gconstpointer bytes, gsize length)
{
  const guint8 *p = bytes;

  /* if the first byte is zero and every byte is like the one before it, all are */
  return length == 0 || (p[0] == 0 && memcmp (p, p + 1, length - 1) == 0);
}

/* writes the runs of blocks in the piece that are not zero */
static gboolean
write_piece (Copy *copy, guint64 offset, gsize length, GError **error)
{
  gsize start = 0;

  while (start < length)
    {
      gsize end;

      if (vmm_sparse_copy_is_zero (copy->piece + start, MIN (BLOCK_SIZE, length - start)))
        {
          start += BLOCK_SIZE;
          continue;
        }
      for (end = start + BLOCK_SIZE; end < length; end += BLOCK_SIZE)
        {
          if (vmm_sparse_copy_is_zero (copy->piece + end, MIN (BLOCK_SIZE, length - end)))
            break;
        }
      end = MIN (end, length);
      if (vmm_file_ops_write (
              copy->ops, copy->fd, copy->path, copy->piece + start, end - start, offset + start) < 0)
        {
          vmm_file_ops_set_error (error, errno, "write", NULL, copy->path);
          return FALSE;
        }
      start = end;
    }
  return TRUE;
}

static gboolean
set_short_error (Copy *copy, guint64 found, GError **error)
{
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_HOST,
               "the RAM file to be copied to '%s' ends after %" G_GUINT64_FORMAT
               " bytes, expected %" G_GUINT64_FORMAT ": something else has cut it",
               copy->path,
               found,
               copy->size);
  return FALSE;
}

static gboolean
copy_extent (Copy *copy, guint64 start, guint64 end, GError **error)
{
  for (guint64 offset = start; offset < end;)
    {
      gsize length = MIN (PIECE_SIZE, end - offset);
      gssize n;

      if (g_cancellable_is_cancelled (copy->cancellable))
        {
          g_set_error (error, VMM_ERROR, VMM_ERROR_CANCELLED, "cancelled while '%s' was written", copy->path);
          return FALSE;
        }
      n = vmm_file_ops_read (copy->ops, copy->source_fd, "RAM", copy->piece, length, offset);
      if (n < 0)
        {
          vmm_file_ops_set_error (error, errno, "read RAM to be copied to", NULL, copy->path);
          return FALSE;
        }
      if ((gsize) n < length)
        return set_short_error (copy, offset + (guint64) n, error);
      if (!write_piece (copy, offset, length, error))
        return FALSE;
      offset += length;
    }
  return TRUE;
}

static gboolean
copy_extents (Copy *copy, GError **error)
{
  guint64 offset = 0;

  while (offset < copy->size)
    {
      gint64 start = vmm_file_ops_seek_data (copy->ops, copy->source_fd, "RAM", offset);
      gint64 end;

      if (start < 0 && errno == ENXIO)
        return TRUE;
      /* a file system that cannot tell: all may be data */
      if (start < 0)
        return copy_extent (copy, offset, copy->size, error);

      end = vmm_file_ops_seek_hole (copy->ops, copy->source_fd, "RAM", (guint64) start);
      if (end <= start || (guint64) end > copy->size)
        end = (gint64) copy->size;
      if (!copy_extent (copy, (guint64) start, (guint64) end, error))
        return FALSE;
      offset = (guint64) end;
    }
  return TRUE;
}

/* where there is no data, a file that was cut looks like one that ends in a hole */
static gboolean
check_source_size (Copy *copy, GError **error)
{
  struct stat st;

  if (vmm_file_ops_stat (copy->ops, copy->source_fd, "RAM", &st) < 0)
    {
      vmm_file_ops_set_error (error, errno, "look at RAM copied to", NULL, copy->path);
      return FALSE;
    }
  return (guint64) st.st_size >= copy->size || set_short_error (copy, (guint64) st.st_size, error);
}

gboolean
vmm_sparse_copy (const VmmFileOps *ops,
                 int source_fd,
                 int fd,
                 const char *path,
                 guint64 size,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autofree guint8 *piece = NULL;
  Copy copy = { ops, source_fd, fd, path, size, cancellable, NULL };

  if (vmm_file_ops_clone (ops, source_fd, fd, path) == 0)
    return check_source_size (&copy, error);
  if (vmm_file_ops_truncate (ops, fd, path, size) < 0)
    {
      vmm_file_ops_set_error (error, errno, "set the size of", NULL, path);
      return FALSE;
    }
  copy.piece = piece = g_malloc (PIECE_SIZE);
  return copy_extents (&copy, error) && check_source_size (&copy, error);
}
