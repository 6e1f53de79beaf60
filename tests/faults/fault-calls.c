/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The linker puts __wrap_x() in the place of x() wherever the VMM calls it (--wrap; the list is in meson.build): the
 * VMM that is tested is the one that is shipped, and a call that is added to it is counted unasked. A function that is
 * called for the first time is found by check-calls.py.
 *
 * What fails, and what was counted, belongs to a thread.
 */

#include "config.h"
#include "tests/faults/fault-calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

#include <gio/gio.h>

#define NAMES_MAX 128u

typedef struct
{
  gboolean armed;
  FaultPlan plan;
  FaultTally tally;
  struct
  {
    char name[32];
    guint n;
  } names[NAMES_MAX];
} Thread;

static __thread Thread thread;

static gint run_countdown; /* atomic */
static gint run_error;     /* atomic */

static gint kill_countdown; /* atomic */

void
fault_calls_begin (const FaultPlan *plan)
{
  thread = (Thread){ .armed = TRUE, .plan = *plan };
}

FaultTally
fault_calls_end (void)
{
  thread.armed = FALSE;
  return thread.tally;
}

void
fault_calls_fail_run (guint at, int error_number)
{
  g_atomic_int_set (&run_error, error_number);
  g_atomic_int_set (&run_countdown, (gint) at);
}

gboolean
fault_calls_has_failed_run (void)
{
  return g_atomic_int_get (&run_countdown) <= 0;
}

void
fault_calls_kill_process (guint at)
{
  g_atomic_int_set (&kill_countdown, (gint) at);
}

/* KVM's come in turn, so that each is seen to matter as little as it should */
static int
fitting_error (FaultKind kind, guint n)
{
  static const int kvm_errors[] = { EIO, ENOMEM, EINVAL };

  switch (kind)
    {
    case FAULT_KVM:
      return kvm_errors[n % G_N_ELEMENTS (kvm_errors)];
    case FAULT_FILE:
      return EIO;
    case FAULT_MEMORY:
      return ENOMEM;
    case FAULT_OTHER:
    default:
      return EAGAIN;
    }
}

/* Counts the call by its name, and tells the how manieth it is. */
static guint
count_name (const char *call)
{
  for (guint i = 0; i < NAMES_MAX; i++)
    {
      if (thread.names[i].n == 0)
        g_strlcpy (thread.names[i].name, call, sizeof thread.names[i].name);
      if (strncmp (thread.names[i].name, call, sizeof thread.names[i].name - 1) == 0)
        return ++thread.names[i].n;
    }
  return 0;
}

/* Whether something happens to this call. Sets errno. */
static gboolean
strikes (FaultKind kind, const char *call)
{
  FaultTally *tally = &thread.tally;
  const FaultPlan *plan = &thread.plan;
  guint number;

  if (kind == FAULT_FILE && g_atomic_int_get (&kill_countdown) > 0 &&
      g_atomic_int_dec_and_test (&kill_countdown))
    raise (SIGKILL);
  if (!thread.armed || (plan->kinds & 1u << kind) == 0)
    return FALSE;
  if (plan->error_number == EINTR && g_str_has_prefix (call, "g_")) /* GLib takes care of that itself */
    return FALSE;
  number = count_name (call);
  tally->n_calls++;
  tally->n_by_kind[kind]++;
  if (plan->at == 0 || tally->n_calls < plan->at || (tally->n_calls > plan->at && !plan->onwards))
    return FALSE;
  if (*tally->hit == '\0')
    {
      g_strlcpy (tally->hit, call, sizeof tally->hit);
      tally->hit_number = number;
    }
  if (plan->action == FAULT_KILL)
    raise (SIGKILL);
  errno = plan->error_number != 0 ? plan->error_number : fitting_error (kind, tally->n_calls);
  return TRUE;
}

static gboolean
fails (FaultKind kind, const char *call)
{
  return (thread.plan.action == FAULT_FAIL || thread.plan.action == FAULT_KILL) && strikes (kind, call);
}

static gboolean
lies (FaultKind kind, const char *call)
{
  return thread.plan.action == FAULT_LIE && strikes (kind, call);
}

/* of a call that moves bytes: how many it may move */
static gsize
shorten (FaultKind kind, const char *call, gsize length)
{
  return thread.plan.action == FAULT_SHORTEN && length > 1 && strikes (kind, call) ? length / 2 : length;
}

/* ---- KVM -------------------------------------------------------------------------------------- */

