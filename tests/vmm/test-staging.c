/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/staging.h"

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/scratch.h"

#include <sys/wait.h>

#define STALE ".snap.staging-1-0123456789abcdef"

typedef struct
{
  char *scratch;
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->scratch = scratch_new (NULL);
  fixture->directory = g_build_filename (fixture->scratch, "snap", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->directory);
  scratch_free (fixture->scratch);
}

static char *
make_directory (Fixture *fixture, const char *name)
{
  char *path = g_build_filename (fixture->scratch, name, NULL);

  g_assert_cmpint (mkdir (path, 0700), ==, 0);
  return path;
}

static void
assert_refused (const char *directory, VmmError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = vmm_staging_new (NULL, directory, &error);

  g_assert_null (staging);
  g_assert_error (error, VMM_ERROR, (gint) code);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' is not in: %s", part, error->message);
}

static void
test_publishes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = vmm_staging_new (NULL, fixture->directory, &error);
  struct stat st;

  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (vmm_staging_get_path (staging), fixture->scratch));
  g_assert_cmpint (fstat (vmm_staging_get_fd (staging), &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0700);
  g_assert_cmpint (access (fixture->directory, F_OK), ==, -1);

  g_assert_true (vmm_staging_publish (staging, &error));
  g_assert_no_error (error);
  g_clear_pointer (&staging, vmm_staging_free);
  scratch_assert_list (fixture->scratch, "snap");
  g_assert_cmpint (stat (fixture->directory, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0750);
}

static void
test_removes_what_was_not_published (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = vmm_staging_new (NULL, fixture->directory, &error);

  g_assert_no_error (error);
  scratch_write (vmm_staging_get_path (staging), "manifest.bin", "x", 1);
  scratch_write (vmm_staging_get_path (staging), "memory.bin", "x", 1);
  g_clear_pointer (&staging, vmm_staging_free);
  scratch_assert_list (fixture->scratch, "");
}

static void
test_rejects_targets (Fixture *fixture, gconstpointer data)
{
  g_autofree char *below_missing = g_build_filename (fixture->scratch, "missing", "snap", NULL);
  g_autofree char *below_file = g_build_filename (fixture->scratch, "file", "snap", NULL);
  g_autofree char *file = g_build_filename (fixture->scratch, "file", NULL);
  g_autofree char *link = g_build_filename (fixture->scratch, "link", NULL);
  g_autofree char *stale = g_build_filename (fixture->scratch, STALE, NULL);
  g_autofree char *existing = make_directory (fixture, "existing");
  g_autofree char *with_slash = g_strconcat (existing, "/", NULL);
  g_autofree char *long_name = g_strnfill (256, 'n');
  g_autofree char *long_path = g_build_filename (fixture->scratch, long_name, NULL);
  g_autofree char *with_parent = g_build_filename (existing, "..", "snap", NULL);

  scratch_write (fixture->scratch, "file", "x", 1);
  g_assert_cmpint (symlink ("nowhere", link), ==, 0);
  assert_refused (existing, VMM_ERROR_EXISTS, existing);
  assert_refused (with_slash, VMM_ERROR_EXISTS, existing);
  assert_refused (file, VMM_ERROR_EXISTS, file);
  assert_refused (link, VMM_ERROR_EXISTS, link);
  assert_refused (below_missing, VMM_ERROR_NO_SUCH_FILE, "missing");
  assert_refused (below_file, VMM_ERROR_NO_SUCH_FILE, "file");
  assert_refused (stale, VMM_ERROR_INVALID_CONFIG, "unfinished");
  assert_refused (with_parent, VMM_ERROR_INVALID_CONFIG, "without '..'");
  assert_refused ("snap", VMM_ERROR_INVALID_CONFIG, "absolute");
  assert_refused ("", VMM_ERROR_INVALID_CONFIG, "absolute");
  assert_refused ("/", VMM_ERROR_INVALID_CONFIG, "absolute");
  assert_refused (long_path, VMM_ERROR_HOST, long_name);
  scratch_assert_list (fixture->scratch, "existing file link");
}

/* where not even root may make a directory */
static void
test_rejects_a_parent_that_cannot_be_written (void)
{
  assert_refused ("/sys/openvmm-test-snapshot", VMM_ERROR_NOT_AUTHORIZED, "/sys/");
}

static void
test_takes_the_longest_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strnfill (255, 'n');
  g_autofree char *path = g_build_filename (fixture->scratch, name, NULL);
  g_autoptr (VmmStaging) staging = vmm_staging_new (NULL, path, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_staging_publish (staging, &error));
  g_assert_no_error (error);
  scratch_assert_list (fixture->scratch, name);
}

