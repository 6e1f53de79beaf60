/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One is built after the other: a host with room for one more machine is found out by building it, and whoever wants
 * something else from the service meanwhile does not find all its cores busy. One that was taken is replaced a moment
 * later: until then its guest takes its first steps, and a machine that is built meanwhile takes the processor from it.
 */

#include "config.h"
#include "src/prepared.h"

#include "src/error.h"

#define DISMISSALS_MAX 16u /* threads */
#define REFILL_DELAY_MS 2u /* a restored guest has answered by then, and its caller has heard of it */

struct _OvmPrepared
{
  GObject parent_instance;

  char *directory;
  char *uuid;
  OvmJobList *jobs;

  const OvmDriver *driver; /* of those below */
  VmmCpuPolicy cpu;
  GVariant *options;
  OvmMemory memory;
  char *working_set;
  VmmSnapshot *snapshot; /* NULL until the first one is built */
  GQueue spares;         /* of OvmDriverSpare */
  guint wanted;
  gboolean building;
  guint refill_id;
  guint generation; /* how often it was renewed */

  /* the present ovm_prepared_want() */
  OvmJob *job;
  guint wanted_before;
  OvmPreparedDone done;
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (OvmPrepared, ovm_prepared, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_COUNT,
};
static guint signals[SIGNAL_COUNT];

/* one that is being built */
typedef struct
{
  OvmPrepared *prepared;
  const OvmDriver *driver;
  VmmCpuPolicy cpu;
  GVariant *options;
  OvmMemory memory;
  char *working_set;
  VmmSnapshot *snapshot;
  guint generation;
  OvmDriverSpare *spare;
} Build;

/* those that are let go */
typedef struct
{
  const OvmDriver *driver;
  GQueue spares;
} Dismissal;

static void
dismiss_all (const OvmDriver *driver, GQueue *spares)
{
  OvmDriverSpare *spare;

  while ((spare = g_queue_pop_head (spares)) != NULL)
    driver->dismiss (spare);
}

static void
ovm_prepared_finalize (GObject *object)
{
  OvmPrepared *prepared = OVM_PREPARED (object);

  g_clear_handle_id (&prepared->refill_id, g_source_remove);
  dismiss_all (prepared->driver, &prepared->spares);
  g_clear_pointer (&prepared->snapshot, vmm_snapshot_unref);
  g_clear_pointer (&prepared->options, g_variant_unref);
  g_free (prepared->directory);
  g_free (prepared->uuid);
  g_free (prepared->working_set);
  g_clear_object (&prepared->job);
  g_object_unref (prepared->jobs);
  G_OBJECT_CLASS (ovm_prepared_parent_class)->finalize (object);
}

static void
ovm_prepared_class_init (OvmPreparedClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_prepared_finalize;
  signals[SIGNAL_CHANGED] =
      g_signal_new ("changed", OVM_TYPE_PREPARED, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ovm_prepared_init (OvmPrepared *prepared)
{
  g_queue_init (&prepared->spares);
}

OvmPrepared *
ovm_prepared_new (const char *directory, const char *uuid, OvmJobList *jobs)
{
  OvmPrepared *prepared = g_object_new (OVM_TYPE_PREPARED, NULL);

  prepared->directory = g_strdup (directory);
  prepared->uuid = g_strdup (uuid);
  prepared->jobs = g_object_ref (jobs);
  return prepared;
}

guint
ovm_prepared_get_ready (OvmPrepared *prepared)
{
  return g_queue_get_length (&prepared->spares);
}

guint
ovm_prepared_get_wanted (OvmPrepared *prepared)
{
  return prepared->wanted;
}

static gboolean
run_dismissal (gpointer data, const OvmDriverTask *task, GError **error)
{
  Dismissal *dismissal = data;

  dismiss_all (dismissal->driver, &dismissal->spares);
  return TRUE;
}

static void
on_dismissed (gpointer data, const GError *error)
{
  g_free (data);
}

/*
 * Takes what is in @spares. Freeing one is 20 ms of waiting for the kernel: several wait at once, but not so many that
 * other work finds no thread.
 */
static void
let_go (OvmPrepared *prepared, const OvmDriver *driver, GQueue *spares)
{
  guint share = g_queue_get_length (spares) / DISMISSALS_MAX + 1;

  while (!g_queue_is_empty (spares))
    {
      Dismissal *dismissal = g_new0 (Dismissal, 1);

      dismissal->driver = driver;
      while (g_queue_get_length (&dismissal->spares) < share && !g_queue_is_empty (spares))
        g_queue_push_tail (&dismissal->spares, g_queue_pop_head (spares));
      ovm_worker_run (ovm_job_list_get_worker (prepared->jobs), NULL, run_dismissal, on_dismissed, dismissal);
    }
}

/* lets go of those that are too many */
static void
trim (OvmPrepared *prepared, guint count)
{
  g_auto (GQueue) leaving = G_QUEUE_INIT;

  while (g_queue_get_length (&prepared->spares) > count)
    g_queue_push_tail (&leaving, g_queue_pop_tail (&prepared->spares));
  if (g_queue_is_empty (&leaving))
    return;
  let_go (prepared, prepared->driver, &leaving);
  g_signal_emit (prepared, signals[SIGNAL_CHANGED], 0);
}

static gboolean
open_snapshot (Build *build, GError **error)
{
  const OvmPrepared *prepared = build->prepared; /* touches only what never changes */

  if (build->snapshot != NULL)
    return TRUE;
  build->snapshot = vmm_snapshot_open (prepared->directory, error);
  if (build->snapshot == NULL)
    return FALSE;
  if (g_strcmp0 (vmm_snapshot_get_uuid (build->snapshot), prepared->uuid) == 0)
    return TRUE;
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_NO_SUCH_SNAPSHOT,
               "'%s' holds snapshot %s now; %s is gone",
               prepared->directory,
               vmm_snapshot_get_uuid (build->snapshot),
               prepared->uuid);
  return FALSE;
}

static gboolean
run_build (gpointer data, const OvmDriverTask *task, GError **error)
{
  Build *build = data;
  const OvmDriverRestore how = { .memory = build->memory,
                                 .working_set = build->working_set,
                                 .cpu = build->cpu };

  if (task->cancellable != NULL && g_cancellable_set_error_if_cancelled (task->cancellable, error))
    return FALSE;
  if (!open_snapshot (build, error))
    return FALSE;
  build->spare = build->driver->prepare (build->snapshot, &how, build->options, task, error);
  return build->spare != NULL;
}

static void fill (OvmPrepared *prepared);

static void
finish (OvmPrepared *prepared, const GError *error)
{
  OvmPreparedDone done = g_steal_pointer (&prepared->done);

  g_clear_object (&prepared->job);
  if (done != NULL)
    done (error, prepared->user_data);
}

static void
fail (OvmPrepared *prepared, const GError *error)
{
  g_autoptr (GError) ours = ovm_error_translate (error);

  if (prepared->job == NULL)
    {
      /* nobody waits: the next one that is taken is the occasion to try again */
      g_warning ("cannot prepare a clone of snapshot %s: %s", prepared->uuid, ours->message);
      if (ours->code == OVM_ERROR_NO_SUCH_SNAPSHOT)
        ovm_prepared_dismiss (prepared);
      return;
    }
  prepared->wanted = MIN (prepared->wanted_before, prepared->wanted);
  trim (prepared, prepared->wanted);
  finish (prepared, ours);
}

static void
add (OvmPrepared *prepared, const Build *build)
{
  g_auto (GQueue) leaving = G_QUEUE_INIT;

  if (build->driver != prepared->driver || build->cpu != prepared->cpu ||
      build->options != prepared->options || build->memory != prepared->memory ||
      build->generation != prepared->generation)
    {
      /* others are wanted by now */
      g_queue_push_tail (&leaving, build->spare);
      let_go (prepared, build->driver, &leaving);
      return;
    }
  if (prepared->snapshot == NULL)
    prepared->snapshot = vmm_snapshot_ref (build->snapshot);
  g_queue_push_tail (&prepared->spares, build->spare);
  if (g_queue_get_length (&prepared->spares) <= prepared->wanted)
    g_signal_emit (prepared, signals[SIGNAL_CHANGED], 0);
}

static void
on_built (gpointer data, const GError *error)
{
  g_autofree Build *build = data;
  g_autoptr (OvmPrepared) prepared = build->prepared;
  g_autoptr (VmmSnapshot) snapshot = build->snapshot;
  g_autoptr (GVariant) options = build->options;
  g_autofree char *working_set = build->working_set;

  prepared->building = FALSE;
  if (error == NULL)
    {
      add (prepared, build);
      fill (prepared);
    }
  else
    fail (prepared, error);
}

static void
fill (OvmPrepared *prepared)
{
  Build *build;

  g_clear_handle_id (&prepared->refill_id, g_source_remove);
  trim (prepared, prepared->wanted);
  if (prepared->building)
    return;
  if (prepared->wanted == 0)
    g_clear_pointer (&prepared->snapshot, vmm_snapshot_unref);
  if (g_queue_get_length (&prepared->spares) >= prepared->wanted)
    {
      finish (prepared, NULL);
      return;
    }
  prepared->building = TRUE;
  build = g_new0 (Build, 1);
  build->prepared = g_object_ref (prepared);
  build->driver = prepared->driver;
  build->cpu = prepared->cpu;
  build->options = g_variant_ref (prepared->options);
  build->memory = prepared->memory;
  build->generation = prepared->generation;
  build->working_set = g_strdup (prepared->working_set);
  build->snapshot = prepared->snapshot != NULL ? vmm_snapshot_ref (prepared->snapshot) : NULL;
  ovm_worker_run (ovm_job_list_get_worker (prepared->jobs), prepared->job, run_build, on_built, build);
}

static gboolean
on_due (gpointer user_data)
{
  fill (user_data);
  return G_SOURCE_REMOVE;
}

void
ovm_prepared_set_memory (OvmPrepared *prepared, OvmMemory memory, const char *working_set)
{
  if (memory != prepared->memory)
    trim (prepared, 0);
  prepared->memory = memory;
  g_free (prepared->working_set);
  prepared->working_set = g_strdup (working_set);
}

void
ovm_prepared_want (OvmPrepared *prepared,
                   const OvmDriver *driver,
                   VmmCpuPolicy cpu,
                   GVariant *options,
                   guint count,
                   OvmJob *job,
                   OvmPreparedDone done,
                   gpointer user_data)
{
  g_return_if_fail (prepared->job == NULL);

  prepared->job = g_object_ref (job);
  prepared->wanted_before = prepared->wanted;
  prepared->wanted = count;
  prepared->done = done;
  prepared->user_data = user_data;
  if (prepared->driver != driver || prepared->cpu != cpu || !g_variant_equal (prepared->options, options))
    {
      trim (prepared, 0);
      prepared->driver = driver;
      prepared->cpu = cpu;
      g_clear_pointer (&prepared->options, g_variant_unref);
      prepared->options = g_variant_ref (options);
    }
  /* the caller hears of the end after this has returned, also if there is nothing to do */
  g_idle_add_full (G_PRIORITY_DEFAULT, on_due, g_object_ref (prepared), g_object_unref);
}

gboolean
ovm_prepared_take (OvmPrepared *prepared,
                   const OvmDriver *driver,
                   VmmSnapshot **snapshot,
                   OvmDriverSpare **spare)
{
  if (prepared->driver != driver || g_queue_is_empty (&prepared->spares))
    return FALSE;
  *snapshot = vmm_snapshot_ref (prepared->snapshot);
  *spare = g_queue_pop_head (&prepared->spares);
  return TRUE;
}

void
ovm_prepared_refill (OvmPrepared *prepared)
{
  g_signal_emit (prepared, signals[SIGNAL_CHANGED], 0);
  if (prepared->refill_id == 0)
    prepared->refill_id = g_timeout_add (REFILL_DELAY_MS, on_due, prepared);
}

void
ovm_prepared_renew (OvmPrepared *prepared)
{
  prepared->generation++;
  trim (prepared, 0);
  g_clear_pointer (&prepared->snapshot, vmm_snapshot_unref);
  fill (prepared);
}

void
ovm_prepared_dismiss (OvmPrepared *prepared)
{
  prepared->wanted = 0;
  fill (prepared);
}
