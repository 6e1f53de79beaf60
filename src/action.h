/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* action.h: one operation on one VM, as a worker thread does it */

#pragma once

#include "src/snapshot-cache.h"
#include "src/snapshot.h"
#include "src/vm-config.h"

G_BEGIN_DECLS

/**
 * OvmAction:
 * @operation: what is done
 * @directory: (nullable): of the snapshot, to save or restore
 * @description: (nullable): of a snapshot to save
 * @parent_uuid: (nullable): of a snapshot to save
 * @incremental: of a snapshot to save: only what has changed since its parent
 * @mode: of a restore
 * @verify_memory: of a restore
 * @clock: of a restore
 * @memory: of a restore
 * @cpu: of a restore
 * @working_sets: (nullable): of a restore: directory with the records of working sets
 * @cache: (nullable): of a save or restore: where the snapshot may be open already
 * @opened: (nullable): the snapshot to restore; opened by the action if %NULL
 * @spare: (nullable): of @opened, made by @spare_driver; taken over by the restore
 * @save_result: set by a save
 *
 * What is to be done, and what came of it. The main thread keeps its hands off it while a worker has it.
 */
typedef struct
{
  OvmOperation operation;
  char *directory;
  char *description;
  char *parent_uuid;
  gboolean incremental;
  OvmRestoreMode mode;
  gboolean verify_memory;
  OvmClock clock;
  OvmMemory memory;
  VmmCpuPolicy cpu;
  char *working_sets;
  OvmSnapshotCache *cache;
  VmmSnapshot *opened;
  OvmDriverSpare *spare;
  const OvmDriver *spare_driver;
  VmmSaveResult save_result;
} OvmAction;

OvmAction *ovm_action_new (OvmOperation operation);
OvmAction *ovm_action_new_save (const char *directory, const char *description);
OvmAction *ovm_action_new_restore (const char *directory, OvmRestoreMode mode, gboolean verify_memory);
/** ovm_action_free: blocks if there is still a spare: there is none after ovm_action_run(). */
void ovm_action_free (OvmAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OvmAction, ovm_action_free)

/** ovm_action_get_job_name: (nullable): what #OvmJob it shows; %NULL if it is over too soon for one. */
const char *ovm_action_get_job_name (const OvmAction *action);

/** ovm_action_is_cancelable: whether it looks at its cancellable. */
gboolean ovm_action_is_cancelable (const OvmAction *action);

/** ovm_action_get_reason: what StateChanged says after it. */
char *ovm_action_get_reason (const OvmAction *action);

/**
 * ovm_action_run:
 * @config: of the VM; the snapshot of a restore must agree with it
 *
 * After a save or restore @action->opened is the snapshot.
 *
 * Thread: a worker. Errors: those of the driver, and %OVM_ERROR_INCOMPATIBLE.
 */
gboolean ovm_action_run (OvmAction *action,
                         const OvmDriver *driver,
                         OvmDriverVm *vm,
                         const VmmConfig *config,
                         const OvmDriverTask *task,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
