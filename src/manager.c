/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/manager.h"

#include "src/blanks.h"
#include "src/error.h"
#include "src/name.h"

#define CLOSE_INTERVAL_MS 10u
#define CLOSE_TIMEOUT_SEC 60

struct _OvmManager
{
  GObject parent_instance;

  char *memory_directory;
  OvmVmList *vms;
  OvmJobList *jobs;
  OvmSnapshotList *snapshots;
  OvmBlanks *blanks;
  OvmInspector *inspector;

  gint64 close_deadline_usec; /* monotonic */
  OvmManagerDone close_done;
  gpointer close_data;
};

G_DEFINE_FINAL_TYPE (OvmManager, ovm_manager, G_TYPE_OBJECT)

/* a VM in the making */
typedef struct
{
  OvmManager *manager;
  char *name;
  char *uuid; /* reserved; NULL for none yet */
  OvmVmConfig *config;
  OvmVm *vm;
  /* of a restore */
  char *directory;
  GVariant *options;
  VmmSnapshot *snapshot;
  OvmClock clock;
  VmmCpuPolicy cpu;
  OvmMemory memory;
  OvmJob *job;
  OvmPrepared *prepared; /* where the spare comes from; NULL for nowhere, or from among the blank ones */
  OvmDriverSpare *spare;
  const OvmDriver *driver;
  gboolean stale;  /* the directory holds another snapshot by now */
  gint defined;    /* atomic: the main thread may touch the VM */
  gint is_awaited; /* atomic: somebody wants to see the VM as soon as it is defined */
  gboolean vm_shown;
  /* told once */
  OvmManagerVmDone done;
  gpointer user_data;
} Making;

static void
ovm_manager_finalize (GObject *object)
{
  OvmManager *manager = OVM_MANAGER (object);

  g_object_unref (manager->vms);
  g_object_unref (manager->snapshots);
  g_object_unref (manager->blanks);
  g_object_unref (manager->inspector);
  g_object_unref (manager->jobs);
  g_free (manager->memory_directory);
  G_OBJECT_CLASS (ovm_manager_parent_class)->finalize (object);
}

static void
ovm_manager_class_init (OvmManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_manager_finalize;
}

static void
ovm_manager_init (OvmManager *manager)
{
  manager->vms = ovm_vm_list_new ();
  manager->jobs = ovm_job_list_new ();
  manager->snapshots = ovm_snapshot_list_new (ovm_job_list_get_worker (manager->jobs));
  manager->blanks = ovm_blanks_new (manager->jobs);
  manager->inspector = ovm_inspector_new (manager->jobs);
}

OvmManager *
ovm_manager_new (const char *memory_directory)
{
  OvmManager *manager = g_object_new (OVM_TYPE_MANAGER, NULL);

  manager->memory_directory = g_strdup (memory_directory);
  return manager;
}

OvmVmList *
ovm_manager_get_vms (OvmManager *manager)
{
  return manager->vms;
}

OvmJobList *
ovm_manager_get_jobs (OvmManager *manager)
{
  return manager->jobs;
}

OvmSnapshotList *
ovm_manager_get_snapshots (OvmManager *manager)
{
  return manager->snapshots;
}

OvmInspector *
ovm_manager_get_inspector (OvmManager *manager)
{
  return manager->inspector;
}

static gboolean
reserve_name (Making *making, const char *name, GError **error)
{
  OvmManager *manager = making->manager;

  if (!ovm_job_list_check_open (manager->jobs, error) || !ovm_vm_list_reserve_name (manager->vms, name, error))
    return FALSE;
  making->name = g_strdup (name);
  return TRUE;
}

/* on any thread */
static gboolean
reserve_config (Making *making, GError **error)
{
  if (!ovm_vm_list_reserve_config (making->manager->vms, making->config, error))
    return FALSE;
  making->uuid = g_strdup (making->config->vmm->uuid);
  return TRUE;
}

