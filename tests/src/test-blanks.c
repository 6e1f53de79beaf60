/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/blanks.h"

#include "tests/src/model.h"

#define MIB (1024 * 1024ull)

static gint made;      /* atomic */
static gint dismissed; /* atomic */

static OvmDriverSpare *
prepare_blank (const VmmConfig *shape, GError **error)
{
  if (shape->vp_count == 64)
    {
      g_set_error_literal (error, VMM_ERROR, VMM_ERROR_HOST, "no");
      return NULL;
    }
  return GINT_TO_POINTER (g_atomic_int_add (&made, 1) + 1);
}

static void
dismiss (OvmDriverSpare *spare)
{
  g_atomic_int_inc (&dismissed);
}

static const OvmDriver driver = { .name = "blank", .prepare_blank = prepare_blank, .dismiss = dismiss };
static const OvmDriver other_driver = { .name = "other", .prepare_blank = prepare_blank, .dismiss = dismiss };
static const OvmDriver without = { .name = "without" };

typedef struct
{
  Model model;
  OvmBlanks *blanks;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_atomic_int_set (&made, 0);
  g_atomic_int_set (&dismissed, 0);
  model_init (&fixture->model);
  fixture->blanks = ovm_blanks_new (ovm_manager_get_jobs (fixture->model.manager));
}

static guint
count_pending (Fixture *fixture)
{
  return ovm_worker_get_pending (ovm_job_list_get_worker (ovm_manager_get_jobs (fixture->model.manager)));
}

/* all that was made is taken or let go */
static void
tear_down (Fixture *fixture, gconstpointer taken)
{
  model_wait_until (count_pending (fixture) == 0);
  g_assert_finalize_object (fixture->blanks);
  g_assert_cmpint (g_atomic_int_get (&dismissed) + GPOINTER_TO_INT (taken), ==, g_atomic_int_get (&made));
  model_clear (&fixture->model);
}

static VmmConfig *
new_shape (guint mib, guint vp_count)
{
  VmmConfig *shape = vmm_config_new ();

  shape->memory_size = mib * MIB;
  shape->vp_count = vp_count;
  return shape;
}

static void
refill (Fixture *fixture, const OvmDriver *with, guint mib, guint vp_count)
{
  g_autoptr (VmmConfig) shape = new_shape (mib, vp_count);

  ovm_blanks_refill (fixture->blanks, with, shape);
  model_wait_until (count_pending (fixture) == 0);
}

static gboolean
take (Fixture *fixture, const OvmDriver *with, guint mib, guint vp_count)
{
  g_autoptr (VmmConfig) shape = new_shape (mib, vp_count);

  return ovm_blanks_take (fixture->blanks, with, shape) != NULL;
}

static void
test_gives_what_fits_once (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take (fixture, &driver, 64, 2));
  refill (fixture, &driver, 64, 2);
  g_assert_false (take (fixture, &driver, 128, 2));
  g_assert_false (take (fixture, &driver, 64, 1));
  g_assert_false (take (fixture, &other_driver, 64, 2));
  g_assert_true (take (fixture, &driver, 64, 2));
  g_assert_false (take (fixture, &driver, 64, 2));
}

static void
test_keeps_one (Fixture *fixture, gconstpointer data)
{
  refill (fixture, &driver, 64, 2);
  refill (fixture, &driver, 64, 2);
  g_assert_cmpint (g_atomic_int_get (&made), ==, 1);
  refill (fixture, &driver, 128, 2);
  g_assert_cmpint (g_atomic_int_get (&made), ==, 2);
  g_assert_cmpint (g_atomic_int_get (&dismissed), ==, 1);
  g_assert_false (take (fixture, &driver, 64, 2));
  g_assert_true (take (fixture, &driver, 128, 2));
}

static void
test_lets_go_in_time (Fixture *fixture, gconstpointer data)
{
  gint64 start = g_get_monotonic_time ();

  refill (fixture, &driver, 64, 2);
  model_wait_until (g_atomic_int_get (&dismissed) == 1);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, (OVM_BLANKS_KEPT_SEC - 1) * G_USEC_PER_SEC);
  g_assert_false (take (fixture, &driver, 64, 2));
}

static void
test_failure_is_nobodys (Fixture *fixture, gconstpointer data)
{
  refill (fixture, &driver, 64, 64);
  g_assert_false (take (fixture, &driver, 64, 64));
  refill (fixture, &without, 64, 2);
  g_assert_false (take (fixture, &without, 64, 2));
  refill (fixture, &driver, 64, 2);
  g_assert_cmpint (g_atomic_int_get (&made), ==, 1);
}

/* @n: how many the test keeps */
#define ADD(name, func, n)                                                                                   \
  g_test_add ("/src/blanks/" name, Fixture, GINT_TO_POINTER (n), set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("gives-what-fits-once", test_gives_what_fits_once, 1);
  ADD ("keeps-one", test_keeps_one, 1);
  ADD ("lets-go-in-time", test_lets_go_in_time, 0);
  ADD ("failure-is-nobodys", test_failure_is_nobodys, 0);
  return g_test_run ();
}
