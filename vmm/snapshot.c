/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Manifest and state are read whole, once, and what is checked is what is used.
 * memory.bin stays on disk; its size is checked on opening, its content when vmm_snapshot_verify() is asked for.
 *
 * Who wants a snapshot to use it stops at the first thing that is wrong. Who wants to know what is wrong opens it with
 * its damage.
 */

#include "config.h"
#include "vmm/snapshot.h"

#include "vmm/digest.h"
#include "vmm/fd.h"
#include "vmm/snapshot-directory.h"
#include "vmm/staging.h"

#include <string.h>

#define OPEN_ATTEMPTS 2u

struct _VmmSnapshot
{
  gatomicrefcount refs;
  VmmSnapshotDirectory directory;
  int memory_fd;
  VmmManifest *manifest;
  VmmSavedState *state; /* NULL if only memory is wanted */
  VmmConfig *config;
  char *description;   /* later than the manifest's; NULL for none */
  VmmPageSet *pages;   /* that memory.bin holds; NULL for all */
  VmmSnapshot *parent; /* whose memory lies under ours; NULL for none, or none that was opened */
  VmmDamage *damage;   /* NULL unless it was opened although it may have some */
  gint cpu_policies;   /* atomic; a bit for each #VmmCpuPolicy by which this host was found to do */
};

static void
snapshot_free (VmmSnapshot *snapshot)
{
  vmm_snapshot_unref (snapshot->parent);
  vmm_damage_free (snapshot->damage);
  vmm_page_set_free (snapshot->pages);
  vmm_config_free (snapshot->config);
  g_free (snapshot->description);
  vmm_saved_state_free (snapshot->state);
  vmm_manifest_free (snapshot->manifest);
  vmm_fd_clear (&snapshot->memory_fd);
  vmm_snapshot_directory_clear (&snapshot->directory);
  g_free (snapshot);
}

VmmSnapshot *
vmm_snapshot_ref (VmmSnapshot *snapshot)
{
  g_atomic_ref_count_inc (&snapshot->refs);
  return snapshot;
}

void
vmm_snapshot_unref (VmmSnapshot *snapshot)
{
  if (snapshot != NULL && g_atomic_ref_count_dec (&snapshot->refs))
    snapshot_free (snapshot);
}

/* of the @size that the manifest says */
static GBytes *
read_sized_file (VmmSnapshot *snapshot, const char *name, guint64 size, GError **error)
{
  guint64 found;
  VMM_AUTO_FD int fd = vmm_snapshot_directory_open_file (&snapshot->directory, name, &found, error);

  if (fd < 0 || !vmm_snapshot_directory_check_size (&snapshot->directory, name, found, size, error))
    return NULL;
  return vmm_snapshot_directory_read_file (&snapshot->directory, fd, name, (gsize) size, error);
}

static gboolean
load_manifest (VmmSnapshot *snapshot, GError **error)
{
  guint64 size;
  VMM_AUTO_FD int fd =
      vmm_snapshot_directory_open_file (&snapshot->directory, VMM_SNAPSHOT_MANIFEST, &size, error);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (fd < 0)
    return FALSE;
  if (size > VMM_MANIFEST_SIZE_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "'%s/" VMM_SNAPSHOT_MANIFEST "' has %" G_GUINT64_FORMAT " bytes, %u are the most",
                   snapshot->directory.path,
                   size,
                   VMM_MANIFEST_SIZE_MAX);
      return FALSE;
    }
  bytes =
      vmm_snapshot_directory_read_file (&snapshot->directory, fd, VMM_SNAPSHOT_MANIFEST, (gsize) size, error);
  if (bytes == NULL)
    return FALSE;
  snapshot->manifest = vmm_manifest_unpack (bytes, &local_error);
  if (snapshot->manifest == NULL)
    {
      g_prefix_error (&local_error,
                      "%s%s",
                      snapshot->directory.path,
                      g_str_has_prefix (local_error->message, VMM_SNAPSHOT_MANIFEST) ? "/" : ": ");
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  snapshot->config = vmm_manifest_get_config (snapshot->manifest);
  return TRUE;
}

static gboolean
check_file_digest (VmmSnapshot *snapshot,
                   const char *name,
                   GBytes *bytes,
                   const ProtobufCBinaryData *expected,
                   GError **error)
{
  g_autofree char *expected_string = NULL;
  g_autofree char *found_string = NULL;
  guint8 digest[VMM_DIGEST_SIZE];

  vmm_digest_bytes (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), digest);
  if (memcmp (digest, expected->data, VMM_DIGEST_SIZE) == 0)
    return TRUE;
  expected_string = vmm_digest_to_string (expected->data);
  found_string = vmm_digest_to_string (digest);
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "'%s/%s' is damaged: its %zu bytes from offset 0 have the SHA-256 %s, expected %s",
               snapshot->directory.path,
               name,
               g_bytes_get_size (bytes),
               found_string,
               expected_string);
  return FALSE;
}

