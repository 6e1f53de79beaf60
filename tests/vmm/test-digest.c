/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/digest.h"

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/scratch.h"

#define CHUNK (256 * 1024u)
#define BIG_CHUNK (4 * 1024 * 1024u)

typedef struct
{
  char *scratch;
  int fd;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;

  fixture->scratch = scratch_new (NULL);
  path = g_build_filename (fixture->scratch, "file", NULL);
  fixture->fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  g_assert_cmpint (fixture->fd, >=, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_fd_clear (&fixture->fd);
  scratch_free (fixture->scratch);
}

static void
test_knows_published_vectors (void)
{
  static const struct
  {
    const char *bytes;
    const char *digest;
  } vectors[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autofree char *found = NULL;
      guint8 digest[VMM_DIGEST_SIZE];

      vmm_digest_bytes (vectors[i].bytes, strlen (vectors[i].bytes), digest);
      found = vmm_digest_to_string (digest);
      g_assert_cmpstr (found, ==, vectors[i].digest);
    }
}

static void
test_counts_chunks (void)
{
  g_assert_cmpuint (vmm_digest_chunk_count (0, CHUNK), ==, 0);
  g_assert_cmpuint (vmm_digest_chunk_count (1, CHUNK), ==, 1);
  g_assert_cmpuint (vmm_digest_chunk_count (CHUNK, CHUNK), ==, 1);
  g_assert_cmpuint (vmm_digest_chunk_count (CHUNK + 1, CHUNK), ==, 2);
}

/* the digests, by the plain rule */
static void
check_against_content (Fixture *fixture, gsize size, gsize chunk_size)
{
  g_autoptr (GBytes) file = scratch_read (fixture->scratch, "file");
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes)
      digests = vmm_digest_chunks (NULL, fixture->fd, "file", size, chunk_size, NULL, NULL, NULL, &error);
  const guint8 *found;
  const guint8 *content;

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (file), ==, size);
  g_assert_cmpuint (g_bytes_get_size (digests), ==, (size + chunk_size - 1) / chunk_size * VMM_DIGEST_SIZE);
  found = g_bytes_get_data (digests, NULL);
  content = g_bytes_get_data (file, NULL);
  for (gsize offset = 0; offset < size; offset += chunk_size, found += VMM_DIGEST_SIZE)
    {
      gsize length = MIN (chunk_size, size - offset);
      guint8 expected[VMM_DIGEST_SIZE] = { 0 };
      gboolean zero = TRUE;

      for (gsize i = 0; i < length && zero; i++)
        zero = content[offset + i] == 0;
      if (!zero)
        vmm_digest_bytes (content + offset, length, expected);
      g_assert_cmpmem (found, VMM_DIGEST_SIZE, expected, VMM_DIGEST_SIZE);
    }
}

static void
test_digests_each_chunk (Fixture *fixture, gconstpointer data)
{
  static const guint8 zeros[CHUNK];
  gsize size = 6 * CHUNK + 4097;

  g_assert_cmpint (ftruncate (fixture->fd, (off_t) size), ==, 0);
  g_assert_cmpint (pwrite (fixture->fd, "first", 5, 0), ==, 5);
  g_assert_cmpint (pwrite (fixture->fd, "last of chunk", 13, 2 * CHUNK - 13), ==, 13);
  g_assert_cmpint (pwrite (fixture->fd, zeros, CHUNK, 3 * CHUNK), ==, CHUNK);
  g_assert_cmpint (pwrite (fixture->fd, "over the edge", 13, 5 * CHUNK - 6), ==, 13);
  g_assert_cmpint (pwrite (fixture->fd, "x", 1, (off_t) size - 1), ==, 1);
  check_against_content (fixture, size, CHUNK);
}

static void
test_digests_chunks_of_many_pieces (Fixture *fixture, gconstpointer data)
{
  gsize size = 3 * BIG_CHUNK;

  g_assert_cmpint (ftruncate (fixture->fd, (off_t) size), ==, 0);
  g_assert_cmpint (pwrite (fixture->fd, "early, then holes", 17, 100), ==, 17);
  g_assert_cmpint (pwrite (fixture->fd, "late, after holes", 17, 2 * BIG_CHUNK - 17), ==, 17);
  check_against_content (fixture, size, BIG_CHUNK);
}

