/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot-chain.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/wait.h>

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/sample-chain.h"
#include "vmm/staging.h"

#define MEMBERS 5u

/* a tree: each snapshot but the first is over one of those before it */
typedef struct
{
  char *scratch;
  char *directories[MEMBERS];
  guint8 *memories[MEMBERS];
  guint parents[MEMBERS];
  gboolean complete[MEMBERS];
  gboolean deleted[MEMBERS];
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->scratch = scratch_new (NULL);
  for (guint i = 0; i < MEMBERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autoptr (VmmPageSet) pages = vmm_page_set_new (VMM_MEMORY_SIZE_MIN);
      guint parent = i > 0 ? (guint) g_test_rand_int_range (0, (gint32) i) : 0;

      fixture->parents[i] = parent;
      fixture->complete[i] = i == 0;
      fixture->directories[i] = g_build_filename (fixture->scratch, name, NULL);
      fixture->memories[i] = i > 0 ? g_memdup2 (fixture->memories[parent], VMM_MEMORY_SIZE_MIN)
                                   : g_malloc0 (VMM_MEMORY_SIZE_MIN);
      sample_chain_change (fixture->memories[i], pages, 40);
      sample_chain_write (fixture->directories[i],
                          i > 0 ? fixture->directories[parent] : NULL,
                          pages,
                          fixture->memories[i]);
    }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < MEMBERS; i++)
    {
      g_free (fixture->directories[i]);
      g_free (fixture->memories[i]);
    }
  scratch_free (fixture->scratch);
}

static void
assert_all_sound (Fixture *fixture)
{
  for (guint i = 0; i < MEMBERS; i++)
    if (!fixture->deleted[i])
      sample_chain_assert_memory (fixture->directories[i], fixture->memories[i]);
}

static void
consolidate (Fixture *fixture, guint i)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directories[i], &error);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_consolidate (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  fixture->complete[i] = TRUE;
}

static void
test_keeps_the_description (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) before = vmm_snapshot_open (fixture->directories[1], &error);
  g_autoptr (VmmSnapshot) after = NULL;

  g_assert_true (vmm_snapshot_set_description (before, "later", &error));
  consolidate (fixture, 1);
  after = vmm_snapshot_open (fixture->directories[1], &error);
  g_assert_no_error (error);
  g_assert_cmpstr (vmm_snapshot_get_description (after), ==, "later");
}

static guint
count_entries (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* each is deleted in turn, in any order; those that need it are made complete first */
static void
test_any_order_of_deletes (Fixture *fixture, gconstpointer data)
{
  guint order[MEMBERS];

  for (guint i = 0; i < MEMBERS; i++)
    {
      guint j = (guint) g_test_rand_int_range (0, (gint32) i + 1);

      order[i] = order[j];
      order[j] = i;
    }
  assert_all_sound (fixture);
  for (guint step = 0; step < MEMBERS; step++)
    {
      guint doomed = order[step];
      g_autoptr (VmmSnapshot) snapshot = NULL;

      for (guint i = 1; i < MEMBERS; i++)
        if (fixture->parents[i] == doomed && !fixture->complete[i] && !fixture->deleted[i])
          consolidate (fixture, i);
      assert_all_sound (fixture);
      snapshot = vmm_snapshot_open (fixture->directories[doomed], NULL);
      g_assert_true (vmm_snapshot_delete (snapshot, NULL));
      fixture->deleted[doomed] = TRUE;
      assert_all_sound (fixture);
    }
  g_assert_cmpuint (count_entries (fixture->scratch), ==, 0);
}

static void
test_keeps_what_it_is (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) before = vmm_snapshot_open (fixture->directories[1], NULL);
  g_autoptr (VmmSnapshot) after = NULL;
  g_autofree guint8 *found = g_malloc (VMM_MEMORY_SIZE_MIN);

  consolidate (fixture, 1);
  after = vmm_snapshot_open (fixture->directories[1], NULL);
  g_assert_true (vmm_snapshot_get_incremental (before));
  g_assert_false (vmm_snapshot_get_incremental (after));
  g_assert_cmpstr (vmm_snapshot_get_uuid (after), ==, vmm_snapshot_get_uuid (before));
  g_assert_cmpstr (vmm_snapshot_get_parent_uuid (after), ==, vmm_snapshot_get_parent_uuid (before));
  g_assert_cmpuint (vmm_snapshot_get_created_at_usec (after), ==, vmm_snapshot_get_created_at_usec (before));
  g_assert_cmpstr (vmm_snapshot_get_description (after), ==, vmm_snapshot_get_description (before));
  g_assert_cmpuint (count_entries (fixture->scratch), ==, MEMBERS);
  g_assert_cmpuint (count_entries (fixture->directories[1]), ==, 3);

  /* whoever had the old one open still has it */
  g_assert_cmpint (pread (vmm_snapshot_get_memory_fd (before), found, VMM_MEMORY_SIZE_MIN, 0),
                   ==,
                   VMM_MEMORY_SIZE_MIN);
  consolidate (fixture, 1); /* nothing is left to be done */
  assert_all_sound (fixture);
}

static void
test_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directories[1], NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_snapshot_consolidate (snapshot, NULL, NULL, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
  g_assert_cmpuint (count_entries (fixture->scratch), ==, MEMBERS);
  assert_all_sound (fixture);
}

