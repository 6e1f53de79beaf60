/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The directory is opened once, and its files through that descriptor: whoever renames or replaces things later
 * changes nothing for us. Manifest and state are read whole, once, and what is checked is what is used.
 * memory.bin stays on disk; its size is checked on opening, its content when vmm_snapshot_verify() is asked for.
 *
 * Who wants a snapshot to use it stops at the first thing that is wrong. Who wants to know what is wrong opens it with
 * its damage.
 */

#include "config.h"
#include "vmm/snapshot.h"

#include "vmm/digest.h"
#include "vmm/fd.h"
#include "vmm/file-stamp.h"
#include "vmm/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_ATTEMPTS 2u
#define FILES_MAX 4u

/* a file that was opened, and what it was then */
typedef struct
{
  const char *name;
  VmmFileStamp stamp;
} Stamped;

struct _VmmSnapshot
{
  gatomicrefcount refs;
  const VmmFileOps *ops;
  char *directory;
  int directory_fd;
  int memory_fd;
  guint64 size_on_disk;
  Stamped files[FILES_MAX];
  guint n_files;
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
  vmm_fd_clear (&snapshot->directory_fd);
  g_free (snapshot->directory);
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

/* a file that is not there makes it no snapshot, rather than a bad path */
static void
set_error (GError **error, int error_number, const char *action, const char *directory, const char *name)
{
  g_autoptr (GError) local_error = NULL;

  vmm_file_ops_set_error (&local_error, error_number, action, directory, name);
  if (g_error_matches (local_error, VMM_ERROR, VMM_ERROR_NO_SUCH_FILE))
    local_error->code = VMM_ERROR_NO_SUCH_SNAPSHOT;
  g_propagate_error (error, g_steal_pointer (&local_error));
}

static gboolean
open_directory (VmmSnapshot *snapshot, GError **error)
{
  if (!g_path_is_absolute (snapshot->directory))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_NO_SUCH_SNAPSHOT,
                   "'%s' is not an absolute path",
                   snapshot->directory);
      return FALSE;
    }
  snapshot->directory_fd =
      vmm_file_ops_open (snapshot->ops, AT_FDCWD, snapshot->directory, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
  if (snapshot->directory_fd >= 0)
    return TRUE;
  if (errno == ENOTDIR || errno == ELOOP)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_NO_SUCH_SNAPSHOT,
                 "'%s' is not a directory; a snapshot is one, and a symbolic link to one is not followed",
                 snapshot->directory);
  else
    set_error (error, errno, "open snapshot", NULL, snapshot->directory);
  return FALSE;
}

/* opens a file of the snapshot, which must be a regular one; O_NONBLOCK so that a FIFO does not hold us up */
static int
open_file (VmmSnapshot *snapshot, const char *name, guint64 *size, GError **error)
{
  VMM_AUTO_FD int fd = vmm_file_ops_open (snapshot->ops,
                                          snapshot->directory_fd,
                                          name,
                                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                                          0);
  struct stat st;

  if (fd < 0 && (errno == ELOOP || errno == ENXIO))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "'%s/%s' is not a regular file: symbolic links and sockets are no part of a snapshot",
                   snapshot->directory,
                   name);
      return -1;
    }
  if (fd < 0 || vmm_file_ops_stat (snapshot->ops, fd, name, &st) < 0)
    {
      set_error (error, errno, "open", snapshot->directory, name);
      return -1;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "'%s/%s' is not a regular file, its mode is 0%o",
                   snapshot->directory,
                   name,
                   st.st_mode);
      return -1;
    }
  snapshot->size_on_disk += (guint64) st.st_blocks * 512;
  snapshot->files[snapshot->n_files++] = (Stamped){ name, vmm_file_stamp_take (&st) };
  *size = (guint64) st.st_size;
  return vmm_fd_steal (&fd);
}

static gboolean
set_size_error (VmmSnapshot *snapshot, const char *name, guint64 size, guint64 expected, GError **error)
{
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "'%s/%s' has %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT,
               snapshot->directory,
               name,
               size,
               expected);
  return FALSE;
}

