/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What others see changes in one rename(), both when a snapshot appears and when it goes: before and after it,
 * the files are in a directory with a name of our own kind, which no reader looks at.
 *
 * That directory is locked with flock() as long as its process lives, so that a stale one can be told by trying
 * to lock it, whatever became of the process and its number. Between mkdir() and flock() a fresh one looks stale;
 * so its maker looks, once it has the lock, whether the name still means this directory, and starts again if not.
 * Where the file system has no locks, nothing counts as stale.
 *
 * What replaces a snapshot trades names with it: RENAME_EXCHANGE has no moment in which there is none, and no
 * file system that lacks it is worked around. The old one then has a name of our kind, and goes.
 *
 * RENAME_NOREPLACE says "never over anything". A file system without it gets a plain rename(), which by POSIX
 * replaces nothing but an empty directory: no content is lost, and of two writers still only one wins.
 */

#include "config.h"
#include "vmm/staging.h"

#include "vmm/fd.h"
#include "vmm/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define INFIX ".staging-"
#define RANDOM_LENGTH 16u  /* hexadecimal digits */
#define NAME_PART_MAX 200u /* bytes of the target's name that go into ours: NAME_MAX is 255 */
#define ATTEMPTS 100u

struct _VmmStaging
{
  const VmmFileOps *ops;
  char *parent; /* path */
  char *target; /* name in the parent */
  char *name;   /* ours in the parent; NULL as long as there is none */
  char *path;
  int parent_fd;
  int fd;
  int replaced_fd; /* the snapshot to be replaced; -1 for none. The caller's */
  gboolean published;
};

static const char *const snapshot_files[] = { VMM_SNAPSHOT_MANIFEST,
                                              VMM_SNAPSHOT_STATE,
                                              VMM_SNAPSHOT_PAGES,
                                              VMM_SNAPSHOT_MEMORY,
                                              VMM_SNAPSHOT_DESCRIPTION,
                                              VMM_SNAPSHOT_DESCRIPTION_NEW,
                                              NULL };

/* whether @name is ".<anything>.staging-<digits>-<16 hexadecimal digits>" */
static gboolean
is_staging_name (const char *name)
{
  const char *infix = g_strrstr (name, INFIX);
  const char *p;

  if (name[0] != '.' || infix == NULL)
    return FALSE;
  p = infix + strlen (INFIX);
  if (!g_ascii_isdigit (*p))
    return FALSE;
  p += strspn (p, "0123456789");
  return *p == '-' && strspn (p + 1, "0123456789abcdef") == RANDOM_LENGTH && p[1 + RANDOM_LENGTH] == '\0';
}

static char *
make_staging_name (const char *target)
{
  return g_strdup_printf (".%.*s" INFIX "%d-%08x%08x",
                          (int) NAME_PART_MAX,
                          target,
                          (int) getpid (),
                          g_random_int (),
                          g_random_int ());
}

/*
 * what is in the directory and is not a file of a snapshot: (transfer full) (nullable); NULL with errno 0 if
 * nothing is
 */
static char *
find_foreign_entry (const VmmFileOps *ops, int fd, const char *name)
{
  g_autoptr (GPtrArray) entries = vmm_file_ops_list (ops, fd, name);

  if (entries == NULL)
    return NULL;
  errno = 0;
  for (guint i = 0; i < entries->len; i++)
    {
      if (!g_strv_contains (snapshot_files, g_ptr_array_index (entries, i)))
        return g_strdup (g_ptr_array_index (entries, i));
    }
  return NULL;
}

/* removes the directory @name, open as @fd, with the files of a snapshot in it; errno tells why not */
static gboolean
remove_directory (const VmmFileOps *ops, int parent_fd, int fd, const char *name)
{
  for (guint i = 0; snapshot_files[i] != NULL; i++)
    {
      if (vmm_file_ops_unlink (ops, fd, snapshot_files[i], 0) < 0 && errno != ENOENT)
        return FALSE;
    }
  return vmm_file_ops_unlink (ops, parent_fd, name, AT_REMOVEDIR) == 0;
}

