/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A restore builds the new machine beside the one that is there, or takes one that was made ahead (a spare), and
 * exchanges the two at last: until then a failure leaves the VM as it was. Going back to the snapshot that the machine
 * runs from needs no other one.
 */

#include "config.h"
#include "src/kvm-restore.h"

struct _OvmDriverSpare
{
  OvmKvmBody body;
  gboolean is_blank;
  VmmCpuPolicy cpu; /* that it was made with, unless it is blank */
};

/*
 * The machine stays. If another one is needed, as the guest has ended by itself meanwhile, or has changed more than can
 * be put back in place, @unfit tells, and there is no error.
 */
static gboolean
go_back_in_place (OvmDriverVm *vm, VmmSnapshot *snapshot, gboolean paused, gboolean *unfit, GError **error)
{
  g_autofree char *reason = NULL;
  g_autoptr (GError) local_error = NULL;
  OvmState state = ovm_kvm_vm_get_state (vm, &reason);
  OvmState wanted = paused ? OVM_STATE_PAUSED : OVM_STATE_RUNNING;

  ovm_kvm_vm_set_state (vm, wanted, NULL);
  if (vmm_machine_go_back (vm->machine, snapshot, paused, &local_error))
    return TRUE;
  ovm_kvm_vm_undo_state (vm, wanted, state, reason);
  *unfit = !vmm_machine_runs_from (vm->machine, snapshot);
  return !*unfit && ovm_kvm_vm_fail (vm, g_steal_pointer (&local_error), error);
}

void
ovm_kvm_dismiss (OvmDriverSpare *spare)
{
  ovm_kvm_body_clear (&spare->body);
  g_free (spare);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OvmDriverSpare, ovm_kvm_dismiss)

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
spare_new (const VmmConfig *shape, GError **error)
{
  g_autoptr (OvmDriverSpare) spare = g_new0 (OvmDriverSpare, 1);

  spare->body.boot = g_new0 (OvmKvmBoot, 1);
  spare->body.machine = vmm_machine_new_blank (shape, ovm_kvm_vm_on_machine_event, spare->body.boot, error);
  return spare->body.machine != NULL ? g_steal_pointer (&spare) : NULL;
}

OvmDriverSpare *
ovm_kvm_prepare (VmmSnapshot *snapshot,
                 const OvmDriverRestore *how,
                 GVariant *options,
                 const OvmDriverTask *task,
                 GError **error)
{
  const VmmConfig *config = vmm_snapshot_get_config (snapshot);
  g_autoptr (OvmDriverSpare) spare = NULL;

  if (!vmm_snapshot_check_cpu (snapshot, how->cpu, error))
    return NULL;
  spare = spare_new (config, error);
  if (spare == NULL || !vmm_machine_fill (spare->body.machine, snapshot, config, NULL, error) ||
      !populate (spare->body.machine, how, task, error))
    return NULL;
  vmm_machine_get_ready (spare->body.machine);
  spare->cpu = how->cpu;
  return g_steal_pointer (&spare);
}

OvmDriverSpare *
ovm_kvm_prepare_blank (const VmmConfig *shape, GError **error)
{
  OvmDriverSpare *spare = spare_new (shape, error);

  if (spare != NULL)
    spare->is_blank = TRUE;
  return spare;
}

/* out of @spare, which it empties, or else built now */
static gboolean
build_restored (OvmDriverVm *vm, VmmSnapshot *snapshot, OvmDriverSpare *spare, OvmKvmBody *new, GError **error)
{
  if (spare == NULL)
    {
      new->boot = ovm_kvm_boot_new (vm);
      new->machine = vmm_machine_new_from_snapshot (snapshot,
                                                    vm->config,
                                                    vm->console,
                                                    ovm_kvm_vm_on_machine_event,
                                                    new->boot,
                                                    error);
      return new->machine != NULL;
    }
  new->machine = g_steal_pointer (&spare->body.machine);
  new->boot = g_steal_pointer (&spare->body.boot);
  ovm_kvm_boot_assign (new->boot, vm);
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
  gboolean unfit = FALSE;

  /* beforehand: what it fails of shall leave the VM as it was, and going back drops only what the guest has changed */
  if (!populate (vm->machine, how, task, error))
    return FALSE;
  vmm_machine_catch_up (vm->machine, how->clock == OVM_CLOCK_CATCH_UP);
  if (go_back_in_place (vm, snapshot, how->paused, &unfit, error))
    return TRUE;
  vmm_machine_catch_up (vm->machine, FALSE);
  return FALSE;
}

gboolean
ovm_kvm_restore (OvmDriverVm *vm,
                 VmmSnapshot *snapshot,
                 const OvmDriverRestore *how,
                 const OvmDriverTask *task,
                 GError **error)
{
  g_autoptr (OvmDriverSpare) spare = how->spare;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&vm->operation);
  g_auto (OvmKvmBody) new = { 0 };

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
  return ovm_kvm_vm_exchange (vm, &new, how->paused, error);
}
