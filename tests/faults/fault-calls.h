/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fault-calls.h: every call that the VMM makes of the kernel can be counted, and made to fail */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FAULT_KVM,    /* ioctl() on KVM's descriptors */
  FAULT_FILE,   /* files and directories */
  FAULT_MEMORY, /* mappings, and reaching the guest's RAM */
  FAULT_OTHER,  /* threads, random numbers, signals */
} FaultKind;

#define FAULT_N_KINDS 4u
#define FAULT_ALL_KINDS ((1u << FAULT_N_KINDS) - 1)

typedef enum
{
  FAULT_FAIL,    /* the call is not made, and fails with what fits its kind */
  FAULT_LIE,     /* a name is made, moved or removed, and the call says it failed; no other call counts */
  FAULT_SHORTEN, /* a read or write does half of what it was asked for; no other call counts */
  FAULT_KILL,    /* the process is killed before the call */
} FaultAction;

/**
 * FaultPlan:
 * @kinds: a bit for each FaultKind that counts
 * @at: the number of the call that it happens to, from 1; 0 for none
 * @onwards: and to all that follow
 * @error_number: what the call fails with; 0 for what fits its kind
 */
typedef struct
{
  guint kinds;
  guint at;
  gboolean onwards;
  FaultAction action;
  int error_number;
} FaultPlan;

/**
 * FaultTally:
 * @n_calls: how many counted
 * @n_by_kind: the same by kind
 * @hit: name of the call that it happened to first, "" for none
 * @hit_number: the how manieth of that name it was, from 1
 */
typedef struct
{
  guint n_calls;
  guint n_by_kind[FAULT_N_KINDS];
  char hit[32];
  guint hit_number;
} FaultTally;

/**
 * fault_calls_begin, fault_calls_end:
 *
 * What the calling thread calls in between counts. The threads of the VPs are not disturbed.
 */
void fault_calls_begin (const FaultPlan *plan);
FaultTally fault_calls_end (void);

/**
 * fault_calls_fail_run: the call of KVM_RUN with number @at from now on, of all threads, fails with @error_number;
 * 0 for none.
 */
void fault_calls_fail_run (guint at, int error_number);

/**
 * fault_calls_kill_process: before the file operation with number @at from now on, of all threads, the process is
 * killed; 0 for none. May be called by a handler of signals.
 */
void fault_calls_kill_process (guint at);

/** fault_calls_has_failed_run: whether that has happened. */
gboolean fault_calls_has_failed_run (void);

G_END_DECLS
