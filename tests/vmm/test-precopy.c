/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/precopy.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vmm/tiny-machine.h"
#include "vmm/fd.h"

#define SIZE VMM_MEMORY_SIZE_MIN

static int
new_file (void)
{
  int fd = memfd_create ("precopy", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, SIZE), ==, 0);
  return fd;
}

static void
assert_file_is_memory (int fd, VmmMemory *memory)
{
  g_autofree guint8 *ours = g_malloc (SIZE);
  g_autofree guint8 *theirs = g_malloc (SIZE);

  g_assert_true (vmm_memory_read (memory, 0, ours, SIZE, NULL));
  g_assert_cmpint (pread (fd, theirs, SIZE, 0), ==, SIZE);
  g_assert_cmpint (memcmp (ours, theirs, SIZE), ==, 0);
}

/* The guest changes what was written already, in every round; the file is its RAM all the same. */
static void
test_file_is_memory_at_the_end (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 2);
  for (guint i = 0; i < 5; i++)
    {
      VMM_AUTO_FD int fd = new_file ();
      g_autoptr (GError) error = NULL;
      g_autoptr (VmmPrecopy)
          precopy = vmm_precopy_new (tiny->machine->kvm, tiny->machine->memory, fd, &error);
      guint64 round = tiny_machine_get_word (tiny, 0);

      g_assert_no_error (error);
      g_assert_true (vmm_precopy_run (precopy, NULL, &error));
      g_assert_no_error (error);
      tiny_machine_wait_word (tiny, 0, round + 1);
      tiny_machine_pause (tiny);
      g_assert_true (vmm_precopy_finish (precopy, &error));
      g_assert_no_error (error);
      assert_file_is_memory (fd, tiny->machine->memory);
      tiny_machine_resume (tiny);
    }
}

static void
test_can_be_cancelled (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  VMM_AUTO_FD int fd = new_file ();
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmPrecopy) precopy = vmm_precopy_new (tiny->machine->kvm, tiny->machine->memory, fd, &error);

  g_assert_no_error (error);
  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_precopy_run (precopy, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/precopy/file-is-memory-at-the-end", test_file_is_memory_at_the_end);
  g_test_add_func ("/vmm/precopy/can-be-cancelled", test_can_be_cancelled);
  return g_test_run ();
}
