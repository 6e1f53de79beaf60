/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot-writer.h"

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/sample-snapshot.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

typedef struct
{
  char *scratch;
  char *parent; /* empty, below scratch */
  char *directory;
  int ram; /* the sample's RAM, in a file named "ram" */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *ram = NULL;

  fixture->scratch = scratch_new (NULL);
  fixture->parent = g_build_filename (fixture->scratch, "parent", NULL);
  fixture->directory = g_build_filename (fixture->parent, "snap", NULL);
  g_assert_cmpint (mkdir (fixture->parent, 0700), ==, 0);
  ram = g_build_filename (fixture->scratch, "ram", NULL);
  fixture->ram = open (ram, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  sample_fill_memory (fixture->ram);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_fd_clear (&fixture->ram);
  g_free (fixture->directory);
  g_free (fixture->parent);
  scratch_free (fixture->scratch);
}

static void
stat_file (const char *directory, const char *name, struct stat *st)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);

  g_assert_cmpint (lstat (path, st), ==, 0);
}

static mode_t
mode_of (int fd)
{
  struct stat st;

  g_assert_cmpint (fstat (fd, &st), ==, 0);
  return st.st_mode & 07777;
}

static void
test_publishes_read_only_files (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { VMM_SNAPSHOT_MANIFEST, VMM_SNAPSHOT_STATE, VMM_SNAPSHOT_MEMORY };
  g_autoptr (GError) error = NULL;
  struct stat st;

  g_assert_true (sample_write_with_ops (NULL, fixture->directory, -1, NULL, &error));
  g_assert_no_error (error);
  scratch_assert_list (fixture->parent, "snap");
  scratch_assert_list (fixture->directory, "manifest.bin memory.bin state.bin");
  stat_file (fixture->parent, "snap", &st);
  g_assert_cmpint (st.st_mode & 07777, ==, 0750);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      stat_file (fixture->directory, names[i], &st);
      g_assert_cmpint (st.st_mode & 07777, ==, 0440);
    }
  sample_assert_sound (fixture->directory);
}

/* adopts @ram_fd; whether memory.bin is the very file */
static gboolean
adopt (Fixture *fixture, int ram_fd)
{
  g_autoptr (GError) error = NULL;
  gboolean linked = FALSE;
  struct stat ram;
  struct stat memory;

  g_assert_true (sample_write_with_ops (NULL, fixture->directory, ram_fd, &linked, &error));
  g_assert_no_error (error);
  sample_assert_sound (fixture->directory);
  g_assert_cmpint (fstat (ram_fd, &ram), ==, 0);
  stat_file (fixture->directory, VMM_SNAPSHOT_MEMORY, &memory);
  g_assert_cmpint (memory.st_mode & 07777, ==, 0440);
  g_assert_cmpuint (memory.st_blocks, <, 1024);
  g_assert_cmpint (linked, ==, ram.st_ino == memory.st_ino && ram.st_dev == memory.st_dev);
  return linked;
}

static void
test_links_the_ram_file (Fixture *fixture, gconstpointer data)
{
  g_assert_true (adopt (fixture, fixture->ram));
  g_assert_cmpint (mode_of (fixture->ram), ==, 0440);
}

static void
test_links_a_nameless_ram_file (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = open (fixture->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  sample_fill_memory (fd);
  g_assert_true (adopt (fixture, fd));
}

static void
test_copies_an_unlinked_ram_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->scratch, "ram", NULL);

  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_false (adopt (fixture, fixture->ram));
}

static void
test_copies_from_another_file_system (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = scratch_new ("/dev/shm");
  g_autofree char *path = g_build_filename (elsewhere, "ram", NULL);
  VMM_AUTO_FD int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  sample_fill_memory (fd);
  g_assert_false (adopt (fixture, fd));
  g_assert_cmpint (mode_of (fd), ==, 0600);
  scratch_free (g_steal_pointer (&elsewhere));
}

