/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A restored guest says its first byte a tenth of a millisecond after it runs, and its VP would need half as long to
 * make a thread that carries it. So a machine that waits to be taken has one, asleep, and its console gets that.
 */

#include "config.h"
#include "vmm/console-thread.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/fd.h"
#include "vmm/thread.h"

struct _VmmConsoleThread
{
  VmmThread *thread;
  int wake_fd;
  VmmConsoleServe serve; /* atomic; what it is for is there before it */
  gpointer user_data;
};

static void
wait_for_wake (VmmConsoleThread *thread)
{
  struct pollfd pollfd = { .fd = thread->wake_fd, .events = POLLIN };

  while (poll (&pollfd, 1, -1) != 1)
    ;
}

static void
run (gpointer data)
{
  VmmConsoleThread *thread = data;
  VmmConsoleServe serve;

  wait_for_wake (thread);
  serve = g_atomic_pointer_get (&thread->serve);
  if (serve != NULL)
    serve (thread->user_data);
}

static gboolean
start (VmmConsoleThread *thread, GError **error)
{
  thread->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (thread->wake_fd < 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_HOST,
                   "console: cannot make an event descriptor: %s",
                   g_strerror (errno));
      return FALSE;
    }
  thread->thread = vmm_thread_new ("console", run, thread, error);
  return thread->thread != NULL;
}

VmmConsoleThread *
vmm_console_thread_new (GError **error)
{
  g_autoptr (VmmConsoleThread) thread = g_new0 (VmmConsoleThread, 1);

  return start (thread, error) ? g_steal_pointer (&thread) : NULL;
}

void
vmm_console_thread_assign (VmmConsoleThread *thread, VmmConsoleServe serve, gpointer user_data)
{
  thread->user_data = user_data;
  g_atomic_pointer_set (&thread->serve, serve);
}

void
vmm_console_thread_wake (VmmConsoleThread *thread)
{
  const guint64 one = 1;

  /* a counter of ours can only be full, and then the thread wakes as well */
  if (write (thread->wake_fd, &one, sizeof one) < 0)
    return;
}

int
vmm_console_thread_get_fd (VmmConsoleThread *thread)
{
  return thread->wake_fd;
}

void
vmm_console_thread_clear_wake (VmmConsoleThread *thread)
{
  guint64 count;

  if (read (thread->wake_fd, &count, sizeof count) < 0)
    return;
}

void
vmm_console_thread_free (VmmConsoleThread *thread)
{
  if (thread == NULL)
    return;
  if (thread->thread != NULL)
    {
      vmm_console_thread_wake (thread);
      vmm_thread_join (thread->thread);
    }
  vmm_fd_clear (&thread->wake_fd);
  g_free (thread);
}
