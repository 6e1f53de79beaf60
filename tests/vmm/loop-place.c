/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file is unlinked once it is mounted, the loop device lets it go with the mount, and that is in a mount namespace
 * of ours. So nothing is left behind by a test that crashes.
 */

#include "config.h"
#include "tests/vmm/loop-place.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "vmm/fd.h"

#define SIZE (512 * 1024 * 1024ll) /* bytes; XFS takes no less than 300 MiB */

static gboolean
run (const char *const *arguments, char **reason)
{
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (g_spawn_sync (NULL,
                    (char **) arguments,
                    NULL,
                    G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
                    NULL,
                    NULL,
                    NULL,
                    &output,
                    &status,
                    &error) &&
      g_spawn_check_wait_status (status, &error))
    return TRUE;
  *reason = g_strdup_printf ("%s: %s %s", arguments[0], error->message, output != NULL ? output : "");
  return FALSE;
}

static gboolean
make_file (const char *image)
{
  VMM_AUTO_FD int fd = open (image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  return fd >= 0 && ftruncate (fd, SIZE) == 0;
}

static gboolean
hide_mounts (void)
{
  return unshare (CLONE_NEWNS) == 0 && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static gboolean
make_and_mount (const char *type, const char *image, const char *path, char **reason)
{
  g_autofree char *program = g_strconcat ("mkfs.", type, NULL);
  const char *make[] = { program, "-q", image, NULL };
  const char *mount_it[] = { "mount", "-t", type, "-o", "loop", image, path, NULL };

  if (!make_file (image))
    {
      *reason = g_strdup_printf ("%s: %s", image, g_strerror (errno));
      return FALSE;
    }
  if (!run (make, reason))
    return FALSE;
  if (!hide_mounts ())
    {
      *reason = g_strdup_printf ("a mount namespace: %s", g_strerror (errno));
      return FALSE;
    }
  return run (mount_it, reason);
}

LoopPlace *
loop_place_new (const char *type, char **reason)
{
  const char *parent = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir ();
  g_autofree char *path = g_build_filename (parent, "loop-place-XXXXXX", NULL);
  g_autofree char *image = NULL;
  LoopPlace *place;
  gboolean ok;

  g_assert_nonnull (g_mkdtemp (path));
  image = g_strconcat (path, ".img", NULL);
  ok = make_and_mount (type, image, path, reason);
  (void) g_unlink (image);
  if (!ok)
    {
      (void) g_rmdir (path);
      return NULL;
    }
  place = g_new0 (LoopPlace, 1);
  place->path = g_steal_pointer (&path);
  return place;
}

void
loop_place_free (LoopPlace *place)
{
  if (place == NULL)
    return;
  g_assert_cmpint (umount2 (place->path, MNT_DETACH), ==, 0);
  (void) g_rmdir (place->path);
  g_free (place->path);
  g_free (place);
}

guint64
loop_place_get_used (LoopPlace *place)
{
  VMM_AUTO_FD int fd = open (place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct statvfs fs;

  g_assert_cmpint (syncfs (fd), ==, 0);
  g_assert_cmpint (fstatvfs (fd, &fs), ==, 0);
  return (guint64) (fs.f_blocks - fs.f_bfree) * fs.f_frsize;
}
