/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#define THREADS 4u

static int open_errno; /* what the host says to whoever opens a file; 0: what is so */

int __real_open64 (const char *path, int flags, mode_t mode);
int __wrap_open64 (const char *path, int flags, mode_t mode);

int
__wrap_open64 (const char *path, int flags, mode_t mode)
{
  if (open_errno == 0)
    return __real_open64 (path, flags, mode);
  errno = open_errno;
  return -1;
}

static void
test_probe (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_probe (&error));
  g_assert_no_error (error);
}

static void
assert_refused (int error_number, VmmError code, const char *advice)
{
  g_autoptr (GError) error = NULL;
  gboolean probed;

  open_errno = error_number;
  probed = vmm_probe (&error);
  open_errno = 0;
  g_assert_false (probed);
  g_assert_error (error, VMM_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, "/dev/kvm"));
  g_assert_nonnull (strstr (error->message, g_strerror (error_number)));
  g_assert_nonnull (strstr (error->message, advice));
}

static void
test_is_missing (void)
{
  assert_refused (ENOENT, VMM_ERROR_NO_HYPERVISOR, "load kvm_intel or kvm_amd");
  assert_refused (ENODEV, VMM_ERROR_NO_HYPERVISOR, "firmware");
  assert_refused (ENXIO, VMM_ERROR_NO_HYPERVISOR, "firmware");
}

static void
test_is_denied (void)
{
  assert_refused (EACCES, VMM_ERROR_HYPERVISOR_DENIED, "group that owns it");
  assert_refused (EPERM, VMM_ERROR_HYPERVISOR_DENIED, "group that owns it");
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
  g_test_add_func ("/vmm/kvm-host/is-missing", test_is_missing);
  g_test_add_func ("/vmm/kvm-host/is-denied", test_is_denied);
  g_test_add_func ("/vmm/kvm-host/probe", test_probe);
  g_test_add_func ("/vmm/kvm-host/is-one-for-all-threads", test_is_one_for_all_threads);
  g_test_add_func ("/vmm/kvm-host/asks-once", test_asks_once);
  return g_test_run ();
}