static void
test_does_not_read_holes (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) digests = NULL;

  faulty.only_call = "pread";
  g_assert_cmpint (ftruncate (fixture->fd, 1024ll * BIG_CHUNK), ==, 0);
  g_assert_cmpint (pwrite (fixture->fd, "x", 1, 512ll * BIG_CHUNK), ==, 1);
  digests = vmm_digest_chunks (
      &faulty.base, fixture->fd, "file", 1024ull * BIG_CHUNK, BIG_CHUNK, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (faulty.calls, ==, 1);
  g_assert_cmpuint (g_bytes_get_size (digests), ==, 1024 * VMM_DIGEST_SIZE);
}

static void
test_reads_all_where_holes_cannot_be_found (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) digests = NULL;
  static const guint8 zero[VMM_DIGEST_SIZE];

  faulty.only_call = "lseek";
  faulty.fail_at = 1;
  faulty.fail_onwards = TRUE;
  faulty.error_number = EINVAL;
  g_assert_cmpint (ftruncate (fixture->fd, 2 * CHUNK), ==, 0);
  g_assert_cmpint (pwrite (fixture->fd, "x", 1, 2 * CHUNK - 1), ==, 1);
  digests = vmm_digest_chunks (&faulty.base, fixture->fd, "file", 2 * CHUNK, CHUNK, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (digests, NULL), VMM_DIGEST_SIZE, zero, VMM_DIGEST_SIZE);
  g_assert_true (memcmp ((const guint8 *) g_bytes_get_data (digests, NULL) + VMM_DIGEST_SIZE, zero, 32) != 0);
  check_against_content (fixture, 2 * CHUNK, CHUNK);
}

static void
test_reports_failed_reads (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) digests = NULL;

  faulty.only_call = "pread";
  faulty.fail_at = 1;
  faulty.error_number = EIO;
  g_assert_cmpint (pwrite (fixture->fd, "x", 1, CHUNK - 1), ==, 1);
  digests = vmm_digest_chunks (&faulty.base, fixture->fd, "/a/file", CHUNK, CHUNK, NULL, NULL, NULL, &error);
  g_assert_null (digests);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "/a/file"));
}

static void
test_reports_a_file_that_is_too_short (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) digests = NULL;

  g_assert_cmpint (pwrite (fixture->fd, "x", 1, CHUNK), ==, 1);
  digests = vmm_digest_chunks (NULL, fixture->fd, "/a/file", 3 * CHUNK, CHUNK, NULL, NULL, NULL, &error);
  g_assert_null (digests);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "ends after 262145 bytes, expected 786432"));
}

static void
test_reports_a_hole_that_was_cut (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) digests = NULL;

  g_assert_cmpint (ftruncate (fixture->fd, 2 * CHUNK), ==, 0);
  digests = vmm_digest_chunks (NULL, fixture->fd, "/a/file", 3 * CHUNK, CHUNK, NULL, NULL, NULL, &error);
  g_assert_null (digests);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
}

static void
cancel_at_progress (guint64 done, guint64 total, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static void
test_stops_when_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) digests = NULL;

  g_assert_cmpint (ftruncate (fixture->fd, 64ll * BIG_CHUNK), ==, 0);
  digests = vmm_digest_chunks (NULL,
                               fixture->fd,
                               "file",
                               64ull * BIG_CHUNK,
                               BIG_CHUNK,
                               cancel_at_progress,
                               cancellable,
                               cancellable,
                               &error);
  g_assert_null (digests);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
}

typedef struct
{
  GThread *thread; /* of the caller */
  guint64 last;
  guint calls;
} Progress;

static void
note_progress (guint64 done, guint64 total, gpointer user_data)
{
  Progress *progress = user_data;

  g_assert_cmpuint (total, ==, 10ull * BIG_CHUNK);
  g_assert_true (done == total || done - progress->last >= 16 * 1024 * 1024);
  g_assert_true (g_thread_self () == progress->thread);
  progress->last = done;
  progress->calls++;
}

static void
test_tells_progress_every_16_mib (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (ftruncate (fixture->fd, 10ll * BIG_CHUNK), ==, 0);
  for (guint threads = 1; threads <= 3; threads++)
    {
      Progress progress = { .thread = g_thread_self () };
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) digests = NULL;
      const VmmDigestPlan plan = { .fd = fixture->fd,
                                   .path = "file",
                                   .size = 10ull * BIG_CHUNK,
                                   .chunk_size = BIG_CHUNK,
                                   .threads_max = threads,
                                   .progress = note_progress,
                                   .progress_data = &progress };

      digests = vmm_digest_run (&plan, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (progress.last, ==, 10ull * BIG_CHUNK);
      if (threads == 1)
        g_assert_cmpuint (progress.calls, ==, 3);
      else
        g_assert_cmpuint (progress.calls, <=, 3);
    }
}