#define NAMED(request)                                                                                       \
  {                                                                                                          \
    request, #request                                                                                        \
  }

static const struct
{
  gulong request;
  const char *name;
} requests[] = {
  NAMED (KVM_CHECK_EXTENSION),
  NAMED (KVM_CREATE_IRQCHIP),
  NAMED (KVM_CREATE_PIT2),
  NAMED (KVM_CREATE_VCPU),
  NAMED (KVM_CREATE_VM),
  NAMED (KVM_GET_API_VERSION),
  NAMED (KVM_GET_CLOCK),
  NAMED (KVM_GET_DEBUGREGS),
  NAMED (KVM_GET_DEVICE_ATTR),
  NAMED (KVM_GET_DIRTY_LOG),
  NAMED (KVM_GET_IRQCHIP),
  NAMED (KVM_GET_LAPIC),
  NAMED (KVM_GET_MP_STATE),
  NAMED (KVM_GET_MSRS),
  NAMED (KVM_GET_MSR_INDEX_LIST),
  NAMED (KVM_GET_PIT2),
  NAMED (KVM_GET_REGS),
  NAMED (KVM_GET_SREGS),
  NAMED (KVM_GET_SREGS2),
  NAMED (KVM_GET_SUPPORTED_CPUID),
  NAMED (KVM_GET_TSC_KHZ),
  NAMED (KVM_GET_VCPU_EVENTS),
  NAMED (KVM_GET_VCPU_MMAP_SIZE),
  NAMED (KVM_GET_XCRS),
  NAMED (KVM_GET_XSAVE),
  NAMED (KVM_GET_XSAVE2),
  NAMED (KVM_IRQ_LINE),
  NAMED (KVM_KVMCLOCK_CTRL),
  NAMED (KVM_RUN),
  NAMED (KVM_SET_CLOCK),
  NAMED (KVM_SET_CPUID2),
  NAMED (KVM_SET_DEBUGREGS),
  NAMED (KVM_SET_DEVICE_ATTR),
  NAMED (KVM_SET_IDENTITY_MAP_ADDR),
  NAMED (KVM_SET_IRQCHIP),
  NAMED (KVM_SET_LAPIC),
  NAMED (KVM_SET_MP_STATE),
  NAMED (KVM_SET_MSRS),
  NAMED (KVM_SET_PIT2),
  NAMED (KVM_SET_REGS),
  NAMED (KVM_SET_SIGNAL_MASK),
  NAMED (KVM_SET_SREGS),
  NAMED (KVM_SET_SREGS2),
  NAMED (KVM_SET_TSC_KHZ),
  NAMED (KVM_SET_TSS_ADDR),
  NAMED (KVM_SET_USER_MEMORY_REGION),
  NAMED (KVM_SET_VCPU_EVENTS),
  NAMED (KVM_SET_XCRS),
  NAMED (KVM_SET_XSAVE),
  NAMED (KVM_TRANSLATE),
};

/* one that is not in the list fails in its turn as all do */
static const char *
name_request (gulong request, char *buffer, gsize size)
{
  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    if (requests[i].request == request)
      return requests[i].name;
  g_snprintf (buffer, size, "KVM's 0x%lx", request);
  return buffer;
}

/* these KVM does not wait for anything in, so nothing can interrupt them */
static gboolean
answers_at_once (gulong request)
{
  return request == KVM_CHECK_EXTENSION || request == KVM_GET_API_VERSION ||
         request == KVM_GET_VCPU_MMAP_SIZE || request == KVM_KVMCLOCK_CTRL || request == KVM_GET_TSC_KHZ;
}

int __real_ioctl (int fd, gulong request, ...);
int __wrap_ioctl (int fd, gulong request, ...);

int
__wrap_ioctl (int fd, gulong request, ...)
{
  char buffer[32];
  va_list arguments;
  gpointer argument;

  va_start (arguments, request);
  argument = va_arg (arguments, gpointer);
  va_end (arguments);

  if (_IOC_TYPE (request) != KVMIO)
    return fails (FAULT_FILE, "ioctl") ? -1 : __real_ioctl (fd, request, argument);
  if (request == KVM_RUN && g_atomic_int_get (&run_countdown) > 0 &&
      g_atomic_int_dec_and_test (&run_countdown))
    {
      errno = g_atomic_int_get (&run_error);
      return -1;
    }
  if (thread.armed && !(thread.plan.error_number == EINTR && answers_at_once (request)) &&
      fails (FAULT_KVM, name_request (request, buffer, sizeof buffer)))
    return -1;
  return __real_ioctl (fd, request, argument);
}