static gboolean
is_same_file (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* whether @name still is the directory open as @fd */
static gboolean
name_means (const VmmFileOps *ops, int parent_fd, const char *name, int fd)
{
  struct stat by_name;
  struct stat by_fd;

  return vmm_file_ops_stat (ops, fd, name, &by_fd) == 0 &&
         vmm_file_ops_stat_at (ops, parent_fd, name, &by_name) == 0 && is_same_file (&by_name, &by_fd);
}

static void
remove_if_stale (const VmmFileOps *ops, int parent_fd, const char *name)
{
  VMM_AUTO_FD int fd = vmm_file_ops_open (ops, parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  g_autofree char *foreign = NULL;
  struct stat st;

  if (fd < 0 || vmm_file_ops_stat (ops, fd, name, &st) < 0 || st.st_uid != geteuid ())
    return;
  if (vmm_file_ops_lock (ops, fd, name) < 0 || !name_means (ops, parent_fd, name, fd))
    return;
  foreign = find_foreign_entry (ops, fd, name);
  if (foreign == NULL && errno == 0 && !remove_directory (ops, parent_fd, fd, name))
    g_debug ("cannot remove stale staging directory '%s': %s", name, g_strerror (errno));
}

/* a failure here must not keep anyone from saving */
static void
remove_stale (const VmmFileOps *ops, int parent_fd, const char *parent)
{
  g_autoptr (GPtrArray) entries = vmm_file_ops_list (ops, parent_fd, parent);

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      if (is_staging_name (g_ptr_array_index (entries, i)))
        remove_if_stale (ops, parent_fd, g_ptr_array_index (entries, i));
    }
}

static gboolean
set_path (VmmStaging *staging, const char *directory, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (directory, "/");
  g_auto (GStrv) components = g_strsplit (directory, "/", -1);

  /* behind a symbolic link ".." leads elsewhere than the text says: the snapshot would not be where it is looked for */
  if (g_strv_contains ((const char *const *) components, ".."))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "'%s' cannot be a snapshot; give the path of the same directory without '..' in it",
                   directory);
      return FALSE;
    }
  if (!g_path_is_absolute (directory) || strcmp (path, "/") == 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "'%s' cannot be a snapshot; give the absolute path of a directory to be made",
                   directory);
      return FALSE;
    }
  staging->parent = g_path_get_dirname (path);
  staging->target = g_path_get_basename (path);
  if (is_staging_name (staging->target))
    {
      g_set_error (
          error,
          VMM_ERROR,
          VMM_ERROR_INVALID_CONFIG,
          "the name '%s' is of the kind that unfinished snapshots have, which are removed; choose another",
          staging->target);
      return FALSE;
    }
  return TRUE;
}

static gboolean
open_parent (VmmStaging *staging, GError **error)
{
  staging->parent_fd = vmm_file_ops_open (staging->ops, AT_FDCWD, staging->parent, O_RDONLY | O_DIRECTORY, 0);
  if (staging->parent_fd >= 0)
    return TRUE;
  vmm_file_ops_set_error (error, errno, "open directory", NULL, staging->parent);
  return FALSE;
}

static void
set_exists_error (VmmStaging *staging, GError **error)
{
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_EXISTS,
               "'%s/%s' exists already; choose another name, or remove it first",
               strcmp (staging->parent, "/") == 0 ? "" : staging->parent,
               staging->target);
}

static gboolean
check_target_is_free (VmmStaging *staging, GError **error)
{
  struct stat st;

  if (vmm_file_ops_stat_at (staging->ops, staging->parent_fd, staging->target, &st) == 0)
    {
      set_exists_error (staging, error);
      return FALSE;
    }
  if (errno == ENOENT)
    return TRUE;
  vmm_file_ops_set_error (error, errno, "look at", staging->parent, staging->target);
  return FALSE;
}

