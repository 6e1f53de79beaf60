/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* faulty-ops.h: a file system that fails when a test wants it to */

#pragma once

#include "vmm/file-ops.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/**
 * FaultyOps: counts calls from 1 and interferes with the one of number @fail_at, or with all from there on.
 */
typedef struct
{
  VmmFileOps base;
  guint calls;           /* (atomic): of several threads */
  const char *only_call; /* (nullable): no other call counts */
  guint fail_at;         /* 0 for never */
  gboolean fail_onwards;
  int error_number;                   /* what it fails with; 0 to end the process instead */
  gsize length_max;                   /* bytes of a read or write that go through at once; 0 for all */
  void (*at_failure) (gpointer data); /* (nullable): called instead of failing */
  gpointer data;
} FaultyOps;

static inline int
faulty_ops_before (const VmmFileOps *ops, const char *call, const char *name, gsize *length)
{
  FaultyOps *faulty = (FaultyOps *) ops;
  guint number;

  if (faulty->length_max != 0 && *length > faulty->length_max)
    *length = faulty->length_max;
  if (faulty->only_call != NULL && strcmp (call, faulty->only_call) != 0)
    return 0;
  number = (guint) g_atomic_int_add (&faulty->calls, 1) + 1;
  if (faulty->fail_at == 0 || number < faulty->fail_at || (number > faulty->fail_at && !faulty->fail_onwards))
    return 0;
  if (faulty->at_failure != NULL)
    {
      faulty->at_failure (faulty->data);
      return 0;
    }
  if (faulty->error_number == 0)
    _exit (0);
  return faulty->error_number;
}

#define FAULTY_OPS_INIT                                                                                      \
  {                                                                                                          \
    .base = { faulty_ops_before }                                                                            \
  }
