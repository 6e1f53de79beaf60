/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All that is wrong is told, in the order in which a restore needs things: a snapshot's manifest, state, pages and
 * memory, then those of the one under it. What cannot be looked at because of other damage is left out: without a
 * manifest nothing says what the other files should be, and which snapshot is under it. The state of those under it
 * is not read, as a restore does not need it.
 */

#include "config.h"
#include "vmm/snapshot.h"

#include "vmm/digest.h"
#include "vmm/snapshot-chain.h"

#include <errno.h>
#include <string.h>

/* a chain that is verified */
typedef struct
{
  GPtrArray *links; /* of VmmSnapshot, the newest first */
  VmmDamage *damage;
  VmmProgressFunc progress;
  gpointer user_data;
  GCancellable *cancellable;
  guint64 done; /* bytes, of the links before the present one */
  guint64 total;
} Walk;

static void
on_progress (guint64 done, guint64 total, gpointer user_data)
{
  Walk *walk = user_data;

  walk->progress (walk->done + done, walk->total, walk->user_data);
}

static char *
describe_digest (const guint8 *digest)
{
  static const guint8 zero[VMM_DIGEST_SIZE];
  g_autofree char *string = vmm_digest_to_string (digest);

  return memcmp (digest, zero, VMM_DIGEST_SIZE) == 0 ? g_strconcat (string, ", which stands for zeros", NULL)
                                                     : g_steal_pointer (&string);
}

static void
add_chunk (VmmDamage *damage,
           const VmmDigestPlan *plan,
           gsize chunk,
           const guint8 *found_digest,
           const guint8 *expected_digest)
{
  guint64 start = chunk * plan->chunk_size;
  guint64 end = MIN (start + plan->chunk_size, plan->size) - 1;
  g_autofree char *found = describe_digest (found_digest);
  g_autofree char *expected = describe_digest (expected_digest);

  if (plan->unreadable[chunk] != 0)
    vmm_damage_add (damage,
                    "'%s' cannot be read somewhere in bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                    ": %s; expected the SHA-256 %s",
                    plan->path,
                    start,
                    end,
                    g_strerror (plan->unreadable[chunk]),
                    expected);
  else
    vmm_damage_add (damage,
                    "'%s' is damaged in bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                    ": they have the SHA-256 %s, expected %s",
                    plan->path,
                    start,
                    end,
                    found,
                    expected);
}

static void
compare_chunks (const VmmDigestPlan *plan, GBytes *digests, const guint8 *expected, VmmDamage *damage)
{
  gsize n = g_bytes_get_size (digests) / VMM_DIGEST_SIZE;
  const guint8 *found = g_bytes_get_data (digests, NULL);

  for (gsize i = 0; i < n; i++, found += VMM_DIGEST_SIZE, expected += VMM_DIGEST_SIZE)
    if (plan->unreadable[i] != 0 || memcmp (found, expected, VMM_DIGEST_SIZE) != 0)
      add_chunk (damage, plan, i, found, expected);
}

/*
 * How much of memory.bin is looked at. That it is cut is known since it was opened; the chunk in which it ends is not
 * what it was in any case.
 */
static gboolean
get_size (VmmSnapshot *snapshot, const char *path, guint64 chunk_size, guint64 *size, GError **error)
{
  guint64 expected = vmm_snapshot_get_manifest (snapshot)->memory_size_bytes;
  struct stat st;

  *size = expected;
  if (vmm_snapshot_get_damage (snapshot) == NULL)
    return TRUE;
  if (vmm_file_ops_stat (vmm_snapshot_get_ops (snapshot), vmm_snapshot_get_memory_fd (snapshot), path, &st) <
      0)
    {
      vmm_file_ops_set_error (error, errno, "look at", NULL, path);
      return FALSE;
    }
  if ((guint64) st.st_size < expected)
    *size = (guint64) st.st_size / chunk_size * chunk_size;
  return TRUE;
}

static gboolean
verify_memory (Walk *walk, VmmSnapshot *snapshot, GError **error)
{
  const Openvmm__Snapshot__MemoryDigests *expected = vmm_snapshot_get_manifest (snapshot)->memory_digests;
  g_autofree char *path = g_build_filename (vmm_snapshot_get_directory (snapshot), VMM_SNAPSHOT_MEMORY, NULL);
  g_autofree int *unreadable = g_new0 (int, expected->sha256.len / VMM_DIGEST_SIZE);
  g_autoptr (GBytes) digests = NULL;
  VmmDigestPlan plan = {
    .ops = vmm_snapshot_get_ops (snapshot),
    .fd = vmm_snapshot_get_memory_fd (snapshot),
    .path = path,
    .chunk_size = expected->chunk_size,
    .unreadable = unreadable,
    .progress = walk->progress != NULL ? on_progress : NULL,
    .progress_data = walk,
    .cancellable = walk->cancellable,
  };

  if (!get_size (snapshot, path, plan.chunk_size, &plan.size, error))
    return FALSE;
  digests = vmm_digest_run (&plan, error);
  if (digests == NULL)
    return FALSE;
  compare_chunks (&plan, digests, expected->sha256.data, walk->damage);
  return TRUE;
}