static void
fill (Fixture *fixture, guint n_chunks)
{
  g_autofree guint8 *bytes = g_malloc (CHUNK);

  g_assert_cmpint (ftruncate (fixture->fd, (off_t) n_chunks * CHUNK), ==, 0);
  for (guint i = 0; i < n_chunks; i++)
    {
      if (i % 5 == 4) /* a hole */
        continue;
      memset (bytes, (gint) i, CHUNK);
      g_assert_cmpint (pwrite (fixture->fd, bytes, CHUNK, (off_t) i * CHUNK), ==, CHUNK);
    }
}

static VmmDigestPlan
plan_of (Fixture *fixture, guint n_chunks, guint threads)
{
  return (VmmDigestPlan){ .fd = fixture->fd,
                          .path = "/a/file",
                          .size = (guint64) n_chunks * CHUNK,
                          .chunk_size = CHUNK,
                          .threads_max = threads };
}

static void
test_same_with_any_number_of_threads (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) alone = NULL;

  fill (fixture, 33);
  for (guint threads = 1; threads <= 100; threads += threads < 8 ? 1 : 46)
    {
      const VmmDigestPlan plan = plan_of (fixture, 33, threads);
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) digests = vmm_digest_run (&plan, &error);

      g_assert_no_error (error);
      if (alone == NULL)
        alone = g_bytes_ref (digests);
      g_assert_true (g_bytes_equal (alone, digests));
    }
  check_against_content (fixture, 33ull * CHUNK, CHUNK);
}

/* fails all reads but the first ones, on any thread */
typedef struct
{
  VmmFileOps base;
  gint countdown; /* atomic: reads that succeed */
  int error_number;
  gint failures; /* atomic */
} LossyOps;

static int
lossy_before (const VmmFileOps *ops, const char *call, const char *name, gsize *length)
{
  LossyOps *lossy = (LossyOps *) ops;

  if (strcmp (call, "pread") != 0 || g_atomic_int_add (&lossy->countdown, -1) > 0)
    return 0;
  g_atomic_int_inc (&lossy->failures);
  return lossy->error_number;
}

static void
test_any_thread_fails_all (Fixture *fixture, gconstpointer data)
{
  fill (fixture, 33);
  for (guint threads = 1; threads <= 4; threads++)
    for (gint sound = 0; sound < 24; sound += 3)
      {
        LossyOps lossy = { .base = { lossy_before }, .countdown = sound, .error_number = EACCES };
        VmmDigestPlan plan = plan_of (fixture, 33, threads);
        g_autoptr (GError) error = NULL;
        g_autoptr (GBytes) digests = NULL;

        plan.ops = &lossy.base;
        digests = vmm_digest_run (&plan, &error);
        g_assert_null (digests);
        g_assert_error (error, VMM_ERROR, VMM_ERROR_NOT_AUTHORIZED);
        g_assert_cmpint (lossy.failures, >=, 1);
        g_assert_cmpint (lossy.failures, <=, (gint) threads);
      }
}

/* of a file that ends early, whoever comes upon the end */
static void
test_first_failure_is_told (Fixture *fixture, gconstpointer data)
{
  fill (fixture, 33);
  g_assert_cmpint (ftruncate (fixture->fd, 11ll * CHUNK + 77), ==, 0);
  for (guint i = 0; i < 20; i++)
    {
      const VmmDigestPlan plan = plan_of (fixture, 33, 1 + i % 4);
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) digests = vmm_digest_run (&plan, &error);

      g_assert_null (digests);
      g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
      g_assert_nonnull (strstr (error->message, "ends after 2883661 bytes, expected 8650752"));
    }
}

static void
test_goes_on_over_lost_places (Fixture *fixture, gconstpointer data)
{
  static const guint8 zero[VMM_DIGEST_SIZE];
  static const int lost_errors[] = { EIO, EBADMSG, EUCLEAN };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) sound = NULL;
  VmmDigestPlan plan;

  fill (fixture, 8);
  plan = plan_of (fixture, 8, 1);
  sound = vmm_digest_run (&plan, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (lost_errors); i++)
    {
      int unreadable[8] = { 0 };
      LossyOps lossy = { .base = { lossy_before }, .countdown = 5, .error_number = lost_errors[i] };
      g_autoptr (GBytes) digests = NULL;
      const guint8 *found;

      plan.ops = &lossy.base;
      plan.unreadable = unreadable;
      digests = vmm_digest_run (&plan, &error);
      g_assert_no_error (error);
      found = g_bytes_get_data (digests, NULL);
      /* number 4 is a hole, which nobody reads */
      g_assert_cmpmem (found, 6 * VMM_DIGEST_SIZE, g_bytes_get_data (sound, NULL), 6 * VMM_DIGEST_SIZE);
      for (guint chunk = 0; chunk < 8; chunk++)
        {
          g_assert_cmpint (unreadable[chunk], ==, chunk < 6 ? 0 : lost_errors[i]);
          if (chunk >= 6)
            g_assert_cmpmem (found + chunk * VMM_DIGEST_SIZE, 32, zero, 32);
        }
    }
}

