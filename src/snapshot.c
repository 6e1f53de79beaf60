/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each operation opens the directory anew: thousands of snapshots may be known, and a deleted one must be seen
 * to be gone.
 */

#include "config.h"
#include "src/snapshot.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "src/error.h"
#include "src/name.h"
#include "src/vm-config.h"

#define BUS_SIZE 896 /* bytes that are said of one beside its texts: path, UUIDs, names of properties */

struct _OvmSnapshot
{
  GObject parent_instance;

  OvmSnapshotInfo info;
  char *path;
  OvmJobList *jobs;
  OvmJob *job;
  guint holds; /* saves that need it */
  gboolean deleting;
  char *working_set; /* path; NULL for none */
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
  { "cpu", "s", 64, FALSE },
  { "driver", "s", 64, FALSE },
  { "memory", "s", 64, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

typedef enum
{
  WORK_VERIFY,
  WORK_VERIFY_ALONE,
  WORK_DELETE,
  WORK_CONSOLIDATE,
  WORK_DESCRIBE,
} Work;

static const struct
{
  const char *operation;
  gboolean cancelable;
} works[] = {
  [WORK_VERIFY] = { "verify", TRUE },           [WORK_VERIFY_ALONE] = { "verify", TRUE },
  [WORK_DELETE] = { "delete-snapshot", FALSE }, [WORK_CONSOLIDATE] = { "consolidate", TRUE },
  [WORK_DESCRIBE] = { "describe", FALSE },
};

/* what a consolidated snapshot has become; left empty if that could not be seen */
typedef struct
{
  gboolean seen;
  gboolean incremental;
  guint64 size_on_disk;
} Outcome;

/* one operation under way */
typedef struct
{
  OvmSnapshot *snapshot;
  OvmSnapshot *subject; /* of a delete: the one that was worked on last: a child, or the snapshot itself */
  Work work;
  GPtrArray *children; /* of OvmSnapshot, to be consolidated first; NULL for none */
  Outcome *outcomes;   /* of the snapshot, or of the children */
  char *description;   /* the new one; NULL if there is none */
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
  g_free (snapshot->working_set);
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
    .incremental = vmm_snapshot_get_incremental (from),
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

void
ovm_snapshot_set_working_sets (OvmSnapshot *snapshot, const char *directory)
{
  g_free (snapshot->working_set);
  snapshot->working_set = directory != NULL ? g_build_filename (directory, snapshot->info.uuid, NULL) : NULL;
}

const OvmSnapshotInfo *
ovm_snapshot_get_info (OvmSnapshot *snapshot)
{
  return &snapshot->info;
}

gsize
ovm_snapshot_get_bus_size (OvmSnapshot *snapshot)
{
  const OvmSnapshotInfo *info = &snapshot->info;

  return BUS_SIZE + strlen (info->directory) + strlen (info->vm_name) + strlen (info->description);
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

/* on a worker thread, as all below; touches only what never changes */
static VmmSnapshot *
open_own (OvmSnapshot *snapshot, GError **error)
{
  const OvmSnapshotInfo *info = &snapshot->info;
  g_autoptr (VmmSnapshot) opened = vmm_snapshot_open (info->directory, error);

  if (opened == NULL || g_strcmp0 (vmm_snapshot_get_uuid (opened), info->uuid) == 0)
    return g_steal_pointer (&opened);
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_NO_SUCH_SNAPSHOT,
               "'%s' holds snapshot %s now; %s is gone",
               info->directory,
               vmm_snapshot_get_uuid (opened),
               info->uuid);
  return NULL;
}

static gboolean
consolidate (OvmSnapshot *snapshot, const OvmDriverTask *task, Outcome *outcome, GError **error)
{
  g_autoptr (VmmSnapshot) before = open_own (snapshot, error);
  g_autoptr (VmmSnapshot) after = NULL;

  if (before == NULL ||
      !vmm_snapshot_consolidate (before, task->progress, task->progress_data, task->cancellable, error))
    return FALSE;
  after = open_own (snapshot, error);
  if (after == NULL)
    return FALSE;
  outcome->seen = TRUE;
  outcome->incremental = vmm_snapshot_get_incremental (after);
  outcome->size_on_disk = vmm_snapshot_get_size_on_disk (after);
  return TRUE;
}

static gboolean
verify (OvmSnapshot *snapshot, gboolean chain, const OvmDriverTask *task, GError **error)
{
  return vmm_snapshot_verify_directory (snapshot->info.directory,
                                        snapshot->info.uuid,
                                        chain,
                                        task->progress,
                                        task->progress_data,
                                        task->cancellable,
                                        error);
}

static gboolean delete (OvmSnapshot *snapshot, GError **error)
{
  g_autoptr (VmmSnapshot) opened = open_own (snapshot, error);

  if (opened == NULL || !vmm_snapshot_delete (opened, error))
    return FALSE;
  if (snapshot->working_set != NULL && g_unlink (snapshot->working_set) != 0 && errno != ENOENT)
    g_debug ("cannot remove '%s': %s", snapshot->working_set, g_strerror (errno));
  return TRUE;
}

static gboolean
describe (OvmSnapshot *snapshot, const char *description, GError **error)
{
  g_autoptr (VmmSnapshot) opened = open_own (snapshot, error);

  return opened != NULL && vmm_snapshot_set_description (opened, description, error);
}

static gboolean
run_request (gpointer data, const OvmDriverTask *task, GError **error)
{
  Request *request = data;

  if (request->work == WORK_VERIFY || request->work == WORK_VERIFY_ALONE)
    return verify (request->snapshot, request->work == WORK_VERIFY, task, error);
  if (request->work == WORK_CONSOLIDATE)
    return consolidate (request->snapshot, task, &request->outcomes[0], error);
  if (request->work == WORK_DESCRIBE)
    return describe (request->snapshot, request->description, error);
  for (guint i = 0; request->children != NULL && i < request->children->len; i++)
    {
      request->subject = request->children->pdata[i];
      if (!consolidate (request->subject, task, &request->outcomes[i], error))
        return FALSE;
    }
  request->subject = request->snapshot;
  return delete (request->snapshot, error);
}

/* on the main thread, as all below */
static void
take_outcome (OvmSnapshot *snapshot, const Outcome *outcome)
{
  if (!outcome->seen)
    return;
  snapshot->info.incremental = outcome->incremental;
  snapshot->info.size_on_disk = outcome->size_on_disk;
}

static void
let_children_go (const Request *request)
{
  for (guint i = 0; request->children != NULL && i < request->children->len; i++)
    {
      OvmSnapshot *child = request->children->pdata[i];

      g_clear_object (&child->job);
      take_outcome (child, &request->outcomes[i]);
      ovm_snapshot_emit_changed (child);
    }
}

static void
on_request_done (gpointer data, const GError *error)
{
  g_autofree Request *request = data;
  g_autoptr (OvmSnapshot) snapshot = request->snapshot;
  g_autoptr (GPtrArray) children = request->children;
  g_autofree Outcome *outcomes = request->outcomes;
  g_autofree char *description = request->description;
  g_autoptr (OvmJob) job = g_steal_pointer (&snapshot->job);
  g_autoptr (GError) ours = error != NULL ? ovm_error_translate (error) : NULL;

  snapshot->deleting = FALSE;
  let_children_go (request);
  if (request->work == WORK_CONSOLIDATE)
    take_outcome (snapshot, &outcomes[0]);
  if (request->work == WORK_DESCRIBE && ours == NULL)
    {
      g_free (snapshot->info.description);
      snapshot->info.description = g_steal_pointer (&description);
    }
  ovm_snapshot_emit_changed (snapshot);
  if (request->work == WORK_DELETE && (ours == NULL || ours->code == OVM_ERROR_NO_SUCH_SNAPSHOT))
    g_signal_emit (request->subject, signals[SIGNAL_DELETED], 0);
  ovm_job_complete (job, ours, NULL);
  if (request->done != NULL)
    request->done (snapshot, ours, request->user_data);
}

static gboolean
check_free (OvmSnapshot *snapshot, GError **error)
{
  if (snapshot->job == NULL)
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_BUSY,
               "snapshot %s is busy: %s is working on it (%s)",
               snapshot->info.uuid,
               ovm_job_get_path (snapshot->job),
               ovm_job_get_operation (snapshot->job));
  return FALSE;
}

static gboolean
begin_job (OvmSnapshot *snapshot, const char *operation, gboolean cancelable, GError **error)
{
  if (!check_free (snapshot, error))
    return FALSE;
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

static void
run (Request *request)
{
  OvmSnapshot *snapshot = request->snapshot;

  ovm_snapshot_emit_changed (snapshot);
  ovm_worker_run (ovm_job_list_get_worker (snapshot->jobs),
                  snapshot->job,
                  run_request,
                  on_request_done,
                  request);
}

static Request *
begin_work (OvmSnapshot *snapshot, Work work, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  Request *request;

  if (!begin_job (snapshot, works[work].operation, works[work].cancelable, error))
    return NULL;
  request = request_new (snapshot, done, user_data);
  request->work = work;
  request->outcomes = g_new0 (Outcome, 1);
  return request;
}

static gboolean
begin (OvmSnapshot *snapshot, Work work, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  Request *request = begin_work (snapshot, work, done, user_data, error);

  if (request != NULL)
    run (request);
  return request != NULL;
}

gboolean
ovm_snapshot_begin_verify (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  return begin (snapshot, WORK_VERIFY, done, user_data, error);
}

gboolean
ovm_snapshot_begin_verify_alone (OvmSnapshot *snapshot,
                                 OvmSnapshotDone done,
                                 gpointer user_data,
                                 GError **error)
{
  return begin (snapshot, WORK_VERIFY_ALONE, done, user_data, error);
}

gboolean
ovm_snapshot_begin_describe (OvmSnapshot *snapshot,
                             const char *description,
                             OvmSnapshotDone done,
                             gpointer user_data,
                             GError **error)
{
  Request *request;

  if (strlen (description) > OVM_DESCRIPTION_LENGTH_MAX)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_LIMIT_EXCEEDED,
                   "description has %zu bytes; the limit is %d",
                   strlen (description),
                   OVM_DESCRIPTION_LENGTH_MAX);
      return FALSE;
    }
  request = begin_work (snapshot, WORK_DESCRIBE, done, user_data, error);
  if (request == NULL)
    return FALSE;
  request->description = g_strdup (description);
  run (request);
  return TRUE;
}

gboolean
ovm_snapshot_begin_consolidate (OvmSnapshot *snapshot,
                                OvmSnapshotDone done,
                                gpointer user_data,
                                GError **error)
{
  return begin (snapshot, WORK_CONSOLIDATE, done, user_data, error);
}

gboolean
ovm_snapshot_begin_delete (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data, GError **error)
{
  return ovm_snapshot_begin_delete_with (snapshot, NULL, done, user_data, error);
}

static gboolean
check_deletable (OvmSnapshot *snapshot, GPtrArray *children, GError **error)
{
  for (guint i = 0; children != NULL && i < children->len; i++)
    if (!check_free (children->pdata[i], error))
      return FALSE;
  if (snapshot->holds == 0)
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_BUSY,
               "snapshot %s is busy: an incremental snapshot over it is being saved; wait for its end",
               snapshot->info.uuid);
  return FALSE;
}

