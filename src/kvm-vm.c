/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine of the VMM boots once: starting, rebooting and restoring each make a new one, and the VM goes from one to
 * the next. Each machine has a number; what a machine says that is not the VM's any more is not listened to.
 *
 * A machine that comes to its end says so on one of its VP threads, where nothing may wait. What the VM is then is
 * noted there at once; the rest, freeing the machine or making the next, is left to a thread of its own (the
 * undertaker), which waits for the operation that may be under way.
 *
 * Locks: operation is held for as long as an operation takes, and taken before lock, which is held for moments.
 */

#include "config.h"
#include "src/kvm-vm.h"

/* what an undertaker finds to do */
typedef struct
{
  OvmDriverVm *vm;
  guint64 number; /* of a machine that ended; 0: the machine below is just to be freed */
  gboolean reboots;
  VmmMachine *machine;
  OvmKvmBoot *boot;
} Funeral;

void
ovm_kvm_body_clear (OvmKvmBody *body)
{
  g_clear_pointer (&body->machine, vmm_machine_free);
  g_clear_pointer (&body->boot, g_free);
}

static void
set_state_locked (OvmDriverVm *vm, OvmState state, const char *reason)
{
  vm->state = state;
  g_free (vm->reason);
  vm->reason = g_strdup (reason);
}

void
ovm_kvm_vm_set_state (OvmDriverVm *vm, OvmState state, const char *reason)
{
  g_mutex_lock (&vm->lock);
  set_state_locked (vm, state, reason);
  g_mutex_unlock (&vm->lock);
}

void
ovm_kvm_vm_undo_state (OvmDriverVm *vm, OvmState made, OvmState state, const char *reason)
{
  g_mutex_lock (&vm->lock);
  if (vm->state == made)
    set_state_locked (vm, state, reason);
  g_mutex_unlock (&vm->lock);
}

OvmState
ovm_kvm_vm_get_state (OvmDriverVm *vm, char **reason)
{
  OvmState state;

  g_mutex_lock (&vm->lock);
  state = vm->state;
  if (reason != NULL)
    *reason = g_strdup (vm->reason);
  g_mutex_unlock (&vm->lock);
  return state;
}

void
ovm_kvm_vm_crash (OvmDriverVm *vm, const char *reason)
{
  ovm_kvm_vm_set_state (vm, OVM_STATE_CRASHED, reason);
  vm->event (OVM_DRIVER_EVENT_CRASH, reason, vm->user_data);
}

void
ovm_kvm_boot_assign (OvmKvmBoot *boot, OvmDriverVm *vm)
{
  boot->vm = vm;
  g_mutex_lock (&vm->lock);
  boot->number = ++vm->last_number;
  g_mutex_unlock (&vm->lock);
}

OvmKvmBoot *
ovm_kvm_boot_new (OvmDriverVm *vm)
{
  OvmKvmBoot *boot = g_new0 (OvmKvmBoot, 1);

  ovm_kvm_boot_assign (boot, vm);
  return boot;
}

gboolean
ovm_kvm_vm_build (OvmDriverVm *vm, const VmmConfig *config, OvmKvmBody *body, GError **error)
{
  body->boot = ovm_kvm_boot_new (vm);
  body->machine = vmm_machine_new (config, vm->console, ovm_kvm_vm_on_machine_event, body->boot, error);
  return body->machine != NULL;
}

void
ovm_kvm_vm_take_out (OvmDriverVm *vm, OvmKvmBody *body)
{
  g_mutex_lock (&vm->lock);
  vm->number = 0;
  g_mutex_unlock (&vm->lock);
  body->machine = g_steal_pointer (&vm->machine);
  body->boot = g_steal_pointer (&vm->boot);
}

void
ovm_kvm_vm_put_in (OvmDriverVm *vm, OvmKvmBody *body, gboolean paused)
{
  g_mutex_lock (&vm->lock);
  vm->number = body->boot->number;
  set_state_locked (vm, paused ? OVM_STATE_PAUSED : OVM_STATE_RUNNING, NULL);
  g_mutex_unlock (&vm->lock);
  vm->machine = g_steal_pointer (&body->machine);
  vm->boot = g_steal_pointer (&body->boot);
}

void
ovm_kvm_vm_discard_machine (OvmDriverVm *vm)
{
  g_auto (OvmKvmBody) old = { 0 };

  ovm_kvm_vm_take_out (vm, &old);
}

static void
reboot (OvmDriverVm *vm)
{
  g_autoptr (GError) error = NULL;
  g_auto (OvmKvmBody) new = { 0 };

  ovm_kvm_vm_discard_machine (vm);
  if (ovm_kvm_vm_build (vm, vm->config, &new, &error))
    {
      ovm_kvm_vm_put_in (vm, &new, FALSE);
      if (vmm_machine_resume (vm->machine, &error))
        {
          vm->event (OVM_DRIVER_EVENT_REBOOT, "the guest rebooted", vm->user_data);
          return;
        }
      ovm_kvm_vm_discard_machine (vm);
    }
  g_prefix_error (&error, "the guest asked for a reboot, but the VM could not be started again: ");
  ovm_kvm_vm_crash (vm, error->message);
}

