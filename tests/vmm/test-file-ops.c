/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/file-ops.h"

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/scratch.h"

typedef struct
{
  char *scratch;
  int dirfd;
  int fd; /* of a file named "file" with "0123456789" in it */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->scratch = scratch_new (NULL);
  fixture->dirfd = open (fixture->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fixture->fd = vmm_file_ops_open (NULL, fixture->dirfd, "file", O_RDWR | O_CREAT | O_EXCL, 0600);
  g_assert_cmpint (vmm_file_ops_write (NULL, fixture->fd, "file", "0123456789", 10, 0), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_fd_clear (&fixture->fd);
  vmm_fd_clear (&fixture->dirfd);
  scratch_free (fixture->scratch);
}

/* one call of each kind; whether it failed with EIO */
static gboolean
call (Fixture *fixture, const VmmFileOps *ops, guint which)
{
  g_autoptr (GPtrArray) names = NULL;
  struct stat st;
  char buffer[10];
  gint64 result = 0;
  int opened;

  errno = 0;
  switch (which)
    {
    case 0:
      opened = vmm_file_ops_open (ops, fixture->dirfd, "file", O_RDONLY, 0);
      result = opened;
      vmm_fd_clear (&opened);
      break;
    case 1:
      result = vmm_file_ops_mkdir (ops, fixture->dirfd, "directory", 0700);
      break;
    case 2:
      result = vmm_file_ops_stat (ops, fixture->fd, "file", &st);
      break;
    case 3:
      result = vmm_file_ops_stat_at (ops, fixture->dirfd, "file", &st);
      break;
    case 4:
      result = vmm_file_ops_truncate (ops, fixture->fd, "file", 10);
      break;
    case 5:
      result = vmm_file_ops_chmod (ops, fixture->fd, "file", 0600);
      break;
    case 6:
      result = vmm_file_ops_sync (ops, fixture->fd, "file");
      break;
    case 7:
      result = vmm_file_ops_lock (ops, fixture->fd, "file");
      break;
    case 8:
      result = vmm_file_ops_link_fd (ops, fixture->fd, fixture->dirfd, "linked");
      break;
    case 9:
      result = vmm_file_ops_rename (ops, fixture->dirfd, "linked", "renamed", RENAME_NOREPLACE);
      break;
    case 10:
      result = vmm_file_ops_unlink (ops, fixture->dirfd, "renamed", 0);
      break;
    case 11:
      result = vmm_file_ops_seek_data (ops, fixture->fd, "file", 0);
      break;
    case 12:
      result = vmm_file_ops_seek_hole (ops, fixture->fd, "file", 0);
      break;
    case 13:
      result = vmm_file_ops_read (ops, fixture->fd, "file", buffer, sizeof buffer, 0);
      break;
    case 14:
      result = vmm_file_ops_write (ops, fixture->fd, "file", "0123456789", 10, 0);
      break;
    case 15:
      names = vmm_file_ops_list (ops, fixture->dirfd, "scratch");
      result = names != NULL ? 0 : -1;
      break;
    default:
      return FALSE;
    }
  g_assert_true (result >= 0 || errno == EIO);
  return result < 0;
}

static void
test_each_call_can_be_made_to_fail (Fixture *fixture, gconstpointer data)
{
  for (guint which = 0; which < 16; which++)
    {
      FaultyOps faulty = FAULTY_OPS_INIT;

      faulty.fail_at = 1;
      faulty.error_number = EIO;
      g_assert_true (call (fixture, &faulty.base, which));
      g_assert_cmpuint (faulty.calls, ==, 1);
      g_assert_false (call (fixture, &faulty.base, which));
      g_assert_cmpuint (faulty.calls, >=, 2);
    }
}

static void
test_goes_on_after_short_reads_and_writes (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  char buffer[12];

  faulty.length_max = 3;
  g_assert_cmpint (vmm_file_ops_write (&faulty.base, fixture->fd, "file", "abcdefghij", 10, 1), ==, 0);
  g_assert_cmpuint (faulty.calls, ==, 4);
  g_assert_cmpint (vmm_file_ops_read (&faulty.base, fixture->fd, "file", buffer, sizeof buffer, 0), ==, 11);
  g_assert_cmpmem (buffer, 11, "0abcdefghij", 11);
}

static void
test_fails_in_the_middle_of_a_write (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.length_max = 3;
  faulty.fail_at = 3;
  faulty.error_number = ENOSPC;
  g_assert_cmpint (vmm_file_ops_write (&faulty.base, fixture->fd, "file", "abcdefghij", 10, 0), ==, -1);
  g_assert_cmpint (errno, ==, ENOSPC);
}

static void
test_clone_reports_what_cannot_share (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.fail_at = 1;
  faulty.error_number = EXDEV;
  g_assert_cmpint (vmm_file_ops_clone (&faulty.base, fixture->fd, fixture->fd, "file"), ==, -1);
  g_assert_cmpint (errno, ==, EXDEV);
  g_assert_cmpint (vmm_file_ops_clone (NULL, fixture->fd, fixture->dirfd, "file"), ==, -1);
}

static void
test_writeback_is_only_a_hint (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.fail_at = 1;
  faulty.error_number = EIO;
  vmm_file_ops_start_writeback (&faulty.base, fixture->fd, "file", 0, 4096);
  g_assert_cmpuint (faulty.calls, ==, 1);
  vmm_file_ops_start_writeback (NULL, fixture->fd, "file", 0, 4096);
}

static void
test_descriptors_close_on_exec (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (fcntl (fixture->fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

static void
test_lists_names (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int path_fd = open (fixture->scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GPtrArray) names = vmm_file_ops_list (NULL, path_fd, "scratch");

  g_assert_nonnull (names);
  g_assert_cmpuint (names->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (names, 0), ==, "file");
}

static void
test_errors_say_what_to_do (void)
{
  static const struct
  {
    int error_number;
    VmmError code;
    const char *advice;
  } cases[] = {
    { ENOSPC, VMM_ERROR_NO_SPACE, "free some space" },
    { EDQUOT, VMM_ERROR_NO_SPACE, "quota" },
    { EACCES, VMM_ERROR_NOT_AUTHORIZED, "owner and mode" },
    { EPERM, VMM_ERROR_NOT_AUTHORIZED, "owner and mode" },
    { EROFS, VMM_ERROR_NOT_AUTHORIZED, "can be written" },
    { ENOENT, VMM_ERROR_NO_SUCH_FILE, "check the path" },
    { ENOTDIR, VMM_ERROR_NO_SUCH_FILE, "check the path" },
    { EEXIST, VMM_ERROR_EXISTS, "another name" },
    { ENOTEMPTY, VMM_ERROR_EXISTS, "another name" },
    { EFBIG, VMM_ERROR_HOST, "limits" },
    { EIO, VMM_ERROR_HOST, "storage failed" },
    { EMFILE, VMM_ERROR_HOST, "open files" },
    { EINVAL, VMM_ERROR_HOST, "log" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      vmm_file_ops_set_error (&error, cases[i].error_number, "write", "/some/where", "file");
      g_assert_error (error, VMM_ERROR, (gint) cases[i].code);
      g_assert_nonnull (strstr (error->message, "cannot write '/some/where/file': "));
      g_assert_nonnull (strstr (error->message, g_strerror (cases[i].error_number)));
      g_assert_nonnull (strstr (error->message, cases[i].advice));
    }
}

static void
test_errors_are_utf8 (void)
{
  g_autoptr (GError) error = NULL;

  vmm_file_ops_set_error (&error, EIO, "read", "/some\xff/where", "file");
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

#define ADD(name, function) g_test_add ("/vmm/file-ops/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("each-call-can-be-made-to-fail", test_each_call_can_be_made_to_fail);
  ADD ("goes-on-after-short-reads-and-writes", test_goes_on_after_short_reads_and_writes);
  ADD ("fails-in-the-middle-of-a-write", test_fails_in_the_middle_of_a_write);
  ADD ("clone-reports-what-cannot-share", test_clone_reports_what_cannot_share);
  ADD ("writeback-is-only-a-hint", test_writeback_is_only_a_hint);
  ADD ("descriptors-close-on-exec", test_descriptors_close_on_exec);
  ADD ("lists-names", test_lists_names);
  g_test_add_func ("/vmm/file-ops/errors-say-what-to-do", test_errors_say_what_to_do);
  g_test_add_func ("/vmm/file-ops/errors-are-utf8", test_errors_are_utf8);
  return g_test_run ();
}
