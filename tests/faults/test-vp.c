/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * KVM cannot run a VP any more, on the VP's own thread: the machine ends, says why, refuses everything, and can be
 * replaced by one from the last snapshot. What only interrupts a VP ends nothing.
 */

#include "config.h"
#include "tests/faults/fault-calls.h"
#include "tests/faults/fault-subject.h"
#include "tests/faults/resources.h"

#include <errno.h>
#include <string.h>

#define CALLS 6u
#define PATIENCE_USEC (60 * G_USEC_PER_SEC)

/* A pause, and what follows, takes the VPs through KVM_RUN, mostly. Returns whether the machine has ended. */
static gboolean
go_on_until_it_fails (TinyMachine *subject)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_USEC;

  while (!fault_calls_has_failed_run ())
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      (void) !vmm_machine_pause (subject->machine, NULL);
      (void) !vmm_machine_resume (subject->machine, NULL);
    }
  (void) !vmm_machine_pause (subject->machine,
                             NULL); /* waits for the VPs, what has happened to them included */
  return g_atomic_int_get (&subject->machine->ended);
}

static void
assert_ended (TinyMachine *subject, int error_number)
{
  g_autofree char *target = g_build_filename (subject->directory, "target", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (tiny_machine_wait_event (subject), ==, VMM_EVENT_CRASH);
  g_test_message ("%s", subject->reason);
  g_assert_nonnull (strstr (subject->reason, "VP"));
  if (error_number != EFAULT)
    g_assert_nonnull (strstr (subject->reason, g_strerror (error_number)));
  g_assert_false (subject_save (subject, target, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_STATE);
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
}

static void
check_one (int error_number, guint at, gboolean ends)
{
  Resources before = resources_count ();
  TinyMachine *subject = subject_new (SUBJECT_SAVE_LATER);
  g_autofree char *first = g_build_filename (subject->directory, "first", NULL);

  fault_calls_fail_run (at, error_number);
  g_test_message ("%s, call %u", g_strerror (error_number), at);
  g_assert_true (go_on_until_it_fails (subject) == ends);
  fault_calls_fail_run (0, 0);
  if (ends)
    {
      assert_ended (subject, error_number);
      g_assert_cmpuint (subject_assert_restores (first), >, 0);
    }
  else
    subject_assert_goes_on (subject);
  tiny_machine_free (subject);
  if (at > 1)
    resources_assert_not_grown (&before);
}

static void
test_failure_ends_the_machine (void)
{
  static const int errors[] = { EIO, ENOMEM, EINVAL, EFAULT };

  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    for (guint at = 1; at <= CALLS; at++)
      check_one (errors[i], at, TRUE);
}

static void
test_interruption_ends_nothing (void)
{
  static const int errors[] = { EINTR, EAGAIN };

  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    for (guint at = 1; at <= CALLS; at++)
      check_one (errors[i], at, FALSE);
}

static VmmMachine *
make_blank (TinyMachine *subject, guint failing_run, GError **error)
{
  VmmMachine *blank;

  fault_calls_fail_run (failing_run, EIO);
  blank = vmm_machine_new_blank (subject->config, tiny_machine_on_event, subject, error);
  fault_calls_fail_run (0, 0);
  return blank;
}

/* a machine that is made ahead, whose first VP goes into KVM without running */
static void
test_failure_before_it_runs (void)
{
  g_autoptr (TinyMachine) subject = subject_new_bare (SUBJECT_SAVE_LINK);
  g_autoptr (VmmMachine) first = make_blank (subject, 0, NULL); /* what stays for all machines is there now */
  g_autoptr (VmmMachine) last = NULL;
  Resources before = resources_count ();
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (first);
  g_assert_null (make_blank (subject, 1, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, g_strerror (EIO)));
  resources_assert_not_grown (&before);
  last = make_blank (subject, 0, NULL);
  g_assert_nonnull (last);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/faults/vp/failure-ends-the-machine", test_failure_ends_the_machine);
  g_test_add_func ("/faults/vp/interruption-ends-nothing", test_interruption_ends_nothing);
  g_test_add_func ("/faults/vp/failure-before-it-runs", test_failure_before_it_runs);
  return subject_run_tests (NULL);
}
