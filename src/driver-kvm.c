/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The VMM in this process. A machine of the VMM boots once: starting, rebooting and restoring each make a new one, and
 * the VM goes from one to the next. Each machine has a number; what a machine says that is not the VM's any more is not
 * listened to.
 *
 * A machine that comes to its end says so on one of its VP threads, where nothing may wait. What the VM is then is
 * noted there at once; the rest, freeing the machine or making the next, is left to a thread of its own (the
 * undertaker), which waits for the operation that may be under way.
 *
 * Locks: operation is held for as long as an operation takes, and taken before lock, which is held for moments.
 */

#include "config.h"
#include "src/driver.h"

struct _OvmDriverVm
{
  VmmConfig *config;
  VmmConsole *console;
  OvmDriverEventFunc event;
  gpointer user_data;

  GMutex operation; /* protects machine and boot */
  VmmMachine *machine;
  struct Boot *boot; /* of machine */

  GMutex lock;    /* protects the rest */
  GCond cond;     /* told when undertakers changes */
  guint64 number; /* of the machine that is listened to; 0 for none */
  guint64 last_number;
  guint undertakers; /* threads */
  OvmState state;
  char *reason; /* NULL if it was not the VM's own doing */
};

/* what a machine is given to call back with; lives as long as the machine */
typedef struct Boot
{
  OvmDriverVm *vm; /* NULL while the machine is a spare */
  guint64 number;
} Boot;

/* what an undertaker finds to do */
typedef struct
{
  OvmDriverVm *vm;
  guint64 number; /* of a machine that ended; 0: the machine below is just to be freed */
  gboolean reboots;
  VmmMachine *machine;
  Boot *boot;
} Funeral;

/* a machine and what it calls back with, on their way into or out of a VM */
typedef struct
{
  VmmMachine *machine;
  Boot *boot;
} Body;

