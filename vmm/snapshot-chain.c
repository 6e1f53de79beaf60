/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A parent is known by its UUID and by the digest of its manifest, which covers the digests of all it holds. So no
 * other snapshot is ever taken for it, wherever it is found: where it was when the child was made, else beside the
 * child, since a tree is mostly moved as a whole. A parent that has been consolidated has another manifest, which
 * tells the digest of the one before: its memory is the same.
 *
 * Changes are told from the newest to the oldest: a page that one has is not looked for in those under it. So each is
 * told once, however long the chain is.
 */

#include "config.h"
#include "vmm/snapshot-chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vmm/digest.h"
#include "vmm/fd.h"

static gboolean
is_same_digest (const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
  return a->len == b->len && memcmp (a->data, b->data, a->len) == 0;
}

static gboolean
has_digest (const VmmManifest *manifest, const ProtobufCBinaryData *sha256)
{
  return is_same_digest (&manifest->manifest_sha256, sha256) ||
         is_same_digest (&manifest->consolidated_from, sha256);
}

static VmmSnapshot *
set_changed_error (VmmSnapshot *found, const ProtobufCBinaryData *sha256, GError **error)
{
  g_autofree char *expected = vmm_digest_to_string (sha256->data);
  g_autofree char *got = vmm_digest_to_string (vmm_snapshot_get_manifest (found)->manifest_sha256.data);

  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_PARENT_CHANGED,
               "'%s' is snapshot %s, but not as it was: its manifest has the SHA-256 %s, expected %s",
               vmm_snapshot_get_directory (found),
               vmm_snapshot_get_uuid (found),
               got,
               expected);
  return NULL;
}

/* what is looked for, and how */
typedef struct
{
  const VmmFileOps *ops;
  const char *uuid;
  const ProtobufCBinaryData *sha256;
  gboolean damaged; /* be it damaged */
} Search;

static VmmSnapshot *
open_candidate (const Search *search, const char *directory, GError **error)
{
  if (search->damaged)
    return vmm_snapshot_open_damaged (search->ops, directory, FALSE, error);
  return vmm_snapshot_open_link (search->ops, directory, error);
}

/*
 * (transfer full) (nullable): the snapshot in @directory, if it has that UUID; an error only if it is damaged.
 * @unknown, which may be NULL, is set to one that does not tell what it is
 */
static VmmSnapshot *
try_directory (const Search *search, const char *directory, VmmSnapshot **unknown, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (VmmSnapshot) snapshot = open_candidate (search, directory, &local_error);

  if (snapshot != NULL && vmm_snapshot_get_manifest (snapshot) == NULL)
    {
      if (unknown != NULL)
        *unknown = g_steal_pointer (&snapshot);
      return NULL;
    }
  if (snapshot != NULL && strcmp (vmm_snapshot_get_uuid (snapshot), search->uuid) == 0)
    return g_steal_pointer (&snapshot);
  if (snapshot == NULL && !g_error_matches (local_error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

/* (transfer full) (nullable): the one in the directory that @beside is in; a changed one, if there is no other */
static VmmSnapshot *
search_beside (const Search *search, const char *beside)
{
  g_autofree char *place = g_path_get_dirname (beside);
  VMM_AUTO_FD int fd = vmm_file_ops_open (search->ops, AT_FDCWD, place, O_RDONLY | O_DIRECTORY, 0);
  g_autoptr (GPtrArray) entries = fd >= 0 ? vmm_file_ops_list (search->ops, fd, place) : NULL;
  g_autoptr (VmmSnapshot) other = NULL;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const char *name = g_ptr_array_index (entries, i);
      g_autofree char *directory = g_build_filename (place, name, NULL);
      g_autoptr (VmmSnapshot) found = NULL;

      if (name[0] == '.')
        continue;
      found = try_directory (search, directory, NULL, NULL);
      if (found != NULL && has_digest (vmm_snapshot_get_manifest (found), search->sha256))
        return g_steal_pointer (&found);
      if (other == NULL)
        other = g_steal_pointer (&found);
    }
  return g_steal_pointer (&other);
}

static VmmSnapshot *
find (const Search *search, const char *directory, const char *beside, GError **error)
{
  g_autoptr (GError) damage = NULL;
  g_autoptr (VmmSnapshot) unknown = NULL;
  g_autoptr (VmmSnapshot) found = try_directory (search, directory, &unknown, &damage);
  g_autoptr (VmmSnapshot) elsewhere = NULL;

  if (found != NULL && has_digest (vmm_snapshot_get_manifest (found), search->sha256))
    return g_steal_pointer (&found);
  elsewhere = search_beside (search, beside);
  if (elsewhere != NULL && has_digest (vmm_snapshot_get_manifest (elsewhere), search->sha256))
    return g_steal_pointer (&elsewhere);
  if (found != NULL || elsewhere != NULL)
    return set_changed_error (found != NULL ? found : elsewhere, search->sha256, error);
  if (unknown != NULL)
    return g_steal_pointer (&unknown);
  if (damage != NULL)
    g_propagate_error (error, g_steal_pointer (&damage));
  else
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_PARENT_MISSING,
                 "snapshot %s is neither in '%s', where it was, nor beside '%s'",
                 search->uuid,
                 directory,
                 beside);
  return NULL;
}

VmmSnapshot *
vmm_snapshot_chain_find (const VmmFileOps *ops,
                         const char *directory,
                         const char *beside,
                         const char *uuid,
                         const ProtobufCBinaryData *sha256,
                         GError **error)
{
  const Search search = { .ops = ops, .uuid = uuid, .sha256 = sha256 };

  return find (&search, directory, beside, error);
}

VmmSnapshot *
vmm_snapshot_chain_find_damaged (const VmmFileOps *ops,
                                 const char *directory,
                                 const char *beside,
                                 const char *uuid,
                                 const ProtobufCBinaryData *sha256,
                                 GError **error)
{
  const Search search = { .ops = ops, .uuid = uuid, .sha256 = sha256, .damaged = TRUE };

  return find (&search, directory, beside, error);
}

gboolean
vmm_snapshot_chain_check_memory (VmmSnapshot *snapshot, VmmSnapshot *parent, GError **error)
{
  guint64 size = vmm_snapshot_get_manifest (snapshot)->memory_size_bytes;
  guint64 parent_size = vmm_snapshot_get_manifest (parent)->memory_size_bytes;

  if (size == parent_size)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "'%s' has %" G_GUINT64_FORMAT " bytes of RAM, expected %" G_GUINT64_FORMAT,
               vmm_snapshot_get_directory (parent),
               parent_size,
               size);
  return FALSE;
}

