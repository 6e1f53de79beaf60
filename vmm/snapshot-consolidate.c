/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The complete snapshot is made beside the incremental one as any other is, and then trades places with it. Nobody who
 * has the old one's files open, as a running VM has, notices. Its UUID is the same and its manifest another, which is
 * why that tells the digest of the former: the children go by it.
 *
 * What is read is compared with its digests first. The new file has digests of its own, and they would be right for
 * whatever was damaged before.
 */

#include "config.h"
#include "vmm/snapshot-chain.h"

#include <errno.h>

#include "vmm/fd.h"
#include "vmm/snapshot-writer.h"
#include "vmm/sparse-copy.h"

typedef struct
{
  const VmmFileOps *ops;
  int fd; /* the new memory.bin */
  guint64 size;
  guint8 *piece; /* a page */
  GCancellable *cancellable;
  VmmProgressFunc progress;
  gpointer progress_data;
} Consolidation;

/* a third each: reading all that there is, writing, reading for the digests */
typedef enum
{
  PART_VERIFY,
  PART_WRITE,
  PART_DIGEST,
  N_PARTS,
} Part;

static void
tell (Consolidation *work, Part part, guint64 done, guint64 total)
{
  guint64 share = total == 0 ? work->size : (guint64) ((double) done / (double) total * (double) work->size);

  if (work->progress != NULL)
    work->progress (part * work->size + share, N_PARTS * work->size, work->progress_data);
}

static void
on_verified (guint64 done, guint64 total, gpointer user_data)
{
  tell (user_data, PART_VERIFY, done, total);
}

static void
on_digested (guint64 done, guint64 total, gpointer user_data)
{
  tell (user_data, PART_DIGEST, done, total);
}

static gboolean
put_zeros (Consolidation *work, guint64 offset, gsize length)
{
  if (vmm_file_ops_punch_hole (work->ops, work->fd, VMM_SNAPSHOT_MEMORY, offset, length) == 0)
    return TRUE;
  return errno == EOPNOTSUPP &&
         vmm_file_ops_write (work->ops, work->fd, VMM_SNAPSHOT_MEMORY, work->piece, length, offset) == 0;
}

static gboolean
put_page (Consolidation *work, guint64 offset)
{
  if (vmm_sparse_copy_is_zero (work->piece, VMM_PAGE_SIZE))
    return put_zeros (work, offset, VMM_PAGE_SIZE);
  return vmm_file_ops_write (work->ops, work->fd, VMM_SNAPSHOT_MEMORY, work->piece, VMM_PAGE_SIZE, offset) ==
         0;
}

/* page by page: which of them are zero is to be seen anyway, and the page cache makes large writes of it */
static gboolean
copy_change (guint64 offset, guint64 length, int fd, gpointer user_data, GError **error)
{
  Consolidation *work = user_data;

  for (guint64 done = 0; done < length; done += VMM_PAGE_SIZE)
    {
      gssize n =
          vmm_file_ops_read (work->ops, fd, VMM_SNAPSHOT_MEMORY, work->piece, VMM_PAGE_SIZE, offset + done);

      if (g_cancellable_is_cancelled (work->cancellable))
        {
          g_set_error_literal (error, VMM_ERROR, VMM_ERROR_CANCELLED, "cancelled; the snapshot is as it was");
          return FALSE;
        }
      if (n >= 0 && n < (gssize) VMM_PAGE_SIZE)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_CORRUPT,
                       "the file ends before byte %" G_GUINT64_FORMAT,
                       offset + done + VMM_PAGE_SIZE);
          return FALSE;
        }
      if (n < 0 || !put_page (work, offset + done))
        {
          vmm_file_ops_set_error (error, errno, n < 0 ? "read" : "copy", NULL, VMM_SNAPSHOT_MEMORY);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
write_memory (Consolidation *work, VmmSnapshot *snapshot, GError **error)
{
  int base_fd = vmm_snapshot_get_memory_fd (vmm_snapshot_chain_get_base (snapshot));

  if (!vmm_sparse_copy (
          work->ops, base_fd, work->fd, VMM_SNAPSHOT_MEMORY, work->size, work->cancellable, error) ||
      !vmm_snapshot_chain_foreach_change (snapshot, NULL, copy_change, work, error))
    return FALSE;
  tell (work, PART_WRITE, 1, 1);
  return TRUE;
}

static VmmManifest *
make_manifest (VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (GBytes) bytes = vmm_manifest_pack (vmm_snapshot_get_manifest (snapshot));
  VmmManifest *manifest = vmm_manifest_unpack (bytes, error);

  if (manifest == NULL)
    return NULL;
  vmm_manifest_set_consolidated (manifest, &vmm_snapshot_get_manifest (snapshot)->manifest_sha256);
  vmm_manifest_set_description (manifest, vmm_snapshot_get_description (snapshot));
  return manifest;
}

static gboolean
write_complete (Consolidation *work, VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (VmmManifest) manifest = make_manifest (snapshot, error);
  g_autoptr (VmmSnapshotWriter) writer = NULL;
  VMM_AUTO_FD int fd = -1;

  if (manifest == NULL)
    return FALSE;
  writer = vmm_snapshot_writer_new_for (work->ops,
                                        vmm_snapshot_get_directory (snapshot),
                                        vmm_snapshot_get_directory_fd (snapshot),
                                        error);
  if (writer == NULL)
    return FALSE;
  fd = vmm_snapshot_writer_create_memory (writer, work->size, error);
  if (fd < 0)
    return FALSE;
  work->fd = fd;
  return write_memory (work, snapshot, error) &&
         vmm_snapshot_writer_commit (writer,
                                     manifest,
                                     vmm_snapshot_get_saved_state (snapshot),
                                     on_digested,
                                     work,
                                     work->cancellable,
                                     error);
}

gboolean
vmm_snapshot_consolidate (VmmSnapshot *snapshot,
                          VmmProgressFunc progress,
                          gpointer progress_data,
                          GCancellable *cancellable,
                          GError **error)
{
  g_autofree guint8 *piece = g_malloc (VMM_PAGE_SIZE);
  Consolidation work = {
    .ops = vmm_snapshot_get_ops (snapshot),
    .size = vmm_snapshot_get_manifest (snapshot)->memory_size_bytes,
    .piece = piece,
    .cancellable = cancellable,
    .progress = progress,
    .progress_data = progress_data,
  };

  if (!vmm_snapshot_get_incremental (snapshot))
    return TRUE;
  return vmm_snapshot_open_chain (snapshot, error) &&
         vmm_snapshot_verify (snapshot, on_verified, &work, cancellable, error) &&
         write_complete (&work, snapshot, error);
}