static gboolean
check_unit_names (VmmSnapshot *snapshot, GError **error)
{
  g_autofree const char **names = vmm_saved_state_get_names (snapshot->state);
  gsize n = g_strv_length ((char **) names);
  gboolean same = n == snapshot->manifest->n_state_units;

  for (gsize i = 0; same && i < n; i++)
    same = strcmp (names[i], snapshot->manifest->state_units[i]) == 0;
  if (!same)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_CORRUPT,
                 "'%s': " VMM_SNAPSHOT_STATE " has %zu units, and not the %zu that " VMM_SNAPSHOT_MANIFEST
                 " lists, in that order",
                 snapshot->directory.path,
                 n,
                 snapshot->manifest->n_state_units);
  return same;
}

static gboolean
load_state (VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (GBytes)
      bytes = read_sized_file (snapshot, VMM_SNAPSHOT_STATE, snapshot->manifest->state_size, error);

  if (bytes == NULL ||
      !check_file_digest (snapshot, VMM_SNAPSHOT_STATE, bytes, &snapshot->manifest->state_sha256, error))
    return FALSE;
  snapshot->state = vmm_saved_state_unpack (bytes, error);
  if (snapshot->state == NULL)
    {
      g_prefix_error (error, "'%s': ", snapshot->directory.path);
      return FALSE;
    }
  return check_unit_names (snapshot, error);
}

static gboolean
check_pages (VmmSnapshot *snapshot, GBytes *bytes, GError **error)
{
  const Openvmm__Snapshot__IncrementalMemory *incremental = snapshot->manifest->incremental;
  guint64 count;

  if (!check_file_digest (snapshot, VMM_SNAPSHOT_PAGES, bytes, &incremental->pages_sha256, error))
    return FALSE;
  snapshot->pages = vmm_page_set_unpack (bytes, snapshot->manifest->memory_size_bytes, error);
  if (snapshot->pages == NULL)
    {
      g_prefix_error (error, "'%s/" VMM_SNAPSHOT_PAGES "': ", snapshot->directory.path);
      return FALSE;
    }
  count = vmm_page_set_count (snapshot->pages);
  if (count == incremental->page_count)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "'%s/" VMM_SNAPSHOT_PAGES "' tells of %" G_GUINT64_FORMAT
               " pages, expected %" G_GUINT64_FORMAT,
               snapshot->directory.path,
               count,
               incremental->page_count);
  return FALSE;
}

static gboolean
load_pages (VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (snapshot->manifest->incremental == NULL)
    return TRUE;
  bytes = read_sized_file (snapshot, VMM_SNAPSHOT_PAGES, snapshot->manifest->incremental->pages_size, error);
  return bytes != NULL && check_pages (snapshot, bytes, error);
}

static gboolean
open_memory (VmmSnapshot *snapshot, GError **error)
{
  guint64 expected = snapshot->manifest->memory_size_bytes;
  guint64 size;

  snapshot->memory_fd =
      vmm_snapshot_directory_open_file (&snapshot->directory, VMM_SNAPSHOT_MEMORY, &size, error);
  if (snapshot->memory_fd < 0)
    return FALSE;
  return vmm_snapshot_directory_check_size (&snapshot->directory, VMM_SNAPSHOT_MEMORY, size, expected, error);
}

static VmmSnapshot *
snapshot_new (const VmmFileOps *ops, const char *directory)
{
  VmmSnapshot *snapshot = g_new0 (VmmSnapshot, 1);

  g_atomic_ref_count_init (&snapshot->refs);
  vmm_snapshot_directory_init (&snapshot->directory, ops, directory);
  snapshot->memory_fd = -1;
  return snapshot;
}

static VmmSnapshot *
open_snapshot (const VmmFileOps *ops, const char *directory, gboolean with_state, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = snapshot_new (ops, directory);

  if (!vmm_snapshot_directory_open (&snapshot->directory, error) || !load_manifest (snapshot, error) ||
      (with_state && !load_state (snapshot, error)) || !load_pages (snapshot, error) ||
      !open_memory (snapshot, error))
    return NULL;
  if (with_state)
    snapshot->description = vmm_snapshot_read_description (ops, snapshot->directory.fd);
  return g_steal_pointer (&snapshot);
}

