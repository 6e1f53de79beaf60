/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Most of a restore is making a virtual machine, which depends on nothing but memory size and VP count. Who restores
 * one clone mostly wants another: so one machine of the shape that was last restored is made ahead, and waits for a
 * moment. It is no clone, knows no snapshot, and nobody is told of it.
 */

#include "config.h"
#include "src/blanks.h"

struct _OvmBlanks
{
  GObject parent_instance;

  OvmJobList *jobs;
  gboolean making;
  guint expiry_id;

  GMutex lock; /* protects the rest */
  const OvmDriver *driver;
  VmmConfig *shape;
  OvmDriverSpare *spare; /* NULL for none */
};

G_DEFINE_FINAL_TYPE (OvmBlanks, ovm_blanks, G_TYPE_OBJECT)

/* one on its way, into @blanks or out of it */
typedef struct
{
  OvmBlanks *blanks;
  const OvmDriver *driver;
  VmmConfig *shape;
  OvmDriverSpare *spare;
} Passage;

static void
passage_free (Passage *passage)
{
  vmm_config_free (passage->shape);
  g_object_unref (passage->blanks);
  g_free (passage);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Passage, passage_free)

static Passage *
passage_new (OvmBlanks *blanks, const OvmDriver *driver)
{
  Passage *passage = g_new0 (Passage, 1);

  passage->blanks = g_object_ref (blanks);
  passage->driver = driver;
  return passage;
}

static void
ovm_blanks_finalize (GObject *object)
{
  OvmBlanks *blanks = OVM_BLANKS (object);

  g_clear_handle_id (&blanks->expiry_id, g_source_remove);
  if (blanks->spare != NULL)
    blanks->driver->dismiss (blanks->spare);
  vmm_config_free (blanks->shape);
  g_mutex_clear (&blanks->lock);
  g_object_unref (blanks->jobs);
  G_OBJECT_CLASS (ovm_blanks_parent_class)->finalize (object);
}

static void
ovm_blanks_class_init (OvmBlanksClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_blanks_finalize;
}

static void
ovm_blanks_init (OvmBlanks *blanks)
{
  g_mutex_init (&blanks->lock);
}

OvmBlanks *
ovm_blanks_new (OvmJobList *jobs)
{
  OvmBlanks *blanks = g_object_new (OVM_TYPE_BLANKS, NULL);

  blanks->jobs = g_object_ref (jobs);
  return blanks;
}

static gboolean
fits (OvmBlanks *blanks, const OvmDriver *driver, const VmmConfig *shape)
{
  return blanks->spare != NULL && blanks->driver == driver &&
         blanks->shape->memory_size == shape->memory_size && blanks->shape->vp_count == shape->vp_count;
}

OvmDriverSpare *
ovm_blanks_take (OvmBlanks *blanks, const OvmDriver *driver, const VmmConfig *shape)
{
  OvmDriverSpare *spare = NULL;

  g_mutex_lock (&blanks->lock);
  if (fits (blanks, driver, shape))
    spare = g_steal_pointer (&blanks->spare);
  g_mutex_unlock (&blanks->lock);
  return spare;
}

static gboolean
run_dismissal (gpointer data, const OvmDriverTask *task, GError **error)
{
  Passage *passage = data;

  passage->driver->dismiss (passage->spare);
  return TRUE;
}

static void
on_dismissed (gpointer data, const GError *error)
{
  passage_free (data);
}

/* Freeing one takes 20 ms of waiting for the kernel. */
static void
let_go (OvmBlanks *blanks)
{
  Passage *passage = NULL;

  g_mutex_lock (&blanks->lock);
  if (blanks->spare != NULL)
    {
      passage = passage_new (blanks, blanks->driver);
      passage->spare = g_steal_pointer (&blanks->spare);
    }
  g_mutex_unlock (&blanks->lock);
  if (passage != NULL)
    ovm_worker_run (ovm_job_list_get_worker (blanks->jobs), NULL, run_dismissal, on_dismissed, passage);
}

static gboolean
on_expired (gpointer user_data)
{
  OvmBlanks *blanks = user_data;

  blanks->expiry_id = 0;
  let_go (blanks);
  return G_SOURCE_REMOVE;
}

static gboolean
run_making (gpointer data, const OvmDriverTask *task, GError **error)
{
  Passage *passage = data;

  passage->spare = passage->driver->prepare_blank (passage->shape, error);
  return passage->spare != NULL;
}

static void
on_made (gpointer data, const GError *error)
{
  g_autoptr (Passage) passage = data;
  OvmBlanks *blanks = passage->blanks;

  blanks->making = FALSE;
  if (error != NULL)
    {
      /* nobody waits for it: a restore that needs one will say */
      g_debug ("no machine is made ahead: %s", error->message);
      return;
    }
  let_go (blanks);
  g_mutex_lock (&blanks->lock);
  vmm_config_free (blanks->shape);
  blanks->driver = passage->driver;
  blanks->shape = g_steal_pointer (&passage->shape);
  blanks->spare = g_steal_pointer (&passage->spare);
  g_mutex_unlock (&blanks->lock);
  g_clear_handle_id (&blanks->expiry_id, g_source_remove);
  blanks->expiry_id = g_timeout_add_seconds (OVM_BLANKS_KEPT_SEC, on_expired, blanks);
}

void
ovm_blanks_refill (OvmBlanks *blanks, const OvmDriver *driver, const VmmConfig *shape)
{
  Passage *passage;
  gboolean has_one;

  g_mutex_lock (&blanks->lock);
  has_one = fits (blanks, driver, shape);
  g_mutex_unlock (&blanks->lock);
  if (has_one || blanks->making || driver->prepare_blank == NULL)
    return;
  blanks->making = TRUE;
  passage = passage_new (blanks, driver);
  passage->shape = vmm_config_copy (shape);
  ovm_worker_run (ovm_job_list_get_worker (blanks->jobs), NULL, run_making, on_made, passage);
}
