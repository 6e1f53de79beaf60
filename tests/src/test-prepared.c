/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/prepared.h"

#include <glib/gstdio.h>

#include "tests/src/model.h"

#define MOMENT_USEC 20000 /* more than one that was taken is replaced after */

typedef struct
{
  Model model;
  char *directory;
  OvmPrepared *prepared;
  guint changes;
  gboolean done;
  GError *error;
} Fixture;

static void
on_changed (OvmPrepared *prepared, Fixture *fixture)
{
  fixture->changes++;
}

static void
make_prepared (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) opened = vmm_snapshot_open (fixture->directory, &error);

  g_assert_no_error (error);
  fixture->prepared = ovm_prepared_new (fixture->directory,
                                        vmm_snapshot_get_uuid (opened),
                                        ovm_manager_get_jobs (fixture->model.manager));
  g_signal_connect (fixture->prepared, "changed", G_CALLBACK (on_changed), fixture);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  OvmVm *vm;

  model_init (&fixture->model);
  vm = model_create (&fixture->model, "vm", NULL);
  model_do (&fixture->model, vm, OVM_OPERATION_START);
  fixture->directory = model_save (&fixture->model, vm, "s");
  make_prepared (fixture);
}

static guint
count_pending (Fixture *fixture)
{
  return ovm_worker_get_pending (ovm_job_list_get_worker (ovm_manager_get_jobs (fixture->model.manager)));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  ovm_prepared_dismiss (fixture->prepared);
  model_wait_until (count_pending (fixture) == 0);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 0);
  g_assert_finalize_object (fixture->prepared);
  g_clear_error (&fixture->error);
  g_free (fixture->directory);
  model_clear (&fixture->model);
}

static void
on_done (const GError *error, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_false (fixture->done);
  fixture->done = TRUE;
  fixture->error = error != NULL ? g_error_copy (error) : NULL;
}

static OvmJob *
begin (Fixture *fixture, guint count, const char *options)
{
  g_autoptr (GVariant) dict = model_dict (options);
  g_autoptr (GError) error = NULL;
  OvmJob *job =
      ovm_job_list_begin (ovm_manager_get_jobs (fixture->model.manager), "prepare", NULL, TRUE, &error);

  g_assert_no_error (error);
  fixture->done = FALSE;
  g_clear_error (&fixture->error);
  ovm_prepared_want (fixture->prepared, &ovm_driver_test, VMM_CPU_EXACT, dict, count, job, on_done, fixture);
  g_assert_false (fixture->done);
  return job;
}

static void
want (Fixture *fixture, guint count, const char *options)
{
  g_autoptr (OvmJob) job = begin (fixture, count, options);

  model_wait_until (fixture->done);
  ovm_job_complete (job, fixture->error, NULL);
}

static gboolean
take (Fixture *fixture, const OvmDriver *driver)
{
  g_autoptr (VmmSnapshot) snapshot = NULL;
  OvmDriverSpare *spare = NULL;

  if (!ovm_prepared_take (fixture->prepared, driver, &snapshot, &spare))
    return FALSE;
  g_assert_cmpstr (vmm_snapshot_get_directory (snapshot), ==, fixture->directory);
  driver->dismiss (spare);
  return TRUE;
}

static void
test_keeps_as_many_as_are_wanted (Fixture *fixture, gconstpointer data)
{
  want (fixture, 3, NULL);
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 3);
  g_assert_cmpuint (fixture->changes, ==, 3);
  want (fixture, 1, NULL);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 1);
  want (fixture, 1, NULL);
  g_assert_cmpuint (fixture->changes, ==, 4);
  want (fixture, 0, NULL);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 0);
}

static void
test_replaces_those_that_were_taken (Fixture *fixture, gconstpointer data)
{
  want (fixture, 2, NULL);
  g_assert_true (take (fixture, &ovm_driver_test));
  g_assert_true (take (fixture, &ovm_driver_test));
  g_assert_false (take (fixture, &ovm_driver_test));
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 0);
  ovm_prepared_refill (fixture->prepared);
  model_wait_until (ovm_prepared_get_ready (fixture->prepared) == 2);
  model_wait_until (count_pending (fixture) == 0);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 2);
}

static void
test_gives_none_to_another_driver (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take (fixture, &ovm_driver_test));
  want (fixture, 1, NULL);
  g_assert_false (take (fixture, &ovm_driver_kvm));
  g_assert_true (take (fixture, &ovm_driver_test));
}

static void
test_other_options_make_others (Fixture *fixture, gconstpointer data)
{
  want (fixture, 2, NULL);
  fixture->changes = 0;
  want (fixture, 2, "{'test-deaf': <true>}");
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 2);
  g_assert_cmpuint (fixture->changes, ==, 3); /* none, one, two */
}