static gboolean
open_parent (VmmSnapshot *snapshot, GError **error)
{
  const VmmManifest *manifest = vmm_snapshot_get_manifest (snapshot);
  g_autoptr (VmmSnapshot) parent = vmm_snapshot_chain_find (vmm_snapshot_get_ops (snapshot),
                                                            manifest->incremental->parent_directory,
                                                            vmm_snapshot_get_directory (snapshot),
                                                            manifest->parent_uuid,
                                                            &manifest->incremental->parent_sha256,
                                                            error);

  if (parent == NULL || !vmm_snapshot_chain_check_memory (snapshot, parent, error))
    {
      g_prefix_error (error, "the parent of snapshot '%s': ", vmm_snapshot_get_directory (snapshot));
      return FALSE;
    }
  vmm_snapshot_take_parent (snapshot, g_steal_pointer (&parent));
  return TRUE;
}

gboolean
vmm_snapshot_open_chain (VmmSnapshot *snapshot, GError **error)
{
  VmmSnapshot *link = snapshot;

  for (guint length = 1; vmm_snapshot_get_incremental (link); length++)
    {
      if (length >= VMM_SNAPSHOT_CHAIN_MAX)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_LIMIT_EXCEEDED,
                       "more than %u snapshots lie under '%s'; consolidate one of them",
                       VMM_SNAPSHOT_CHAIN_MAX,
                       vmm_snapshot_get_directory (snapshot));
          return FALSE;
        }
      if (vmm_snapshot_get_parent (link) == NULL && !open_parent (link, error))
        return FALSE;
      link = vmm_snapshot_get_parent (link);
    }
  return TRUE;
}

guint
vmm_snapshot_get_chain_length (VmmSnapshot *snapshot)
{
  guint length = 0;

  for (; snapshot != NULL; snapshot = vmm_snapshot_get_parent (snapshot))
    length++;
  return length;
}

VmmSnapshot *
vmm_snapshot_chain_get_base (VmmSnapshot *snapshot)
{
  while (vmm_snapshot_get_incremental (snapshot) && vmm_snapshot_get_parent (snapshot) != NULL)
    snapshot = vmm_snapshot_get_parent (snapshot);
  return snapshot;
}

gboolean
vmm_snapshot_has_whole_chain (VmmSnapshot *snapshot)
{
  return !vmm_snapshot_get_incremental (vmm_snapshot_chain_get_base (snapshot));
}

static gboolean
tell_of_link (VmmSnapshot *link,
              const VmmPageSet *pages,
              VmmSnapshotChainFunc func,
              gpointer user_data,
              GError **error)
{
  guint64 start;
  guint64 end = 0;

  while (vmm_page_set_next_run (pages, end, &start, &end))
    {
      if (!func (start * VMM_PAGE_SIZE,
                 (end - start) * VMM_PAGE_SIZE,
                 vmm_snapshot_get_memory_fd (link),
                 user_data,
                 error))
        {
          g_prefix_error (error, "'%s/" VMM_SNAPSHOT_MEMORY "': ", vmm_snapshot_get_directory (link));
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
vmm_snapshot_chain_foreach_change (VmmSnapshot *snapshot,
                                   const VmmPageSet *wanted,
                                   VmmSnapshotChainFunc func,
                                   gpointer user_data,
                                   GError **error)
{
  guint64 size = vmm_snapshot_get_manifest (snapshot)->memory_size_bytes;
  g_autoptr (VmmPageSet) seen = vmm_page_set_new (size);

  if (wanted != NULL)
    {
      vmm_page_set_add_bytes (seen, 0, size);
      vmm_page_set_remove_all (seen, wanted);
    }
  for (VmmSnapshot *link = snapshot; vmm_snapshot_get_incremental (link);
       link = vmm_snapshot_get_parent (link))
    {
      g_autoptr (VmmPageSet) pages = vmm_page_set_new (size);

      g_return_val_if_fail (vmm_snapshot_get_parent (link) != NULL, FALSE);
      vmm_page_set_add_all (pages, vmm_snapshot_get_pages (link));
      vmm_page_set_remove_all (pages, seen);
      if (!tell_of_link (link, pages, func, user_data, error))
        return FALSE;
      vmm_page_set_add_all (seen, pages);
    }
  return TRUE;
}