/* Errors: CANCELLED alone; all else is damage */
static gboolean
verify_link (Walk *walk, VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (vmm_snapshot_get_damage (snapshot) != NULL)
    vmm_damage_add_all (walk->damage, vmm_snapshot_get_damage (snapshot));
  if (vmm_snapshot_get_manifest (snapshot) == NULL)
    return TRUE;
  if (vmm_snapshot_get_memory_fd (snapshot) >= 0 && !verify_memory (walk, snapshot, &local_error))
    {
      if (g_error_matches (local_error, VMM_ERROR, VMM_ERROR_CANCELLED))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      vmm_damage_take_error (walk->damage, g_steal_pointer (&local_error));
    }
  walk->done += vmm_snapshot_get_manifest (snapshot)->memory_size_bytes;
  return TRUE;
}

static gboolean
verify_links (Walk *walk, GError **error)
{
  for (guint i = 0; i < walk->links->len; i++)
    {
      VmmSnapshot *link = g_ptr_array_index (walk->links, i);

      if (vmm_snapshot_get_manifest (link) != NULL)
        walk->total += vmm_snapshot_get_manifest (link)->memory_size_bytes;
    }
  for (guint i = 0; i < walk->links->len; i++)
    if (!verify_link (walk, g_ptr_array_index (walk->links, i), error))
      return FALSE;
  return TRUE;
}

/* (transfer full) (nullable): the one under @snapshot; without an error if there is none to be */
static VmmSnapshot *
open_parent (VmmSnapshot *snapshot, GError **error)
{
  const VmmManifest *manifest = vmm_snapshot_get_manifest (snapshot);
  g_autoptr (VmmSnapshot) parent = NULL;

  if (manifest == NULL || manifest->incremental == NULL)
    return NULL;
  parent = vmm_snapshot_chain_find_damaged (vmm_snapshot_get_ops (snapshot),
                                            manifest->incremental->parent_directory,
                                            vmm_snapshot_get_directory (snapshot),
                                            manifest->parent_uuid,
                                            &manifest->incremental->parent_sha256,
                                            error);
  if (parent != NULL && (vmm_snapshot_get_manifest (parent) == NULL ||
                         vmm_snapshot_chain_check_memory (snapshot, parent, error)))
    return g_steal_pointer (&parent);
  g_prefix_error (error, "the parent of snapshot '%s': ", vmm_snapshot_get_directory (snapshot));
  return NULL;
}

/* as far down as they are found; @error tells why no further */
static void
open_links (Walk *walk, GError **error)
{
  VmmSnapshot *link = g_ptr_array_index (walk->links, 0);

  while ((link = open_parent (link, error)) != NULL)
    {
      g_ptr_array_add (walk->links, link);
      if (walk->links->len <= VMM_SNAPSHOT_CHAIN_MAX)
        continue;
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "more than %u snapshots lie under it; consolidate one of them",
                   VMM_SNAPSHOT_CHAIN_MAX - 1);
      return;
    }
}

gboolean
vmm_snapshot_verify (VmmSnapshot *snapshot,
                     VmmProgressFunc progress,
                     gpointer user_data,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (GPtrArray) links = g_ptr_array_new ();
  g_autoptr (VmmDamage) damage = vmm_damage_new ();
  Walk walk = {
    .links = links, .damage = damage, .progress = progress, .user_data = user_data, .cancellable = cancellable
  };

  for (VmmSnapshot *link = snapshot; link != NULL; link = vmm_snapshot_get_parent (link))
    g_ptr_array_add (links, link);
  return verify_links (&walk, error) &&
         vmm_damage_check (damage, vmm_snapshot_get_directory (snapshot), error);
}

static gboolean
check_uuid (VmmSnapshot *snapshot, const char *uuid, GError **error)
{
  if (uuid == NULL || vmm_snapshot_get_manifest (snapshot) == NULL ||
      strcmp (vmm_snapshot_get_uuid (snapshot), uuid) == 0)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_NO_SUCH_SNAPSHOT,
               "'%s' holds snapshot %s now; %s is gone",
               vmm_snapshot_get_directory (snapshot),
               vmm_snapshot_get_uuid (snapshot),
               uuid);
  return FALSE;
}

gboolean
vmm_snapshot_verify_directory (const char *directory,
                               const char *uuid,
                               gboolean chain,
                               VmmProgressFunc progress,
                               gpointer user_data,
                               GCancellable *cancellable,
                               GError **error)
{
  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func ((GDestroyNotify) vmm_snapshot_unref);
  g_autoptr (VmmDamage) damage = vmm_damage_new ();
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open_damaged (NULL, directory, TRUE, error);
  g_autoptr (GError) break_error = NULL;
  Walk walk = {
    .links = links, .damage = damage, .progress = progress, .user_data = user_data, .cancellable = cancellable
  };

  if (snapshot == NULL || !check_uuid (snapshot, uuid, error))
    return FALSE;
  g_ptr_array_add (links, vmm_snapshot_ref (snapshot));
  if (chain)
    open_links (&walk, &break_error);
  if (!verify_links (&walk, error))
    return FALSE;
  if (break_error != NULL)
    vmm_damage_take_error (damage, g_steal_pointer (&break_error));
  return vmm_damage_check (damage, directory, error);
}