static void
making_free (Making *making)
{
  /* a VM that was made has taken both over */
  if (making->vm == NULL && making->name != NULL)
    ovm_vm_list_release_name (making->manager->vms, making->name);
  if (making->vm == NULL && making->uuid != NULL)
    ovm_vm_list_release_uuid (making->manager->vms, making->uuid);
  g_free (making->name);
  g_free (making->uuid);
  ovm_vm_config_free (making->config);
  g_clear_object (&making->vm);
  g_free (making->directory);
  g_clear_pointer (&making->options, g_variant_unref);
  g_clear_pointer (&making->snapshot, vmm_snapshot_unref);
  if (making->job != NULL)
    g_signal_handlers_disconnect_by_data (making->job, making);
  g_clear_object (&making->job);
  g_clear_object (&making->prepared);
  g_object_unref (making->manager);
  g_free (making);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Making, making_free)

static Making *
making_new (OvmManager *manager, OvmManagerVmDone done, gpointer user_data)
{
  Making *making = g_new0 (Making, 1);

  making->manager = g_object_ref (manager);
  making->done = done;
  making->user_data = user_data;
  return making;
}

static void
tell (Making *making, const GError *error)
{
  OvmManagerVmDone done = g_steal_pointer (&making->done);

  if (done != NULL)
    done (error == NULL ? making->vm : NULL, error, making->user_data);
}

/* on a worker thread */
static gboolean
run_define (gpointer data, const OvmDriverTask *task, GError **error)
{
  Making *making = data;

  making->vm = ovm_vm_new (g_steal_pointer (&making->config),
                           making->manager->jobs,
                           making->manager->snapshots,
                           error);
  return making->vm != NULL;
}

static void
on_created (gpointer data, const GError *error)
{
  g_autoptr (Making) making = data;
  g_autoptr (GError) ours = error != NULL ? ovm_error_translate (error) : NULL;

  if (ours == NULL)
    ovm_vm_list_add (making->manager->vms, making->vm);
  tell (making, ours);
}

gboolean
ovm_manager_begin_create (OvmManager *manager,
                          const char *name,
                          GVariant *config,
                          OvmManagerVmDone done,
                          gpointer user_data,
                          GError **error)
{
  g_autoptr (Making) making = making_new (manager, done, user_data);

  making->config = ovm_vm_config_new (name, config, error);
  if (making->config == NULL || !reserve_name (making, name, error))
    return FALSE;
  if (!reserve_config (making, error))
    return FALSE;
  making->config->vmm->memory_directory = g_strdup (manager->memory_directory);
  ovm_worker_run (ovm_job_list_get_worker (manager->jobs), NULL, run_define, on_created, making);
  making = NULL;
  return TRUE;
}

/* the VM is among the others; a worker may be busy with it */
static void
show_vm (Making *making)
{
  if (g_atomic_int_get (&making->defined) && !making->vm_shown)
    {
      making->vm_shown = TRUE;
      ovm_vm_list_add (making->manager->vms, making->vm);
    }
}

/* Telling the bus of a new object takes half a millisecond of a processor: a restore that is soon over is told of when
 * it is over, as its job is. */
static void
on_job_shown (OvmJob *job, Making *making)
{
  g_atomic_int_set (&making->is_awaited, TRUE);
  show_vm (making);
}

static void
on_restore_defined (gpointer data)
{
  Making *making = data;

  show_vm (making);
  if (!ovm_options_get_boolean (making->options, "wait", TRUE))
    tell (making, NULL);
}

static OvmAction *
make_restore_action (Making *making)
{
  OvmAction *action =
      ovm_action_new_restore (making->directory,
                              ovm_vm_config_get_restore_mode (making->options),
                              ovm_options_get_boolean (making->options, "verify-memory", FALSE));

  action->opened = vmm_snapshot_ref (making->snapshot);
  action->clock = making->clock;
  action->cpu = making->cpu;
  action->memory = making->memory;
  action->spare = g_steal_pointer (&making->spare);
  action->spare_driver = making->driver;
  return action;
}