static void
body_clear (Body *body)
{
  g_clear_pointer (&body->machine, vmm_machine_free);
  g_clear_pointer (&body->boot, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Body, body_clear)

struct _OvmDriverSpare
{
  Body body;
  gboolean is_blank;
  VmmCpuPolicy cpu; /* that it was made with, unless it is blank */
};

static void
set_state_locked (OvmDriverVm *vm, OvmState state, const char *reason)
{
  vm->state = state;
  g_free (vm->reason);
  vm->reason = g_strdup (reason);
}

static void
set_state (OvmDriverVm *vm, OvmState state, const char *reason)
{
  g_mutex_lock (&vm->lock);
  set_state_locked (vm, state, reason);
  g_mutex_unlock (&vm->lock);
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

static void
crash (OvmDriverVm *vm, const char *reason)
{
  set_state (vm, OVM_STATE_CRASHED, reason);
  vm->event (OVM_DRIVER_EVENT_CRASH, reason, vm->user_data);
}

static void on_machine_event (VmmEvent event, const char *reason, gpointer user_data);

static void
assign (Boot *boot, OvmDriverVm *vm)
{
  boot->vm = vm;
  g_mutex_lock (&vm->lock);
  boot->number = ++vm->last_number;
  g_mutex_unlock (&vm->lock);
}

static Boot *
boot_new (OvmDriverVm *vm)
{
  Boot *boot = g_new0 (Boot, 1);

  assign (boot, vm);
  return boot;
}

static gboolean
build (OvmDriverVm *vm, const VmmConfig *config, Body *body, GError **error)
{
  body->boot = boot_new (vm);
  body->machine = vmm_machine_new (config, vm->console, on_machine_event, body->boot, error);
  return body->machine != NULL;
}

/* no machine is listened to any more; what the VM had is the caller's */
static void
take_out (OvmDriverVm *vm, Body *body)
{
  g_mutex_lock (&vm->lock);
  vm->number = 0;
  g_mutex_unlock (&vm->lock);
  body->machine = g_steal_pointer (&vm->machine);
  body->boot = g_steal_pointer (&vm->boot);
}

/* says what the VM is before the machine runs, since it may end before vmm_machine_resume() returns */
static void
put_in (OvmDriverVm *vm, Body *body, gboolean paused)
{
  g_mutex_lock (&vm->lock);
  vm->number = body->boot->number;
  set_state_locked (vm, paused ? OVM_STATE_PAUSED : OVM_STATE_RUNNING, NULL);
  g_mutex_unlock (&vm->lock);
  vm->machine = g_steal_pointer (&body->machine);
  vm->boot = g_steal_pointer (&body->boot);
}

static void
discard_machine (OvmDriverVm *vm)
{
  g_auto (Body) old = { 0 };

  take_out (vm, &old);
}

static void
reboot (OvmDriverVm *vm)
{
  g_autoptr (GError) error = NULL;
  g_auto (Body) new = { 0 };

  discard_machine (vm);
  if (build (vm, vm->config, &new, &error))
    {
      put_in (vm, &new, FALSE);
      if (vmm_machine_resume (vm->machine, &error))
        {
          vm->event (OVM_DRIVER_EVENT_REBOOT, "the guest rebooted", vm->user_data);
          return;
        }
      discard_machine (vm);
    }
  g_prefix_error (&error, "the guest asked for a reboot, but the VM could not be started again: ");
  crash (vm, error->message);
}

static gpointer
bury (gpointer data)
{
  g_autofree Funeral *funeral = data;
  OvmDriverVm *vm = funeral->vm;
  Body given = { funeral->machine, funeral->boot };

  body_clear (&given);
  g_mutex_lock (&vm->operation);
  if (funeral->number != 0 && vm->boot != NULL && vm->boot->number == funeral->number)
    {
      if (funeral->reboots)
        reboot (vm);
      else
        discard_machine (vm);
    }
  g_mutex_unlock (&vm->operation);

  g_mutex_lock (&vm->lock);
  vm->undertakers--;
  g_cond_broadcast (&vm->cond);
  g_mutex_unlock (&vm->lock);
  return NULL;
}

/* takes what @funeral points to, and says whether somebody takes care of it */
static gboolean
call_undertaker (const Funeral *funeral)
{
  Funeral *copy = g_memdup2 (funeral, sizeof *funeral);
  g_autoptr (GError) error = NULL;
  GThread *thread;

  g_mutex_lock (&funeral->vm->lock);
  funeral->vm->undertakers++;
  g_mutex_unlock (&funeral->vm->lock);
  thread = g_thread_try_new ("undertaker", bury, copy, &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return TRUE;
    }
  g_free (copy);
  g_mutex_lock (&funeral->vm->lock);
  funeral->vm->undertakers--;
  g_mutex_unlock (&funeral->vm->lock);
  return FALSE;
}

static void
wait_for_undertakers (OvmDriverVm *vm)
{
  g_mutex_lock (&vm->lock);
  while (vm->undertakers > 0)
    g_cond_wait (&vm->cond, &vm->lock);
  g_mutex_unlock (&vm->lock);
}

/* frees an old machine while nobody waits */
static void
discard_later (OvmDriverVm *vm, Body *body)
{
  Funeral funeral = { .vm = vm, .machine = body->machine, .boot = body->boot };

  if (body->machine == NULL || !call_undertaker (&funeral))
    return; /* the caller's cleanup does it */
  body->machine = NULL;
  body->boot = NULL;
}

static gboolean
note_end (OvmDriverVm *vm, guint64 number, OvmState state, const char *reason)
{
  gboolean listened_to;

  g_mutex_lock (&vm->lock);
  listened_to = vm->number == number;
  if (listened_to && state != OVM_STATE_RUNNING)
    set_state_locked (vm, state, reason);
  g_mutex_unlock (&vm->lock);
  return listened_to;
}

/* on a VP thread of the machine */
static void
on_machine_event (VmmEvent event, const char *reason, gpointer user_data)
{
  const Boot *boot = user_data;
  OvmDriverVm *vm = boot->vm;
  Funeral funeral = { .vm = vm, .number = boot->number, .reboots = event == VMM_EVENT_RESET };
  OvmState state = OVM_STATE_RUNNING; /* a guest that reboots */

  if (event == VMM_EVENT_POWER_OFF)
    state = OVM_STATE_STOPPED;
  else if (event == VMM_EVENT_CRASH)
    state = OVM_STATE_CRASHED;
  if (!note_end (vm, boot->number, state, reason))
    return;
  if (event == VMM_EVENT_POWER_OFF)
    vm->event (OVM_DRIVER_EVENT_POWER_OFF, reason, vm->user_data);
  else if (event == VMM_EVENT_CRASH)
    vm->event (OVM_DRIVER_EVENT_CRASH, reason, vm->user_data);
  if (!call_undertaker (&funeral) && funeral.reboots)
    crash (vm, "the guest asked for a reboot, but the host has no thread left to do it");
}

static gboolean
check_machine (OvmDriverVm *vm, GError **error)
{
  if (vm->machine != NULL)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INVALID_STATE,
               "VM '%s' has come to its end by itself",
               vm->config->name);
  return FALSE;
}

static gboolean
probe (GError **error)
{
  return vmm_probe (error);
}

static OvmDriverVm *
define (const VmmConfig *config,
        const char *console_log,
        GVariant *options,
        OvmDriverEventFunc event,
        gpointer user_data,
        GError **error)
{
  VmmConsole *console;
  OvmDriverVm *vm;

  if (config->kernel == NULL)
    {
      g_set_error_literal (error,
                           VMM_ERROR,
                           VMM_ERROR_INVALID_CONFIG,
                           "there is no key 'kernel'; name a bzImage, or an ELF kernel with a PVH note");
      return NULL;
    }
  console = vmm_console_new (console_log, error);
  if (console == NULL)
    return NULL;

  vm = g_new0 (OvmDriverVm, 1);
  g_mutex_init (&vm->operation);
  g_mutex_init (&vm->lock);
  g_cond_init (&vm->cond);
  vm->config = vmm_config_copy (config);
  vm->console = console;
  vm->event = event;
  vm->user_data = user_data;
  return vm;
}

static void
undefine (OvmDriverVm *vm)
{
  g_mutex_lock (&vm->operation);
  discard_machine (vm);
  g_mutex_unlock (&vm->operation);
  wait_for_undertakers (vm);

  vmm_console_free (vm->console);
  vmm_config_free (vm->config);
  g_free (vm->reason);
  g_mutex_clear (&vm->operation);
  g_mutex_clear (&vm->lock);
  g_cond_clear (&vm->cond);
  g_free (vm);
}

/* with @vm->operation held; on failure the VM has no machine */
static gboolean
boot_machine (OvmDriverVm *vm, Body *new, gboolean paused, GError **error)
{
  put_in (vm, new, paused);
  if (paused || vmm_machine_resume (vm->machine, error))
    return TRUE;
  discard_machine (vm);
  return FALSE;
}

static gboolean
start (OvmDriverVm *vm, gboolean paused, const OvmDriverTask *task, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  g_auto (Body) new = { 0 };

  discard_machine (vm); /* one that ended, if its undertaker has not come yet */
  if (!build (vm, vm->config, &new, error))
    return FALSE;
  if (boot_machine (vm, &new, paused, error))
    return TRUE;
  set_state (vm, OVM_STATE_STOPPED, NULL);
  return FALSE;
}

static gboolean
pause_vm (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);

  if (!check_machine (vm, error) || !vmm_machine_pause (vm->machine, error))
    return FALSE;
  set_state (vm, OVM_STATE_PAUSED, NULL);
  return TRUE;
}

