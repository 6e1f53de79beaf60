/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A driver with no hypervisor behind it: VMs live in memory, snapshots are real directories with RAM of zeros. Tests
 * and front-ends use it where there is no /dev/kvm. Keys of its own make it slow or let it fail:
 *
 *   test-delay-ms     u  how long each operation takes, a minute at most; a cancelled one ends sooner
 *   test-fail         s  "OPERATION:ERROR": that operation fails with the error of that name, as on the bus;
 *                        OPERATION is a member of OvmDriver ("start", "save", ...), or "populate": a restore that
 *                        populates RAM, or a preparation that does
 *   test-guest        s  "EVENT:MS": so long after each start the guest does "power-off", "reboot" or "crash"
 *   test-deaf         b  the guest does not care about Shutdown
 *   test-downtime-us  t  the freeze that a save reports
 *
 * A client of its console gets a greeting, and then what it writes, until the VM is deleted.
 */

#include "config.h"
#include "src/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "src/error.h"

#define DELAY_MAX_MS (60 * 1000u)
#define STEPS 20u /* of progress, in a slow operation */
#define CONSOLES_MAX 16

/* the host's end of a console, and the thread that answers there; both end with the VM */
typedef struct
{
  int fd;
  GThread *thread;
} Echo;

struct _OvmDriverVm
{
  VmmConfig *config;
  OvmDriverEventFunc event;
  gpointer user_data;

  /* never change */
  guint delay_ms;
  char *fail_operation;
  VmmError fail_code;
  gboolean guest_acts;
  OvmDriverEvent guest_event;
  guint guest_delay_ms;
  gboolean deaf;
  guint64 downtime_usec;

  char *origin; /* directory of the snapshot it comes from; touched by one operation at a time */

  GMutex lock; /* protects the rest */
  GCond cond;  /* told when any of it changes */
  OvmState state;
  char *reason;
  guint64 boot; /* number of the current one; what a guest of an earlier one does no longer matters */
  guint guests; /* threads that will act */
  Echo echoes[CONSOLES_MAX];
  guint n_echoes;
};

/* there is nothing to be prepared: the VM is spared the delay */
struct _OvmDriverSpare
{
  char nothing;
};

static const OvmOption test_options[] = {
  { "test-deaf", "b", 0, FALSE },  { "test-delay-ms", "u", 0, FALSE }, { "test-downtime-us", "t", 0, FALSE },
  { "test-fail", "s", 64, FALSE }, { "test-guest", "s", 64, FALSE },   { NULL },
};

static const char *const event_names[] = {
  [OVM_DRIVER_EVENT_POWER_OFF] = "power-off",
  [OVM_DRIVER_EVENT_REBOOT] = "reboot",
  [OVM_DRIVER_EVENT_CRASH] = "crash",
};

static gboolean
probe (GError **error)
{
  return TRUE;
}

/* the VMM's code that the bus shows under @name */
static gboolean
find_code (const char *name, VmmError *code)
{
  for (int i = 0; i <= VMM_ERROR_GUEST; i++)
    if (g_str_equal (ovm_error_get_name (ovm_error_from_vmm ((VmmError) i)) + strlen (OVM_ERROR_PREFIX), name))
      {
        *code = (VmmError) i;
        return TRUE;
      }
  return FALSE;
}

static gboolean
parse_fail (OvmDriverVm *vm, GVariant *options, GError **error)
{
  g_autofree char *text = ovm_options_dup_string (options, "test-fail");
  g_auto (GStrv) words = NULL;

  if (text == NULL)
    return TRUE;
  words = g_strsplit (text, ":", 2);
  if (g_strv_length (words) != 2 || !find_code (words[1], &vm->fail_code))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "test-fail is '%s'; it must be OPERATION:ERROR, such as save:NoSpace",
                   text);
      return FALSE;
    }
  vm->fail_operation = g_strdup (words[0]);
  return TRUE;
}