/* makes and locks the directory; @taken tells that somebody was faster, who took it for a stale one */
static gboolean
try_make (VmmStaging *staging, gboolean *taken, GError **error)
{
  g_autofree char *name = make_staging_name (staging->target);
  VMM_AUTO_FD int fd = -1;

  *taken = FALSE;
  if (vmm_file_ops_mkdir (staging->ops, staging->parent_fd, name, 0700) < 0)
    {
      *taken = errno == EEXIST;
      vmm_file_ops_set_error (error, errno, "make directory", staging->parent, name);
      return FALSE;
    }
  fd = vmm_file_ops_open (staging->ops, staging->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  if (fd < 0)
    {
      *taken = errno == ENOENT;
      vmm_file_ops_set_error (error, errno, "open directory", staging->parent, name);
      (void) vmm_file_ops_unlink (staging->ops, staging->parent_fd, name, AT_REMOVEDIR);
      return FALSE;
    }
  if ((vmm_file_ops_lock (staging->ops, fd, name) < 0 && errno == EWOULDBLOCK) ||
      !name_means (staging->ops, staging->parent_fd, name, fd))
    {
      *taken = TRUE;
      vmm_file_ops_set_error (error, EBUSY, "lock directory", staging->parent, name);
      (void) vmm_file_ops_unlink (staging->ops, staging->parent_fd, name, AT_REMOVEDIR);
      return FALSE;
    }
  staging->name = g_steal_pointer (&name);
  staging->path = g_build_filename (staging->parent, staging->name, NULL);
  staging->fd = vmm_fd_steal (&fd);
  return TRUE;
}

static gboolean
make (VmmStaging *staging, GError **error)
{
  for (guint attempt = 0; attempt < ATTEMPTS; attempt++)
    {
      g_autoptr (GError) local_error = NULL;
      gboolean taken;

      if (try_make (staging, &taken, &local_error))
        return TRUE;
      if (!taken || attempt == ATTEMPTS - 1)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  return FALSE;
}

VmmStaging *
vmm_staging_new (const VmmFileOps *ops, const char *directory, GError **error)
{
  g_autoptr (VmmStaging) staging = g_new0 (VmmStaging, 1);

  staging->ops = ops;
  staging->parent_fd = -1;
  staging->fd = -1;
  staging->replaced_fd = -1;
  if (!set_path (staging, directory, error) || !open_parent (staging, error) ||
      !check_target_is_free (staging, error))
    return NULL;
  remove_stale (ops, staging->parent_fd, staging->parent);
  if (!make (staging, error))
    return NULL;
  return g_steal_pointer (&staging);
}

static gboolean
check_is_deletable (VmmStaging *staging, const char *directory, int fd, GError **error)
{
  g_autofree char *foreign = NULL;

  if (!name_means (staging->ops, staging->parent_fd, staging->target, fd))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_NO_SUCH_SNAPSHOT,
                   "'%s' is not the snapshot any more that was opened there; nothing was removed",
                   directory);
      return FALSE;
    }
  foreign = find_foreign_entry (staging->ops, fd, staging->target);
  if (foreign != NULL)
    {
      g_autofree char *shown = g_utf8_make_valid (foreign, -1);

      g_set_error (
          error,
          VMM_ERROR,
          VMM_ERROR_HOST,
          "'%s' holds '%s', which is no part of a snapshot; nothing was removed: move it elsewhere first",
          directory,
          shown);
      return FALSE;
    }
  if (errno != 0)
    {
      vmm_file_ops_set_error (error, errno, "list directory", NULL, directory);
      return FALSE;
    }
  return TRUE;
}

VmmStaging *
vmm_staging_new_for (const VmmFileOps *ops, const char *directory, int fd, GError **error)
{
  g_autoptr (VmmStaging) staging = g_new0 (VmmStaging, 1);

  staging->ops = ops;
  staging->parent_fd = -1;
  staging->fd = -1;
  if (!set_path (staging, directory, error) || !open_parent (staging, error) ||
      !check_is_deletable (staging, directory, fd, error))
    return NULL;
  staging->replaced_fd = fd;
  remove_stale (ops, staging->parent_fd, staging->parent);
  if (!make (staging, error))
    return NULL;
  return g_steal_pointer (&staging);
}