static gboolean
resume (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  OvmState old = get_state (vm, NULL);

  if (!check_machine (vm, error))
    return FALSE;
  if (old == OVM_STATE_PAUSED)
    set_state (vm, OVM_STATE_RUNNING, NULL); /* the guest may end at once */
  if (vmm_machine_resume (vm->machine, error))
    return TRUE;
  if (old == OVM_STATE_PAUSED)
    set_state (vm, OVM_STATE_PAUSED, NULL);
  return FALSE;
}

static gboolean
shut_down (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);

  if (!check_machine (vm, error))
    return FALSE;
  vmm_machine_press_power_button (vm->machine);
  return TRUE;
}

/* the memory file is free for another VM when this returns */
static gboolean
stop (OvmDriverVm *vm, GError **error)
{
  g_mutex_lock (&vm->operation);
  discard_machine (vm);
  set_state (vm, OVM_STATE_STOPPED, NULL);
  g_mutex_unlock (&vm->operation);
  wait_for_undertakers (vm);
  return TRUE;
}

/* A named RAM file cannot be held by two machines: whether a reset can succeed is first tried without it. */
static gboolean
rehearse (OvmDriverVm *vm, GError **error)
{
  g_autoptr (VmmConfig) config = vmm_config_copy (vm->config);
  g_auto (Body) trial = { 0 };

  g_clear_pointer (&config->memory_file, g_free);
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  return build (vm, config, &trial, error);
}

