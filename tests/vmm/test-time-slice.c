/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/vmm.h"

#include <sched.h>
#include <sys/resource.h>

#include "tests/vmm/time-slice.h"

static void
assert_slice (guint64 wanted_ns)
{
  if (time_slice_is_told ())
    g_assert_cmpuint (time_slice_get ().runtime_ns, ==, wanted_ns);
}

static void
test_is_as_long_as_was_asked (void)
{
  guint64 usual_ns = time_slice_get ().runtime_ns;

  vmm_time_slice_set (100);
  assert_slice (100000);
  vmm_time_slice_set (5000);
  assert_slice (5000000);
  vmm_time_slice_set (0);
  assert_slice (usual_ns);
}

static gpointer
look (gpointer data)
{
  assert_slice (100000);
  return NULL;
}

static void
test_threads_inherit_it (void)
{
  vmm_time_slice_set (100);
  g_thread_join (g_thread_new ("heir", look, NULL));
  vmm_time_slice_set (0);
}

/* on a thread of its own, as not everybody may take it back */
static gpointer
set_nice (gpointer data)
{
  g_assert_cmpint (setpriority (PRIO_PROCESS, 0, 7), ==, 0);
  vmm_time_slice_set (100);
  g_assert_cmpint (time_slice_get ().nice, ==, 7);
  assert_slice (100000);
  return NULL;
}

static void
test_keeps_niceness (void)
{
  g_thread_join (g_thread_new ("nice", set_nice, NULL));
}

static gpointer
set_batch (gpointer data)
{
  const struct sched_param none = { 0 };

  g_assert_cmpint (sched_setscheduler (0, SCHED_BATCH, &none), ==, 0);
  vmm_time_slice_set (100);
  g_assert_cmpuint (time_slice_get ().policy, ==, SCHED_BATCH);
  g_assert_cmpuint (time_slice_get ().runtime_ns, !=, 100000);
  return NULL;
}

static void
test_leaves_other_policies_alone (void)
{
  g_thread_join (g_thread_new ("batch", set_batch, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/time-slice/is-as-long-as-was-asked", test_is_as_long_as_was_asked);
  g_test_add_func ("/vmm/time-slice/threads-inherit-it", test_threads_inherit_it);
  g_test_add_func ("/vmm/time-slice/keeps-niceness", test_keeps_niceness);
  g_test_add_func ("/vmm/time-slice/leaves-other-policies-alone", test_leaves_other_policies_alone);
  return g_test_run ();
}