/* a new digest would be right for what is wrong */
static void
test_refuses_damage (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directories[0], VMM_SNAPSHOT_MEMORY, NULL);
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directories[1], NULL);
  g_autoptr (VmmSnapshot) after = NULL;
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = -1;
  guint64 untouched = 0; /* a page that the base alone has */

  while (vmm_page_set_contains (vmm_snapshot_get_pages (snapshot), untouched))
    untouched++;
  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "\xa5\x5a", 2, (off_t) (untouched * VMM_PAGE_SIZE)), ==, 2);
  g_assert_false (vmm_snapshot_consolidate (snapshot, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, path));
  after = vmm_snapshot_open (fixture->directories[1], NULL);
  g_assert_true (vmm_snapshot_get_incremental (after));
  g_assert_cmpuint (count_entries (fixture->scratch), ==, MEMBERS);
}

static void
test_keeps_what_is_not_its_own (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directories[1], "notes.txt", NULL);
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directories[1], NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
  g_assert_false (vmm_snapshot_consolidate (snapshot, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "notes.txt"));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  assert_all_sound (fixture);
}

/* reading and writing pages are hundreds of calls: some of each kind are tried */
#define TRIES_MAX 6u
static const char *const calls[] = { "openat",    "mkdirat",   "fstat",   "fstatat", "ftruncate",
                                     "fallocate", "pread",     "pwrite",  "fchmod",  "fsync",
                                     "flock",     "renameat2", "unlinkat" };

/* (transfer full): an incremental snapshot over the first one, with the pages of the second */
static char *
make_victim (Fixture *fixture)
{
  char *directory = g_build_filename (fixture->scratch, "victim", NULL);
  g_autoptr (VmmSnapshot) present = vmm_snapshot_open (directory, NULL);
  g_autoptr (VmmSnapshot) second = vmm_snapshot_open (fixture->directories[1], NULL);

  if (present != NULL && vmm_snapshot_get_incremental (present))
    return directory;
  if (present != NULL)
    g_assert_true (vmm_snapshot_delete (present, NULL));
  sample_chain_write (directory,
                      fixture->directories[0],
                      vmm_snapshot_get_pages (second),
                      fixture->memories[1]);
  return directory;
}

/* Returns: whether the call of number @n was not reached */
static gboolean
fail_at (Fixture *fixture, const char *call, guint n)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autoptr (GError) error = NULL;
  g_autofree char *victim = make_victim (fixture);
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open_with_ops (&faulty.base, victim, &error);
  gboolean ok;

  g_assert_no_error (error);
  faulty.calls = 0;
  faulty.only_call = call;
  faulty.fail_at = n;
  faulty.error_number = EIO;
  ok = vmm_snapshot_consolidate (snapshot, NULL, NULL, NULL, &error);
  g_assert_true (ok == (error == NULL));
  sample_chain_assert_memory (victim, fixture->memories[1]);
  return faulty.calls < n;
}

static void
test_survives_every_failure (Fixture *fixture, gconstpointer data)
{
  guint n_tried = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    for (guint n = 1; n <= TRIES_MAX && !fail_at (fixture, calls[i], n); n++)
      n_tried++;
  g_assert_cmpuint (n_tried, >=, 20);
  assert_all_sound (fixture);
}

/* the process dies before the call of number @n. Returns: whether that was not reached */
static gboolean
die_at (Fixture *fixture, const char *call, guint n)
{
  FaultyOps faulty = FAULTY_OPS_INIT;
  g_autofree char *victim = make_victim (fixture);
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open_with_ops (&faulty.base, victim, NULL);
  pid_t child = fork ();
  int status;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      faulty.calls = 0;
      faulty.only_call = call;
      faulty.fail_at = n;
      _exit (vmm_snapshot_consolidate (snapshot, NULL, NULL, NULL, NULL) ? 1 : 2);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), !=, 2);
  sample_chain_assert_memory (victim, fixture->memories[1]);
  return WEXITSTATUS (status) == 1;
}

static void
test_survives_every_death (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->scratch, "next", NULL);
  g_autoptr (VmmStaging) staging = NULL;
  guint n_tried = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++)
    for (guint n = 1; n <= TRIES_MAX && !die_at (fixture, calls[i], n); n++)
      n_tried++;
  g_assert_cmpuint (n_tried, >=, 20);
  assert_all_sound (fixture);

  /* what the dead have left, the next save removes */
  staging = vmm_staging_new (NULL, path, NULL);
  g_assert_nonnull (staging);
  g_clear_pointer (&staging, vmm_staging_free);
  g_assert_cmpuint (count_entries (fixture->scratch), ==, MEMBERS + 1);
}

#define ADD(name, func) g_test_add ("/vmm/snapshot-consolidate/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("any-order-of-deletes", test_any_order_of_deletes);
  ADD ("keeps-what-it-is", test_keeps_what_it_is);
  ADD ("keeps-the-description", test_keeps_the_description);
  ADD ("can-be-cancelled", test_can_be_cancelled);
  ADD ("refuses-damage", test_refuses_damage);
  ADD ("keeps-what-is-not-its-own", test_keeps_what_is_not_its_own);
  ADD ("survives-every-failure", test_survives_every_failure);
  ADD ("survives-every-death", test_survives_every_death);
  return g_test_run ();
}