static gboolean
build_instead (OvmDriverVm *vm, Body *new, GError **error)
{
  if (vm->config->memory_file == NULL)
    return build (vm, vm->config, new, error);
  if (!rehearse (vm, error))
    return FALSE;
  discard_machine (vm);
  if (build (vm, vm->config, new, error))
    return TRUE;
  crash (vm, error != NULL && *error != NULL ? (*error)->message : "the VM could not be reset");
  return FALSE;
}

static gboolean
reset (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  g_autoptr (GError) local_error = NULL;
  g_auto (Body) old = { 0 };
  g_auto (Body) new = { 0 };

  if (vm->config->memory_file != NULL)
    wait_for_undertakers (vm); /* they may hold it */
  locker = g_mutex_locker_new (&vm->operation);
  if (!build_instead (vm, &new, &local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  take_out (vm, &old);
  if (boot_machine (vm, &new, FALSE, &local_error))
    {
      discard_later (vm, &old);
      return TRUE;
    }
  crash (vm, local_error->message);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/*
 * Takes @failure over. A machine that could not go on after it stands still, and can be resumed: so it is paused.
 */
static gboolean
fail (OvmDriverVm *vm, GError *failure, GError **error)
{
  if (get_state (vm, NULL) == OVM_STATE_RUNNING && !vmm_machine_is_running (vm->machine))
    set_state (vm, OVM_STATE_PAUSED, failure->message);
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
save (OvmDriverVm *vm,
      const char *directory,
      const char *description,
      const char *parent_uuid,
      const OvmDriverTask *task,
      VmmSaveResult *result,
      GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  g_autoptr (GError) local_error = NULL;

  if (!check_machine (vm, error))
    return FALSE;
  if (vmm_machine_save (vm->machine,
                        directory,
                        description,
                        parent_uuid,
                        task->progress,
                        task->progress_data,
                        task->cancellable,
                        result,
                        &local_error))
    return TRUE;
  return fail (vm, g_steal_pointer (&local_error), error);
}

static gboolean
save_incremental (OvmDriverVm *vm,
                  const char *directory,
                  const char *description,
                  const OvmDriverTask *task,
                  VmmSaveResult *result,
                  GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  g_autoptr (GError) local_error = NULL;

  if (!check_machine (vm, error))
    return FALSE;
  if (vmm_machine_save_incremental (vm->machine,
                                    directory,
                                    description,
                                    task->progress,
                                    task->progress_data,
                                    task->cancellable,
                                    result,
                                    &local_error))
    return TRUE;
  return fail (vm, g_steal_pointer (&local_error), error);
}

/* puts the old machine back: what it was doing it goes on with */
static void
go_back (OvmDriverVm *vm, Body *old, OvmState state, const char *reason)
{
  g_autoptr (GError) error = NULL;

  if (old->machine == NULL)
    {
      set_state (vm, state, reason);
      return;
    }
  put_in (vm, old, state != OVM_STATE_RUNNING);
  if (state == OVM_STATE_RUNNING && !vmm_machine_resume (vm->machine, &error))
    crash (vm, error->message);
}

/* The machine stays. Should the guest have ended by itself meanwhile, @ended tells, and there is no error. */
static gboolean
go_back_in_place (OvmDriverVm *vm, VmmSnapshot *snapshot, gboolean paused, gboolean *ended, GError **error)
{
  g_autofree char *reason = NULL;
  g_autoptr (GError) local_error = NULL;
  OvmState state = get_state (vm, &reason);

  set_state (vm, paused ? OVM_STATE_PAUSED : OVM_STATE_RUNNING, NULL);
  if (vmm_machine_go_back (vm->machine, snapshot, paused, &local_error))
    return TRUE;
  *ended = !vmm_machine_runs_from (vm->machine, snapshot);
  if (*ended)
    return FALSE;
  set_state (vm, state, reason);
  return fail (vm, g_steal_pointer (&local_error), error);
}

static void
dismiss (OvmDriverSpare *spare)
{
  body_clear (&spare->body);
  g_free (spare);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OvmDriverSpare, dismiss)

/* what is wanted of its RAM before the guest runs */
static gboolean
populate (VmmMachine *machine, const OvmDriverRestore *how, const OvmDriverTask *task, GError **error)
{
  if (how->memory == OVM_MEMORY_POPULATE)
    return vmm_machine_populate (machine, task->progress, task->progress_data, task->cancellable, error);
  if (how->memory == OVM_MEMORY_WORKING_SET && how->working_set != NULL)
    return vmm_machine_use_working_set (machine,
                                        how->working_set,
                                        task->progress,
                                        task->progress_data,
                                        task->cancellable,
                                        error);
  return TRUE;
}

static OvmDriverSpare *
prepare (VmmSnapshot *snapshot,
         const OvmDriverRestore *how,
         GVariant *options,
         const OvmDriverTask *task,
         GError **error)
{
  g_autoptr (OvmDriverSpare) spare = g_new0 (OvmDriverSpare, 1);

  if (!vmm_snapshot_check_cpu (snapshot, how->cpu, error))
    return NULL;
  spare->cpu = how->cpu;
  spare->body.boot = g_new0 (Boot, 1);
  spare->body.machine = vmm_machine_new_from_snapshot (snapshot,
                                                       vmm_snapshot_get_config (snapshot),
                                                       NULL,
                                                       on_machine_event,
                                                       spare->body.boot,
                                                       error);
  if (spare->body.machine == NULL || !populate (spare->body.machine, how, task, error) ||
      !vmm_machine_warm_up (spare->body.machine, error))
    return NULL;
  return g_steal_pointer (&spare);
}

static OvmDriverSpare *
prepare_blank (const VmmConfig *shape, GError **error)
{
  g_autoptr (OvmDriverSpare) spare = g_new0 (OvmDriverSpare, 1);

  spare->is_blank = TRUE;
  spare->body.boot = g_new0 (Boot, 1);
  spare->body.machine = vmm_machine_new_blank (shape, on_machine_event, spare->body.boot, error);
  if (spare->body.machine == NULL || !vmm_machine_warm_up (spare->body.machine, error))
    return NULL;
  return g_steal_pointer (&spare);
}

/* out of @spare, which it empties, or else built now */
static gboolean
build_restored (OvmDriverVm *vm, VmmSnapshot *snapshot, OvmDriverSpare *spare, Body *new, GError **error)
{
  if (spare == NULL)
    {
      new->boot = boot_new (vm);
      new->machine = vmm_machine_new_from_snapshot (snapshot,
                                                    vm->config,
                                                    vm->console,
                                                    on_machine_event,
                                                    new->boot,
                                                    error);
      return new->machine != NULL;
    }
  new->machine = g_steal_pointer (&spare->body.machine);
  new->boot = g_steal_pointer (&spare->body.boot);
  assign (new->boot, vm);
  if (spare->is_blank)
    return vmm_machine_fill (new->machine, snapshot, vm->config, vm->console, error);
  return vmm_machine_adopt (new->machine, snapshot, vm->config, vm->console, error);
}

/* whether the machine that is there went back; if not, and there is no error, another one is to be made */
static gboolean
restore_in_place (OvmDriverVm *vm,
                  VmmSnapshot *snapshot,
                  const OvmDriverRestore *how,
                  const OvmDriverTask *task,
                  GError **error)
{
  gboolean ended = FALSE;

  /* beforehand: what it fails of shall leave the VM as it was, and going back drops only what the guest has changed */
  if (!populate (vm->machine, how, task, error))
    return FALSE;
  vmm_machine_catch_up (vm->machine, how->clock == OVM_CLOCK_CATCH_UP);
  if (go_back_in_place (vm, snapshot, how->paused, &ended, error))
    return TRUE;
  vmm_machine_catch_up (vm->machine, FALSE);
  return FALSE;
}

/* puts @new in the place of what the VM has */
static gboolean
exchange (OvmDriverVm *vm, Body *new, gboolean paused, GError **error)
{
  g_autofree char *reason = NULL;
  OvmState state = get_state (vm, &reason);
  g_auto (Body) old = { 0 };

  /* a guest that ends by itself now is let go: a restore is allowed from any state */
  if (vm->machine != NULL && state == OVM_STATE_RUNNING && !vmm_machine_pause (vm->machine, NULL))
    state = get_state (vm, NULL);
  take_out (vm, &old);
  if (boot_machine (vm, new, paused, error))
    {
      discard_later (vm, &old);
      return TRUE;
    }
  go_back (vm, &old, state, reason);
  return FALSE;
}

static gboolean
restore (OvmDriverVm *vm,
         VmmSnapshot *snapshot,
         const OvmDriverRestore *how,
         const OvmDriverTask *task,
         GError **error)
{
  g_autoptr (OvmDriverSpare) spare = how->spare;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  g_auto (Body) new = { 0 };

  if (vm->machine != NULL && vmm_machine_runs_from (vm->machine, snapshot))
    {
      g_autoptr (GError) local_error = NULL;

      if (restore_in_place (vm, snapshot, how, task, &local_error))
        return TRUE;
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  /* the processor has been looked at when a spare was made for it */
  if ((spare == NULL || spare->is_blank || (spare->cpu != VMM_CPU_EXACT && spare->cpu != how->cpu)) &&
      !vmm_snapshot_check_cpu (snapshot, how->cpu, error))
    return FALSE;
  if (!build_restored (vm, snapshot, spare, &new, error) || !populate (new.machine, how, task, error))
    return FALSE;
  vmm_machine_catch_up (new.machine, how->clock == OVM_CLOCK_CATCH_UP);
  return exchange (vm, &new, how->paused, error);
}

static int
open_console (OvmDriverVm *vm, GError **error)
{
  return vmm_console_open (vm->console, error);
}

const OvmDriver ovm_driver_kvm = {
  .name = "kvm",
  .description = "the VMM in this process, on /dev/kvm",
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
  .save_incremental = save_incremental,
  .restore = restore,
  .prepare = prepare,
  .prepare_blank = prepare_blank,
  .dismiss = dismiss,
  .open_console = open_console,
};