static void
test_failure_changes_nothing (Fixture *fixture, gconstpointer data)
{
  want (fixture, 1, "{'test-fail': <'prepare:NoSpace'>}");
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_NO_SPACE);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 0);
  g_assert_cmpuint (ovm_prepared_get_wanted (fixture->prepared), ==, 0);
}

static void
test_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (OvmJob) job = begin (fixture, 1000, "{'test-delay-ms': <uint32 20>}");
  g_autoptr (GError) error = NULL;

  model_wait_until (ovm_prepared_get_ready (fixture->prepared) >= 2);
  g_assert_true (ovm_job_cancel (job, &error));
  model_wait_until (fixture->done);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_CANCELLED);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 0);
  ovm_job_complete (job, fixture->error, NULL);
}

/* the moment before the only one is replaced */
static void
begin_refill (Fixture *fixture, const char *options)
{
  want (fixture, 1, options);
  g_assert_true (take (fixture, &ovm_driver_test));
  model_wait_until (count_pending (fixture) == 0);
  ovm_prepared_refill (fixture->prepared);
}

/* dismissed while one is being built: that one goes, too */
static void
test_late_one_is_let_go (Fixture *fixture, gconstpointer data)
{
  begin_refill (fixture, "{'test-delay-ms': <uint32 100>}");
  model_wait_until (count_pending (fixture) > 0);
  ovm_prepared_dismiss (fixture->prepared);
  model_wait_until (count_pending (fixture) == 0);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 0);
}

static void
wait_a_moment (void)
{
  gint64 end = g_get_monotonic_time () + MOMENT_USEC;

  model_wait_until (g_get_monotonic_time () >= end);
}

static void
test_dismissed_is_not_replaced (Fixture *fixture, gconstpointer data)
{
  begin_refill (fixture, NULL);
  ovm_prepared_dismiss (fixture->prepared);
  fixture->changes = 0;
  wait_a_moment ();
  g_assert_cmpuint (fixture->changes, ==, 0);
  g_assert_cmpuint (count_pending (fixture), ==, 0);
}

/* in the moment before one is replaced */
static void
test_may_be_let_go (Fixture *fixture, gconstpointer data)
{
  begin_refill (fixture, NULL);
  g_assert_finalize_object (fixture->prepared);
  wait_a_moment ();
  g_assert_cmpuint (count_pending (fixture), ==, 0);
  make_prepared (fixture);
}

/* those who want one do not wait for the moment to pass */
static void
test_wanting_comes_before_the_moment (Fixture *fixture, gconstpointer data)
{
  want (fixture, 1, NULL);
  g_assert_true (take (fixture, &ovm_driver_test));
  ovm_prepared_refill (fixture->prepared);
  want (fixture, 1, NULL);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 1);
  fixture->changes = 0;
  wait_a_moment ();
  g_assert_cmpuint (fixture->changes, ==, 0);
  g_assert_cmpuint (ovm_prepared_get_ready (fixture->prepared), ==, 1);
}

static void
test_other_snapshot_in_the_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = model_path (&fixture->model, "elsewhere");
  g_autofree char *other = NULL;

  g_assert_cmpint (g_rename (fixture->directory, elsewhere), ==, 0);
  other = model_save (&fixture->model,
                      ovm_vm_list_lookup (ovm_manager_get_vms (fixture->model.manager), "vm", NULL),
                      "s");
  want (fixture, 1, NULL);
  g_assert_error (fixture->error, OVM_ERROR, OVM_ERROR_NO_SUCH_SNAPSHOT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define add(name, function) g_test_add ("/src/prepared/" name, Fixture, NULL, set_up, function, tear_down)
  add ("keeps-as-many-as-are-wanted", test_keeps_as_many_as_are_wanted);
  add ("replaces-those-that-were-taken", test_replaces_those_that_were_taken);
  add ("gives-none-to-another-driver", test_gives_none_to_another_driver);
  add ("other-options-make-others", test_other_options_make_others);
  add ("failure-changes-nothing", test_failure_changes_nothing);
  add ("can-be-cancelled", test_can_be_cancelled);
  add ("late-one-is-let-go", test_late_one_is_let_go);
  add ("dismissed-is-not-replaced", test_dismissed_is_not_replaced);
  add ("may-be-let-go", test_may_be_let_go);
  add ("wanting-comes-before-the-moment", test_wanting_comes_before_the_moment);
  add ("other-snapshot-in-the-directory", test_other_snapshot_in_the_directory);
#undef add
  return g_test_run ();
}
