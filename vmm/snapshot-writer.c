/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * memory.bin is there first, as a file of its own or as another name of the VM's RAM file; commit() then adds
 * what describes it. The kernel is asked early to write the memory out, so that it does so while we compute
 * digests. Every file is made read-only and durable before the directory gets its name.
 */

#include "config.h"
#include "vmm/snapshot-writer.h"

#include "vmm/digest.h"
#include "vmm/fd.h"
#include "vmm/memory.h"
#include "vmm/snapshot.h"
#include "vmm/sparse-copy.h"
#include "vmm/staging.h"
#include "vmm/writeback.h"

#include <fcntl.h>
#include <string.h>

#define COPY_UNIT 4096u /* bytes: what is written apart is pages */

struct _VmmSnapshotWriter
{
  const VmmFileOps *ops;
  VmmStaging *staging;
  int memory_fd;
  GBytes *pages;      /* of an incremental snapshot; else NULL */
  guint8 *known;      /* digests of memory.bin's chunks; or NULL */
  gboolean *is_known; /* which of them hold */
  gboolean linked;    /* memory.bin is the VM's RAM file */
  mode_t linked_mode; /* which it had before */
  gboolean mode_changed;
};

/* takes @staging over; NULL stays NULL */
static VmmSnapshotWriter *
writer_new (const VmmFileOps *ops, VmmStaging *staging)
{
  VmmSnapshotWriter *writer;

  if (staging == NULL)
    return NULL;
  writer = g_new0 (VmmSnapshotWriter, 1);
  writer->ops = ops;
  writer->staging = staging;
  writer->memory_fd = -1;
  return writer;
}

VmmSnapshotWriter *
vmm_snapshot_writer_new_with_ops (const VmmFileOps *ops, const char *directory, GError **error)
{
  return writer_new (ops, vmm_staging_new (ops, directory, error));
}

VmmSnapshotWriter *
vmm_snapshot_writer_new_for (const VmmFileOps *ops, const char *directory, int fd, GError **error)
{
  return writer_new (ops, vmm_staging_new_for (ops, directory, fd, error));
}

VmmSnapshotWriter *
vmm_snapshot_writer_new (const char *directory, GError **error)
{
  return vmm_snapshot_writer_new_with_ops (NULL, directory, error);
}

void
vmm_snapshot_writer_free (VmmSnapshotWriter *writer)
{
  if (writer == NULL)
    return;
  /* a RAM file that did not become a snapshot's is the VM's as before */
  if (writer->linked && writer->mode_changed && !vmm_staging_is_published (writer->staging))
    (void) vmm_file_ops_chmod (writer->ops, writer->memory_fd, VMM_SNAPSHOT_MEMORY, writer->linked_mode);
  vmm_fd_clear (&writer->memory_fd);
  g_clear_pointer (&writer->pages, g_bytes_unref);
  g_free (writer->known);
  g_free (writer->is_known);
  vmm_staging_free (writer->staging);
  g_free (writer);
}

static void
set_error (VmmSnapshotWriter *writer, GError **error, int error_number, const char *action, const char *name)
{
  vmm_file_ops_set_error (error, error_number, action, vmm_staging_get_path (writer->staging), name);
}

static gboolean
check_not_cancelled (GCancellable *cancellable, GError **error)
{
  if (!g_cancellable_is_cancelled (cancellable))
    return TRUE;
  g_set_error (error, VMM_ERROR, VMM_ERROR_CANCELLED, "the save was cancelled; there is no snapshot");
  return FALSE;
}

static int
create_file (VmmSnapshotWriter *writer, const char *name, GError **error)
{
  int fd = vmm_file_ops_open (writer->ops,
                              vmm_staging_get_fd (writer->staging),
                              name,
                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                              0600);

  if (fd < 0)
    set_error (writer, error, errno, "create", name);
  return fd;
}