static GBytes *
read_file (VmmSnapshot *snapshot, int fd, const char *name, gsize size, GError **error)
{
  g_autofree guint8 *buffer = g_try_malloc (size + 1);
  gssize n;

  if (buffer == NULL)
    {
      vmm_file_ops_set_error (error, ENOMEM, "read", snapshot->directory, name);
      return NULL;
    }
  /* one byte more than there should be, to see whether it grew */
  n = vmm_file_ops_read (snapshot->ops, fd, name, buffer, size + 1, 0);
  if (n < 0)
    {
      vmm_file_ops_set_error (error, errno, "read", snapshot->directory, name);
      return NULL;
    }
  if ((gsize) n != size)
    {
      set_size_error (snapshot, name, (guint64) n, size, error);
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&buffer), size);
}

static gboolean
load_manifest (VmmSnapshot *snapshot, GError **error)
{
  guint64 size;
  VMM_AUTO_FD int fd = open_file (snapshot, VMM_SNAPSHOT_MANIFEST, &size, error);
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
                   snapshot->directory,
                   size,
                   VMM_MANIFEST_SIZE_MAX);
      return FALSE;
    }
  bytes = read_file (snapshot, fd, VMM_SNAPSHOT_MANIFEST, (gsize) size, error);
  if (bytes == NULL)
    return FALSE;
  snapshot->manifest = vmm_manifest_unpack (bytes, &local_error);
  if (snapshot->manifest == NULL)
    {
      g_prefix_error (&local_error,
                      "%s%s",
                      snapshot->directory,
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
               snapshot->directory,
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
                 snapshot->directory,
                 n,
                 snapshot->manifest->n_state_units);
  return same;
}

static gboolean
load_state (VmmSnapshot *snapshot, GError **error)
{
  guint64 expected = snapshot->manifest->state_size;
  guint64 size;
  VMM_AUTO_FD int fd = open_file (snapshot, VMM_SNAPSHOT_STATE, &size, error);
  g_autoptr (GBytes) bytes = NULL;

  if (fd < 0)
    return FALSE;
  if (size != expected)
    return set_size_error (snapshot, VMM_SNAPSHOT_STATE, size, expected, error);
  bytes = read_file (snapshot, fd, VMM_SNAPSHOT_STATE, (gsize) size, error);
  if (bytes == NULL ||
      !check_file_digest (snapshot, VMM_SNAPSHOT_STATE, bytes, &snapshot->manifest->state_sha256, error))
    return FALSE;
  snapshot->state = vmm_saved_state_unpack (bytes, error);
  if (snapshot->state == NULL)
    {
      g_prefix_error (error, "'%s': ", snapshot->directory);
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
      g_prefix_error (error, "'%s/" VMM_SNAPSHOT_PAGES "': ", snapshot->directory);
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
               snapshot->directory,
               count,
               incremental->page_count);
  return FALSE;
}

static gboolean
load_pages (VmmSnapshot *snapshot, GError **error)
{
  VMM_AUTO_FD int fd = -1;
  g_autoptr (GBytes) bytes = NULL;
  guint64 expected;
  guint64 size;

  if (snapshot->manifest->incremental == NULL)
    return TRUE;
  expected = snapshot->manifest->incremental->pages_size;
  fd = open_file (snapshot, VMM_SNAPSHOT_PAGES, &size, error);
  if (fd < 0)
    return FALSE;
  if (size != expected)
    return set_size_error (snapshot, VMM_SNAPSHOT_PAGES, size, expected, error);
  bytes = read_file (snapshot, fd, VMM_SNAPSHOT_PAGES, (gsize) size, error);
  return bytes != NULL && check_pages (snapshot, bytes, error);
}

static gboolean
open_memory (VmmSnapshot *snapshot, GError **error)
{
  guint64 expected = snapshot->manifest->memory_size_bytes;
  guint64 size;

  snapshot->memory_fd = open_file (snapshot, VMM_SNAPSHOT_MEMORY, &size, error);
  if (snapshot->memory_fd < 0)
    return FALSE;
  if (size != expected)
    return set_size_error (snapshot, VMM_SNAPSHOT_MEMORY, size, expected, error);
  return TRUE;
}