static gboolean
define_restored (Making *making, GError **error)
{
  OvmManager *manager = making->manager;

  making->config = ovm_vm_config_new_restored (making->name,
                                               vmm_snapshot_get_config (making->snapshot),
                                               making->options,
                                               error);
  if (making->config == NULL || !reserve_config (making, error))
    return FALSE;
  making->config->vmm->memory_directory = g_strdup (manager->memory_directory);
  making->vm = ovm_vm_new_busy (g_steal_pointer (&making->config),
                                manager->jobs,
                                manager->snapshots,
                                make_restore_action (making),
                                making->job,
                                error);
  return making->vm != NULL;
}

/* a clone that was prepared is only good as long as opening the directory would find the same snapshot */
static gboolean
open_restored (Making *making, GError **error)
{
  if (making->spare != NULL && !vmm_snapshot_is_current (making->snapshot))
    {
      making->stale = TRUE;
      making->driver->dismiss (g_steal_pointer (&making->spare));
      g_clear_pointer (&making->snapshot, vmm_snapshot_unref);
    }
  if (making->snapshot == NULL)
    making->snapshot = ovm_snapshot_cache_open (ovm_snapshot_list_get_cache (making->manager->snapshots),
                                                making->directory,
                                                error);
  if (making->snapshot != NULL && making->spare == NULL)
    making->spare = ovm_blanks_take (making->manager->blanks,
                                     making->driver,
                                     vmm_snapshot_get_config (making->snapshot));
  return making->snapshot != NULL;
}

/* On a worker thread, all in one go: each change of threads costs as much as a tenth of the restore. */
static gboolean
run_restore (gpointer data, const OvmDriverTask *task, GError **error)
{
  Making *making = data;

  if (!open_restored (making, error) || !define_restored (making, error))
    {
      if (making->spare != NULL)
        making->driver->dismiss (g_steal_pointer (&making->spare));
      return FALSE;
    }
  /* the other order in on_job_shown(): one of the two sees what the other has set */
  g_atomic_int_set (&making->defined, TRUE);
  if (g_atomic_int_get (&making->is_awaited))
    ovm_worker_tell_main (ovm_job_list_get_worker (making->manager->jobs), on_restore_defined, making);
  return ovm_vm_work (making->vm, task, error);
}

/* what waits for the next one, of the snapshot in @directory */
static void
take_spare (Making *making)
{
  OvmSnapshot *snapshot = ovm_snapshot_list_lookup_directory (making->manager->snapshots, making->directory);

  if (snapshot == NULL)
    return;
  making->prepared = g_object_ref (ovm_snapshot_get_prepared (snapshot));
  ovm_prepared_take (making->prepared, making->driver, &making->snapshot, &making->spare);
}

static void
replace_spare (Making *making)
{
  if (making->prepared != NULL && making->stale)
    ovm_prepared_renew (making->prepared);
  else if (making->prepared != NULL && ovm_prepared_get_wanted (making->prepared) > 0)
    ovm_prepared_refill (making->prepared);
  else if (g_atomic_int_get (&making->defined) && ovm_job_list_check_open (making->manager->jobs, NULL))
    ovm_blanks_refill (making->manager->blanks, making->driver, vmm_snapshot_get_config (making->snapshot));
}

static void
on_restored (gpointer data, const GError *error)
{
  g_autoptr (Making) making = data;
  g_autoptr (GError) ours = error != NULL ? ovm_error_translate (error) : NULL;

  ovm_snapshot_cache_expire (ovm_snapshot_list_get_cache (making->manager->snapshots));
  show_vm (making);
  if (g_atomic_int_get (&making->defined))
    ovm_vm_end_work (making->vm, ours);
  if (g_atomic_int_get (&making->defined) && ours != NULL)
    ovm_vm_forget (making->vm);
  ovm_job_complete (making->job, ours, ours == NULL ? ovm_vm_get_path (making->vm) : NULL);
  tell (making, ours);
  replace_spare (making);
}

