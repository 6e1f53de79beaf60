/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/sparse-copy.h"

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/scratch.h"

#define SIZE (64 * 1024 * 1024u)

typedef struct
{
  char *scratch;
  int source;
  int target;
} Fixture;

static int
create (const char *scratch, const char *name)
{
  g_autofree char *path = g_build_filename (scratch, name, NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const guint8 zeros[256 * 1024];

  fixture->scratch = scratch_new (NULL);
  fixture->source = create (fixture->scratch, "source");
  fixture->target = create (fixture->scratch, "target");
  g_assert_cmpint (ftruncate (fixture->source, SIZE), ==, 0);
  g_assert_cmpint (pwrite (fixture->source, "first", 5, 0), ==, 5);
  g_assert_cmpint (pwrite (fixture->source, zeros, sizeof zeros, 1024 * 1024), ==, sizeof zeros);
  g_assert_cmpint (pwrite (fixture->source, "in zeros", 8, 1024 * 1024 + 40000), ==, 8);
  g_assert_cmpint (pwrite (fixture->source, "over the edge", 13, 3 * 1024 * 1024 - 5), ==, 13);
  g_assert_cmpint (pwrite (fixture->source, "last", 4, SIZE - 4), ==, 4);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_fd_clear (&fixture->source);
  vmm_fd_clear (&fixture->target);
  scratch_free (fixture->scratch);
}

static void
assert_same (Fixture *fixture)
{
  g_autoptr (GBytes) source = scratch_read (fixture->scratch, "source");
  g_autoptr (GBytes) target = scratch_read (fixture->scratch, "target");

  g_assert_true (g_bytes_equal (source, target));
}

static guint64
bytes_on_disk (int fd)
{
  struct stat st;

  g_assert_cmpint (fsync (fd), ==, 0);
  g_assert_cmpint (fstat (fd, &st), ==, 0);
  return (guint64) st.st_blocks * 512;
}

static void
test_copies_bytes_and_keeps_holes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_sparse_copy (NULL, fixture->source, fixture->target, "target", SIZE, NULL, &error));
  g_assert_no_error (error);
  assert_same (fixture);
  g_assert_cmpuint (bytes_on_disk (fixture->target), <, 1024 * 1024);
}

static void
test_makes_holes_of_zeros (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.only_call = "ficlone";
  faulty.fail_at = 1;
  faulty.error_number = EXDEV;
  g_assert_true (
      vmm_sparse_copy (&faulty.base, fixture->source, fixture->target, "target", SIZE, NULL, &error));
  g_assert_no_error (error);
  assert_same (fixture);
  /* 256 KiB of zeros with one page in them that is not */
  g_assert_cmpuint (bytes_on_disk (fixture->target) + 128 * 1024, <, bytes_on_disk (fixture->source));
}

static void
test_copies_without_help_of_the_file_system (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.only_call = "lseek";
  faulty.fail_at = 1;
  faulty.fail_onwards = TRUE;
  faulty.error_number = EINVAL;
  g_assert_true (
      vmm_sparse_copy (&faulty.base, fixture->source, fixture->target, "target", SIZE, NULL, &error));
  assert_same (fixture);
  g_assert_cmpuint (bytes_on_disk (fixture->target), <, 1024 * 1024);
}

static void
test_copies_in_short_writes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.length_max = 1001;
  g_assert_true (
      vmm_sparse_copy (&faulty.base, fixture->source, fixture->target, "target", SIZE, NULL, &error));
  assert_same (fixture);
}

static void
check_failure (Fixture *fixture, const char *call, int error_number, VmmError code)
{
  g_autoptr (GError) error = NULL;
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.only_call = call;
  faulty.fail_at = 1;
  faulty.error_number = error_number;
  g_assert_false (
      vmm_sparse_copy (&faulty.base, fixture->source, fixture->target, "/the/target", SIZE, NULL, &error));
  g_assert_error (error, VMM_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, "/the/target"));
}

static void
test_reports_failures (Fixture *fixture, gconstpointer data)
{
  check_failure (fixture, "pwrite", ENOSPC, VMM_ERROR_NO_SPACE);
  check_failure (fixture, "pwrite", EIO, VMM_ERROR_HOST);
  check_failure (fixture, "pread", EIO, VMM_ERROR_HOST);
  check_failure (fixture, "ftruncate", EFBIG, VMM_ERROR_HOST);
}

static void
test_reports_a_source_that_is_too_short (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.only_call = "ficlone";
  faulty.fail_at = 1;
  faulty.error_number = EXDEV;
  g_assert_cmpint (pwrite (fixture->source, "x", 1, SIZE), ==, 1);
  g_assert_cmpint (ftruncate (fixture->source, SIZE - 2), ==, 0);
  g_assert_false (
      vmm_sparse_copy (&faulty.base, fixture->source, fixture->target, "target", SIZE, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "expected 67108864"));
}

static void
cancel (gpointer data)
{
  g_cancellable_cancel (data);
}

static void
test_stops_when_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.only_call = "pwrite";
  faulty.fail_at = 1;
  faulty.at_failure = cancel;
  faulty.data = cancellable;
  g_assert_false (
      vmm_sparse_copy (&faulty.base, fixture->source, fixture->target, "target", SIZE, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_assert_cmpuint (faulty.calls, ==, 1);
}

static void
test_tells_zeros (void)
{
  g_autofree guint8 *bytes = g_malloc0 (8192);

  g_assert_true (vmm_sparse_copy_is_zero (bytes, 0));
  g_assert_true (vmm_sparse_copy_is_zero (bytes, 1));
  g_assert_true (vmm_sparse_copy_is_zero (bytes, 8192));
  for (gsize i = 0; i < 8192; i += 61)
    {
      bytes[i] = 1;
      g_assert_false (vmm_sparse_copy_is_zero (bytes, 8192));
      bytes[i] = 0;
    }
  memset (bytes, 7, 8192);
  g_assert_false (vmm_sparse_copy_is_zero (bytes, 8192));
}

#define ADD(name, function) g_test_add ("/vmm/sparse-copy/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("copies-bytes-and-keeps-holes", test_copies_bytes_and_keeps_holes);
  ADD ("makes-holes-of-zeros", test_makes_holes_of_zeros);
  ADD ("copies-without-help-of-the-file-system", test_copies_without_help_of_the_file_system);
  ADD ("copies-in-short-writes", test_copies_in_short_writes);
  ADD ("reports-failures", test_reports_failures);
  ADD ("reports-a-source-that-is-too-short", test_reports_a_source_that_is_too_short);
  ADD ("stops-when-cancelled", test_stops_when_cancelled);
  g_test_add_func ("/vmm/sparse-copy/tells-zeros", test_tells_zeros);
  return g_test_run ();
}
