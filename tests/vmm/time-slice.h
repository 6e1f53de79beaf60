/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* time-slice.h: what the kernel says of a thread's time slices */

#pragma once

#include <glib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct
{
  guint32 size;
  guint32 policy;
  guint64 flags;
  gint32 nice;
  guint32 priority;
  guint64 runtime_ns;
  guint64 unused[2];
} TimeSlice;

/** time_slice_get: of the calling thread. */
static inline TimeSlice
time_slice_get (void)
{
  TimeSlice slice = { 0 };

  g_assert_cmpint (syscall (SYS_sched_getattr, 0, &slice, sizeof slice, 0), ==, 0);
  return slice;
}

/** time_slice_is_told: from Linux 6.12 on, when threads could begin to choose. */
static inline gboolean
time_slice_is_told (void)
{
  return time_slice_get ().runtime_ns != 0;
}