static gpointer
bury (gpointer data)
{
  g_autofree Funeral *funeral = data;
  OvmDriverVm *vm = funeral->vm;
  OvmKvmBody given = { funeral->machine, funeral->boot };

  ovm_kvm_body_clear (&given);
  g_mutex_lock (&vm->operation);
  if (funeral->number != 0 && vm->boot != NULL && vm->boot->number == funeral->number)
    {
      if (funeral->reboots)
        reboot (vm);
      else
        ovm_kvm_vm_discard_machine (vm);
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

void
ovm_kvm_vm_wait_for_undertakers (OvmDriverVm *vm)
{
  g_mutex_lock (&vm->lock);
  while (vm->undertakers > 0)
    g_cond_wait (&vm->cond, &vm->lock);
  g_mutex_unlock (&vm->lock);
}

void
ovm_kvm_vm_discard_later (OvmDriverVm *vm, OvmKvmBody *body)
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

void
ovm_kvm_vm_on_machine_event (VmmEvent event, const char *reason, gpointer user_data)
{
  const OvmKvmBoot *boot = user_data;
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
    ovm_kvm_vm_crash (vm, "the guest asked for a reboot, but the host has no thread left to do it");
}

OvmDriverVm *
ovm_kvm_vm_new (const VmmConfig *config, VmmConsole *console, OvmDriverEventFunc event, gpointer user_data)
{
  OvmDriverVm *vm = g_new0 (OvmDriverVm, 1);

  g_mutex_init (&vm->operation);
  g_mutex_init (&vm->lock);
  g_cond_init (&vm->cond);
  vm->config = vmm_config_copy (config);
  vm->console = console;
  vm->event = event;
  vm->user_data = user_data;
  return vm;
}

void
ovm_kvm_vm_free (OvmDriverVm *vm)
{
  g_mutex_lock (&vm->operation);
  ovm_kvm_vm_discard_machine (vm);
  g_mutex_unlock (&vm->operation);
  ovm_kvm_vm_wait_for_undertakers (vm);

  vmm_console_free (vm->console);
  vmm_config_free (vm->config);
  g_free (vm->reason);
  g_mutex_clear (&vm->operation);
  g_mutex_clear (&vm->lock);
  g_cond_clear (&vm->cond);
  g_free (vm);
}

gboolean
ovm_kvm_vm_check_machine (OvmDriverVm *vm, GError **error)
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

gboolean
ovm_kvm_vm_boot (OvmDriverVm *vm, OvmKvmBody *new, gboolean paused, GError **error)
{
  ovm_kvm_vm_put_in (vm, new, paused);
  if (paused || vmm_machine_resume (vm->machine, error))
    return TRUE;
  ovm_kvm_vm_discard_machine (vm);
  return FALSE;
}

/* puts the old machine back: what it was doing it goes on with */
static void
go_back (OvmDriverVm *vm, OvmKvmBody *old, OvmState state, const char *reason)
{
  g_autoptr (GError) error = NULL;

  if (old->machine == NULL)
    {
      ovm_kvm_vm_set_state (vm, state, reason);
      return;
    }
  ovm_kvm_vm_put_in (vm, old, state != OVM_STATE_RUNNING);
  ovm_kvm_vm_set_state (vm, state, reason); /* of a machine that ended and is not buried yet, it is neither */
  if (state == OVM_STATE_RUNNING && !vmm_machine_resume (vm->machine, &error))
    ovm_kvm_vm_crash (vm, error->message);
}

gboolean
ovm_kvm_vm_exchange (OvmDriverVm *vm, OvmKvmBody *new, gboolean paused, GError **error)
{
  g_autofree char *reason = NULL;
  OvmState state = ovm_kvm_vm_get_state (vm, &reason);
  g_auto (OvmKvmBody) old = { 0 };

  /* a guest that ends by itself now is let go: another machine is wanted in any case */
  if (vm->machine != NULL && state == OVM_STATE_RUNNING && !vmm_machine_pause (vm->machine, NULL))
    state = ovm_kvm_vm_get_state (vm, NULL);
  ovm_kvm_vm_take_out (vm, &old);
  if (ovm_kvm_vm_boot (vm, new, paused, error))
    {
      ovm_kvm_vm_discard_later (vm, &old);
      return TRUE;
    }
  go_back (vm, &old, state, reason);
  return FALSE;
}

gboolean
ovm_kvm_vm_fail (OvmDriverVm *vm, GError *failure, GError **error)
{
  if (ovm_kvm_vm_get_state (vm, NULL) == OVM_STATE_RUNNING && !vmm_machine_is_running (vm->machine))
    ovm_kvm_vm_set_state (vm, OVM_STATE_PAUSED, failure->message);
  g_propagate_error (error, failure);
  return FALSE;
}