static void
test_removes_stale_ones (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = NULL;
  g_autofree char *stale = make_directory (fixture, STALE);
  g_autofree char *of_another_name = make_directory (fixture, ".other.staging-99-0123456789abcdef");

  scratch_write (stale, "memory.bin", "x", 1);
  scratch_write (of_another_name, "state.bin", "x", 1);
  staging = vmm_staging_new (NULL, fixture->directory, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_staging_publish (staging, &error));
  scratch_assert_list (fixture->scratch, "snap");
}

static void
test_removes_those_of_a_killed_process (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = NULL;
  g_autofree char *left = NULL;
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    {
      VmmStaging *lost = vmm_staging_new (NULL, fixture->directory, NULL);

      _exit (lost != NULL ? 0 : 1);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  left = scratch_list (fixture->scratch);
  g_assert_true (g_str_has_prefix (left, ".snap.staging-"));

  staging = vmm_staging_new (NULL, fixture->directory, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_staging_publish (staging, &error));
  scratch_assert_list (fixture->scratch, "snap");
}

static void
test_keeps_live_ones (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *other = g_build_filename (fixture->scratch, "other", NULL);
  g_autoptr (VmmStaging) first = vmm_staging_new (NULL, fixture->directory, &error);
  g_autoptr (VmmStaging) second = vmm_staging_new (NULL, other, &error);

  g_assert_no_error (error);
  scratch_write (vmm_staging_get_path (first), "memory.bin", "x", 1);
  g_clear_pointer (&second, vmm_staging_free);
  second = vmm_staging_new (NULL, other, &error);
  g_assert_true (vmm_staging_publish (second, &error));
  g_assert_true (vmm_staging_publish (first, &error));
  g_assert_no_error (error);
  scratch_assert_list (fixture->scratch, "other snap");
}

static void
test_keeps_what_is_not_ours (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = NULL;
  g_autofree char *link = g_build_filename (fixture->scratch, ".c.staging-1-0123456789abcdef", NULL);
  g_autofree char *with_more = make_directory (fixture, STALE);
  g_autofree char *plain = make_directory (fixture, "d");
  g_autofree char *no_dot = make_directory (fixture, "e.staging-1-0123456789abcdef");
  g_autofree char *no_pid = make_directory (fixture, ".f.staging-x-0123456789abcdef");
  g_autofree char *short_random = make_directory (fixture, ".g.staging-1-0123");
  g_autofree char *long_random = make_directory (fixture, ".h.staging-1-0123456789abcdef0");
  g_autofree char *list_before = NULL;

  scratch_write (with_more, "memory.bin", "x", 1);
  scratch_write (with_more, "diary.txt", "x", 1);
  scratch_write (fixture->scratch, ".a.staging-1-0123456789abcdef", "x", 1);
  g_assert_cmpint (symlink (plain, link), ==, 0);
  list_before = scratch_list (fixture->scratch);
  staging = vmm_staging_new (NULL, fixture->directory, &error);
  g_assert_no_error (error);
  g_clear_pointer (&staging, vmm_staging_free);
  scratch_assert_list (fixture->scratch, list_before);
  scratch_assert_list (with_more, "diary.txt memory.bin");
}

static void
remove_fresh_one (gpointer data)
{
  Fixture *fixture = data;
  g_autofree char *name = scratch_list (fixture->scratch);
  g_autofree char *path = g_build_filename (fixture->scratch, name, NULL);

  g_assert_cmpint (rmdir (path), ==, 0);
}

/* another process takes the new directory for a stale one before it is locked */
static void
test_starts_again_if_taken_for_stale (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = NULL;

  faulty.only_call = "flock";
  faulty.fail_at = 1;
  faulty.at_failure = remove_fresh_one;
  faulty.data = fixture;
  staging = vmm_staging_new (&faulty.base, fixture->directory, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (faulty.calls, ==, 2);
  g_assert_true (vmm_staging_publish (staging, &error));
  scratch_assert_list (fixture->scratch, "snap");
}

static void
test_works_without_locks (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = NULL;
  g_autofree char *stale = make_directory (fixture, STALE);

  faulty.only_call = "flock";
  faulty.fail_at = 1;
  faulty.fail_onwards = TRUE;
  faulty.error_number = ENOLCK;
  staging = vmm_staging_new (&faulty.base, fixture->directory, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_staging_publish (staging, &error));
  scratch_assert_list (fixture->scratch, STALE " snap");
}

/* somebody takes the name while we write */
static void
check_late_rival (Fixture *fixture, const VmmFileOps *ops, void (*rival) (Fixture *fixture))
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = vmm_staging_new (ops, fixture->directory, &error);
  struct stat before;
  struct stat after;

  g_assert_no_error (error);
  scratch_write (vmm_staging_get_path (staging), "state.bin", "x", 1);
  rival (fixture);
  g_assert_cmpint (lstat (fixture->directory, &before), ==, 0);
  g_assert_false (vmm_staging_publish (staging, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_EXISTS);
  g_assert_nonnull (strstr (error->message, fixture->directory));
  g_clear_pointer (&staging, vmm_staging_free);
  scratch_assert_list (fixture->scratch, "snap");
  g_assert_cmpint (lstat (fixture->directory, &after), ==, 0);
  g_assert_cmpuint (after.st_ino, ==, before.st_ino);
  g_assert_cmpint (remove (fixture->directory), ==, 0);
}

static void
rival_directory (Fixture *fixture)
{
  g_free (make_directory (fixture, "snap"));
}

static void
rival_file (Fixture *fixture)
{
  scratch_write (fixture->scratch, "snap", "x", 1);
}

static void
rival_link (Fixture *fixture)
{
  g_assert_cmpint (symlink ("nowhere", fixture->directory), ==, 0);
}

static void
test_never_replaces_anything (Fixture *fixture, gconstpointer data)
{
  check_late_rival (fixture, NULL, rival_directory);
  check_late_rival (fixture, NULL, rival_file);
  check_late_rival (fixture, NULL, rival_link);
}

static void
test_never_replaces_anything_without_noreplace (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = NULL;

  faulty.only_call = "renameat2";
  faulty.fail_at = 1;
  faulty.fail_onwards = TRUE;
  faulty.error_number = EINVAL;
  check_late_rival (fixture, &faulty.base, rival_directory);
  check_late_rival (fixture, &faulty.base, rival_file);
  check_late_rival (fixture, &faulty.base, rival_link);

  staging = vmm_staging_new (&faulty.base, fixture->directory, &error);
  g_assert_true (vmm_staging_publish (staging, &error));
  g_assert_no_error (error);
  scratch_assert_list (fixture->scratch, "snap");
}

static void
make_rival_with_content (gpointer data)
{
  Fixture *fixture = data;
  g_autofree char *path = make_directory (fixture, "snap");

  scratch_write (path, "precious", "x", 1);
}

/* the name is taken in the last moment, after it was looked at */
static void
test_plain_rename_keeps_content (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = vmm_staging_new (&faulty.base, fixture->directory, &error);
  struct stat st;

  g_assert_no_error (error);
  make_rival_with_content (fixture);
  g_assert_cmpint (fstat (vmm_staging_get_fd (staging), &st), ==, 0);
  g_assert_cmpint (rename (vmm_staging_get_path (staging), fixture->directory), ==, -1);
  g_assert_true (errno == ENOTEMPTY || errno == EEXIST);

  faulty.only_call = "renameat2";
  faulty.fail_at = 1;
  faulty.error_number = EINVAL;
  g_assert_false (vmm_staging_publish (staging, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_EXISTS);
  scratch_assert_list (fixture->directory, "precious");
}

static void
test_takes_the_name_back_if_it_is_not_durable (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = vmm_staging_new (&faulty.base, fixture->directory, &error);

  g_assert_no_error (error);
  faulty.calls = 0;
  faulty.only_call = "fsync";
  faulty.fail_at = 2;
  faulty.error_number = EIO;
  g_assert_false (vmm_staging_publish (staging, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "durable"));
  scratch_write (vmm_staging_get_path (staging), "state.bin", "x", 1);
  g_clear_pointer (&staging, vmm_staging_free);
  scratch_assert_list (fixture->scratch, "");
}

/* a published directory and a descriptor of it */
static int
publish (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmStaging) staging = vmm_staging_new (NULL, fixture->directory, &error);

  g_assert_no_error (error);
  scratch_write (vmm_staging_get_path (staging), "manifest.bin", "x", 1);
  scratch_write (vmm_staging_get_path (staging), "memory.bin", "x", 1);
  g_assert_true (vmm_staging_publish (staging, &error));
  return open (fixture->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void
test_removes_a_published_one (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = publish (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_staging_remove_published (NULL, fixture->directory, fd, &error));
  g_assert_no_error (error);
  scratch_assert_list (fixture->scratch, "");
}

/* with one failing call, a removal either has happened or has not */
static void
test_removal_is_all_or_nothing (Fixture *fixture, gconstpointer data)
{
  gboolean removed = FALSE;

  for (guint n = 1; !removed && n < 100; n++)
    {
      FaultyOps faulty = FAULTY_OPS_INIT;
      VMM_AUTO_FD int fd = publish (fixture);
      g_autoptr (GError) error = NULL;

      faulty.fail_at = n;
      faulty.error_number = EACCES;
      if (vmm_staging_remove_published (&faulty.base, fixture->directory, fd, &error))
        {
          removed = faulty.calls < n;
          scratch_assert_list (fixture->scratch, "");
          continue;
        }
      g_assert_nonnull (error);
      if (strstr (error->message, "the snapshot is gone") != NULL)
        {
          g_autofree char *left = scratch_list (fixture->scratch);

          g_assert_true (g_str_has_prefix (left, ".snap.staging-"));
          continue;
        }
      scratch_assert_list (fixture->scratch, "snap");
      scratch_assert_list (fixture->directory, "manifest.bin memory.bin");
      g_assert_true (vmm_staging_remove_published (NULL, fixture->directory, fd, NULL));
    }
  g_assert_true (removed);
}

#define ADD(name, function) g_test_add ("/vmm/staging/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("publishes", test_publishes);
  ADD ("removes-what-was-not-published", test_removes_what_was_not_published);
  ADD ("rejects-targets", test_rejects_targets);
  g_test_add_func ("/vmm/staging/rejects-a-parent-that-cannot-be-written",
                   test_rejects_a_parent_that_cannot_be_written);
  ADD ("takes-the-longest-name", test_takes_the_longest_name);
  ADD ("removes-stale-ones", test_removes_stale_ones);
  ADD ("removes-those-of-a-killed-process", test_removes_those_of_a_killed_process);
  ADD ("keeps-live-ones", test_keeps_live_ones);
  ADD ("keeps-what-is-not-ours", test_keeps_what_is_not_ours);
  ADD ("starts-again-if-taken-for-stale", test_starts_again_if_taken_for_stale);
  ADD ("works-without-locks", test_works_without_locks);
  ADD ("never-replaces-anything", test_never_replaces_anything);
  ADD ("never-replaces-anything-without-noreplace", test_never_replaces_anything_without_noreplace);
  ADD ("plain-rename-keeps-content", test_plain_rename_keeps_content);
  ADD ("takes-the-name-back-if-it-is-not-durable", test_takes_the_name_back_if_it_is_not_durable);
  ADD ("removes-a-published-one", test_removes_a_published_one);
  ADD ("removal-is-all-or-nothing", test_removal_is_all_or_nothing);
  return g_test_run ();
}