static gboolean
parse_guest (OvmDriverVm *vm, GVariant *options, GError **error)
{
  g_autofree char *text = ovm_options_dup_string (options, "test-guest");
  g_auto (GStrv) words = NULL;
  guint64 delay_ms;

  if (text == NULL)
    return TRUE;
  words = g_strsplit (text, ":", 2);
  for (guint i = 0; i < G_N_ELEMENTS (event_names) && g_strv_length (words) == 2; i++)
    if (g_str_equal (event_names[i], words[0]) &&
        g_ascii_string_to_unsigned (words[1], 10, 0, DELAY_MAX_MS, &delay_ms, NULL))
      {
        vm->guest_acts = TRUE;
        vm->guest_event = (OvmDriverEvent) i;
        vm->guest_delay_ms = (guint) delay_ms;
        return TRUE;
      }
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INVALID_CONFIG,
               "test-guest is '%s'; it must be EVENT:MS, with EVENT one of power-off, reboot, crash",
               text);
  return FALSE;
}

static void
vm_free (OvmDriverVm *vm)
{
  vmm_config_free (vm->config);
  g_free (vm->fail_operation);
  g_free (vm->origin);
  g_free (vm->reason);
  g_mutex_clear (&vm->lock);
  g_cond_clear (&vm->cond);
  g_free (vm);
}

static gboolean
should_fail (OvmDriverVm *vm, const char *operation, GError **error)
{
  if (g_strcmp0 (vm->fail_operation, operation) != 0)
    return FALSE;
  g_set_error (error,
               VMM_ERROR,
               (int) vm->fail_code,
               "%s of test VM '%s' was told to fail",
               operation,
               vm->config->name);
  return TRUE;
}

/* any client may bring the service to where no thread can be had */
static GThread *
begin_thread (const char *name, GThreadFunc run, gpointer data, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GThread *thread = g_thread_try_new (name, run, data, &local_error);

  if (thread == NULL)
    g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "cannot make thread '%s': %s", name, local_error->message);
  return thread;
}

/* a log that cannot be written to must be seen here too */
static gboolean
touch_log (const char *console_log, GError **error)
{
  struct stat st = { 0 };
  gboolean ok;
  int fd;

  if (console_log == NULL)
    return TRUE;
  /* without O_NONBLOCK a FIFO would hold us up here, before it can be refused */
  fd = open (console_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  ok = fd >= 0 && fstat (fd, &st) == 0;
  if (!ok)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_INVALID_CONFIG,
                 "console-log '%s' cannot be opened for writing: %s",
                 console_log,
                 g_strerror (errno));
  else if (!S_ISREG (st.st_mode))
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_INVALID_CONFIG,
                 "console-log '%s' is not a regular file (its mode is 0%o); name a regular file, or one that does "
                 "not exist yet",
                 console_log,
                 st.st_mode);
  if (fd >= 0)
    (void) g_close (fd, NULL);
  return ok && S_ISREG (st.st_mode);
}

static OvmDriverVm *
define (const VmmConfig *config,
        const char *console_log,
        GVariant *options,
        OvmDriverEventFunc event,
        gpointer user_data,
        GError **error)
{
  OvmDriverVm *vm = g_new0 (OvmDriverVm, 1);

  g_mutex_init (&vm->lock);
  g_cond_init (&vm->cond);
  vm->config = vmm_config_copy (config);
  vm->event = event;
  vm->user_data = user_data;
  vm->downtime_usec = 1000;
  g_variant_lookup (options, "test-delay-ms", "u", &vm->delay_ms);
  g_variant_lookup (options, "test-downtime-us", "t", &vm->downtime_usec);
  vm->deaf = ovm_options_get_boolean (options, "test-deaf", FALSE);
  if (!parse_fail (vm, options, error) || !parse_guest (vm, options, error) ||
      should_fail (vm, "define", error) || !touch_log (console_log, error))
    {
      vm_free (vm);
      return NULL;
    }
  return vm;
}

/* ends the guests of earlier boots; @reason is NULL if it was not the VM's own doing */
static void
set_state_locked (OvmDriverVm *vm, OvmState state, const char *reason)
{
  vm->state = state;
  g_free (vm->reason);
  vm->reason = g_strdup (reason);
  g_cond_broadcast (&vm->cond);
}

