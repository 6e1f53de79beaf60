/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/action.h"

#include "src/error.h"

/* what a worker is given */
typedef struct
{
  OvmAction *action;
  const OvmDriver *driver;
  OvmDriverVm *vm;
  const VmmConfig *config;
  const OvmDriverTask *task;
} Run;

static gboolean
run_start (const Run *run, GError **error)
{
  return run->driver->start (run->vm, run->action->operation == OVM_OPERATION_START_PAUSED, run->task, error);
}

static gboolean
run_pause (const Run *run, GError **error)
{
  return run->driver->pause (run->vm, error);
}

static gboolean
run_resume (const Run *run, GError **error)
{
  return run->driver->resume (run->vm, error);
}

static gboolean
run_shutdown (const Run *run, GError **error)
{
  return run->driver->shutdown (run->vm, error);
}

static gboolean
run_power_off (const Run *run, GError **error)
{
  return run->driver->stop (run->vm, error);
}

static gboolean
run_reset (const Run *run, GError **error)
{
  return run->driver->reset (run->vm, error);
}

static gboolean
run_delete (const Run *run, GError **error)
{
  return run->driver->get_state (run->vm, NULL) == OVM_STATE_STOPPED || run->driver->stop (run->vm, error);
}

static gboolean
save (const Run *run, const VmmSavePlan *plan, GError **error)
{
  VmmSaveResult *result = &run->action->save_result;

  if (!plan->incremental)
    return run->driver->save (run->vm, plan, result, error);
  if (run->driver->save_incremental != NULL)
    return run->driver->save_incremental (run->vm, plan, result, error);
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_NOT_SUPPORTED,
               "driver '%s' makes no incremental snapshots",
               run->driver->name);
  return FALSE;
}

static VmmSnapshot *
open_snapshot (const OvmAction *action, GError **error)
{
  return action->cache != NULL ? ovm_snapshot_cache_open (action->cache, action->directory, error)
                               : vmm_snapshot_open (action->directory, error);
}

static gboolean
run_save (const Run *run, GError **error)
{
  OvmAction *action = run->action;
  const VmmSavePlan plan = {
    .directory = action->directory,
    .description = action->description,
    .parent_uuid = action->parent_uuid,
    .incremental = action->incremental,
    .progress = run->task->progress,
    .progress_data = run->task->progress_data,
    .cancellable = run->task->cancellable,
  };

  if (!save (run, &plan, error))
    return FALSE;
  action->opened = open_snapshot (action, error);
  return action->opened != NULL;
}

static gboolean
check_agrees (const VmmConfig *config, VmmSnapshot *snapshot, GError **error)
{
  const VmmConfig *saved = vmm_snapshot_get_config (snapshot);

  if (saved->memory_size == config->memory_size && saved->vp_count == config->vp_count)
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_INCOMPATIBLE,
               "snapshot '%s' is of a VM with %" G_GUINT64_FORMAT " bytes of RAM and %u VPs; this VM has "
               "%" G_GUINT64_FORMAT " bytes and %u VPs; RestoreVM makes a new VM that fits",
               vmm_snapshot_get_directory (snapshot),
               saved->memory_size,
               saved->vp_count,
               config->memory_size,
               config->vp_count);
  return FALSE;
}

static gboolean
check_not_cancelled (const OvmDriverTask *task, GError **error)
{
  return task->cancellable == NULL || !g_cancellable_set_error_if_cancelled (task->cancellable, error);
}

static gboolean
run_restore (const Run *run, GError **error)
{
  OvmAction *action = run->action;
  const OvmDriverTask *task = run->task;
  OvmDriverRestore how = { .clock = action->clock, .memory = action->memory, .cpu = action->cpu };
  g_autofree char *working_set = NULL;

  if (action->opened == NULL)
    action->opened = open_snapshot (action, error);
  if (action->opened == NULL || !check_agrees (run->config, action->opened, error))
    return FALSE;
  if (!vmm_snapshot_open_chain (action->opened, error))
    return FALSE;
  if (action->verify_memory &&
      !vmm_snapshot_verify (action->opened, task->progress, task->progress_data, task->cancellable, error))
    return FALSE;
  if (!check_not_cancelled (task, error))
    return FALSE;

  how.paused = action->mode == OVM_RESTORE_PAUSED ||
               (action->mode == OVM_RESTORE_AS_SAVED && !vmm_snapshot_get_running (action->opened));
  if (action->working_sets != NULL)
    working_set = g_build_filename (action->working_sets, vmm_snapshot_get_uuid (action->opened), NULL);
  how.working_set = working_set;
  how.spare = g_steal_pointer (&action->spare);
  return run->driver->restore (run->vm, action->opened, &how, task, error);
}