/* ---- calls that fail with a value and errno --------------------------------------------------- */

#define WRAP(kind, type, failure, name, parameters, arguments)                                               \
  type __real_##name parameters;                                                                             \
  type __wrap_##name parameters;                                                                             \
  type __wrap_##name parameters                                                                              \
  {                                                                                                          \
    return fails (kind, #name) ? (failure) : __real_##name arguments;                                        \
  }

/* the same, of one that changes names */
#define WRAP_NAME(name, parameters, arguments)                                                               \
  int __real_##name parameters;                                                                              \
  int __wrap_##name parameters;                                                                              \
  int __wrap_##name parameters                                                                               \
  {                                                                                                          \
    if (fails (FAULT_FILE, #name))                                                                           \
      return -1;                                                                                             \
    if (__real_##name arguments != 0)                                                                        \
      return -1;                                                                                             \
    return lies (FAULT_FILE, #name) ? -1 : 0;                                                                \
  }

/* the same, of one that moves bytes */
#define WRAP_MOVE(kind, name, parameters, arguments)                                                         \
  ssize_t __real_##name parameters;                                                                          \
  ssize_t __wrap_##name parameters;                                                                          \
  ssize_t __wrap_##name parameters                                                                           \
  {                                                                                                          \
    length = shorten (kind, #name, length);                                                                  \
    return fails (kind, #name) ? -1 : __real_##name arguments;                                               \
  }

/* clang-format off */
WRAP (FAULT_FILE, int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP (FAULT_FILE, int, -1, flock, (int fd, int operation), (fd, operation))
WRAP (FAULT_FILE, int, -1, fstat64, (int fd, struct stat *st), (fd, st))
WRAP (FAULT_FILE, int, -1, fstatat64, (int fd, const char *name, struct stat *st, int flags), (fd, name, st, flags))
WRAP (FAULT_FILE, int, -1, fsync, (int fd), (fd))
WRAP (FAULT_FILE,
      int,
      -1,
      fallocate64,
      (int fd, int mode, off_t offset, off_t length),
      (fd, mode, offset, length))
WRAP (FAULT_FILE, int, -1, ftruncate64, (int fd, off_t size), (fd, size))
WRAP (FAULT_FILE, int, -1, g_mkdir_with_parents, (const char *path, int mode), (path, mode))
WRAP (FAULT_FILE, int, -1, g_mkstemp_full, (char *path, int flags, int mode), (path, flags, mode))
WRAP (FAULT_FILE, int, -1, g_unlink, (const char *path), (path))
WRAP_NAME (linkat, (int fd, const char *name, int new_fd, const char *new_name, int flags),
      (fd, name, new_fd, new_name, flags))
WRAP (FAULT_FILE, off_t, -1, lseek64, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP (FAULT_FILE, int, -1, lstat64, (const char *path, struct stat *st), (path, st))
WRAP (FAULT_FILE, int, -1, memfd_create, (const char *name, guint flags), (name, flags))
WRAP_NAME (mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode))
WRAP_NAME (renameat2, (int fd, const char *name, int new_fd, const char *new_name, guint flags),
      (fd, name, new_fd, new_name, flags))
WRAP (FAULT_FILE, int, -1, stat64, (const char *path, struct stat *st), (path, st))
WRAP (FAULT_FILE, int, -1, statvfs64, (const char *path, struct statvfs *st), (path, st))
WRAP (FAULT_FILE, int, -1, sync_file_range, (int fd, off_t offset, off_t length, guint flags),
      (fd, offset, length, flags))
WRAP_NAME (unlinkat, (int fd, const char *name, int flags), (fd, name, flags))
WRAP (FAULT_FILE, DIR *, NULL, fdopendir, (int fd), (fd))
WRAP (FAULT_FILE, struct dirent *, NULL, readdir64, (DIR *stream), (stream))

WRAP_MOVE (FAULT_FILE, pread64, (int fd, void *bytes, gsize length, off_t offset), (fd, bytes, length, offset))
WRAP_MOVE (FAULT_FILE, pwrite64, (int fd, const void *bytes, gsize length, off_t offset), (fd, bytes, length, offset))
WRAP_MOVE (FAULT_FILE, read, (int fd, void *bytes, gsize length), (fd, bytes, length))
WRAP_MOVE (FAULT_FILE, write, (int fd, const void *bytes, gsize length), (fd, bytes, length))

WRAP (FAULT_MEMORY, int, -1, madvise, (void *address, gsize length, int advice), (address, length, advice))
WRAP (FAULT_MEMORY, void *, MAP_FAILED, mmap64,
      (void *address, gsize length, int protection, int flags, int fd, off_t offset),
      (address, length, protection, flags, fd, offset))
WRAP (FAULT_MEMORY, int, -1, mprotect, (void *address, gsize length, int protection), (address, length, protection))
WRAP (FAULT_MEMORY, ssize_t, -1, process_vm_readv,
      (pid_t pid, const struct iovec *ours, gulong n, const struct iovec *theirs, gulong m, gulong flags),
      (pid, ours, n, theirs, m, flags))
WRAP (FAULT_MEMORY, ssize_t, -1, process_vm_writev,
      (pid_t pid, const struct iovec *ours, gulong n, const struct iovec *theirs, gulong m, gulong flags),
      (pid, ours, n, theirs, m, flags))

WRAP (FAULT_OTHER, int, -1, eventfd, (guint count, int flags), (count, flags))
WRAP (FAULT_OTHER, ssize_t, -1, getrandom, (void *bytes, gsize length, guint flags), (bytes, length, flags))
WRAP (FAULT_OTHER, int, errno, pthread_create,
      (pthread_t *id, const pthread_attr_t *attributes, void *(*func) (void *), void *data),
      (id, attributes, func, data))
WRAP (FAULT_OTHER, int, -1, sigaction, (int number, const struct sigaction *action, struct sigaction *old),
      (number, action, old))
WRAP (FAULT_OTHER, int, -1, socketpair, (int domain, int type, int protocol, int fds[2]),
      (domain, type, protocol, fds))
WRAP (FAULT_OTHER, int, -1, sysinfo, (struct sysinfo *info), (info))
/* clang-format on */

/* ---- calls with arguments that may not be there ------------------------------------------------ */

int __real_open64 (const char *path, int flags, ...);
int __wrap_open64 (const char *path, int flags, mode_t mode);

int
__wrap_open64 (const char *path, int flags, mode_t mode)
{
  gboolean is_kvm = strcmp (path, "/dev/kvm") == 0;

  if (is_kvm && thread.plan.error_number == EINTR) /* it does not wait for anything */
    return __real_open64 (path, flags, mode);
  return fails (is_kvm ? FAULT_KVM : FAULT_FILE, "open64") ? -1 : __real_open64 (path, flags, mode);
}

int __real_openat64 (int fd, const char *name, int flags, ...);
int __wrap_openat64 (int fd, const char *name, int flags, mode_t mode);

int
__wrap_openat64 (int fd, const char *name, int flags, mode_t mode)
{
  return fails (FAULT_FILE, "openat64") ? -1 : __real_openat64 (fd, name, flags, mode);
}

int __real_fcntl64 (int fd, int command, ...);
int __wrap_fcntl64 (int fd, int command, gpointer argument);

int
__wrap_fcntl64 (int fd, int command, gpointer argument)
{
  return fails (FAULT_OTHER, "fcntl64") ? -1 : __real_fcntl64 (fd, command, argument);
}

void *__real_mremap (void *old, gsize old_length, gsize length, int flags, ...);
void *__wrap_mremap (void *old, gsize old_length, gsize length, int flags, void *address);

void *
__wrap_mremap (void *old, gsize old_length, gsize length, int flags, void *address)
{
  return fails (FAULT_MEMORY, "mremap") ? MAP_FAILED
                                        : __real_mremap (old, old_length, length, flags, address);
}

/* ---- calls with a GError ------------------------------------------------------------------------ */

GThread *__real_g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error);
GThread *__wrap_g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error);

GThread *
__wrap_g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  if (!fails (FAULT_OTHER, "g_thread_try_new"))
    return __real_g_thread_try_new (name, func, data, error);
  g_set_error_literal (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN, g_strerror (errno));
  return NULL;
}

gboolean __real_g_file_get_contents (const char *path, char **contents, gsize *length, GError **error);
gboolean __wrap_g_file_get_contents (const char *path, char **contents, gsize *length, GError **error);

gboolean
__wrap_g_file_get_contents (const char *path, char **contents, gsize *length, GError **error)
{
  int saved_errno;

  if (!fails (FAULT_FILE, "g_file_get_contents"))
    return __real_g_file_get_contents (path, contents, length, error);
  saved_errno = errno;
  g_set_error_literal (error, G_FILE_ERROR, g_file_error_from_errno (saved_errno), g_strerror (saved_errno));
  return FALSE;
}
