/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What state a VM is in, the driver says: after each operation and each event the model asks it, and tells the
 * difference. So it does not matter whether an event overtakes the end of an operation, and a VM that crashed while
 * it was being started is never shown as running.
 */

#include "config.h"
#include "src/vm.h"

#include "src/error.h"
#include "src/name.h"
#include "src/text.h"

struct _OvmVm
{
  GObject parent_instance;

  OvmVmConfig *config;
  char *path;
  OvmJobList *jobs;
  OvmSnapshotList *snapshots;
  GMainContext *context;
  OvmDriverVm *driver_vm; /* NULL once it was forgotten */

  OvmState state;
  char *state_reason;
  char *snapshot_uuid; /* the one it comes from */
  guint64 last_downtime_usec;
  const OvmAction *action; /* what works on it */
  struct Request *first;   /* what it was made for; NULL afterwards */
  OvmJob *job;
};

G_DEFINE_FINAL_TYPE (OvmVm, ovm_vm, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_STATE_CHANGED,
  SIGNAL_DELETED,
  SIGNAL_COUNT,
};
static guint signals[SIGNAL_COUNT];

/* an operation under way */
typedef struct Request
{
  OvmVm *vm;
  OvmAction *action;
  OvmJob *own_job;     /* completed here */
  OvmSnapshot *parent; /* of an incremental save: not to be deleted meanwhile; else NULL */
  OvmVmDone done;
  gpointer user_data;
} Request;

/* something the VM did by itself, on its way to the main thread */
typedef struct
{
  OvmVm *vm;
  OvmDriverEvent event;
  char *reason;
} Event;

static void
ovm_vm_finalize (GObject *object)
{
  OvmVm *vm = OVM_VM (object);

  g_warn_if_fail (vm->driver_vm == NULL);
  ovm_vm_config_free (vm->config);
  g_free (vm->path);
  g_free (vm->state_reason);
  g_free (vm->snapshot_uuid);
  g_clear_object (&vm->job);
  g_clear_object (&vm->jobs);
  g_clear_object (&vm->snapshots);
  g_main_context_unref (vm->context);
  G_OBJECT_CLASS (ovm_vm_parent_class)->finalize (object);
}

