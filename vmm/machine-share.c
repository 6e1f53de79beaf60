/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a file can share its blocks with another, a complete snapshot begins as a twin of the origin's memory, or of
 * the file under the view, and what has changed since is written over it. It takes what has changed, and is complete.
 *
 * RAM does not move onto the new file: it would find none of it in the page cache, and have read the old one in vain.
 */

#include "config.h"
#include "vmm/machine.h"

#include "vmm/snapshot-chain.h"

static gboolean
is_same_file (int a, int b)
{
  struct stat st_a;
  struct stat st_b;

  return vmm_file_ops_stat (NULL, a, "RAM", &st_a) == 0 && vmm_file_ops_stat (NULL, b, "RAM", &st_b) == 0 &&
         st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
}

void
vmm_machine_share_clear (VmmMachineShare *share)
{
  g_clear_pointer (&share->source, vmm_snapshot_unref);
}

/* what has changed since a complete origin is less than what is private: that is since the view was made */
static gboolean
share_origin (VmmSnapshot *origin,
              VmmSnapshotWriter *writer,
              guint64 size,
              VmmMachineShare *share,
              GError **error)
{
  if (!vmm_snapshot_writer_share_memory (writer,
                                         vmm_snapshot_get_memory_fd (origin),
                                         size,
                                         &share->shared,
                                         error))
    return FALSE;
  share->since_origin = share->shared;
  if (share->shared)
    share->source = vmm_snapshot_ref (origin);
  return TRUE;
}

static gboolean
share_view (VmmMachine *machine,
            VmmSnapshot *origin,
            VmmSnapshotWriter *writer,
            const char *directory,
            VmmMachineShare *share,
            GError **error)
{
  int fd = vmm_memory_get_fd (machine->memory);
  g_autoptr (VmmSnapshot) found = NULL;
  VmmSnapshot *base;

  if (!vmm_snapshot_writer_share_memory (writer,
                                         fd,
                                         vmm_memory_get_size (machine->memory),
                                         &share->shared,
                                         error))
    return FALSE;
  if (!share->shared || machine->origin_uuid == NULL)
    return TRUE;
  if (origin == NULL)
    origin = found = vmm_machine_find_origin (machine, directory, NULL);
  base = origin != NULL ? vmm_snapshot_chain_get_base (origin) : NULL;
  /* another one's digests may be those of another content: one under the origin can have been consolidated */
  if (base != NULL && is_same_file (fd, vmm_snapshot_get_memory_fd (base)))
    share->source = vmm_snapshot_ref (base);
  return TRUE;
}

gboolean
vmm_machine_share_memory (VmmMachine *machine,
                          VmmSnapshotWriter *writer,
                          const char *directory,
                          VmmMachineShare *share,
                          GError **error)
{
  guint64 size = vmm_memory_get_size (machine->memory);
  g_autoptr (VmmSnapshot) origin = NULL;

  if (machine->changed != NULL && machine->origin_uuid != NULL)
    origin = vmm_machine_find_origin (machine, directory, NULL);
  if (origin != NULL && !vmm_snapshot_get_incremental (origin) &&
      !share_origin (origin, writer, size, share, error))
    return FALSE;
  if (share->shared || vmm_memory_get_fd (machine->memory) < 0)
    return TRUE;
  return share_view (machine, origin, writer, directory, share, error);
}
