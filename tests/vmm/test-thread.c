/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/memory.h"

#define GUARD_INSTALL 102 /* madvise(2), Linux 6.13 */

static gboolean is_old_kernel;    /* one that knows no marks for guard pages */
static gboolean protection_fails; /* mprotect() does */

int __real_madvise (void *address, size_t length, int advice);
int __wrap_madvise (void *address, size_t length, int advice);
int __real_mprotect (void *address, size_t length, int protection);
int __wrap_mprotect (void *address, size_t length, int protection);

int
__wrap_madvise (void *address, size_t length, int advice)
{
  if (!is_old_kernel || advice != GUARD_INSTALL)
    return __real_madvise (address, length, advice);
  errno = EINVAL;
  return -1;
}

int
__wrap_mprotect (void *address, size_t length, int protection)
{
  if (!protection_fails)
    return __real_mprotect (address, length, protection);
  errno = ENOMEM;
  return -1;
}

typedef struct
{
  guint8 *lowest; /* byte of its stack */
  gsize size;
  gboolean has_guard_mapping;
  char name[16];
} Seen;

/* whether a mapping ends at @address */
static gboolean
mapping_ends_at (const guint8 *address)
{
  FILE *maps = fopen ("/proc/self/maps", "re");
  char line[512];
  gulong start, end;
  gboolean found = FALSE;

  g_assert_nonnull (maps);
  while (!found && fgets (line, sizeof line, maps) != NULL)
    found = sscanf (line, "%lx-%lx", &start, &end) == 2 && end == (gulong) (guintptr) address;
  fclose (maps);
  return found;
}

static void
look_around (gpointer data)
{
  Seen *seen = data;
  pthread_attr_t attributes;
  void *lowest;

  g_assert_cmpint (pthread_getattr_np (pthread_self (), &attributes), ==, 0);
  g_assert_cmpint (pthread_attr_getstack (&attributes, &lowest, &seen->size), ==, 0);
  pthread_attr_destroy (&attributes);
  seen->lowest = lowest;
  seen->has_guard_mapping = mapping_ends_at (seen->lowest);
  g_assert_cmpint (pthread_getname_np (pthread_self (), seen->name, sizeof seen->name), ==, 0);
}

static Seen
run (VmmThreadFunc func)
{
  g_autoptr (GError) error = NULL;
  Seen seen = { 0 };
  VmmThread *thread = vmm_thread_new ("a name of more than 15 bytes", func, &seen, &error);

  g_assert_no_error (error);
  g_assert_nonnull (thread);
  vmm_thread_join (thread);
  return seen;
}

static void
test_runs (void)
{
  Seen seen = run (look_around);

  g_assert_cmpstr (seen.name, ==, "a name of more ");
  g_assert_cmpuint (seen.size, ==, VMM_THREAD_STACK_SIZE - VMM_PAGE_SIZE);
}

static void
test_gives_its_stack_back (void)
{
  Seen seen = run (look_around);

  for (gsize offset = 0; offset < VMM_THREAD_STACK_SIZE; offset += VMM_PAGE_SIZE)
    {
      g_assert_cmpint (msync (seen.lowest - VMM_PAGE_SIZE + offset, VMM_PAGE_SIZE, MS_ASYNC), ==, -1);
      g_assert_cmpint (errno, ==, ENOMEM); /* nothing is mapped there */
    }
}

static gboolean
kernel_knows_marks (void)
{
  void *page = mmap (NULL, VMM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  gboolean knows = __real_madvise (page, VMM_PAGE_SIZE, GUARD_INSTALL) == 0;

  munmap (page, VMM_PAGE_SIZE);
  return knows;
}

static void
test_is_one_mapping (void)
{
  g_assert_cmpint (run (look_around).has_guard_mapping, ==, !kernel_knows_marks ());
}

static void
use_whole_stack (gpointer data)
{
  Seen *seen = data;

  look_around (seen);
  *(volatile guint8 *) seen->lowest = 1;
}

static void
overflow (gpointer data)
{
  Seen *seen = data;

  look_around (seen);
  *(volatile guint8 *) (seen->lowest - 1) = 1;
}

static void
die (VmmThreadFunc func)
{
  const struct rlimit no_core = { 0 };

  setrlimit (RLIMIT_CORE, &no_core);
  signal (SIGSEGV, SIG_DFL); /* a sanitizer's */
  run (func);
  _exit (0);
}

/* the signal that ends a process with such a thread; 0: none */
static int
find_end (VmmThreadFunc func)
{
  pid_t child = fork ();
  int status;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    die (func);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  return WIFSIGNALED (status) ? WTERMSIG (status) : WEXITSTATUS (status);
}

static void
test_is_guarded (void)
{
  g_assert_cmpint (find_end (use_whole_stack), ==, 0);
  g_assert_cmpint (find_end (overflow), ==, SIGSEGV);
}

static void
test_is_guarded_by_an_old_kernel (void)
{
  is_old_kernel = TRUE;
  g_assert_true (run (look_around).has_guard_mapping);
  test_is_guarded ();
  test_gives_its_stack_back ();
  is_old_kernel = FALSE;
}

static void
test_is_not_made_without_guard (void)
{
  g_autoptr (GError) error = NULL;

  is_old_kernel = TRUE;
  protection_fails = TRUE;
  g_assert_null (vmm_thread_new ("unguarded", look_around, NULL, &error));
  is_old_kernel = FALSE;
  protection_fails = FALSE;
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_cmpstr (error->message, ==, "cannot make the thread 'unguarded': Cannot allocate memory");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/thread/runs", test_runs);
  g_test_add_func ("/vmm/thread/gives-its-stack-back", test_gives_its_stack_back);
  g_test_add_func ("/vmm/thread/is-one-mapping", test_is_one_mapping);
  g_test_add_func ("/vmm/thread/is-guarded", test_is_guarded);
  g_test_add_func ("/vmm/thread/is-guarded-by-an-old-kernel", test_is_guarded_by_an_old_kernel);
  g_test_add_func ("/vmm/thread/is-not-made-without-guard", test_is_not_made_without_guard);
  return g_test_run ();
}