void
vmm_staging_free (VmmStaging *staging)
{
  if (staging == NULL)
    return;
  if (staging->name != NULL && !staging->published &&
      !remove_directory (staging->ops, staging->parent_fd, staging->fd, staging->name))
    g_debug ("cannot remove staging directory '%s': %s", staging->path, g_strerror (errno));
  vmm_fd_clear (&staging->fd);
  vmm_fd_clear (&staging->parent_fd);
  g_free (staging->parent);
  g_free (staging->target);
  g_free (staging->name);
  g_free (staging->path);
  g_free (staging);
}

gboolean
vmm_staging_is_published (VmmStaging *staging)
{
  return staging->published;
}

int
vmm_staging_get_fd (VmmStaging *staging)
{
  return staging->fd;
}

const char *
vmm_staging_get_path (VmmStaging *staging)
{
  return staging->path;
}

static int
rename_to_free_name (const VmmFileOps *ops, int parent_fd, const char *old_name, const char *name)
{
  struct stat st;

  if (vmm_file_ops_rename (ops, parent_fd, old_name, name, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return -1;
  if (vmm_file_ops_stat_at (ops, parent_fd, name, &st) == 0)
    {
      errno = EEXIST;
      return -1;
    }
  return vmm_file_ops_rename (ops, parent_fd, old_name, name, 0);
}

/*
 * A file system at the far end of a wire may have renamed and not be able to say so. To take that for a failure would
 * be to empty the directory that has the snapshot's name by now. Keeps errno.
 */
static gboolean
was_renamed (VmmStaging *staging)
{
  int saved_errno = errno;
  gboolean renamed = name_means (staging->ops, staging->parent_fd, staging->target, staging->fd);

  errno = saved_errno;
  return renamed;
}

static gboolean
exchange (VmmStaging *staging)
{
  return vmm_file_ops_rename (staging->ops,
                              staging->parent_fd,
                              staging->name,
                              staging->target,
                              RENAME_EXCHANGE) == 0;
}

/* on failure the names are as before */
static gboolean
trade_places (VmmStaging *staging, GError **error)
{
  if (!exchange (staging) && !was_renamed (staging))
    {
      gboolean unknown = errno == EINVAL || errno == ENOSYS;

      vmm_file_ops_set_error (error, errno, "replace", staging->parent, staging->target);
      if (unknown && error != NULL)
        (*error)->code = VMM_ERROR_NOT_SUPPORTED;
      return FALSE;
    }
  if (!name_means (staging->ops, staging->parent_fd, staging->name, staging->replaced_fd))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_NO_SUCH_SNAPSHOT,
                   "'%s/%s' is not the snapshot any more that was to be replaced",
                   staging->parent,
                   staging->target);
      staging->published = !exchange (staging); /* what has come there in between is not ours to remove */
      return FALSE;
    }
  return TRUE;
}

static gboolean
replace (VmmStaging *staging, GError **error)
{
  VMM_AUTO_FD int old_fd = -1;

  if (!trade_places (staging, error))
    return FALSE;
  if (vmm_file_ops_sync (staging->ops, staging->parent_fd, staging->parent) < 0)
    {
      vmm_file_ops_set_error (error, errno, "make durable the name of", staging->parent, staging->target);
      if (exchange (staging))
        return FALSE;
      g_prefix_error (error, "the new snapshot is there, and the old one may be back after a power cut: ");
      staging->published = TRUE; /* both are left: which one a power cut leaves the name to is not known */
      return FALSE;
    }
  staging->published = TRUE;
  old_fd = vmm_file_ops_open (staging->ops, staging->replaced_fd, ".", O_RDONLY | O_DIRECTORY, 0);
  if (old_fd < 0 || !remove_directory (staging->ops, staging->parent_fd, old_fd, staging->name))
    g_debug ("what '%s' replaced is left: %s",
             staging->target,
             g_strerror (errno)); /* the next save removes it */
  return TRUE;
}