int
vmm_snapshot_writer_create_memory (VmmSnapshotWriter *writer, guint64 size, GError **error)
{
  VMM_AUTO_FD int fd = -1;
  int duplicate;

  g_return_val_if_fail (writer->memory_fd < 0, -1);

  fd = create_file (writer, VMM_SNAPSHOT_MEMORY, error);
  if (fd < 0)
    return -1;
  if (vmm_file_ops_truncate (writer->ops, fd, VMM_SNAPSHOT_MEMORY, size) < 0)
    {
      set_error (writer, error, errno, "set the size of", VMM_SNAPSHOT_MEMORY);
      return -1;
    }
  duplicate = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (duplicate < 0)
    {
      set_error (writer, error, errno, "open once more", VMM_SNAPSHOT_MEMORY);
      return -1;
    }
  writer->memory_fd = vmm_fd_steal (&fd);
  return duplicate;
}

static gboolean
empty_memory (VmmSnapshotWriter *writer, guint64 size, GError **error)
{
  if (vmm_file_ops_truncate (writer->ops, writer->memory_fd, VMM_SNAPSHOT_MEMORY, 0) == 0 &&
      vmm_file_ops_truncate (writer->ops, writer->memory_fd, VMM_SNAPSHOT_MEMORY, size) == 0)
    return TRUE;
  set_error (writer, error, errno, "empty", VMM_SNAPSHOT_MEMORY);
  return FALSE;
}

gboolean
vmm_snapshot_writer_share_memory (VmmSnapshotWriter *writer,
                                  int source_fd,
                                  guint64 size,
                                  gboolean *shared,
                                  GError **error)
{
  struct stat st;

  g_return_val_if_fail (writer->memory_fd >= 0, FALSE);

  *shared = FALSE;
  /* one that was cut would leave its end zero, and nobody would know */
  if (vmm_file_ops_stat (writer->ops, source_fd, "RAM", &st) < 0 || (guint64) st.st_size != size)
    return TRUE;
  if (vmm_file_ops_clone (writer->ops, source_fd, writer->memory_fd, VMM_SNAPSHOT_MEMORY) < 0)
    return empty_memory (writer, size, error); /* it may have come half-way */
  *shared = TRUE;
  (void) vmm_file_ops_set_copy_unit (writer->ops, writer->memory_fd, VMM_SNAPSHOT_MEMORY, COPY_UNIT);
  return TRUE;
}

void
vmm_snapshot_writer_keep_digests (VmmSnapshotWriter *writer,
                                  const VmmManifest *manifest,
                                  const VmmPageSet *changed)
{
  const Openvmm__Snapshot__MemoryDigests *digests = manifest->memory_digests;
  guint64 chunk_size = vmm_manifest_get_chunk_size (manifest->memory_size_bytes);
  guint64 n_chunks = vmm_digest_chunk_count (manifest->memory_size_bytes, chunk_size);

  g_return_if_fail (writer->known == NULL);

  /* a program of another version may have taken other chunks */
  if (digests->chunk_size != chunk_size || digests->sha256.len != n_chunks * VMM_DIGEST_SIZE)
    return;
  writer->known = g_memdup2 (digests->sha256.data, digests->sha256.len);
  writer->is_known = g_new (gboolean, n_chunks);
  for (guint64 chunk = 0; chunk < n_chunks; chunk++)
    {
      guint64 start;
      guint64 end;

      writer->is_known[chunk] =
          !vmm_page_set_next_run (changed, chunk * (chunk_size / VMM_PAGE_SIZE), &start, &end) ||
          start >= (chunk + 1) * (chunk_size / VMM_PAGE_SIZE);
    }
}

