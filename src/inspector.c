/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opening a snapshot reads its manifest and its state, which a hostile directory may have made as large as the format
 * allows, and it has no job that the limit on jobs would count: so there is one here.
 */

#include "config.h"
#include "src/inspector.h"

#include "src/error.h"
#include "src/options.h"
#include "vmm/vmm.h"

struct _OvmInspector
{
  GObject parent_instance;

  OvmJobList *jobs;
  guint opening; /* how many are under way */
};

G_DEFINE_FINAL_TYPE (OvmInspector, ovm_inspector, G_TYPE_OBJECT)

typedef struct
{
  OvmInspector *inspector;
  char *directory;
  VmmSnapshot *snapshot;
  OvmJob *job; /* NULL: only opened */
  gboolean chain;
  OvmInspectorDone done;
  OvmInspectorVerifyDone verify_done;
  gpointer user_data;
} Look;

static void
ovm_inspector_finalize (GObject *object)
{
  g_object_unref (OVM_INSPECTOR (object)->jobs);
  G_OBJECT_CLASS (ovm_inspector_parent_class)->finalize (object);
}

static void
ovm_inspector_class_init (OvmInspectorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_inspector_finalize;
}

static void
ovm_inspector_init (OvmInspector *inspector)
{
}

OvmInspector *
ovm_inspector_new (OvmJobList *jobs)
{
  OvmInspector *inspector = g_object_new (OVM_TYPE_INSPECTOR, NULL);

  inspector->jobs = g_object_ref (jobs);
  return inspector;
}

static void
look_free (Look *look)
{
  g_free (look->directory);
  g_clear_pointer (&look->snapshot, vmm_snapshot_unref);
  g_clear_object (&look->job);
  g_object_unref (look->inspector);
  g_free (look);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Look, look_free)

static Look *
look_new (OvmInspector *inspector, const char *directory, gpointer user_data, GError **error)
{
  g_autofree char *checked = ovm_job_list_check_open (inspector->jobs, error)
                                 ? ovm_options_dup_directory ("directory", directory, error)
                                 : NULL;
  Look *look;

  if (checked == NULL)
    return NULL;
  look = g_new0 (Look, 1);
  look->inspector = g_object_ref (inspector);
  look->directory = g_steal_pointer (&checked);
  look->user_data = user_data;
  return look;
}

static gboolean
run_open (gpointer data, const OvmDriverTask *task, GError **error)
{
  Look *look = data;

  look->snapshot = vmm_snapshot_open (look->directory, error);
  if (look->snapshot == NULL)
    return FALSE;
  /* what is missing under it, the number of those that are there tells */
  if (!vmm_snapshot_open_chain (look->snapshot, NULL))
    g_debug ("'%s' lacks some that it lies over", look->directory);
  return TRUE;
}

static void
on_open (gpointer data, const GError *error)
{
  g_autoptr (Look) look = data;
  g_autoptr (GError) ours = error != NULL ? ovm_error_translate (error) : NULL;

  look->inspector->opening--;
  look->done (ours == NULL ? look->snapshot : NULL, ours, look->user_data);
}

gboolean
ovm_inspector_begin_open (OvmInspector *inspector,
                          const char *directory,
                          OvmInspectorDone done,
                          gpointer user_data,
                          GError **error)
{
  Look *look;

  if (inspector->opening >= OVM_INSPECTOR_MAX)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_LIMIT_EXCEEDED,
                   "%u snapshots are being opened or inspected, which is the limit; wait for one",
                   inspector->opening);
      return FALSE;
    }
  look = look_new (inspector, directory, user_data, error);
  if (look == NULL)
    return FALSE;
  inspector->opening++;
  look->done = done;
  ovm_worker_run (ovm_job_list_get_worker (inspector->jobs), NULL, run_open, on_open, look);
  return TRUE;
}

static gboolean
run_verify (gpointer data, const OvmDriverTask *task, GError **error)
{
  Look *look = data;

  return vmm_snapshot_verify_directory (
      look->directory, NULL, look->chain, task->progress, task->progress_data, task->cancellable, error);
}

static void
on_verified (gpointer data, const GError *error)
{
  g_autoptr (Look) look = data;
  g_autoptr (GError) ours = error != NULL ? ovm_error_translate (error) : NULL;

  ovm_job_complete (look->job, ours, NULL);
  if (look->verify_done != NULL)
    look->verify_done (ours, look->user_data);
}

gboolean
ovm_inspector_begin_verify (OvmInspector *inspector,
                            const char *directory,
                            gboolean chain,
                            OvmJob **job,
                            OvmInspectorVerifyDone done,
                            gpointer user_data,
                            GError **error)
{
  g_autoptr (Look) look = look_new (inspector, directory, user_data, error);

  if (look == NULL)
    return FALSE;
  look->job = ovm_job_list_begin (inspector->jobs, "verify", NULL, TRUE, error);
  if (look->job == NULL)
    return FALSE;
  *job = look->job;
  look->chain = chain;
  look->verify_done = done;
  ovm_worker_run (ovm_job_list_get_worker (inspector->jobs), look->job, run_verify, on_verified, look);
  look = NULL;
  return TRUE;
}
