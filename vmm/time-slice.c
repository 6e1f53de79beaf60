/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread that wakes up on a processor where a VP runs waits until the VP's time slice is over, though it would be
 * done after some 50 us. From Linux 6.12 on a thread may ask for slices of another length; one with shorter slices
 * than the one that runs goes first, and gets no more of the processor for it. Older kernels do not listen.
 *
 * The C library has no function for it, and its headers and the kernel's do not agree about the structure.
 */

#include "config.h"
#include "vmm/vmm.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NS_PER_USEC 1000u

/* sched_setattr(2), the first version of the structure, which every kernel knows */
typedef struct
{
  guint32 size;
  guint32 policy;
  guint64 flags;
  gint32 nice;
  guint32 priority;
  guint64 runtime_ns; /* the length of a slice where the policy is SCHED_OTHER; 0 for the kernel's own */
  guint64 deadline_ns;
  guint64 period_ns;
} Attributes;

G_STATIC_ASSERT (sizeof (Attributes) == 48);

void
vmm_time_slice_set (guint usec)
{
  Attributes attributes = { 0 };

  if (syscall (SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
      attributes.policy != SCHED_OTHER)
    return;
  attributes.runtime_ns = (guint64) usec * NS_PER_USEC;
  if (syscall (SYS_sched_setattr, 0, &attributes, 0) != 0)
    g_debug ("this thread's time slices stay as long as they were");
}