gboolean
vmm_staging_publish (VmmStaging *staging, GError **error)
{
  if (vmm_file_ops_chmod (staging->ops, staging->fd, staging->name, VMM_STAGING_DIRECTORY_MODE) < 0 ||
      vmm_file_ops_sync (staging->ops, staging->fd, staging->name) < 0)
    {
      vmm_file_ops_set_error (error, errno, "make durable directory", staging->parent, staging->name);
      return FALSE;
    }
  if (staging->replaced_fd >= 0)
    return replace (staging, error);
  if (rename_to_free_name (staging->ops, staging->parent_fd, staging->name, staging->target) < 0 &&
      !was_renamed (staging))
    {
      if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
        set_exists_error (staging, error);
      else
        vmm_file_ops_set_error (error, errno, "give its name to", staging->parent, staging->target);
      return FALSE;
    }
  if (vmm_file_ops_sync (staging->ops, staging->parent_fd, staging->parent) == 0)
    {
      staging->published = TRUE;
      return TRUE;
    }

  /* whether the name survives a power cut is not known, so it must not be there */
  vmm_file_ops_set_error (error, errno, "make durable the name of", staging->parent, staging->target);
  if (rename_to_free_name (staging->ops, staging->parent_fd, staging->target, staging->name) < 0)
    {
      g_prefix_error (error, "the snapshot is there and whole, but may be lost in a power cut: ");
      staging->published = TRUE;
    }
  return FALSE;
}

/* from here on the directory counts as a stale one: if we are stopped, the next save beside it removes the rest */
static gboolean
remove_renamed (VmmStaging *staging, const char *directory, const char *name, GError **error)
{
  struct stat st;

  if (remove_directory (staging->ops, staging->parent_fd, staging->fd, name))
    return TRUE;
  vmm_file_ops_set_error (error, errno, "remove the files in", NULL, directory);
  /* the manifest goes first: while it is there, all is */
  if (vmm_file_ops_stat_at (staging->ops, staging->fd, VMM_SNAPSHOT_MANIFEST, &st) < 0 ||
      rename_to_free_name (staging->ops, staging->parent_fd, name, staging->target) < 0)
    g_prefix_error (error, "the snapshot is gone, but some of it is left as '%s/%s': ", staging->parent, name);
  return FALSE;
}

gboolean
vmm_staging_remove_published (const VmmFileOps *ops, const char *directory, int fd, GError **error)
{
  g_autoptr (VmmStaging) staging = g_new0 (VmmStaging, 1);
  g_autofree char *name = NULL;

  staging->ops = ops;
  staging->fd = -1;
  staging->parent_fd = -1;
  staging->replaced_fd = -1;
  if (!set_path (staging, directory, error) || !open_parent (staging, error) ||
      !check_is_deletable (staging, directory, fd, error))
    return FALSE;

  staging->fd = vmm_file_ops_open (ops, fd, ".", O_RDONLY | O_DIRECTORY, 0);
  if (staging->fd < 0)
    {
      vmm_file_ops_set_error (error, errno, "open directory", NULL, directory);
      return FALSE;
    }
  /* held for a moment by who takes it for a stale one; the removal is then theirs */
  (void) vmm_file_ops_lock (ops, staging->fd, staging->target);
  name = make_staging_name (staging->target);
  if (rename_to_free_name (ops, staging->parent_fd, staging->target, name) < 0)
    {
      vmm_file_ops_set_error (error, errno, "remove", NULL, directory);
      return FALSE;
    }
  (void) vmm_file_ops_sync (ops, staging->parent_fd, staging->parent);
  return remove_renamed (staging, directory, name, error);
}