gboolean
ovm_manager_begin_restore (OvmManager *manager,
                           const char *name,
                           const char *directory,
                           GVariant *options,
                           OvmJob **job,
                           OvmManagerVmDone done,
                           gpointer user_data,
                           GError **error)
{
  g_autoptr (Making) making = making_new (manager, done, user_data);
  g_autofree char *path = ovm_name_vm_path (name);

  making->driver = ovm_vm_config_find_driver (options, error);
  if (making->driver == NULL || !ovm_vm_config_check_restore (name, options, error) ||
      !ovm_vm_config_get_clock (options, &making->clock, error) ||
      !ovm_vm_config_get_memory (options, &making->memory, error) ||
      !ovm_vm_config_get_cpu (options, &making->cpu, error))
    return FALSE;
  making->directory = ovm_options_dup_directory ("directory", directory, error);
  if (making->directory == NULL || !reserve_name (making, name, error))
    return FALSE;
  making->options = g_variant_ref (options);
  making->job = ovm_job_list_begin_late (manager->jobs, "restore-vm", path, TRUE, error);
  if (making->job == NULL)
    return FALSE;
  *job = making->job;
  g_signal_connect (making->job, "shown", G_CALLBACK (on_job_shown), making);
  if (!ovm_options_get_boolean (options, "wait", TRUE))
    ovm_job_list_show (manager->jobs, making->job);
  take_spare (making);
  ovm_worker_run (ovm_job_list_get_worker (manager->jobs), making->job, run_restore, on_restored, making);
  making = NULL;
  return TRUE;
}

OvmSnapshot *
ovm_manager_add_snapshot (OvmManager *manager, VmmSnapshot *opened)
{
  g_autoptr (OvmSnapshot) snapshot = ovm_snapshot_new (opened, manager->jobs);

  return ovm_snapshot_list_add (manager->snapshots, snapshot);
}

/* one that cannot be powered off must not keep the service from ending: its driver ends what is left of it */
static void
on_close_vm (OvmVm *vm, OvmAction *action, const GError *error, gpointer user_data)
{
  if (error == NULL)
    return;
  g_warning ("VM '%s' could not be powered off: %s", ovm_vm_get_name (vm), error->message);
  ovm_vm_forget (vm);
}

/* a VM that is busy is tried again, once the job that was cancelled has let go of it */
static gboolean
on_close (gpointer user_data)
{
  OvmManager *manager = user_data;
  g_autoptr (GPtrArray) vms = ovm_vm_list_get_all (manager->vms);
  gboolean late = g_get_monotonic_time () > manager->close_deadline_usec;

  for (guint i = 0; i < vms->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!ovm_vm_begin (vms->pdata[i],
                         ovm_action_new (OVM_OPERATION_DELETE_FORCED),
                         on_close_vm,
                         NULL,
                         &error))
        g_debug ("%s", error->message);
    }
  if (!late && (ovm_vm_list_get_length (manager->vms) > 0 ||
                ovm_worker_get_pending (ovm_job_list_get_worker (manager->jobs)) > 0))
    return G_SOURCE_CONTINUE;
  if (late)
    g_warning ("%u VMs could not be powered off within %d s",
               ovm_vm_list_get_length (manager->vms),
               CLOSE_TIMEOUT_SEC);
  manager->close_done (NULL, manager->close_data);
  return G_SOURCE_REMOVE;
}

void
ovm_manager_close (OvmManager *manager, OvmManagerDone done, gpointer user_data)
{
  g_return_if_fail (ovm_job_list_check_open (manager->jobs, NULL));

  manager->close_deadline_usec = g_get_monotonic_time () + CLOSE_TIMEOUT_SEC * G_USEC_PER_SEC;
  manager->close_done = done;
  manager->close_data = user_data;
  ovm_job_list_close (manager->jobs);
  ovm_snapshot_list_dismiss (manager->snapshots);
  g_timeout_add_full (G_PRIORITY_DEFAULT, CLOSE_INTERVAL_MS, on_close, g_object_ref (manager), g_object_unref);
}