gboolean
ovm_snapshot_begin_delete_with (OvmSnapshot *snapshot,
                                GPtrArray *children,
                                OvmSnapshotDone done,
                                gpointer user_data,
                                GError **error)
{
  Request *request;

  if (!check_deletable (snapshot, children, error) ||
      !begin_job (snapshot, works[WORK_DELETE].operation, children != NULL, error))
    return FALSE;
  snapshot->deleting = TRUE;
  request = request_new (snapshot, done, user_data);
  request->work = WORK_DELETE;
  request->children = children != NULL ? g_ptr_array_ref (children) : NULL;
  request->outcomes = g_new0 (Outcome, children != NULL ? children->len : 1);
  for (guint i = 0; children != NULL && i < children->len; i++)
    {
      OvmSnapshot *child = children->pdata[i];

      child->job = g_object_ref (snapshot->job);
      ovm_snapshot_emit_changed (child);
    }
  run (request);
  return TRUE;
}

gboolean
ovm_snapshot_hold (OvmSnapshot *snapshot, GError **error)
{
  if (snapshot->deleting)
    return check_free (snapshot, error);
  snapshot->holds++;
  return TRUE;
}

void
ovm_snapshot_release (OvmSnapshot *snapshot)
{
  g_return_if_fail (snapshot->holds > 0);
  snapshot->holds--;
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
  VmmCpuPolicy cpu;
  OvmMemory memory;

  if (driver == NULL || !ovm_options_check (options, ovm_snapshot_prepare_options, driver->options, error) ||
      !ovm_vm_config_get_cpu (options, &cpu, error) || !ovm_vm_config_get_memory (options, &memory, error))
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
  ovm_prepared_set_memory (snapshot->prepared, memory, snapshot->working_set);
  ovm_prepared_want (snapshot->prepared,
                     driver,
                     cpu,
                     driver_options,
                     count,
                     snapshot->job,
                     on_prepared,
                     request_new (snapshot, done, user_data));
  return TRUE;
}
