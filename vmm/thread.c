/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The C library gives a thread a stack of two mappings, the stack and its guard, and makes the first accessible after
 * it is mapped. Each of these steps is told to every VM that the process has, and each mapping is looked at by every
 * VM that is made: with a thousand VMs that was a fifth of what making one more took. So a stack is mapped here, as it
 * shall be, and its guard is a mark in its page table where the kernel knows such marks, from Linux 6.13 on. Elsewhere
 * it is a mapping, as the C library makes it.
 *
 * For threads that a machine has as long as it is there. Those that come and go do better with the C library's stacks,
 * which it keeps for the next.
 */

#include "config.h"
#include "vmm/thread.h"

#include <pthread.h>
#include <sys/mman.h>

#include "vmm/memory.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define NAME_SIZE 16 /* pthread_setname_np(3) */

struct _VmmThread
{
  char name[NAME_SIZE];
  VmmThreadFunc func;
  gpointer user_data;
  guint8 *stack;
  pthread_t id;
};

static gboolean
guard (guint8 *stack)
{
  return madvise (stack, VMM_PAGE_SIZE, MADV_GUARD_INSTALL) == 0 ||
         mprotect (stack, VMM_PAGE_SIZE, PROT_NONE) == 0;
}

static guint8 *
map_stack (void)
{
  guint8 *stack = mmap (NULL,
                        VMM_THREAD_STACK_SIZE,
                        PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                        -1,
                        0);

  if (stack == MAP_FAILED)
    return NULL;
  if (guard (stack))
    return stack;
  munmap (stack, VMM_THREAD_STACK_SIZE);
  return NULL;
}

static void *
run (void *data)
{
  VmmThread *thread = data;

  pthread_setname_np (pthread_self (), thread->name);
  thread->func (thread->user_data);
  return NULL;
}

/* returns an errno */
static int
start (VmmThread *thread)
{
  pthread_attr_t attributes;
  int result = pthread_attr_init (&attributes);

  if (result != 0)
    return result;
  result = pthread_attr_setstack (&attributes,
                                  thread->stack + VMM_PAGE_SIZE,
                                  VMM_THREAD_STACK_SIZE - VMM_PAGE_SIZE);
  if (result == 0)
    result = pthread_create (&thread->id, &attributes, run, thread);
  pthread_attr_destroy (&attributes);
  return result;
}

static void
thread_free (VmmThread *thread)
{
  if (thread->stack != NULL)
    munmap (thread->stack, VMM_THREAD_STACK_SIZE);
  g_free (thread);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmThread, thread_free)

VmmThread *
vmm_thread_new (const char *name, VmmThreadFunc func, gpointer user_data, GError **error)
{
  g_autoptr (VmmThread) thread = g_new0 (VmmThread, 1);
  int result;

  g_strlcpy (thread->name, name, sizeof thread->name);
  thread->func = func;
  thread->user_data = user_data;
  thread->stack = map_stack ();
  result = thread->stack != NULL ? start (thread) : errno;
  if (result == 0)
    return g_steal_pointer (&thread);
  g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "cannot make the thread '%s': %s", name, g_strerror (result));
  return NULL;
}

void
vmm_thread_join (VmmThread *thread)
{
  pthread_join (thread->id, NULL);
  thread_free (thread);
}