static void
ovm_vm_class_init (OvmVmClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_vm_finalize;
  signals[SIGNAL_CHANGED] =
      g_signal_new ("changed", OVM_TYPE_VM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_STATE_CHANGED] = g_signal_new ("state-changed",
                                                OVM_TYPE_VM,
                                                G_SIGNAL_RUN_LAST,
                                                0,
                                                NULL,
                                                NULL,
                                                NULL,
                                                G_TYPE_NONE,
                                                3,
                                                G_TYPE_UINT,
                                                G_TYPE_UINT,
                                                G_TYPE_STRING);
  signals[SIGNAL_DELETED] =
      g_signal_new ("deleted", OVM_TYPE_VM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ovm_vm_init (OvmVm *vm)
{
  vm->context = g_main_context_ref (g_main_context_default ());
  vm->state_reason = g_strdup ("defined");
}

static void
emit_changed (OvmVm *vm)
{
  g_signal_emit (vm, signals[SIGNAL_CHANGED], 0);
}

static void
set_state (OvmVm *vm, OvmState state, const char *reason)
{
  OvmState old = vm->state;

  vm->state = state;
  g_free (vm->state_reason);
  vm->state_reason = ovm_text_shorten (reason, OVM_VM_STATE_REASON_LENGTH_MAX);
  g_signal_emit (vm, signals[SIGNAL_STATE_CHANGED], 0, (guint) old, (guint) state, vm->state_reason);
  emit_changed (vm);
}

/* takes over what the driver says; @always: also if it says what is known */
static void
sync_state (OvmVm *vm, const char *reason, gboolean always)
{
  g_autofree char *own_reason = NULL;
  OvmState state;

  if (vm->driver_vm == NULL)
    return;
  state = vm->config->driver->get_state (vm->driver_vm, &own_reason);
  if (state != vm->state || always)
    set_state (vm, state, own_reason != NULL ? own_reason : reason);
}

static void
event_free (gpointer data)
{
  Event *event = data;

  g_object_unref (event->vm);
  g_free (event->reason);
  g_free (event);
}

static gboolean
on_event (gpointer data)
{
  Event *event = data;

  sync_state (event->vm, event->reason, FALSE);
  if (event->event == OVM_DRIVER_EVENT_REBOOT && event->vm->state == OVM_STATE_RUNNING)
    set_state (event->vm, OVM_STATE_RUNNING, event->reason);
  return G_SOURCE_REMOVE;
}

/* on any thread; the VM lives at least until its driver has forgotten it */
static void
note_event (OvmDriverEvent what, const char *reason, gpointer user_data)
{
  OvmVm *vm = user_data;
  g_autoptr (GSource) source = g_idle_source_new ();
  Event *event = g_new0 (Event, 1);

  event->vm = g_object_ref (vm);
  event->event = what;
  event->reason = g_strdup (reason);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_event, event, event_free);
  g_source_attach (source, vm->context);
}

static void
on_snapshot_list_changed (OvmSnapshotList *list, OvmSnapshot *snapshot, OvmVm *vm)
{
  if (g_strcmp0 (ovm_snapshot_get_info (snapshot)->uuid, vm->snapshot_uuid) == 0)
    emit_changed (vm);
}

OvmVm *
ovm_vm_new (OvmVmConfig *config, OvmJobList *jobs, OvmSnapshotList *snapshots, GError **error)
{
  g_autoptr (OvmVm) vm = g_object_new (OVM_TYPE_VM, NULL);

  vm->config = config;
  vm->path = ovm_name_vm_path (config->vmm->name);
  vm->jobs = g_object_ref (jobs);
  vm->snapshots = g_object_ref (snapshots);
  g_signal_connect_object (snapshots, "added", G_CALLBACK (on_snapshot_list_changed), vm, 0);
  g_signal_connect_object (snapshots, "removed", G_CALLBACK (on_snapshot_list_changed), vm, 0);
  vm->driver_vm =
      config->driver->define (config->vmm, config->console_log, config->options, note_event, vm, error);
  if (vm->driver_vm == NULL)
    return NULL;
  return g_steal_pointer (&vm);
}

const OvmVmConfig *
ovm_vm_get_config (OvmVm *vm)
{
  return vm->config;
}

const char *
ovm_vm_get_name (OvmVm *vm)
{
  return vm->config->vmm->name;
}

const char *
ovm_vm_get_path (OvmVm *vm)
{
  return vm->path;
}

OvmState
ovm_vm_get_state (OvmVm *vm)
{
  return vm->state;
}

const char *
ovm_vm_get_state_reason (OvmVm *vm)
{
  return vm->state_reason;
}

const char *
ovm_vm_get_snapshot_path (OvmVm *vm)
{
  return ovm_snapshot_list_get_path (vm->snapshots, vm->snapshot_uuid);
}

guint64
ovm_vm_get_last_downtime_usec (OvmVm *vm)
{
  return vm->last_downtime_usec;
}

OvmJob *
ovm_vm_get_job (OvmVm *vm)
{
  return vm->job;
}

static gboolean
check_supported (OvmVm *vm, OvmOperation operation, GError **error)
{
  if (ovm_driver_supports (vm->config->driver, operation))
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_NOT_SUPPORTED,
               "driver '%s' cannot %s a VM",
               vm->config->driver->name,
               ovm_operation_to_string (operation));
  return FALSE;
}

static gboolean
check_allowed (OvmVm *vm, OvmOperation operation, GError **error)
{
  if (!check_supported (vm, operation, error))
    return FALSE;
  if (!ovm_state_next (vm->state, operation, NULL, error))
    {
      g_prefix_error (error, "VM '%s': ", ovm_vm_get_name (vm));
      return FALSE;
    }
  return TRUE;
}

/* at the end all VMs are deleted, whatever state they are in */
static gboolean
check_open (OvmVm *vm, OvmOperation operation, GError **error)
{
  return operation == OVM_OPERATION_DELETE_FORCED || ovm_job_list_check_open (vm->jobs, error);
}

static gboolean
check_free (OvmVm *vm, GError **error)
{
  if (vm->driver_vm == NULL)
    {
      g_set_error (error, OVM_ERROR, OVM_ERROR_NO_SUCH_VM, "VM '%s' was deleted", ovm_vm_get_name (vm));
      return FALSE;
    }
  if (vm->action != NULL)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_BUSY,
                   "VM '%s' is busy: to %s it is under way; wait for its end%s",
                   ovm_vm_get_name (vm),
                   ovm_operation_to_string (vm->action->operation),
                   ovm_action_is_cancelable (vm->action) ? ", or cancel its job" : "");
      return FALSE;
    }
  return TRUE;
}

