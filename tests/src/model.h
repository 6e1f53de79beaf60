/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* model.h: a model without a bus, for tests */

#pragma once

#include "src/error.h"
#include "src/manager.h"
#include "tests/vmm/scratch.h"

#define MODEL_PATIENCE_SEC 30

typedef struct
{
  char *directory; /* for snapshots */
  OvmManager *manager;

  /* of the last operation that ended */
  gboolean done;
  OvmVm *vm;
  OvmOperation operation;
  GError *error;
} Model;

static inline void
model_init (Model *model)
{
  memset (model, 0, sizeof *model);
  model->directory = scratch_new (NULL);
  model->manager = ovm_manager_new (model->directory);
}

/* wakes the context now and then, so that a condition of another thread is seen */
static inline gboolean
model_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

#define model_wait_until(condition)                                                                          \
  do                                                                                                         \
    {                                                                                                        \
      gint64 deadline_ = g_get_monotonic_time () + MODEL_PATIENCE_SEC * G_USEC_PER_SEC;                      \
      guint tick_ = g_timeout_add (5, model_tick, NULL);                                                     \
      while (!(condition) && g_get_monotonic_time () < deadline_)                                            \
        g_main_context_iteration (NULL, TRUE);                                                               \
      g_source_remove (tick_);                                                                               \
      g_assert_true (condition);                                                                             \
    }                                                                                                        \
  while (0)

static inline void
model_on_closed (const GError *error, gpointer user_data)
{
  ((Model *) user_data)->done = TRUE;
}

static inline void
model_clear (Model *model)
{
  model->done = FALSE;
  ovm_manager_close (model->manager, model_on_closed, model);
  model_wait_until (model->done);
  g_assert_finalize_object (model->manager);
  g_clear_error (&model->error);
  scratch_free (model->directory);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Model, model_clear)

static inline void
model_on_vm (OvmVm *vm, const GError *error, gpointer user_data)
{
  Model *model = user_data;

  g_assert_false (model->done);
  model->done = TRUE;
  model->vm = vm;
  model->error = error != NULL ? g_error_copy (error) : NULL;
}

static inline void
model_on_action (OvmVm *vm, OvmAction *action, const GError *error, gpointer user_data)
{
  Model *model = user_data;

  model_on_vm (vm, error, user_data);
  model->operation = action->operation;
}

/** model_reset: before an operation is begun that tells model_on_vm() or model_on_action(). */
static inline void
model_reset (Model *model)
{
  model->done = FALSE;
  model->vm = NULL;
  g_clear_error (&model->error);
}

/** model_dict: (transfer full): an a{sv} in GVariant's text format; NULL is an empty one. */
static inline GVariant *
model_dict (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, text != NULL ? text : "{}", NULL, NULL, &error);

  g_assert_no_error (error);
  return dict;
}

/** model_try_create: (nullable) (transfer none): model->error says why not. */
static inline OvmVm *
model_try_create (Model *model, const char *name, const char *config)
{
  g_autoptr (GVariant) dict = model_dict (config);

  model_reset (model);
  if (ovm_manager_begin_create (model->manager, name, dict, model_on_vm, model, &model->error))
    model_wait_until (model->done);
  return model->vm;
}

/** model_create: a VM of the test driver. */
static inline OvmVm *
model_create (Model *model, const char *name, const char *more)
{
  g_autofree char *config = g_strdup_printf ("{'driver': <'test'>, 'memory-size': <uint64 16777216>%s%s}",
                                             more != NULL ? ", " : "",
                                             more != NULL ? more : "");
  OvmVm *vm = model_try_create (model, name, config);

  g_assert_no_error (model->error);
  return vm;
}

/** model_try: runs @action (transfer full) on @vm to its end; model->error says how. */
static inline gboolean
model_try (Model *model, OvmVm *vm, OvmAction *action)
{
  model_reset (model);
  if (ovm_vm_begin (vm, action, model_on_action, model, &model->error))
    model_wait_until (model->done);
  return model->error == NULL;
}

static inline void
model_do (Model *model, OvmVm *vm, OvmOperation operation)
{
  model_try (model, vm, ovm_action_new (operation));
  g_assert_no_error (model->error);
}

/** model_path: (transfer full): of @name in the model's directory. */
static inline char *
model_path (Model *model, const char *name)
{
  return g_build_filename (model->directory, name, NULL);
}

/** model_save: (transfer full): the directory of a snapshot of @vm. */
static inline char *
model_save (Model *model, OvmVm *vm, const char *name)
{
  char *directory = model_path (model, name);

  model_try (model, vm, ovm_action_new_save (directory, NULL));
  g_assert_no_error (model->error);
  return directory;
}

/** model_reach: brings a new VM of the test driver to @state. */
static inline void
model_reach (Model *model, OvmVm *vm, OvmState state)
{
  if (state == OVM_STATE_PAUSED)
    model_do (model, vm, OVM_OPERATION_START_PAUSED);
  else if (state != OVM_STATE_STOPPED)
    model_do (model, vm, OVM_OPERATION_START);
  model_wait_until (ovm_vm_get_state (vm) == state); /* a guest told to crash needs a moment */
}