static void
test_copies_a_memfd (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int fd = memfd_create ("ram", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  sample_fill_memory (fd);
  g_assert_false (adopt (fixture, fd));
}

static void
test_copies_where_links_are_refused (Fixture *fixture, gconstpointer data)
{
  static const int refusals[] = { EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOENT, EACCES };

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      FaultyOps faulty = FAULTY_OPS_INIT;
      g_autofree char *name = g_strdup_printf ("snap-%zu", i);
      g_autofree char *directory = g_build_filename (fixture->parent, name, NULL);
      g_autoptr (GError) error = NULL;
      gboolean linked = TRUE;

      faulty.only_call = "linkat";
      faulty.fail_at = 1;
      faulty.error_number = refusals[i];
      g_assert_true (sample_write_with_ops (&faulty.base, directory, fixture->ram, &linked, &error));
      g_assert_no_error (error);
      g_assert_false (linked);
      sample_assert_sound (directory);
    }
  g_assert_cmpint (mode_of (fixture->ram), ==, 0600);
}

static void
test_rejects_ram_of_another_size (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gboolean linked;

  g_assert_cmpint (ftruncate (fixture->ram, VMM_MEMORY_SIZE_MIN - 4096), ==, 0);
  g_assert_false (sample_write_with_ops (NULL, fixture->directory, fixture->ram, &linked, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "16773120 bytes, expected 16777216"));
  scratch_assert_list (fixture->parent, "");
}

/* one failing call: the save succeeds without it, or fails and leaves no trace */
static void
check_one_failure (Fixture *fixture, guint n, int ram_fd, gboolean *reached)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  gboolean linked = FALSE;

  faulty.fail_at = n;
  faulty.error_number = EIO;
  if (sample_write_with_ops (&faulty.base, fixture->directory, ram_fd, &linked, &error))
    {
      g_autoptr (VmmSnapshot) snapshot = NULL;

      g_assert_no_error (error);
      scratch_assert_list (fixture->parent, "snap");
      sample_assert_sound (fixture->directory);
      snapshot = vmm_snapshot_open (fixture->directory, &error);
      g_assert_true (vmm_snapshot_delete (snapshot, &error));
      if (ram_fd >= 0)
        g_assert_cmpint (fchmod (ram_fd, 0600), ==, 0);
    }
  else
    {
      g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
      g_assert_nonnull (strstr (error->message, fixture->parent));
      scratch_assert_list (fixture->parent, "");
      if (ram_fd >= 0)
        g_assert_cmpint (mode_of (ram_fd), ==, 0600);
    }
  *reached = faulty.calls >= n;
}

static void
test_any_failing_call_leaves_no_trace (Fixture *fixture, gconstpointer data)
{
  gboolean reached = TRUE;
  guint n;

  for (n = 1; reached; n++)
    check_one_failure (fixture, n, -1, &reached);
  g_assert_cmpuint (n, >, 25);
}

static void
test_any_failing_call_gives_ram_back (Fixture *fixture, gconstpointer data)
{
  gboolean reached = TRUE;
  guint n;

  for (n = 1; reached; n++)
    check_one_failure (fixture, n, fixture->ram, &reached);
  g_assert_cmpuint (n, >, 25);
}

/* from some call on, everything fails: no reader ever sees half a snapshot */
static void
test_a_dead_disk_publishes_nothing_broken (Fixture *fixture, gconstpointer data)
{
  gboolean reached = TRUE;

  for (guint n = 1; reached; n++)
    {
      FaultyOps faulty = FAULTY_OPS_INIT;
      g_autofree char *name = g_strdup_printf ("snap-%u", n);
      g_autofree char *directory = g_build_filename (fixture->parent, name, NULL);
      g_autoptr (GError) error = NULL;
      gboolean saved;

      faulty.fail_at = n;
      faulty.fail_onwards = TRUE;
      faulty.error_number = EIO;
      saved = sample_write_with_ops (&faulty.base, directory, -1, NULL, &error);
      reached = faulty.calls >= n;
      g_assert_true (saved || error != NULL);
      if (saved || strstr (error->message, "power cut") != NULL)
        sample_assert_sound (directory);
      else
        g_assert_cmpint (access (directory, F_OK), ==, -1);
    }
}