static gpointer
echo (gpointer data)
{
  static const char greeting[] = "test console\r\n";
  const Echo *self = data;
  gssize length = send (self->fd, greeting, sizeof greeting - 1, MSG_NOSIGNAL);
  char buffer[256];

  while (length > 0)
    {
      length = recv (self->fd, buffer, sizeof buffer, 0);
      if (length > 0)
        length = send (self->fd, buffer, (gsize) length, MSG_NOSIGNAL);
    }
  (void) shutdown (self->fd, SHUT_RDWR);
  return NULL;
}

/* also one whose client reads nothing */
static void
end_echo (Echo *self)
{
  (void) shutdown (self->fd, SHUT_RDWR);
  g_thread_join (self->thread);
  (void) g_close (self->fd, NULL);
}

static void
undefine (OvmDriverVm *vm)
{
  g_mutex_lock (&vm->lock);
  vm->boot++;
  g_cond_broadcast (&vm->cond);
  while (vm->guests > 0)
    g_cond_wait (&vm->cond, &vm->lock);
  g_mutex_unlock (&vm->lock);
  for (guint i = 0; i < vm->n_echoes; i++)
    end_echo (&vm->echoes[i]);
  vm_free (vm);
}

static OvmState
get_state (OvmDriverVm *vm, char **reason)
{
  OvmState state;

  g_mutex_lock (&vm->lock);
  state = vm->state;
  if (reason != NULL)
    *reason = g_strdup (vm->reason);
  g_mutex_unlock (&vm->lock);
  return state;
}

/* what a slow operation does with its time */
static gboolean
dawdle (OvmDriverVm *vm, const OvmDriverTask *task, GError **error)
{
  GCancellable *cancellable = task != NULL ? task->cancellable : NULL;
  guint delay_ms = MIN (vm->delay_ms, DELAY_MAX_MS);

  for (guint i = 1; i <= STEPS && delay_ms > 0; i++)
    {
      g_usleep ((gulong) delay_ms * 1000 / STEPS);
      if (cancellable != NULL && g_cancellable_is_cancelled (cancellable))
        break;
      if (task != NULL && task->progress != NULL)
        task->progress (vm->config->memory_size * i / STEPS, vm->config->memory_size, task->progress_data);
    }
  if (cancellable == NULL || !g_cancellable_is_cancelled (cancellable))
    return TRUE;
  g_set_error_literal (error, VMM_ERROR, VMM_ERROR_CANCELLED, "the operation was cancelled");
  return FALSE;
}

static void
act_locked (OvmDriverVm *vm, OvmDriverEvent event, const char *reason)
{
  static const OvmState states[] = {
    [OVM_DRIVER_EVENT_POWER_OFF] = OVM_STATE_STOPPED,
    [OVM_DRIVER_EVENT_REBOOT] = OVM_STATE_RUNNING,
    [OVM_DRIVER_EVENT_CRASH] = OVM_STATE_CRASHED,
  };

  set_state_locked (vm, states[event], reason);
  vm->event (event, reason, vm->user_data);
}

typedef struct
{
  OvmDriverVm *vm;
  guint64 boot;
} Guest;

static gpointer
live (gpointer data)
{
  static const char *const reasons[] = {
    [OVM_DRIVER_EVENT_POWER_OFF] = "the guest powered off",
    [OVM_DRIVER_EVENT_REBOOT] = "the guest rebooted",
    [OVM_DRIVER_EVENT_CRASH] = "the guest crashed",
  };
  g_autofree Guest *guest = data;
  OvmDriverVm *vm = guest->vm;
  gint64 end_usec = g_get_monotonic_time () + (gint64) vm->guest_delay_ms * 1000;

  g_mutex_lock (&vm->lock);
  while (vm->boot == guest->boot && g_cond_wait_until (&vm->cond, &vm->lock, end_usec))
    ;
  while (vm->boot == guest->boot && vm->state == OVM_STATE_PAUSED)
    g_cond_wait (&vm->cond, &vm->lock);
  if (vm->boot == guest->boot && vm->state == OVM_STATE_RUNNING)
    act_locked (vm, vm->guest_event, reasons[vm->guest_event]);
  vm->guests--;
  g_cond_broadcast (&vm->cond);
  g_mutex_unlock (&vm->lock);
  return NULL;
}

