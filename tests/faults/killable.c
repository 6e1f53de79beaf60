/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Goes into an openvmmd that is otherwise the one that is shipped: SIGUSR1 has it killed before the file operation
 * with number $KILL_AT from then on, whichever thread makes it.
 */

#include "config.h"
#include "tests/faults/fault-calls.h"

#include <signal.h>
#include <stdlib.h>

static guint kill_at;

static void
on_signal (int number)
{
  fault_calls_kill_process (kill_at);
}

static void __attribute__ ((constructor)) listen_for_signal (void)
{
  const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
  const char *value = getenv ("KILL_AT");

  kill_at = value != NULL ? (guint) strtoul (value, NULL, 10) : 0;
  (void) sigaction (SIGUSR1, &action, NULL);
}