/* one part of a snapshot that may be damaged */
static gboolean
load_part (VmmSnapshot *snapshot, const char *name, gboolean (*load) (VmmSnapshot *snapshot, GError **error))
{
  GError *error = NULL;

  if (load (snapshot, &error))
    return TRUE;
  if (g_error_matches (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT))
    {
      vmm_damage_add (snapshot->damage, "'%s/%s' is missing", snapshot->directory.path, name);
      g_error_free (error);
    }
  else
    vmm_damage_take_error (snapshot->damage, error);
  return FALSE;
}

/* without a manifest, of the other files it is known only whether they are there */
static gboolean
look_for_files (VmmSnapshot *snapshot, gboolean with_state, GError **error)
{
  static const char *const names[] = { VMM_SNAPSHOT_MANIFEST, VMM_SNAPSHOT_MEMORY, VMM_SNAPSHOT_STATE };
  gsize n_wanted = with_state ? 3 : 2;
  gboolean there[G_N_ELEMENTS (names)];
  gboolean any = FALSE;

  for (gsize i = 0; i < n_wanted; i++)
    {
      there[i] = vmm_snapshot_directory_has_file (&snapshot->directory, names[i]);
      any = any || there[i];
    }
  if (!any)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_NO_SUCH_SNAPSHOT,
                   "'%s' holds no file of a snapshot",
                   snapshot->directory.path);
      return FALSE;
    }
  for (gsize i = 1; i < n_wanted; i++)
    if (!there[i])
      vmm_damage_add (snapshot->damage, "'%s/%s' is missing", snapshot->directory.path, names[i]);
  return TRUE;
}

static VmmSnapshot *
open_with_damage (const VmmFileOps *ops, const char *directory, gboolean with_state, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = snapshot_new (ops, directory);

  snapshot->damage = vmm_damage_new ();
  if (!vmm_snapshot_directory_open (&snapshot->directory, error))
    return NULL;
  if (load_part (snapshot, VMM_SNAPSHOT_MANIFEST, load_manifest))
    {
      if (with_state)
        (void) load_part (snapshot, VMM_SNAPSHOT_STATE, load_state);
      (void) load_part (snapshot, VMM_SNAPSHOT_PAGES, load_pages);
      (void) load_part (snapshot, VMM_SNAPSHOT_MEMORY, open_memory);
    }
  else if (!look_for_files (snapshot, with_state, error))
    return NULL;
  return g_steal_pointer (&snapshot);
}