/* the guest of the next boot, which sees it when the lock is free */
static gboolean
begin_guest_locked (OvmDriverVm *vm, GError **error)
{
  g_autofree Guest *guest = g_new0 (Guest, 1);
  g_autoptr (GThread) thread = NULL;

  guest->vm = vm;
  guest->boot = vm->boot + 1;
  thread = begin_thread ("test-guest", live, guest, error);
  if (thread == NULL)
    return FALSE;
  guest = NULL;
  vm->guests++;
  return TRUE;
}

static gboolean
boot (OvmDriverVm *vm, gboolean paused, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->lock);

  if (vm->guest_acts && !begin_guest_locked (vm, error))
    return FALSE;
  vm->boot++;
  set_state_locked (vm, paused ? OVM_STATE_PAUSED : OVM_STATE_RUNNING, NULL);
  return TRUE;
}

/* from one state to another, unless the guest was quicker */
static gboolean
change_state (OvmDriverVm *vm, OvmState from, OvmState to, GError **error)
{
  gboolean ended;

  g_mutex_lock (&vm->lock);
  ended = vm->state != from && vm->state != to;
  if (!ended && vm->state != to)
    set_state_locked (vm, to, NULL);
  g_mutex_unlock (&vm->lock);
  if (ended)
    g_set_error (error, VMM_ERROR, VMM_ERROR_INVALID_STATE, "VM '%s' has ended by itself", vm->config->name);
  return !ended;
}

static void
set_origin (OvmDriverVm *vm, const char *directory)
{
  g_free (vm->origin);
  vm->origin = g_strdup (directory);
}

static gboolean
start (OvmDriverVm *vm, gboolean paused, const OvmDriverTask *task, GError **error)
{
  if (!dawdle (vm, task, error) || should_fail (vm, "start", error) || !boot (vm, paused, error))
    return FALSE;
  set_origin (vm, NULL);
  return TRUE;
}

static gboolean
pause_vm (OvmDriverVm *vm, GError **error)
{
  return dawdle (vm, NULL, error) && !should_fail (vm, "pause", error) &&
         change_state (vm, OVM_STATE_RUNNING, OVM_STATE_PAUSED, error);
}

static gboolean
resume (OvmDriverVm *vm, GError **error)
{
  return dawdle (vm, NULL, error) && !should_fail (vm, "resume", error) &&
         change_state (vm, OVM_STATE_PAUSED, OVM_STATE_RUNNING, error);
}

static gboolean
shut_down (OvmDriverVm *vm, GError **error)
{
  if (!dawdle (vm, NULL, error) || should_fail (vm, "shutdown", error))
    return FALSE;
  g_mutex_lock (&vm->lock);
  if (!vm->deaf && vm->state == OVM_STATE_RUNNING)
    act_locked (vm, OVM_DRIVER_EVENT_POWER_OFF, "the guest powered off");
  g_mutex_unlock (&vm->lock);
  return TRUE;
}

static gboolean
stop (OvmDriverVm *vm, GError **error)
{
  if (!dawdle (vm, NULL, error) || should_fail (vm, "stop", error))
    return FALSE;
  g_mutex_lock (&vm->lock);
  vm->boot++;
  set_state_locked (vm, OVM_STATE_STOPPED, NULL);
  g_mutex_unlock (&vm->lock);
  return TRUE;
}

static gboolean
reset (OvmDriverVm *vm, GError **error)
{
  if (!dawdle (vm, NULL, error) || should_fail (vm, "reset", error) || !boot (vm, FALSE, error))
    return FALSE;
  set_origin (vm, NULL);
  return TRUE;
}