/* the link is only good if the file is ours alone to change: else its owner could write to the snapshot */
static gboolean
try_link (VmmSnapshotWriter *writer, int fd, const struct stat *st)
{
  if (st->st_uid != geteuid ())
    return FALSE;
  if (vmm_file_ops_link_fd (writer->ops, fd, vmm_staging_get_fd (writer->staging), VMM_SNAPSHOT_MEMORY) < 0)
    return FALSE;
  writer->memory_fd = vmm_file_ops_open (writer->ops,
                                         vmm_staging_get_fd (writer->staging),
                                         VMM_SNAPSHOT_MEMORY,
                                         O_RDONLY | O_NOFOLLOW,
                                         0);
  if (writer->memory_fd < 0)
    {
      (void) vmm_file_ops_unlink (writer->ops, vmm_staging_get_fd (writer->staging), VMM_SNAPSHOT_MEMORY, 0);
      return FALSE;
    }
  writer->linked = TRUE;
  writer->linked_mode = st->st_mode & 07777;
  return TRUE;
}

static gboolean
copy_memory (VmmSnapshotWriter *writer, int fd, guint64 size, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (vmm_staging_get_path (writer->staging), VMM_SNAPSHOT_MEMORY, NULL);

  writer->memory_fd = create_file (writer, VMM_SNAPSHOT_MEMORY, error);
  return writer->memory_fd >= 0 &&
         vmm_sparse_copy (writer->ops, fd, writer->memory_fd, path, size, cancellable, error);
}

gboolean
vmm_snapshot_writer_adopt_memory (VmmSnapshotWriter *writer,
                                  int fd,
                                  guint64 size,
                                  GCancellable *cancellable,
                                  gboolean *linked,
                                  GError **error)
{
  struct stat st;

  g_return_val_if_fail (writer->memory_fd < 0, FALSE);

  if (vmm_file_ops_stat (writer->ops, fd, "RAM", &st) < 0)
    {
      set_error (writer, error, errno, "look at the RAM file to be", VMM_SNAPSHOT_MEMORY);
      return FALSE;
    }
  if (!S_ISREG (st.st_mode) || (guint64) st.st_size != size)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_HOST,
                   "the RAM file has %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT
                   ": something else has changed it, so there is nothing to save",
                   (guint64) st.st_size,
                   size);
      return FALSE;
    }
  if (!try_link (writer, fd, &st) && !copy_memory (writer, fd, size, cancellable, error))
    return FALSE;
  *linked = writer->linked;
  return TRUE;
}

void
vmm_snapshot_writer_set_parent (VmmSnapshotWriter *writer,
                                VmmManifest *manifest,
                                VmmSnapshot *parent,
                                guint64 page_count,
                                GBytes *pages)
{
  g_return_if_fail (writer->pages == NULL);
  vmm_manifest_set_incremental (manifest,
                                vmm_snapshot_get_manifest (parent),
                                vmm_snapshot_get_directory (parent),
                                page_count,
                                pages);
  writer->pages = g_bytes_ref (pages);
}

static void
set_digest (ProtobufCBinaryData *field, GBytes *digest)
{
  gsize size = g_bytes_get_size (digest);

  g_free (field->data);
  field->data = g_memdup2 (g_bytes_get_data (digest, NULL), size);
  field->len = size;
}

static void
describe_state (VmmManifest *manifest, VmmSavedState *state, GBytes *packed)
{
  g_autofree const char **names = vmm_saved_state_get_names (state);
  g_autoptr (GBytes) digest = NULL;
  guint8 sha256[VMM_DIGEST_SIZE];

  vmm_digest_bytes (g_bytes_get_data (packed, NULL), g_bytes_get_size (packed), sha256);
  digest = g_bytes_new (sha256, sizeof sha256);
  set_digest (&manifest->state_sha256, digest);
  manifest->state_size = g_bytes_get_size (packed);

  for (gsize i = 0; i < manifest->n_state_units; i++)
    g_free (manifest->state_units[i]);
  g_free (manifest->state_units);
  manifest->state_units = g_strdupv ((char **) names);
  manifest->n_state_units = g_strv_length ((char **) names);
}

