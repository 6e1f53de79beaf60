/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/console-thread.h"

#include <poll.h>

#define QUIET_USEC 50000 /* for what must not come */

typedef struct
{
  VmmConsoleThread *thread;
  gint runs;  /* atomic */
  gint wakes; /* atomic */
  gint ends;  /* atomic: shall return */
} Served;

static VmmConsoleThread *
new_thread (void)
{
  g_autoptr (GError) error = NULL;
  VmmConsoleThread *thread = vmm_console_thread_new (&error);

  g_assert_no_error (error);
  g_assert_nonnull (thread);
  return thread;
}

static void
serve (gpointer data)
{
  Served *served = data;
  struct pollfd pollfd = { .fd = vmm_console_thread_get_fd (served->thread), .events = POLLIN };

  g_atomic_int_inc (&served->runs);
  while (!g_atomic_int_get (&served->ends))
    {
      g_assert_cmpint (poll (&pollfd, 1, -1), ==, 1);
      vmm_console_thread_clear_wake (served->thread);
      g_atomic_int_inc (&served->wakes);
    }
}

static void
wait_for (gint *count, gint wanted)
{
  while (g_atomic_int_get (count) < wanted)
    g_usleep (100);
}

static void
end (Served *served)
{
  g_atomic_int_set (&served->ends, TRUE);
  vmm_console_thread_free (served->thread);
}

static void
test_sleeps_until_it_is_woken (void)
{
  Served served = { .thread = new_thread () };

  vmm_console_thread_assign (served.thread, serve, &served);
  g_usleep (QUIET_USEC);
  g_assert_cmpint (g_atomic_int_get (&served.runs), ==, 0);
  vmm_console_thread_wake (served.thread);
  wait_for (&served.wakes, 1); /* the first one is not lost on whom it serves */
  g_usleep (QUIET_USEC);
  g_assert_cmpint (g_atomic_int_get (&served.wakes), ==, 1);
  vmm_console_thread_wake (served.thread);
  wait_for (&served.wakes, 2);
  end (&served);
  g_assert_cmpint (served.runs, ==, 1);
}

/* the console has a thread, and never needed it */
static void
test_ends_if_it_was_never_woken (void)
{
  Served served = { .thread = new_thread () };

  vmm_console_thread_assign (served.thread, serve, &served);
  end (&served);
  g_assert_cmpint (served.wakes, ==, 0);
}

/* the machine that has it was never adopted */
static void
test_ends_if_it_serves_nobody (void)
{
  vmm_console_thread_free (new_thread ());
  vmm_console_thread_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/console-thread/sleeps-until-it-is-woken", test_sleeps_until_it_is_woken);
  g_test_add_func ("/vmm/console-thread/ends-if-it-was-never-woken", test_ends_if_it_was_never_woken);
  g_test_add_func ("/vmm/console-thread/ends-if-it-serves-nobody", test_ends_if_it_serves_nobody);
  return g_test_run ();
}
