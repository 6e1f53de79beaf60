/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm.h"

#include <string.h>

#include "tests/vmm/tiny-machine.h"

#define MAILBOX_PAGE (0x200000u / VMM_PAGE_SIZE)
#define FIRST_PAGE (0x400000u / VMM_PAGE_SIZE)
#define END_PAGE (0xc00000u / VMM_PAGE_SIZE)
#define N_WORDS (VMM_MEMORY_SIZE_MIN / VMM_PAGE_SIZE / 64 + 1)

static gboolean
is_marked (const guint64 *bits, guint64 page)
{
  return (bits[page / 64] >> (page % 64)) & 1;
}

static guint64
read_log (TinyMachine *tiny, guint64 *bits)
{
  g_autoptr (GError) error = NULL;
  guint64 n_pages;

  memset (bits, 0, N_WORDS * sizeof bits[0]);
  n_pages = vmm_kvm_read_dirty_log (tiny->machine->kvm, tiny->machine->memory, bits, &error);
  g_assert_no_error (error);
  return n_pages;
}

static void
test_marks_what_the_guest_writes (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("memory-writer", NULL);
  g_autofree guint64 *bits = g_new0 (guint64, N_WORDS);
  g_autoptr (GError) error = NULL;
  guint64 round;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  g_assert_true (vmm_kvm_start_dirty_log (tiny->machine->kvm, tiny->machine->memory, &error));
  g_assert_no_error (error);
  round = tiny_machine_get_word (tiny, 0);
  tiny_machine_wait_word (tiny, 0, round + 2);
  tiny_machine_pause (tiny);

  g_assert_cmpuint (read_log (tiny, bits), >=, END_PAGE - FIRST_PAGE + 1);
  g_assert_true (is_marked (bits, MAILBOX_PAGE));
  for (guint64 page = FIRST_PAGE; page < END_PAGE; page++)
    g_assert_true (is_marked (bits, page));
  g_assert_false (is_marked (bits, END_PAGE));
  g_assert_cmpuint (read_log (tiny, bits), ==, 0);

  tiny_machine_resume (tiny);
  round = tiny_machine_get_word (tiny, 0);
  tiny_machine_wait_word (tiny, 0, round + 2);
  tiny_machine_pause (tiny);
  g_assert_cmpuint (read_log (tiny, bits), >=, END_PAGE - FIRST_PAGE + 1);
  vmm_kvm_stop_dirty_log (tiny->machine->kvm, tiny->machine->memory);
}

static void
test_needs_to_be_started (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree guint64 *bits = g_new0 (guint64, N_WORDS);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (vmm_kvm_read_dirty_log (tiny->machine->kvm, tiny->machine->memory, bits, &error),
                    ==,
                    G_MAXUINT64);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-dirty-log/marks-what-the-guest-writes", test_marks_what_the_guest_writes);
  g_test_add_func ("/vmm/kvm-dirty-log/needs-to-be-started", test_needs_to_be_started);
  return g_test_run ();
}