/* all zero for now; the digests come when the memory has been read */
static void
describe_memory (VmmManifest *manifest)
{
  guint64 chunk_size = vmm_manifest_get_chunk_size (manifest->memory_size_bytes);
  gsize size = vmm_digest_chunk_count (manifest->memory_size_bytes, chunk_size) * VMM_DIGEST_SIZE;
  g_autoptr (GBytes) digests = g_bytes_new_take (g_malloc0 (size), size);

  if (manifest->memory_digests == NULL)
    {
      manifest->memory_digests = g_new (Openvmm__Snapshot__MemoryDigests, 1);
      openvmm__snapshot__memory_digests__init (manifest->memory_digests);
    }
  manifest->memory_digests->chunk_size = chunk_size;
  set_digest (&manifest->memory_digests->sha256, digests);
}

/* what a reader would refuse must not be written */
static gboolean
check_manifest (const VmmManifest *manifest, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (vmm_manifest_check (manifest, &local_error))
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INVALID_CONFIG,
               "this cannot be written into a snapshot: %s",
               local_error->message);
  return FALSE;
}

static gboolean
finish_file (VmmSnapshotWriter *writer, int fd, const char *name, GError **error)
{
  if (vmm_file_ops_chmod (writer->ops, fd, name, VMM_STAGING_FILE_MODE) < 0)
    {
      set_error (writer, error, errno, "make read-only", name);
      return FALSE;
    }
  if (vmm_file_ops_sync (writer->ops, fd, name) < 0)
    {
      set_error (writer, error, errno, "make durable", name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
write_file (VmmSnapshotWriter *writer, const char *name, GBytes *bytes, GError **error)
{
  VMM_AUTO_FD int fd = create_file (writer, name, error);

  if (fd < 0)
    return FALSE;
  if (vmm_file_ops_write (writer->ops, fd, name, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), 0) <
      0)
    {
      set_error (writer, error, errno, "write", name);
      return FALSE;
    }
  return finish_file (writer, fd, name, error);
}

static gboolean
check_memory_size (VmmSnapshotWriter *writer, const VmmManifest *manifest, GError **error)
{
  struct stat st;

  if (vmm_file_ops_stat (writer->ops, writer->memory_fd, VMM_SNAPSHOT_MEMORY, &st) < 0)
    {
      set_error (writer, error, errno, "look at", VMM_SNAPSHOT_MEMORY);
      return FALSE;
    }
  if ((guint64) st.st_size == manifest->memory_size_bytes)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_HOST,
               "'%s/" VMM_SNAPSHOT_MEMORY "' has %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT
               ": something else has changed it",
               vmm_staging_get_path (writer->staging),
               (guint64) st.st_size,
               manifest->memory_size_bytes);
  return FALSE;
}

static gboolean
digest_memory (VmmSnapshotWriter *writer,
               VmmManifest *manifest,
               VmmProgressFunc progress,
               gpointer progress_data,
               GCancellable *cancellable,
               GError **error)
{
  g_autofree char *path = g_build_filename (vmm_staging_get_path (writer->staging), VMM_SNAPSHOT_MEMORY, NULL);
  g_autoptr (VmmWriteback) writeback = NULL;
  g_autoptr (GBytes) digests = NULL;
  const VmmDigestPlan plan = {
    .ops = writer->ops,
    .fd = writer->memory_fd,
    .path = path,
    .size = manifest->memory_size_bytes,
    .chunk_size = manifest->memory_digests->chunk_size,
    .known = writer->known,
    .is_known = writer->is_known,
    .progress = progress,
    .progress_data = progress_data,
    .cancellable = cancellable,
  };

  writeback =
      vmm_writeback_start (writer->ops, writer->memory_fd, VMM_SNAPSHOT_MEMORY, plan.size, cancellable);
  digests = vmm_digest_run (&plan, error);
  if (digests == NULL)
    return FALSE;
  set_digest (&manifest->memory_digests->sha256, digests);
  return TRUE;
}

static gboolean
write_manifest (VmmSnapshotWriter *writer, VmmManifest *manifest, GError **error)
{
  g_autoptr (GBytes) bytes = vmm_manifest_pack (manifest);

  if (g_bytes_get_size (bytes) > VMM_MANIFEST_SIZE_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "the manifest has %zu bytes; a snapshot has room for %u",
                   g_bytes_get_size (bytes),
                   VMM_MANIFEST_SIZE_MAX);
      return FALSE;
    }
  vmm_manifest_set_digest (manifest, bytes);
  return write_file (writer, VMM_SNAPSHOT_MANIFEST, bytes, error);
}