char *
ovm_vm_get_snapshot_blocker (OvmVm *vm)
{
  g_autoptr (GError) error = NULL;

  if (check_allowed (vm, OVM_OPERATION_SAVE, &error))
    return NULL;
  return g_strdup (error->message);
}

static gboolean
run_request (gpointer data, const OvmDriverTask *task, GError **error)
{
  Request *request = data;
  OvmVm *vm = request->vm;

  return ovm_action_run (request->action, vm->config->driver, vm->driver_vm, vm->config->vmm, task, error);
}

/* after a save or a restore: the snapshot is known, and the VM comes from it */
static const char *
take_over_snapshot (OvmVm *vm, const OvmAction *action)
{
  g_autoptr (OvmSnapshot) snapshot = NULL;

  if (action->opened == NULL)
    return NULL;
  snapshot = ovm_snapshot_new (action->opened, vm->jobs);
  g_free (vm->snapshot_uuid);
  vm->snapshot_uuid = g_strdup (ovm_snapshot_get_info (snapshot)->uuid);
  if (action->operation == OVM_OPERATION_SAVE)
    vm->last_downtime_usec = action->save_result.freeze_usec;
  return ovm_snapshot_get_path (ovm_snapshot_list_add (vm->snapshots, snapshot));
}

static gboolean
is_a_step (OvmOperation operation)
{
  switch (operation)
    {
    case OVM_OPERATION_RESET:
    case OVM_OPERATION_RESTORE:
    case OVM_OPERATION_RESTORE_PAUSED:
      return TRUE;
    default:
      return FALSE;
    }
}

static void
request_free (Request *request)
{
  ovm_action_free (request->action);
  if (request->parent != NULL)
    ovm_snapshot_release (request->parent);
  g_clear_object (&request->parent);
  g_clear_object (&request->own_job);
  g_object_unref (request->vm);
  g_free (request);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, request_free)

static void
on_request_done (gpointer data, const GError *error)
{
  g_autoptr (Request) request = data;
  OvmAction *action = request->action;
  OvmVm *vm = request->vm;
  g_autoptr (GError) ours = error != NULL ? ovm_error_translate (error) : NULL;
  g_autofree char *reason = ovm_action_get_reason (action);
  const char *result = NULL;

  vm->action = NULL;
  g_clear_object (&vm->job);
  ovm_snapshot_cache_expire (ovm_snapshot_list_get_cache (vm->snapshots));
  if (ours == NULL)
    result = take_over_snapshot (vm, action);
  sync_state (vm, reason, ours == NULL && is_a_step (action->operation));
  emit_changed (vm);

  if (request->own_job != NULL)
    ovm_job_complete (request->own_job, ours, action->operation == OVM_OPERATION_SAVE ? result : NULL);
  if (ours == NULL &&
      (action->operation == OVM_OPERATION_DELETE || action->operation == OVM_OPERATION_DELETE_FORCED))
    ovm_vm_forget (vm);
  if (request->done != NULL)
    request->done (vm, action, ours, request->user_data);
}

/* who does not wait for the end looks at the job: that must be there at once */
static gboolean
begin_job (OvmVm *vm, const OvmAction *action, gboolean waits, OvmJob **own_job, GError **error)
{
  const char *name = ovm_action_get_job_name (action);
  gboolean cancelable = ovm_action_is_cancelable (action);

  if (name == NULL)
    return TRUE;
  if (waits)
    *own_job = ovm_job_list_begin_late (vm->jobs, name, vm->path, cancelable, error);
  else
    *own_job = ovm_job_list_begin (vm->jobs, name, vm->path, cancelable, error);
  if (*own_job == NULL)
    return FALSE;
  vm->job = g_object_ref (*own_job);
  g_signal_connect_object (vm->job, "shown", G_CALLBACK (emit_changed), vm, G_CONNECT_SWAPPED);
  return TRUE;
}

OvmVm *
ovm_vm_new_busy (OvmVmConfig *config,
                 OvmJobList *jobs,
                 OvmSnapshotList *snapshots,
                 OvmAction *action,
                 OvmJob *job,
                 GError **error)
{
  g_autoptr (OvmAction) owned = action;
  g_autoptr (OvmVm) vm = ovm_vm_new (config, jobs, snapshots, error);

  if (vm == NULL)
    return NULL;
  if (!check_allowed (vm, action->operation, error))
    {
      config->driver->undefine (g_steal_pointer (&vm->driver_vm));
      return NULL;
    }
  action->working_sets = g_strdup (ovm_snapshot_list_get_working_sets (snapshots));
  vm->first = g_new0 (Request, 1);
  vm->first->action = g_steal_pointer (&owned);
  vm->action = action;
  vm->job = g_object_ref (job);
  return g_steal_pointer (&vm);
}

