/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include <sys/resource.h>

#define THREADS 4u

static void
test_probe (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_probe (&error));
  g_assert_no_error (error);
}

/* a process that may not open any more files */
static void
forbid_files (struct rlimit *limit)
{
  struct rlimit none;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, limit), ==, 0);
  none = *limit;
  none.rlim_cur = 3;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
}

/* comes first: what was asked for in vain must be asked for again */
static void
test_does_not_remember_failure (void)
{
  struct rlimit limit;
  g_autoptr (GError) probe_error = NULL;
  g_autoptr (GError) host_error = NULL;
  g_autoptr (GError) error = NULL;
  const VmmKvmHost *host;
  gboolean probed;

  forbid_files (&limit);
  probed = vmm_probe (&probe_error);
  host = vmm_kvm_host_get (&host_error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_false (probed);
  g_assert_error (probe_error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (probe_error->message, "/dev/kvm"));
  g_assert_null (host);
  g_assert_error (host_error, VMM_ERROR, VMM_ERROR_HOST);

  host = vmm_kvm_host_get (&error);
  g_assert_no_error (error);
  g_assert_cmpuint (host->run_size, >=, sizeof (struct kvm_run));
  g_assert_cmpuint (host->cpuid->nent, >, 0);
}

static gpointer
ask (gpointer unused)
{
  g_autoptr (GError) error = NULL;
  gpointer host = (gpointer) vmm_kvm_host_get (&error);

  g_assert_no_error (error);
  return host;
}

static void
test_is_one_for_all_threads (void)
{
  gpointer host = ask (NULL);
  GThread *threads[THREADS];

  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("ask", ask, NULL);
  for (guint i = 0; i < THREADS; i++)
    g_assert_true (g_thread_join (threads[i]) == host);
}

/* the answers are there, the device is not opened again */
static void
test_asks_once (void)
{
  gpointer host = ask (NULL);
  struct rlimit limit;
  gpointer again;

  forbid_files (&limit);
  again = ask (NULL);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_true (again == host);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/vmm/kvm-host/does-not-remember-failure", test_does_not_remember_failure);
  g_test_add_func ("/vmm/kvm-host/probe", test_probe);
  g_test_add_func ("/vmm/kvm-host/is-one-for-all-threads", test_is_one_for_all_threads);
  g_test_add_func ("/vmm/kvm-host/asks-once", test_asks_once);
  return g_test_run ();
}
