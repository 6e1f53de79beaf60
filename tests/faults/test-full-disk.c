/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots go to a file system in memory that has room for one page more each time, so that the disk is full at
 * another point of the save each time, until it has enough. The same with the number of files it takes.
 */

#include "config.h"
#include "tests/faults/fault-subject.h"
#include "tests/faults/resources.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vmm/fd.h"
#include "vmm/memory.h"

#define PAGES_MAX 1024u
#define FILES_MAX 16u

static gboolean can_mount;

/* Mounts of ours are seen by this process alone, and go with it. */
static gboolean
try_private_mounts (void)
{
  return unshare (geteuid () == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) == 0 &&
         mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Fails without space, the VM goes on, and the disk is as empty as before. Returns whether it had room. */
static gboolean
save_on (TinyMachine *subject, const char *disk)
{
  g_autofree char *target = g_build_filename (disk, "target", NULL);
  g_autoptr (GError) error = NULL;
  Resources before = resources_count ();
  gboolean was_running = subject->machine->running;
  gboolean ok = subject_save (subject, target, &error);

  g_assert_true (subject->machine->running == was_running);
  if (ok)
    {
      g_assert_cmpuint (subject_assert_restores (target), >, 0);
      return TRUE;
    }
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SPACE);
  resources_assert_not_grown (&before);
  {
    g_autofree char *list = subject_list (disk);

    g_assert_cmpstr (list, ==, "");
  }
  return FALSE;
}

static void
check_sizes (SubjectSave save, const char *option, guint first, guint last)
{
  g_autoptr (TinyMachine) subject = subject_new (save);
  g_autofree char *disk = g_build_filename (subject->directory, "disk", NULL);
  gboolean had_room = FALSE;
  guint n_full = 0;

  g_assert_cmpint (g_mkdir (disk, 0700), ==, 0);
  for (guint n = first; !had_room && n <= last; n++)
    {
      g_autofree char *options = g_strdup_printf ("%s=%u",
                                                  option,
                                                  g_str_equal (option, "size") ? n * VMM_PAGE_SIZE : n);

      g_assert_cmpint (mount ("tmpfs", disk, "tmpfs", 0, options), ==, 0);
      had_room = save_on (subject, disk);
      n_full += had_room ? 0 : 1;
      g_assert_cmpint (umount2 (disk, MNT_DETACH), ==, 0);
      subject_assert_goes_on (subject);
      if (save == SUBJECT_SAVE_LATER_PAUSED)
        tiny_machine_pause (subject);
    }
  g_assert_true (had_room);
  g_assert_cmpuint (n_full, >, 2);
  g_test_message ("%s, %s: full %u times", subject_save_get_name (save), option, n_full);
}

static void
test_pages (gconstpointer data)
{
  if (can_mount)
    check_sizes (GPOINTER_TO_UINT (data), "size", 1, PAGES_MAX);
  else
    g_test_skip ("no mounts here");
}

static void
test_files (gconstpointer data)
{
  if (can_mount)
    check_sizes (GPOINTER_TO_UINT (data), "nr_inodes", 2, FILES_MAX);
  else
    g_test_skip ("no mounts here");
}

/* RAM and snapshot are on the same disk: all but the RAM is taken by something else, one page less each time. */
static void
test_pages_beside_ram (void)
{
  g_autofree char *disk = g_dir_make_tmp ("full-disk-XXXXXX", NULL);
  gboolean had_room = FALSE;
  guint n_full = 0;

  if (!can_mount)
    {
      g_test_skip ("no mounts here");
      return;
    }
  g_assert_cmpint (mount ("tmpfs", disk, "tmpfs", 0, "size=64m"), ==, 0);
  for (guint n = 0; !had_room && n < PAGES_MAX; n++)
    {
      g_autoptr (TinyMachine) subject = subject_new_bare (SUBJECT_SAVE_LINK);
      g_autofree char *out = g_build_filename (disk, "out", NULL);
      g_autofree char *filler = g_build_filename (disk, "filler", NULL);
      g_autoptr (GError) error = NULL;
      VMM_AUTO_FD int fd = -1;
      struct statfs fs;

      g_free (subject->config->memory_directory);
      subject->config->memory_directory = g_strdup (disk);
      g_assert_true (subject_new_machine (subject, &error));
      g_assert_no_error (error);
      tiny_machine_resume (subject);
      tiny_machine_wait_word (subject, 0, 1);
      g_assert_cmpint (g_mkdir (out, 0700), ==, 0);
      fd = open (filler, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      g_assert_cmpint (statfs (disk, &fs), ==, 0);
      g_assert_cmpint (posix_fallocate (fd, 0, (off_t) (fs.f_bavail - n) * fs.f_bsize), ==, 0);
      had_room = save_on (subject, out);
      n_full += had_room ? 0 : 1;
      subject_remove_tree (out);
      g_unlink (filler);
      vmm_fd_clear (&fd);
      subject_assert_goes_on (subject);
    }
  g_assert_true (had_room);
  g_assert_cmpuint (n_full, >, 2);
  g_test_message ("link, size: full %u times", n_full);
  g_assert_cmpint (umount2 (disk, MNT_DETACH), ==, 0);
  g_rmdir (disk);
}

int
main (int argc, char **argv)
{
  static const SubjectSave saves[] = { SUBJECT_SAVE_COPY, SUBJECT_SAVE_LATER, SUBJECT_SAVE_LATER_PAUSED };

  g_test_init (&argc, &argv, NULL);
  can_mount = try_private_mounts ();
  for (gsize i = 0; i < G_N_ELEMENTS (saves); i++)
    {
      g_autofree char *pages = g_strdup_printf ("/faults/full-disk/%s/pages",
                                                subject_save_get_name (saves[i]));
      g_autofree char *files = g_strdup_printf ("/faults/full-disk/%s/files",
                                                subject_save_get_name (saves[i]));

      g_test_add_data_func (pages, GUINT_TO_POINTER (saves[i]), test_pages);
      g_test_add_data_func (files, GUINT_TO_POINTER (saves[i]), test_files);
    }
  g_test_add_func ("/faults/full-disk/link/pages", test_pages_beside_ram);
  return subject_run_tests (NULL);
}