/* the process ends before call number @n; FALSE if it was done before that */
static gboolean
write_and_die (const char *directory, guint n)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    {
      FaultyOps faulty = FAULTY_OPS_INIT;

      faulty.fail_at = n;
      _exit (sample_write_with_ops (&faulty.base, directory, -1, NULL, NULL) ? 42 : 43);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), !=, 43);
  return WEXITSTATUS (status) == 0;
}

static void
test_death_at_any_call_leaves_all_or_nothing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *next = g_build_filename (fixture->parent, "next", NULL);
  guint n_whole = 0;
  guint n;

  for (n = 1; write_and_die (fixture->directory, n); n++)
    {
      g_autoptr (GError) error = NULL;
      gboolean whole = access (fixture->directory, F_OK) == 0;

      if (whole)
        sample_assert_sound (fixture->directory);
      n_whole += whole ? 1 : 0;

      /* the next save cleans up */
      g_assert_true (sample_write_with_ops (NULL, next, -1, NULL, &error));
      g_assert_no_error (error);
      scratch_assert_list (fixture->parent, whole ? "next snap" : "next");
      scratch_free (g_steal_pointer (&next));
      next = g_build_filename (fixture->parent, "next", NULL);
      if (whole)
        scratch_free (g_strdup (fixture->directory));
    }
  g_assert_cmpuint (n, >, 25);
  g_assert_cmpuint (n_whole, >, 0);
}

static void
test_goes_on_after_short_writes (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;

  faulty.length_max = 1000;
  g_assert_true (sample_write_with_ops (&faulty.base, fixture->directory, -1, NULL, &error));
  g_assert_no_error (error);
  sample_assert_sound (fixture->directory);
}

static void
test_says_that_space_is_short (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;

  faulty.only_call = "pwrite";
  faulty.fail_at = 1;
  faulty.error_number = ENOSPC;
  g_assert_false (sample_write_with_ops (&faulty.base, fixture->directory, -1, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "state.bin"));
  g_assert_nonnull (strstr (error->message, "free some space"));
  scratch_assert_list (fixture->parent, "");
}

/* exit codes of the child below */
enum
{
  CHILD_OK = 0,
  CHILD_CANNOT_MOUNT = 10,
  CHILD_WRONG = 11,
};