typedef struct
{
  gboolean (*run) (const Run *run, GError **error);
  const char *job; /* NULL: too short for one */
  gboolean cancelable;
  const char *reason;
} Kind;

static const Kind kinds[] = {
  [OVM_OPERATION_START] = { run_start, "start", FALSE, "started" },
  [OVM_OPERATION_START_PAUSED] = { run_start, "start", FALSE, "started, paused" },
  [OVM_OPERATION_PAUSE] = { run_pause, NULL, FALSE, "paused" },
  [OVM_OPERATION_RESUME] = { run_resume, NULL, FALSE, "resumed" },
  [OVM_OPERATION_SHUTDOWN] = { run_shutdown, NULL, FALSE, "asked to shut down" },
  [OVM_OPERATION_POWER_OFF] = { run_power_off, NULL, FALSE, "powered off" },
  [OVM_OPERATION_RESET] = { run_reset, NULL, FALSE, "reset" },
  [OVM_OPERATION_DELETE] = { run_delete, NULL, FALSE, "deleted" },
  [OVM_OPERATION_DELETE_FORCED] = { run_delete, NULL, FALSE, "powered off to be deleted" },
  [OVM_OPERATION_SAVE] = { run_save, "save", TRUE, "saved" },
  [OVM_OPERATION_RESTORE] = { run_restore, "restore", TRUE, "restored from" },
  [OVM_OPERATION_RESTORE_PAUSED] = { run_restore, "restore", TRUE, "restored from" },
};

OvmAction *
ovm_action_new (OvmOperation operation)
{
  OvmAction *action;

  g_return_val_if_fail ((guint) operation < G_N_ELEMENTS (kinds), NULL);
  action = g_new0 (OvmAction, 1);
  action->operation = operation;
  return action;
}

OvmAction *
ovm_action_new_save (const char *directory, const char *description)
{
  OvmAction *action = ovm_action_new (OVM_OPERATION_SAVE);

  action->directory = g_strdup (directory);
  action->description = g_strdup (description);
  return action;
}

OvmAction *
ovm_action_new_restore (const char *directory, OvmRestoreMode mode, gboolean verify_memory)
{
  OvmAction *action = ovm_action_new (mode == OVM_RESTORE_PAUSED ? OVM_OPERATION_RESTORE_PAUSED
                                                                 : OVM_OPERATION_RESTORE);

  action->directory = g_strdup (directory);
  action->mode = mode;
  action->verify_memory = verify_memory;
  return action;
}

static void
drop_spare (OvmAction *action)
{
  if (action->spare != NULL)
    action->spare_driver->dismiss (g_steal_pointer (&action->spare));
}

void
ovm_action_free (OvmAction *action)
{
  if (action == NULL)
    return;
  drop_spare (action);
  g_free (action->directory);
  g_free (action->description);
  g_free (action->parent_uuid);
  g_free (action->working_sets);
  g_clear_object (&action->cache);
  g_clear_pointer (&action->opened, vmm_snapshot_unref);
  g_free (action);
}

const char *
ovm_action_get_job_name (const OvmAction *action)
{
  return kinds[action->operation].job;
}

gboolean
ovm_action_is_cancelable (const OvmAction *action)
{
  return kinds[action->operation].cancelable;
}

char *
ovm_action_get_reason (const OvmAction *action)
{
  const char *reason = kinds[action->operation].reason;

  if (action->operation == OVM_OPERATION_RESTORE || action->operation == OVM_OPERATION_RESTORE_PAUSED)
    return g_strdup_printf ("%s '%s'", reason, action->directory);
  return g_strdup (reason);
}

gboolean
ovm_action_run (OvmAction *action,
                const OvmDriver *driver,
                OvmDriverVm *vm,
                const VmmConfig *config,
                const OvmDriverTask *task,
                GError **error)
{
  Run run = { action, driver, vm, config, task };
  gboolean ok = kinds[action->operation].run (&run, error);

  drop_spare (action);
  return ok;
}