static VmmSnapshot *
snapshot_new (const VmmFileOps *ops, const char *directory)
{
  VmmSnapshot *snapshot = g_new0 (VmmSnapshot, 1);

  g_atomic_ref_count_init (&snapshot->refs);
  snapshot->ops = ops;
  snapshot->directory = g_strdup (directory);
  snapshot->directory_fd = -1;
  snapshot->memory_fd = -1;
  return snapshot;
}

static VmmSnapshot *
open_snapshot (const VmmFileOps *ops, const char *directory, gboolean with_state, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = snapshot_new (ops, directory);

  if (!open_directory (snapshot, error) || !load_manifest (snapshot, error) ||
      (with_state && !load_state (snapshot, error)) || !load_pages (snapshot, error) ||
      !open_memory (snapshot, error))
    return NULL;
  if (with_state)
    snapshot->description = vmm_snapshot_read_description (ops, snapshot->directory_fd);
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
      vmm_damage_add (snapshot->damage, "'%s/%s' is missing", snapshot->directory, name);
      g_error_free (error);
    }
  else
    vmm_damage_take_error (snapshot->damage, error);
  return FALSE;
}

static gboolean
has_file (VmmSnapshot *snapshot, const char *name)
{
  struct stat st;

  return vmm_file_ops_stat_at (snapshot->ops, snapshot->directory_fd, name, &st) == 0 || errno != ENOENT;
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
      there[i] = has_file (snapshot, names[i]);
      any = any || there[i];
    }
  if (!any)
    {
      set_error (error, ENOENT, "open", snapshot->directory, VMM_SNAPSHOT_MANIFEST);
      return FALSE;
    }
  for (gsize i = 1; i < n_wanted; i++)
    if (!there[i])
      vmm_damage_add (snapshot->damage, "'%s/%s' is missing", snapshot->directory, names[i]);
  return TRUE;
}

static VmmSnapshot *
open_with_damage (const VmmFileOps *ops, const char *directory, gboolean with_state, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = snapshot_new (ops, directory);

  snapshot->damage = vmm_damage_new ();
  if (!open_directory (snapshot, error))
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

static gboolean
has_same_directory (VmmSnapshot *snapshot)
{
  struct stat named, opened;

  return fstatat (AT_FDCWD, snapshot->directory, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         fstat (snapshot->directory_fd, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

static gboolean
has_same_files (VmmSnapshot *snapshot)
{
  struct stat st;

  for (guint i = 0; i < snapshot->n_files; i++)
    if (vmm_file_ops_stat_at (snapshot->ops, snapshot->directory_fd, snapshot->files[i].name, &st) != 0 ||
        !vmm_file_stamp_matches (&snapshot->files[i].stamp, &st))
      return FALSE;
  return TRUE;
}

gboolean
vmm_snapshot_is_current (VmmSnapshot *snapshot)
{
  for (; snapshot != NULL; snapshot = vmm_snapshot_get_parent (snapshot))
    if (!has_same_directory (snapshot) || !has_same_files (snapshot))
      return FALSE;
  return TRUE;
}

VmmSnapshot *
vmm_snapshot_open_damaged (const VmmFileOps *ops, const char *directory, gboolean with_state, GError **error)
{
  g_autoptr (VmmSnapshot) snapshot = open_with_damage (ops, directory, with_state, error);

  if (snapshot == NULL || vmm_damage_get_count (snapshot->damage) == 0 || has_same_directory (snapshot))
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
  return snapshot->directory;
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
  return snapshot->size_on_disk;
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
  return snapshot->ops;
}

int
vmm_snapshot_get_directory_fd (VmmSnapshot *snapshot)
{
  return snapshot->directory_fd;
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

  if (vmm_staging_remove_published (snapshot->ops, snapshot->directory, snapshot->directory_fd, &local_error))
    return TRUE;
  if (g_error_matches (local_error, VMM_ERROR, VMM_ERROR_NO_SUCH_FILE))
    local_error->code = VMM_ERROR_NO_SUCH_SNAPSHOT;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
