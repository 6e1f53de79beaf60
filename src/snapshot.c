/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each operation opens the directory anew: thousands of snapshots may be known, and a deleted one must be seen
 * to be gone.
 */

#include "config.h"
#include "src/snapshot.h"

#include "src/error.h"
#include "src/name.h"
#include "src/vm-config.h"

struct _OvmSnapshot
{
  GObject parent_instance;

  OvmSnapshotInfo info;
  char *path;
  OvmJobList *jobs;
  OvmJob *job;
  OvmPrepared *prepared;
};

G_DEFINE_FINAL_TYPE (OvmSnapshot, ovm_snapshot, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_DELETED,
  SIGNAL_COUNT,
};
static guint signals[SIGNAL_COUNT];

const OvmOption ovm_snapshot_prepare_options[] = {
  { "driver", "s", 64, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

/* one operation under way */
typedef struct
{
  OvmSnapshot *snapshot;
  gboolean deletes;
  OvmSnapshotDone done;
  gpointer user_data;
} Request;

static void
ovm_snapshot_finalize (GObject *object)
{
  OvmSnapshot *snapshot = OVM_SNAPSHOT (object);

  g_free (snapshot->info.directory);
  g_free (snapshot->info.uuid);
  g_free (snapshot->info.parent_uuid);
  g_free (snapshot->info.vm_name);
  g_free (snapshot->info.vm_uuid);
  g_free (snapshot->info.description);
  g_free (snapshot->path);
  g_clear_object (&snapshot->job);
  g_object_unref (snapshot->prepared);
  g_object_unref (snapshot->jobs);
  G_OBJECT_CLASS (ovm_snapshot_parent_class)->finalize (object);
}

static void
ovm_snapshot_class_init (OvmSnapshotClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_snapshot_finalize;
  signals[SIGNAL_CHANGED] =
      g_signal_new ("changed", OVM_TYPE_SNAPSHOT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_DELETED] =
      g_signal_new ("deleted", OVM_TYPE_SNAPSHOT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ovm_snapshot_init (OvmSnapshot *snapshot)
{
}

static char *
dup_or_empty (const char *string)
{
  return g_strdup (string != NULL ? string : "");
}

OvmSnapshot *
ovm_snapshot_new (VmmSnapshot *from, OvmJobList *jobs)
{
  OvmSnapshot *snapshot = g_object_new (OVM_TYPE_SNAPSHOT, NULL);
  const VmmConfig *config = vmm_snapshot_get_config (from);

  snapshot->jobs = g_object_ref (jobs);
  snapshot->info = (OvmSnapshotInfo){
    .directory = dup_or_empty (vmm_snapshot_get_directory (from)),
    .uuid = dup_or_empty (vmm_snapshot_get_uuid (from)),
    .parent_uuid = dup_or_empty (vmm_snapshot_get_parent_uuid (from)),
    .vm_name = dup_or_empty (vmm_snapshot_get_vm_name (from)),
    .vm_uuid = dup_or_empty (vmm_snapshot_get_vm_uuid (from)),
    .description = dup_or_empty (vmm_snapshot_get_description (from)),
    .created_at_usec = vmm_snapshot_get_created_at_usec (from),
    .downtime_usec = vmm_snapshot_get_freeze_usec (from),
    .memory_size = config->memory_size,
    .size_on_disk = vmm_snapshot_get_size_on_disk (from),
    .vp_count = config->vp_count,
  };
  snapshot->path = ovm_name_snapshot_path (snapshot->info.uuid);
  snapshot->prepared = ovm_prepared_new (snapshot->info.directory, snapshot->info.uuid, jobs);
  g_signal_connect_object (snapshot->prepared,
                           "changed",
                           G_CALLBACK (ovm_snapshot_emit_changed),
                           snapshot,
                           G_CONNECT_SWAPPED);
  return snapshot;
}

const OvmSnapshotInfo *
ovm_snapshot_get_info (OvmSnapshot *snapshot)
{
  return &snapshot->info;
}

const char *
ovm_snapshot_get_path (OvmSnapshot *snapshot)
{
  return snapshot->path;
}

OvmPrepared *
ovm_snapshot_get_prepared (OvmSnapshot *snapshot)
{
  return snapshot->prepared;
}

OvmJob *
ovm_snapshot_get_job (OvmSnapshot *snapshot)
{
  return snapshot->job;
}

void
ovm_snapshot_emit_changed (OvmSnapshot *snapshot)
{
  g_signal_emit (snapshot, signals[SIGNAL_CHANGED], 0);
}

/* on a worker thread; touches only what never changes */
static gboolean
run_request (gpointer data, const OvmDriverTask *task, GError **error)
{
  Request *request = data;
  const OvmSnapshotInfo *info = &request->snapshot->info;
  g_autoptr (VmmSnapshot) opened = vmm_snapshot_open (info->directory, error);

  if (opened == NULL)
    return FALSE;
  if (g_strcmp0 (vmm_snapshot_get_uuid (opened), info->uuid) != 0)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_NO_SUCH_SNAPSHOT,
                   "'%s' holds snapshot %s now; %s is gone",
                   info->directory,
                   vmm_snapshot_get_uuid (opened),
                   info->uuid);
      return FALSE;
    }
  if (request->deletes)
    return vmm_snapshot_delete (opened, error);
  return vmm_snapshot_verify (opened, task->progress, task->progress_data, task->cancellable, error);
}

static void
on_request_done (gpointer data, const GError *error)
{
  g_autofree Request *request = data;
  g_autoptr (OvmSnapshot) snapshot = request->snapshot;
  g_autoptr (OvmJob) job = g_steal_pointer (&snapshot->job);
  g_autoptr (GError) ours = error != NULL ? ovm_error_translate (error) : NULL;

  ovm_snapshot_emit_changed (snapshot);
  if (request->deletes && (ours == NULL || ours->code == OVM_ERROR_NO_SUCH_SNAPSHOT))
    g_signal_emit (snapshot, signals[SIGNAL_DELETED], 0);
  ovm_job_complete (job, ours, NULL);
  if (request->done != NULL)
    request->done (snapshot, ours, request->user_data);
}

static gboolean
begin_job (OvmSnapshot *snapshot, const char *operation, gboolean cancelable, GError **error)
{
  if (snapshot->job != NULL)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_BUSY,
                   "snapshot %s is busy: %s is working on it (%s)",
                   snapshot->info.uuid,
                   ovm_job_get_path (snapshot->job),
                   ovm_job_get_operation (snapshot->job));
      return FALSE;
    }
  snapshot->job = ovm_job_list_begin (snapshot->jobs, operation, snapshot->path, cancelable, error);
  return snapshot->job != NULL;
}

