/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The VMM in this process: what a VM is made of is in kvm-vm.c, how one is restored in kvm-restore.c. */

#include "config.h"
#include "src/driver.h"

#include "src/kvm-restore.h"

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

  return ovm_kvm_vm_new (config, console, event, user_data);
}

static gboolean
start (OvmDriverVm *vm, gboolean paused, const OvmDriverTask *task, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  g_auto (OvmKvmBody) new = { 0 };

  ovm_kvm_vm_discard_machine (vm); /* one that ended, if its undertaker has not come yet */
  if (!ovm_kvm_vm_build (vm, vm->config, &new, error))
    return FALSE;
  if (ovm_kvm_vm_boot (vm, &new, paused, error))
    return TRUE;
  ovm_kvm_vm_set_state (vm, OVM_STATE_STOPPED, NULL);
  return FALSE;
}

static gboolean
pause_vm (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);

  if (!ovm_kvm_vm_check_machine (vm, error) || !vmm_machine_pause (vm->machine, error))
    return FALSE;
  ovm_kvm_vm_set_state (vm, OVM_STATE_PAUSED, NULL);
  return TRUE;
}

static gboolean
resume (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  OvmState old = ovm_kvm_vm_get_state (vm, NULL);

  if (!ovm_kvm_vm_check_machine (vm, error))
    return FALSE;
  if (old == OVM_STATE_PAUSED)
    ovm_kvm_vm_set_state (vm, OVM_STATE_RUNNING, NULL); /* the guest may end at once */
  if (vmm_machine_resume (vm->machine, error))
    return TRUE;
  if (old == OVM_STATE_PAUSED)
    ovm_kvm_vm_set_state (vm, OVM_STATE_PAUSED, NULL);
  return FALSE;
}

static gboolean
shut_down (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);

  if (!ovm_kvm_vm_check_machine (vm, error))
    return FALSE;
  vmm_machine_press_power_button (vm->machine);
  return TRUE;
}

/* the memory file is free for another VM when this returns */
static gboolean
stop (OvmDriverVm *vm, GError **error)
{
  g_mutex_lock (&vm->operation);
  ovm_kvm_vm_discard_machine (vm);
  ovm_kvm_vm_set_state (vm, OVM_STATE_STOPPED, NULL);
  g_mutex_unlock (&vm->operation);
  ovm_kvm_vm_wait_for_undertakers (vm);
  return TRUE;
}

/* A named RAM file cannot be held by two machines: whether a reset can succeed is first tried without it. */
static gboolean
rehearse (OvmDriverVm *vm, GError **error)
{
  g_autoptr (VmmConfig) config = vmm_config_copy (vm->config);
  g_autoptr (GError) local_error = NULL;
  g_auto (OvmKvmBody) trial = { 0 };

  g_clear_pointer (&config->memory_file, g_free);
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  if (ovm_kvm_vm_build (vm, config, &trial, &local_error))
    return TRUE;
  /* more than the host has for what is not in a file: that cannot be rehearsed, and the file is there */
  if (g_error_matches (local_error, VMM_ERROR, VMM_ERROR_INVALID_MEMORY_SIZE))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
build_instead (OvmDriverVm *vm, OvmKvmBody *new, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (vm->config->memory_file == NULL)
    return ovm_kvm_vm_build (vm, vm->config, new, error);
  if (!rehearse (vm, error))
    return FALSE;
  ovm_kvm_vm_discard_machine (vm);
  if (ovm_kvm_vm_build (vm, vm->config, new, &local_error))
    return TRUE;
  ovm_kvm_vm_crash (vm, local_error->message);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
reset (OvmDriverVm *vm, GError **error)
{
  g_autoptr (GMutexLocker) locker = NULL;
  g_autoptr (GError) local_error = NULL;
  g_auto (OvmKvmBody) new = { 0 };

  if (vm->config->memory_file != NULL)
    ovm_kvm_vm_wait_for_undertakers (vm); /* they may hold it */
  locker = g_mutex_locker_new (&vm->operation);
  if (!build_instead (vm, &new, error))
    return FALSE;
  if (ovm_kvm_vm_exchange (vm, &new, FALSE, &local_error))
    return TRUE;
  if (vm->machine == NULL) /* it had to go first, for its file */
    ovm_kvm_vm_crash (vm, local_error->message);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
save (OvmDriverVm *vm, const VmmSavePlan *plan, VmmSaveResult *result, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  g_autoptr (GError) local_error = NULL;

  if (!ovm_kvm_vm_check_machine (vm, error))
    return FALSE;
  if (vmm_machine_save (vm->machine, plan, result, &local_error))
    return TRUE;
  return ovm_kvm_vm_fail (vm, g_steal_pointer (&local_error), error);
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
  .undefine = ovm_kvm_vm_free,
  .get_state = ovm_kvm_vm_get_state,
  .start = start,
  .pause = pause_vm,
  .resume = resume,
  .shutdown = shut_down,
  .stop = stop,
  .reset = reset,
  .save = save,
  .save_incremental = save,
  .restore = ovm_kvm_restore,
  .prepare = ovm_kvm_prepare,
  .prepare_blank = ovm_kvm_prepare_blank,
  .dismiss = ovm_kvm_dismiss,
  .open_console = open_console,
};
