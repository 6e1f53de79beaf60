/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/state.h"

#include "src/error.h"

/* the life of a VM as it was promised, written down a second time: a slip in the table shows here */
static const struct
{
  OvmOperation operation;
  const char *next; /* after stopped, running, paused, crashed; - for not allowed */
} promises[] = {
  { OVM_OPERATION_START, "R---" },         { OVM_OPERATION_START_PAUSED, "P---" },
  { OVM_OPERATION_PAUSE, "-PP-" },         { OVM_OPERATION_RESUME, "-RR-" },
  { OVM_OPERATION_SHUTDOWN, "-R--" },      { OVM_OPERATION_POWER_OFF, "-SSS" },
  { OVM_OPERATION_RESET, "-RRR" },         { OVM_OPERATION_DELETE, "S--S" },
  { OVM_OPERATION_DELETE_FORCED, "SSSS" }, { OVM_OPERATION_SAVE, "-RP-" },
  { OVM_OPERATION_RESTORE, "RRRR" },       { OVM_OPERATION_RESTORE_PAUSED, "PPPP" },
  { OVM_OPERATION_OPEN_CONSOLE, "SRPC" },  { OVM_OPERATION_GUEST_POWER_OFF, "-S--" },
  { OVM_OPERATION_GUEST_REBOOT, "-R--" },  { OVM_OPERATION_GUEST_CRASH, "-C--" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (promises) == OVM_OPERATION_COUNT);

static void
check_cell (OvmOperation operation, OvmState state, char promised)
{
  static const char letters[] = { 'S', 'R', 'P', 'C' };
  g_autoptr (GError) error = NULL;
  OvmState next = (OvmState) 99;

  if (promised != '-')
    {
      g_assert_true (ovm_state_next (state, operation, &next, &error));
      g_assert_no_error (error);
      g_assert_cmpint (letters[next], ==, promised);
      return;
    }
  g_assert_false (ovm_state_next (state, operation, &next, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, ovm_operation_to_string (operation)));
  g_assert_nonnull (strstr (error->message, ovm_state_to_string (state)));
  g_assert_cmpint (next, ==, 99);
}

static void
test_every_cell (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (promises); i++)
    {
      g_assert_cmpint (promises[i].operation, ==, i);
      for (int state = 0; state < OVM_STATE_COUNT; state++)
        check_cell (promises[i].operation, (OvmState) state, promises[i].next[state]);
    }
}

static void
test_refusal_says_what_would_do (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ovm_state_next (OVM_STATE_STOPPED, OVM_OPERATION_PAUSE, NULL, &error));
  g_assert_cmpstr (error->message, ==, "cannot pause a stopped VM; it must be running or paused");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/state/every-cell", test_every_cell);
  g_test_add_func ("/src/state/refusal-says-what-would-do", test_refusal_says_what_would_do);
  return g_test_run ();
}