gboolean
ovm_vm_work (OvmVm *vm, const OvmDriverTask *task, GError **error)
{
  return ovm_action_run (vm->first->action, vm->config->driver, vm->driver_vm, vm->config->vmm, task, error);
}

void
ovm_vm_end_work (OvmVm *vm, const GError *error)
{
  Request *request = g_steal_pointer (&vm->first);

  request->vm = g_object_ref (vm);
  on_request_done (request, error);
}

/* @parent: (out) (nullable): held */
static gboolean
hold_parent (OvmVm *vm, const OvmAction *action, OvmSnapshot **parent, GError **error)
{
  OvmSnapshot *snapshot = ovm_snapshot_list_lookup (vm->snapshots, vm->snapshot_uuid);

  if (action->operation != OVM_OPERATION_SAVE || !action->incremental || snapshot == NULL)
    return TRUE;
  if (!ovm_snapshot_hold (snapshot, error))
    return FALSE;
  *parent = g_object_ref (snapshot);
  return TRUE;
}

gboolean
ovm_vm_begin (OvmVm *vm, OvmAction *action, OvmVmDone done, gpointer user_data, GError **error)
{
  g_autoptr (OvmAction) owned = action;
  g_autoptr (OvmJob) own_job = NULL;
  OvmSnapshot *parent = NULL;
  Request *request;

  if (!check_open (vm, action->operation, error) || !check_free (vm, error) ||
      !check_allowed (vm, action->operation, error))
    return FALSE;
  if (!hold_parent (vm, action, &parent, error))
    return FALSE;
  if (!begin_job (vm, action, done != NULL, &own_job, error))
    {
      if (parent != NULL)
        ovm_snapshot_release (parent);
      g_clear_object (&parent);
      return FALSE;
    }
  if (action->operation == OVM_OPERATION_SAVE)
    action->parent_uuid = g_strdup (vm->snapshot_uuid);
  action->working_sets = g_strdup (ovm_snapshot_list_get_working_sets (vm->snapshots));
  action->cache = g_object_ref (ovm_snapshot_list_get_cache (vm->snapshots));

  request = g_new0 (Request, 1);
  request->vm = g_object_ref (vm);
  request->action = g_steal_pointer (&owned);
  request->own_job = g_steal_pointer (&own_job);
  request->parent = parent;
  request->done = done;
  request->user_data = user_data;
  vm->action = action;
  if (vm->job != NULL && ovm_job_get_shown (vm->job))
    emit_changed (vm);
  ovm_worker_run (ovm_job_list_get_worker (vm->jobs), vm->job, run_request, on_request_done, request);
  return TRUE;
}

int
ovm_vm_open_console (OvmVm *vm, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  int fd;

  if (vm->driver_vm == NULL)
    {
      g_set_error (error, OVM_ERROR, OVM_ERROR_NO_SUCH_VM, "VM '%s' was deleted", ovm_vm_get_name (vm));
      return -1;
    }
  if (!check_allowed (vm, OVM_OPERATION_OPEN_CONSOLE, error))
    return -1;
  fd = vm->config->driver->open_console (vm->driver_vm, &local_error);
  if (fd < 0)
    ovm_error_propagate (error, g_steal_pointer (&local_error));
  return fd;
}

/* what is left to be taken from the driver, on a worker thread */
typedef struct
{
  OvmVm *vm; /* the driver may still send an event */
  OvmDriverVm *driver_vm;
} Remains;

static gboolean
run_undefine (gpointer data, const OvmDriverTask *task, GError **error)
{
  Remains *remains = data;

  remains->vm->config->driver->undefine (remains->driver_vm);
  return TRUE;
}

static void
on_undefine_done (gpointer data, const GError *error)
{
  Remains *remains = data;

  g_object_unref (remains->vm);
  g_free (remains);
}

void
ovm_vm_forget (OvmVm *vm)
{
  Remains *remains;

  if (vm->driver_vm == NULL)
    return;
  remains = g_new0 (Remains, 1);
  remains->vm = g_object_ref (vm);
  remains->driver_vm = g_steal_pointer (&vm->driver_vm);
  ovm_worker_run (ovm_job_list_get_worker (vm->jobs), NULL, run_undefine, on_undefine_done, remains);
  g_signal_emit (vm, signals[SIGNAL_DELETED], 0);
}