static gboolean
save (OvmDriverVm *vm, const VmmSavePlan *plan, VmmSaveResult *result, GError **error)
{
  const OvmDriverTask task = { plan->progress, plan->progress_data, plan->cancellable };
  gboolean running = get_state (vm, NULL) == OVM_STATE_RUNNING;

  if (plan->incremental && vm->origin == NULL)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_NO_PARENT,
                   "test VM '%s' comes from no snapshot; make a complete one first",
                   vm->config->name);
      return FALSE;
    }
  if (!dawdle (vm, &task, error) || should_fail (vm, "save", error) ||
      !vmm_snapshot_write (vm->config, running, vm->downtime_usec, plan, vm->origin, result, error))
    return FALSE;
  set_origin (vm, plan->directory);
  return TRUE;
}

/* a working set without pages is recorded at once; that it cannot be is no failure, as with the others */
static gboolean
populate (OvmDriverVm *vm, VmmSnapshot *snapshot, const OvmDriverRestore *how, GError **error)
{
  g_autoptr (GError) record_error = NULL;

  if (how->memory == OVM_MEMORY_WORKING_SET && how->working_set != NULL &&
      !vmm_snapshot_write_working_set (snapshot, how->working_set, &record_error))
    g_debug ("the working set is not recorded: %s", record_error->message);
  return how->memory != OVM_MEMORY_POPULATE || !should_fail (vm, "populate", error);
}

static gboolean
restore (OvmDriverVm *vm,
         VmmSnapshot *snapshot,
         const OvmDriverRestore *how,
         const OvmDriverTask *task,
         GError **error)
{
  gboolean quick = how->spare != NULL;

  g_free (how->spare);
  if ((!quick && !dawdle (vm, task, error)) || should_fail (vm, "restore", error) ||
      !populate (vm, snapshot, how, error) || !boot (vm, how->paused, error))
    return FALSE;
  set_origin (vm, vmm_snapshot_get_directory (snapshot));
  return TRUE;
}

static void
no_event (OvmDriverEvent event, const char *reason, gpointer user_data)
{
}

/* what a VM made with @options would do */
static OvmDriverSpare *
prepare (VmmSnapshot *snapshot,
         const OvmDriverRestore *how,
         GVariant *options,
         const OvmDriverTask *task,
         GError **error)
{
  OvmDriverVm *vm = define (vmm_snapshot_get_config (snapshot), NULL, options, no_event, NULL, error);
  gboolean ok;

  if (vm == NULL)
    return NULL;
  ok = dawdle (vm, task, error) && !should_fail (vm, "prepare", error) && populate (vm, snapshot, how, error);
  vm_free (vm);
  return ok ? g_new0 (OvmDriverSpare, 1) : NULL;
}

static void
dismiss (OvmDriverSpare *spare)
{
  g_free (spare);
}

static int
open_console (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  Echo *new_echo;
  int fds[2];

  if (should_fail (vm, "open_console", error))
    return -1;
  locker = g_mutex_locker_new (&vm->lock);
  if (vm->n_echoes == CONSOLES_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "test VM '%s' gives out %d consoles at most",
                   vm->config->name,
                   CONSOLES_MAX);
      return -1;
    }
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "socketpair: %s", g_strerror (errno));
      return -1;
    }
  new_echo = &vm->echoes[vm->n_echoes];
  new_echo->fd = fds[1];
  new_echo->thread = begin_thread ("test-console", echo, new_echo, error);
  if (new_echo->thread == NULL)
    {
      (void) g_close (fds[0], NULL);
      (void) g_close (fds[1], NULL);
      return -1;
    }
  vm->n_echoes++;
  return fds[0];
}

const OvmDriver ovm_driver_test = {
  .name = "test",
  .description = "VMs in memory only, for tests and front-ends",
  .options = test_options,
  .probe = probe,
  .define = define,
  .undefine = undefine,
  .get_state = get_state,
  .start = start,
  .pause = pause_vm,
  .resume = resume,
  .shutdown = shut_down,
  .stop = stop,
  .reset = reset,
  .save = save,
  .save_incremental = save,
  .restore = restore,
  .prepare = prepare,
  .dismiss = dismiss,
  .open_console = open_console,
};