static int
save_on_small_disk (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *list = NULL;
  gboolean linked;

  if (unshare (geteuid () == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
      mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      mount ("tmpfs", fixture->parent, "tmpfs", 0, "size=256k") < 0)
    return CHILD_CANNOT_MOUNT;
  if (sample_write_with_ops (NULL, fixture->directory, fixture->ram, &linked, &error) ||
      !g_error_matches (error, VMM_ERROR, VMM_ERROR_NO_SPACE) ||
      strstr (error->message, "memory.bin") == NULL)
    return CHILD_WRONG;
  list = scratch_list (fixture->parent);
  return *list == '\0' ? CHILD_OK : CHILD_WRONG;
}

/* the other limit that a kernel sets to anyone, where it does not let us mount */
static int
save_with_small_limit (Fixture *fixture)
{
  struct rlimit limit = { 256 * 1024, 256 * 1024 };
  g_autoptr (GError) error = NULL;
  g_autofree char *list = NULL;

  signal (SIGXFSZ, SIG_IGN);
  if (setrlimit (RLIMIT_FSIZE, &limit) < 0 ||
      sample_write_with_ops (NULL, fixture->directory, -1, NULL, &error) ||
      !g_error_matches (error, VMM_ERROR, VMM_ERROR_HOST) || strstr (error->message, "limits") == NULL)
    return CHILD_WRONG;
  list = scratch_list (fixture->parent);
  return *list == '\0' ? CHILD_OK : CHILD_WRONG;
}

static int
run_in_child (int (*function) (Fixture *fixture), Fixture *fixture)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (function (fixture));
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static void
test_a_full_disk_leaves_no_trace (Fixture *fixture, gconstpointer data)
{
  g_autofree guint8 *noise = g_malloc (1024 * 1024);
  int result;

  memset (noise, 0x5a, 1024 * 1024);
  g_assert_cmpint (pwrite (fixture->ram, noise, 1024 * 1024, SAMPLE_CHUNK), ==, 1024 * 1024);
  result = run_in_child (save_on_small_disk, fixture);
  if (result == CHILD_CANNOT_MOUNT)
    g_test_message ("no mounts here: only the limit on file sizes is tested");
  else
    g_assert_cmpint (result, ==, CHILD_OK);
  g_assert_cmpint (mode_of (fixture->ram), ==, 0600);
}

static void
test_a_limit_on_file_sizes_leaves_no_trace (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (run_in_child (save_with_small_limit, fixture), ==, CHILD_OK);
}

static void
cancel (gpointer data)
{
  g_cancellable_cancel (data);
}

static void
cancel_at_progress (guint64 done, guint64 total, gpointer data)
{
  g_cancellable_cancel (data);
}

static gboolean
commit_sample (VmmSnapshotWriter *writer, VmmProgressFunc progress, GCancellable *cancellable, GError **error)
{
  g_autoptr (VmmConfig) config = sample_config_new ();
  g_autoptr (VmmManifest) manifest = vmm_manifest_new (config, TRUE, NULL, NULL, 0);
  g_autoptr (VmmSavedState) state = sample_state_new ();

  return vmm_snapshot_writer_commit (writer, manifest, state, progress, cancellable, cancellable, error);
}

static void
test_cancel_leaves_no_trace (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new (fixture->directory, &error);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean linked;

  g_assert_true (vmm_snapshot_writer_adopt_memory (
      writer, fixture->ram, VMM_MEMORY_SIZE_MIN, cancellable, &linked, &error));
  g_assert_false (commit_sample (writer, cancel_at_progress, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_clear_pointer (&writer, vmm_snapshot_writer_free);
  scratch_assert_list (fixture->parent, "");
  g_assert_cmpint (mode_of (fixture->ram), ==, 0600);
}

static void
test_cancel_stops_the_copy (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshotWriter) writer = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  VMM_AUTO_FD int memfd = memfd_create ("ram", MFD_CLOEXEC);
  gboolean linked = FALSE;

  sample_fill_memory (memfd);
  faulty.only_call = "pwrite";
  faulty.fail_at = 1;
  faulty.at_failure = cancel;
  faulty.data = cancellable;
  writer = vmm_snapshot_writer_new_with_ops (&faulty.base, fixture->directory, &error);
  g_assert_false (
      vmm_snapshot_writer_adopt_memory (writer, memfd, VMM_MEMORY_SIZE_MIN, cancellable, &linked, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_clear_pointer (&writer, vmm_snapshot_writer_free);
  scratch_assert_list (fixture->parent, "");
}

typedef struct
{
  VmmSnapshotWriter *writer;
  GError *error;
  gboolean saved;
} Racer;

static gpointer
race (gpointer data)
{
  Racer *racer = data;

  racer->saved = commit_sample (racer->writer, NULL, NULL, &racer->error);
  return NULL;
}

#define N_RACERS 8

static void
check_race (Fixture *fixture, const VmmFileOps *ops)
{
  Racer racers[N_RACERS] = { 0 };
  GThread *threads[N_RACERS];
  guint n_saved = 0;

  for (guint i = 0; i < N_RACERS; i++)
    {
      VMM_AUTO_FD int fd = -1;

      racers[i].writer = vmm_snapshot_writer_new_with_ops (ops, fixture->directory, &racers[i].error);
      g_assert_no_error (racers[i].error);
      fd = vmm_snapshot_writer_create_memory (racers[i].writer, VMM_MEMORY_SIZE_MIN, &racers[i].error);
      g_assert_cmpint (fd, >=, 0);
    }
  for (guint i = 0; i < N_RACERS; i++)
    threads[i] = g_thread_new ("racer", race, &racers[i]);
  for (guint i = 0; i < N_RACERS; i++)
    {
      g_thread_join (threads[i]);
      n_saved += racers[i].saved ? 1 : 0;
      if (!racers[i].saved)
        g_assert_error (racers[i].error, VMM_ERROR, VMM_ERROR_EXISTS);
      vmm_snapshot_writer_free (racers[i].writer);
      g_clear_error (&racers[i].error);
    }
  g_assert_cmpuint (n_saved, ==, 1);
  scratch_assert_list (fixture->parent, "snap");
  sample_assert_sound (fixture->directory);
}

static void
test_one_of_many_writers_wins (Fixture *fixture, gconstpointer data)
{
  check_race (fixture, NULL);
}

static void
test_one_of_many_writers_wins_without_noreplace (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.only_call = "renameat2";
  faulty.fail_at = 1;
  faulty.fail_onwards = TRUE;
  faulty.error_number = EINVAL;
  check_race (fixture, &faulty.base);
}

static void
check_bad_text (Fixture *fixture, const char *description, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmConfig) config = sample_config_new ();
  VmmSaveResult result;

  g_assert_false (
      vmm_snapshot_write (config,
                          TRUE,
                          0,
                          &(VmmSavePlan){ .directory = fixture->directory, .description = description },
                          NULL,
                          &result,
                          &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
  g_assert_nonnull (strstr (error->message, part));
  scratch_assert_list (fixture->parent, "");
}

static void
test_writes_nothing_that_cannot_be_read (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_text = g_strnfill (VMM_MANIFEST_DESCRIPTION_MAX + 1, 'x');

  check_bad_text (fixture, "\xff", "description is not UTF-8");
  check_bad_text (fixture, long_text, "65536 are the most");
}

static void
test_writes_no_state_over_the_caps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmConfig) config = sample_config_new ();
  g_autoptr (VmmManifest) manifest = vmm_manifest_new (config, TRUE, NULL, NULL, 0);
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new (fixture->directory, &error);
  g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (VMM_SAVED_STATE_UNIT_SIZE_MAX + 1),
                                               VMM_SAVED_STATE_UNIT_SIZE_MAX + 1);
  VMM_AUTO_FD int fd = vmm_snapshot_writer_create_memory (writer, config->memory_size, &error);

  vmm_saved_state_add (state, "large", &openvmm__x86__pic__descriptor, large);
  g_assert_false (vmm_snapshot_writer_commit (writer, manifest, state, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_LIMIT_EXCEEDED);
  g_clear_pointer (&writer, vmm_snapshot_writer_free);
  scratch_assert_list (fixture->parent, "");
}

static void
test_finds_memory_that_changed_its_size (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new (fixture->directory, &error);
  VMM_AUTO_FD int fd = vmm_snapshot_writer_create_memory (writer, VMM_MEMORY_SIZE_MIN, &error);

  g_assert_cmpint (ftruncate (fd, VMM_MEMORY_SIZE_MIN + 1), ==, 0);
  g_assert_false (commit_sample (writer, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "16777217 bytes, expected 16777216"));
}

static void
test_writes_without_a_machine (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmConfig) config = sample_config_new ();
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autofree const char **names = NULL;
  VmmSaveResult result = { 0 };

  config->memory_size = 5ull << 30;
  g_assert_true (vmm_snapshot_write (config,
                                     FALSE,
                                     77,
                                     &(VmmSavePlan){ .directory = fixture->directory,
                                                     .description = "text",
                                                     .parent_uuid = SAMPLE_UUID },
                                     NULL,
                                     &result,
                                     &error));
  g_assert_no_error (error);
  snapshot = vmm_snapshot_open (fixture->directory, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_cmpstr (result.uuid, ==, vmm_snapshot_get_uuid (snapshot));
  g_assert_cmpuint (result.freeze_usec, ==, 77);
  g_assert_cmpuint (vmm_snapshot_get_freeze_usec (snapshot), ==, 77);
  g_assert_false (vmm_snapshot_get_running (snapshot));
  g_assert_cmpuint (vmm_snapshot_get_config (snapshot)->memory_size, ==, 5ull << 30);
  g_assert_cmpuint (vmm_snapshot_get_size_on_disk (snapshot), <, 1024 * 1024);
  names = vmm_saved_state_get_names (vmm_snapshot_get_saved_state (snapshot));
  g_assert_null (names[0]);
}

static void
test_checks_the_configuration_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmConfig) config = sample_config_new ();
  VmmSaveResult result;

  config->vp_count = 65;
  g_assert_false (vmm_snapshot_write (
      config, TRUE, 0, &(VmmSavePlan){ .directory = fixture->directory }, NULL, &result, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_VP_COUNT);
  scratch_assert_list (fixture->parent, "");
}

#define ADD(name, function)                                                                                  \
  g_test_add ("/vmm/snapshot-writer/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("publishes-read-only-files", test_publishes_read_only_files);
  ADD ("links-the-ram-file", test_links_the_ram_file);
  ADD ("links-a-nameless-ram-file", test_links_a_nameless_ram_file);
  ADD ("copies-an-unlinked-ram-file", test_copies_an_unlinked_ram_file);
  ADD ("copies-from-another-file-system", test_copies_from_another_file_system);
  ADD ("copies-a-memfd", test_copies_a_memfd);
  ADD ("copies-where-links-are-refused", test_copies_where_links_are_refused);
  ADD ("rejects-ram-of-another-size", test_rejects_ram_of_another_size);
  ADD ("any-failing-call-leaves-no-trace", test_any_failing_call_leaves_no_trace);
  ADD ("any-failing-call-gives-ram-back", test_any_failing_call_gives_ram_back);
  ADD ("a-dead-disk-publishes-nothing-broken", test_a_dead_disk_publishes_nothing_broken);
  ADD ("death-at-any-call-leaves-all-or-nothing", test_death_at_any_call_leaves_all_or_nothing);
  ADD ("goes-on-after-short-writes", test_goes_on_after_short_writes);
  ADD ("says-that-space-is-short", test_says_that_space_is_short);
  ADD ("a-full-disk-leaves-no-trace", test_a_full_disk_leaves_no_trace);
  ADD ("a-limit-on-file-sizes-leaves-no-trace", test_a_limit_on_file_sizes_leaves_no_trace);
  ADD ("cancel-leaves-no-trace", test_cancel_leaves_no_trace);
  ADD ("cancel-stops-the-copy", test_cancel_stops_the_copy);
  ADD ("one-of-many-writers-wins", test_one_of_many_writers_wins);
  ADD ("one-of-many-writers-wins-without-noreplace", test_one_of_many_writers_wins_without_noreplace);
  ADD ("writes-nothing-that-cannot-be-read", test_writes_nothing_that_cannot_be_read);
  ADD ("writes-no-state-over-the-caps", test_writes_no_state_over_the_caps);
  ADD ("finds-memory-that-changed-its-size", test_finds_memory_that_changed_its_size);
  ADD ("writes-without-a-machine", test_writes_without_a_machine);
  ADD ("checks-the-configuration-first", test_checks_the_configuration_first);
  return g_test_run ();
}