static Request *
request_new (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data)
{
  Request *request = g_new0 (Request, 1);

  request->snapshot = g_object_ref (snapshot);
  request->done = done;
  request->user_data = user_data;
  return request;
}

static gboolean
begin (OvmSnapshot *snapshot, gboolean deletes, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  Request *request;

  if (!begin_job (snapshot, deletes ? "delete-snapshot" : "verify", !deletes, error))
    return FALSE;
  request = request_new (snapshot, done, user_data);
  request->deletes = deletes;
  ovm_snapshot_emit_changed (snapshot);
  ovm_worker_run (ovm_job_list_get_worker (snapshot->jobs),
                  snapshot->job,
                  run_request,
                  on_request_done,
                  request);
  return TRUE;
}

gboolean
ovm_snapshot_begin_verify (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  return begin (snapshot, FALSE, done, user_data, error);
}

gboolean
ovm_snapshot_begin_delete (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  return begin (snapshot, TRUE, done, user_data, error);
}

static void
on_prepared (const GError *error, gpointer user_data)
{
  on_request_done (user_data, error);
}

gboolean
ovm_snapshot_begin_prepare (OvmSnapshot *snapshot,
                            guint count,
                            GVariant *options,
                            OvmSnapshotDone done,
                            gpointer user_data,
                            GError **error)
{
  const OvmDriver *driver = ovm_vm_config_find_driver (options, error);
  g_autoptr (GVariant) driver_options = NULL;

  if (driver == NULL || !ovm_options_check (options, ovm_snapshot_prepare_options, driver->options, error))
    return FALSE;
  if (driver->prepare == NULL)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_NOT_SUPPORTED,
                   "driver '%s' cannot prepare clones",
                   driver->name);
      return FALSE;
    }
  if (!begin_job (snapshot, "prepare", TRUE, error))
    return FALSE;
  ovm_snapshot_emit_changed (snapshot);
  driver_options = ovm_vm_config_pick_driver_options (driver, options);
  ovm_prepared_want (snapshot->prepared,
                     driver,
                     driver_options,
                     count,
                     snapshot->job,
                     on_prepared,
                     request_new (snapshot, done, user_data));
  return TRUE;
}