gboolean
vmm_snapshot_writer_commit (VmmSnapshotWriter *writer,
                            VmmManifest *manifest,
                            VmmSavedState *state,
                            VmmProgressFunc progress,
                            gpointer progress_data,
                            GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (GBytes) packed = NULL;

  g_return_val_if_fail (writer->memory_fd >= 0, FALSE);
  g_return_val_if_fail ((writer->pages != NULL) == (manifest->incremental != NULL), FALSE);

  if (!check_not_cancelled (cancellable, error) || !vmm_saved_state_check_limits (state, error))
    return FALSE;
  packed = vmm_saved_state_pack (state);
  describe_state (manifest, state, packed);
  describe_memory (manifest);
  if (!check_manifest (manifest, error) || !check_memory_size (writer, manifest, error) ||
      !write_file (writer, VMM_SNAPSHOT_STATE, packed, error) ||
      (writer->pages != NULL && !write_file (writer, VMM_SNAPSHOT_PAGES, writer->pages, error)) ||
      !digest_memory (writer, manifest, progress, progress_data, cancellable, error) ||
      !write_manifest (writer, manifest, error))
    return FALSE;

  writer->mode_changed = TRUE;
  if (!finish_file (writer, writer->memory_fd, VMM_SNAPSHOT_MEMORY, error) ||
      !check_not_cancelled (cancellable, error) || !vmm_staging_publish (writer->staging, error))
    return FALSE;
  writer->mode_changed = FALSE;
  return TRUE;
}

static gboolean
write_empty (VmmManifest *manifest,
             const VmmSavePlan *plan,
             VmmSnapshot *parent,
             VmmSaveResult *result,
             GError **error)
{
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new (plan->directory, error);
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  VMM_AUTO_FD int memory_fd = -1;

  if (writer == NULL)
    return FALSE;
  memory_fd = vmm_snapshot_writer_create_memory (writer, manifest->memory_size_bytes, error);
  if (memory_fd < 0)
    return FALSE;
  if (parent != NULL)
    vmm_snapshot_writer_set_parent (writer, manifest, parent, 0, nothing);
  if (!vmm_snapshot_writer_commit (
          writer, manifest, state, plan->progress, plan->progress_data, plan->cancellable, error))
    return FALSE;
  g_strlcpy (result->uuid, manifest->uuid, sizeof result->uuid);
  result->freeze_usec = manifest->freeze_usec;
  return TRUE;
}

static VmmSnapshot *
open_parent (const char *directory, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (VmmSnapshot) parent = vmm_snapshot_open (directory, &local_error);

  if (parent != NULL && vmm_snapshot_open_chain (parent, &local_error))
    return g_steal_pointer (&parent);
  local_error->code = VMM_ERROR_NO_PARENT;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

gboolean
vmm_snapshot_write (const VmmConfig *config,
                    gboolean running,
                    guint64 freeze_usec,
                    const VmmSavePlan *plan,
                    const char *parent_directory,
                    VmmSaveResult *result,
                    GError **error)
{
  g_autoptr (VmmSnapshot) parent = NULL;
  g_autoptr (VmmManifest) manifest = NULL;

  if (!vmm_config_validate (config, error))
    return FALSE;
  if (plan->incremental)
    {
      parent = open_parent (parent_directory, error);
      if (parent == NULL)
        return FALSE;
    }
  manifest = vmm_manifest_new (config, running, plan->description, plan->parent_uuid, freeze_usec);
  return write_empty (manifest, plan, parent, result, error);
}
