/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/writeback.h"

#include "vmm/fd.h"

#include "tests/vmm/faulty-ops.h"
#include "tests/vmm/scratch.h"

#define MIB (1024u * 1024u)

typedef struct
{
  char *scratch;
  int fd; /* of an empty file */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  VMM_AUTO_FD int dirfd = -1;

  fixture->scratch = scratch_new (NULL);
  dirfd = open (fixture->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fixture->fd = vmm_file_ops_open (NULL, dirfd, "file", O_RDWR | O_CREAT | O_EXCL, 0600);
  g_assert_cmpint (fixture->fd, >=, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  vmm_fd_clear (&fixture->fd);
  scratch_free (fixture->scratch);
}

static guint
count_pieces (Fixture *fixture, guint64 size, GCancellable *cancellable)
{
  FaultyOps faulty = FAULTY_OPS_INIT;

  vmm_writeback_wait (vmm_writeback_start (&faulty.base, fixture->fd, "file", size, cancellable));
  return faulty.calls;
}

static void
test_asks_for_all_in_pieces (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (count_pieces (fixture, 0, NULL), ==, 0);
  g_assert_cmpuint (count_pieces (fixture, 1, NULL), ==, 1);
  g_assert_cmpuint (count_pieces (fixture, 16 * MIB, NULL), ==, 1);
  g_assert_cmpuint (count_pieces (fixture, 16 * MIB + 1, NULL), ==, 2);
  g_assert_cmpuint (count_pieces (fixture, 256ull * MIB, NULL), ==, 16);
}

static void
test_ends_when_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  g_assert_cmpuint (count_pieces (fixture, 256ull * MIB, cancellable), ==, 0);
}

static void
cancel (gpointer data)
{
  g_cancellable_cancel (data);
}

static void
test_ends_after_the_piece_it_is_at (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.fail_at = 3;
  faulty.at_failure = cancel;
  faulty.data = cancellable;
  vmm_writeback_wait (vmm_writeback_start (&faulty.base, fixture->fd, "file", 256ull * MIB, cancellable));
  g_assert_cmpuint (faulty.calls, ==, 3);
}

static void
test_goes_on_after_a_failure (Fixture *fixture, gconstpointer data)
{
  FaultyOps faulty = FAULTY_OPS_INIT;

  faulty.fail_at = 1;
  faulty.error_number = EIO;
  vmm_writeback_wait (vmm_writeback_start (&faulty.base, fixture->fd, "file", 32 * MIB, NULL));
  g_assert_cmpuint (faulty.calls, ==, 2);
}

static void
test_waits_for_nothing (void)
{
  vmm_writeback_wait (NULL);
}

#define ADD(name, test) g_test_add ("/vmm/writeback/" name, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("asks-for-all-in-pieces", test_asks_for_all_in_pieces);
  ADD ("ends-when-cancelled", test_ends_when_cancelled);
  ADD ("ends-after-the-piece-it-is-at", test_ends_after_the_piece_it_is_at);
  ADD ("goes-on-after-a-failure", test_goes_on_after_a_failure);
  g_test_add_func ("/vmm/writeback/waits-for-nothing", test_waits_for_nothing);
  return g_test_run ();
}