static void
test_other_failures_are_no_lost_places (Fixture *fixture, gconstpointer data)
{
  int unreadable[8] = { 0 };
  LossyOps lossy = { .base = { lossy_before }, .countdown = 2, .error_number = ENOMEM };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) digests = NULL;
  VmmDigestPlan plan;

  fill (fixture, 8);
  plan = plan_of (fixture, 8, 2);
  plan.ops = &lossy.base;
  plan.unreadable = unreadable;
  digests = vmm_digest_run (&plan, &error);
  g_assert_null (digests);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
}

#define ADD(name, function) g_test_add ("/vmm/digest/" name, Fixture, NULL, set_up, function, tear_down)

/* the middle one of three chunks is taken as it is given, and its bytes are not looked at */
static void
test_takes_what_is_known (Fixture *fixture, gconstpointer data)
{
  g_autofree guint8 *content = g_malloc (3 * CHUNK);
  guint8 known[3 * VMM_DIGEST_SIZE];
  const gboolean is_known[3] = { FALSE, TRUE, FALSE };
  VmmDigestPlan plan = { .fd = fixture->fd, .path = "file", .size = 3 * CHUNK, .chunk_size = CHUNK };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) all = NULL;
  g_autoptr (GBytes) some = NULL;
  const guint8 *a;
  const guint8 *b;

  memset (content, 'x', 3 * CHUNK);
  memset (known, 0x77, sizeof known);
  g_assert_cmpint (pwrite (fixture->fd, content, 3 * CHUNK, 0), ==, 3 * CHUNK);
  all = vmm_digest_run (&plan, &error);
  g_assert_no_error (error);
  plan.known = known;
  plan.is_known = is_known;
  some = vmm_digest_run (&plan, &error);
  g_assert_no_error (error);
  a = g_bytes_get_data (all, NULL);
  b = g_bytes_get_data (some, NULL);
  g_assert_cmpmem (a, VMM_DIGEST_SIZE, b, VMM_DIGEST_SIZE);
  g_assert_cmpmem (b + VMM_DIGEST_SIZE, VMM_DIGEST_SIZE, known, VMM_DIGEST_SIZE);
  g_assert_cmpmem (a + 2 * VMM_DIGEST_SIZE, VMM_DIGEST_SIZE, b + 2 * VMM_DIGEST_SIZE, VMM_DIGEST_SIZE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/digest/knows-published-vectors", test_knows_published_vectors);
  g_test_add_func ("/vmm/digest/counts-chunks", test_counts_chunks);
  ADD ("takes-what-is-known", test_takes_what_is_known);
  ADD ("digests-each-chunk", test_digests_each_chunk);
  ADD ("digests-chunks-of-many-pieces", test_digests_chunks_of_many_pieces);
  ADD ("does-not-read-holes", test_does_not_read_holes);
  ADD ("reads-all-where-holes-cannot-be-found", test_reads_all_where_holes_cannot_be_found);
  ADD ("reports-failed-reads", test_reports_failed_reads);
  ADD ("reports-a-file-that-is-too-short", test_reports_a_file_that_is_too_short);
  ADD ("reports-a-hole-that-was-cut", test_reports_a_hole_that_was_cut);
  ADD ("stops-when-cancelled", test_stops_when_cancelled);
  ADD ("tells-progress-every-16-mib", test_tells_progress_every_16_mib);
  ADD ("same-with-any-number-of-threads", test_same_with_any_number_of_threads);
  ADD ("any-thread-fails-all", test_any_thread_fails_all);
  ADD ("first-failure-is-told", test_first_failure_is_told);
  ADD ("goes-on-over-lost-places", test_goes_on_over_lost_places);
  ADD ("other-failures-are-no-lost-places", test_other_failures_are_no_lost_places);
  return g_test_run ();
}