/* a snapshot that is replaced by a complete one while it is opened is looked at once more */
static VmmSnapshot *
open_again (const VmmFileOps *ops, const char *directory, gboolean with_state, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  VmmSnapshot *snapshot = NULL;

  for (guint attempt = 0; attempt < OPEN_ATTEMPTS && snapshot == NULL; attempt++)
    {
      g_clear_error (&local_error);
      snapshot = open_snapshot (ops, directory, with_state, &local_error);
      if (snapshot == NULL && !g_error_matches (local_error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT))
        break;
    }
  if (snapshot == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return snapshot;
}

VmmSnapshot *
vmm_snapshot_open_with_ops (const VmmFileOps *ops, const char *directory, GError **error)
{
  return open_again (ops, directory, TRUE, error);
}

VmmSnapshot *
vmm_snapshot_open_link (const VmmFileOps *ops, const char *directory, GError **error)
{
  return open_again (ops, directory, FALSE, error);
}

VmmSnapshot *
vmm_snapshot_open (const char *directory, GError **error)
{
  return vmm_snapshot_open_with_ops (NULL, directory, error);
}

gboolean
vmm_snapshot_is_current (VmmSnapshot *snapshot)
{
  for (; snapshot != NULL; snapshot = vmm_snapshot_get_parent (snapshot))
    if (!vmm_snapshot_directory_is_current (&snapshot->directory))
      return FALSE;
  return TRUE;
}

VmmSnapshot *
vmm_snapshot_open_damaged (const VmmFileOps *ops, const char *directory, gboolean with_state, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = open_with_damage (ops, directory, with_state, error);

  if (snapshot == NULL || vmm_damage_get_count (snapshot->damage) == 0 ||
      vmm_snapshot_directory_has_name (&snapshot->directory))
    return g_steal_pointer (&snapshot);
  /* files that were gone because a complete one took its place */
  return open_with_damage (ops, directory, with_state, error);
}

const VmmDamage *
vmm_snapshot_get_damage (VmmSnapshot *snapshot)
{
  return snapshot->damage;
}

const char *
vmm_snapshot_get_directory (VmmSnapshot *snapshot)
{
  return snapshot->directory.path;
}

const char *
vmm_snapshot_get_uuid (VmmSnapshot *snapshot)
{
  return snapshot->manifest->uuid;
}

const char *
vmm_snapshot_get_vm_uuid (VmmSnapshot *snapshot)
{
  return snapshot->manifest->vm_uuid;
}

const char *
vmm_snapshot_get_vm_name (VmmSnapshot *snapshot)
{
  return snapshot->manifest->vm_name;
}

const char *
vmm_snapshot_get_parent_uuid (VmmSnapshot *snapshot)
{
  return *snapshot->manifest->parent_uuid != '\0' ? snapshot->manifest->parent_uuid : NULL;
}

const char *
vmm_snapshot_get_description (VmmSnapshot *snapshot)
{
  return snapshot->description != NULL ? snapshot->description : snapshot->manifest->description;
}

const char *
vmm_snapshot_get_architecture (VmmSnapshot *snapshot)
{
  return snapshot->manifest->architecture;
}

const char *
vmm_snapshot_get_version (VmmSnapshot *snapshot)
{
  return snapshot->manifest->openvmm_version;
}

gboolean
vmm_snapshot_get_running (VmmSnapshot *snapshot)
{
  return strcmp (snapshot->manifest->vm_state, "running") == 0;
}

guint64
vmm_snapshot_get_created_at_usec (VmmSnapshot *snapshot)
{
  const Google__Protobuf__Timestamp *created_at = snapshot->manifest->created_at;

  return (guint64) created_at->seconds * G_USEC_PER_SEC + (guint64) created_at->nanos / 1000;
}

guint64
vmm_snapshot_get_freeze_usec (VmmSnapshot *snapshot)
{
  return snapshot->manifest->freeze_usec;
}

guint64
vmm_snapshot_get_size_on_disk (VmmSnapshot *snapshot)
{
  return snapshot->directory.size_on_disk;
}

guint64
vmm_snapshot_get_state_size (VmmSnapshot *snapshot)
{
  return snapshot->manifest->state_size;
}

const VmmConfig *
vmm_snapshot_get_config (VmmSnapshot *snapshot)
{
  return snapshot->config;
}

const VmmManifest *
vmm_snapshot_get_manifest (VmmSnapshot *snapshot)
{
  return snapshot->manifest;
}

VmmSavedState *
vmm_snapshot_get_saved_state (VmmSnapshot *snapshot)
{
  return snapshot->state;
}

const VmmFileOps *
vmm_snapshot_get_ops (VmmSnapshot *snapshot)
{
  return snapshot->directory.ops;
}

int
vmm_snapshot_get_directory_fd (VmmSnapshot *snapshot)
{
  return snapshot->directory.fd;
}

const VmmPageSet *
vmm_snapshot_get_pages (VmmSnapshot *snapshot)
{
  return snapshot->pages;
}

gboolean
vmm_snapshot_get_incremental (VmmSnapshot *snapshot)
{
  return snapshot->manifest->incremental != NULL;
}

gboolean
vmm_snapshot_get_fits_cpu (VmmSnapshot *snapshot, VmmCpuPolicy policy)
{
  return (g_atomic_int_get (&snapshot->cpu_policies) & 1 << policy) != 0;
}

void
vmm_snapshot_set_fits_cpu (VmmSnapshot *snapshot, VmmCpuPolicy policy)
{
  g_atomic_int_or (&snapshot->cpu_policies, 1 << policy);
}

VmmSnapshot *
vmm_snapshot_get_parent (VmmSnapshot *snapshot)
{
  return g_atomic_pointer_get (&snapshot->parent);
}

void
vmm_snapshot_take_parent (VmmSnapshot *snapshot, VmmSnapshot *parent)
{
  if (!g_atomic_pointer_compare_and_exchange (&snapshot->parent, NULL, parent))
    vmm_snapshot_unref (parent);
}

int
vmm_snapshot_get_memory_fd (VmmSnapshot *snapshot)
{
  return snapshot->memory_fd;
}

gboolean
vmm_snapshot_delete (VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (vmm_staging_remove_published (snapshot->directory.ops,
                                    snapshot->directory.path,
                                    snapshot->directory.fd,
                                    &local_error))
    return TRUE;
  if (g_error_matches (local_error, VMM_ERROR, VMM_ERROR_NO_SUCH_FILE))
    local_error->code = VMM_ERROR_NO_SUCH_SNAPSHOT;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
