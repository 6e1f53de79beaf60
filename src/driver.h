/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* driver.h: how the service reaches hypervisors */

#pragma once

#include "src/options.h"
#include "src/state.h"
#include "vmm/vmm.h"

G_BEGIN_DECLS

typedef struct _OvmDriver OvmDriver;
typedef struct _OvmDriverVm OvmDriverVm; /* what a driver keeps for one VM; opaque to all but that driver */
typedef struct _OvmDriverSpare
    OvmDriverSpare; /* a machine that waits for a VM to be restored into it; opaque likewise */

typedef enum
{
  OVM_DRIVER_EVENT_POWER_OFF, /* the guest switched itself off: the VM is stopped */
  OVM_DRIVER_EVENT_REBOOT,    /* the guest rebooted, and runs again */
  OVM_DRIVER_EVENT_CRASH,     /* guest or host failed: the VM is crashed */
} OvmDriverEvent;

/**
 * OvmDriverEventFunc:
 * @reason: what happened, for people
 *
 * The VM changed by itself; get_state() tells it already. Called on any thread, never again once undefine() has
 * returned; must not block and must not call the driver.
 */
typedef void (*OvmDriverEventFunc) (OvmDriverEvent event, const char *reason, gpointer user_data);

/** OvmClock: what the clocks of a restored guest do about the time since the snapshot was made. */
typedef enum
{
  OVM_CLOCK_CONTINUE, /* nothing: they go on from where they stood */
  OVM_CLOCK_CATCH_UP, /* they jump over it when the guest runs */
} OvmClock;

/** OvmMemory: when the RAM of a restored guest is read. */
typedef enum
{
  OVM_MEMORY_LAZY,        /* when the guest asks for it */
  OVM_MEMORY_POPULATE,    /* before the guest runs */
  OVM_MEMORY_WORKING_SET, /* what is used first before the guest runs; else when it asks for it */
} OvmMemory;

/**
 * OvmDriverRestore: how a VM is restored, or prepared
 * @cpu: which processors of the host will do
 * @paused: whether it stands still afterwards
 * @working_set: (nullable): path of the snapshot's record, for %OVM_MEMORY_WORKING_SET: see
 *   vmm_machine_use_working_set()
 * @spare: (nullable): what prepare() made of the same snapshot, or prepare_blank() of its shape; taken over in any case
 */
typedef struct
{
  gboolean paused;
  OvmClock clock;
  OvmMemory memory;
  VmmCpuPolicy cpu;
  const char *working_set;
  OvmDriverSpare *spare;
} OvmDriverRestore;

/** OvmDriverTask: how a long operation is watched and stopped. */
typedef struct
{
  VmmProgressFunc progress; /* (nullable): on the working thread */
  gpointer progress_data;
  GCancellable *cancellable; /* (nullable) */
} OvmDriverTask;

/**
 * OvmDriver:
 *
 * A hypervisor as the model sees it. All operations may block and are called on worker threads, one at a time
 * for a VM, save for get_state() and open_console(). %NULL means the driver cannot do it: the model answers
 * NotSupported. An operation that fails leaves the VM in the state it was in. Errors are in VMM_ERROR.
 *
 * @options: configuration keys of its own, which define() finds in its @options; %NULL for none
 * @probe: whether it can work here
 * @define: a VM that does not run yet; checks what can be checked without running
 * @undefine: of a stopped VM; one that could not be stopped ends with it
 * @get_state: what the VM is now; @reason is set if it came to that by itself. Thread: any, also during
 *   an operation; does not block
 * @start: from stopped to running, or to paused before the first instruction
 * @shutdown: asks the guest; does not wait for it
 * @stop: pulls the plug; from any state
 * @reset: as start after stop, on the same VM; fails without harm if the VM could not start
 * @restore: makes the VM what @snapshot is, from any state; on failure it stays as it was
 * @prepare: builds all of a restored VM that does not depend on which VM it is; of @how only processors and memory
 *   matter, @options are as for define(). It runs nothing, and keeps no more than a thread that waits
 * @prepare_blank: builds all of a VM that depends on its memory size and VP count alone, for restore() to take; as
 *   prepare(), but quick
 * @dismiss: of a spare that nobody took
 * @save: of a plan for a complete snapshot; see vmm_machine_save()
 * @save_incremental: of a plan for an incremental one; may be the same function
 * @open_console: see vmm_console_open(). Thread: any, also during an operation; does not block
 */
struct _OvmDriver
{
  const char *name;
  const char *description;
  const OvmOption *options;

  gboolean (*probe) (GError **error);
  OvmDriverVm *(*define) (const VmmConfig *config,
                          const char *console_log,
                          GVariant *options,
                          OvmDriverEventFunc event,
                          gpointer user_data,
                          GError **error);
  void (*undefine) (OvmDriverVm *vm);
  OvmState (*get_state) (OvmDriverVm *vm, char **reason);
  gboolean (*start) (OvmDriverVm *vm, gboolean paused, const OvmDriverTask *task, GError **error);
  gboolean (*pause) (OvmDriverVm *vm, GError **error);
  gboolean (*resume) (OvmDriverVm *vm, GError **error);
  gboolean (*shutdown) (OvmDriverVm *vm, GError **error);
  gboolean (*stop) (OvmDriverVm *vm, GError **error);
  gboolean (*reset) (OvmDriverVm *vm, GError **error);
  gboolean (*save) (OvmDriverVm *vm, const VmmSavePlan *plan, VmmSaveResult *result, GError **error);
  gboolean (*save_incremental) (OvmDriverVm *vm,
                                const VmmSavePlan *plan,
                                VmmSaveResult *result,
                                GError **error);
  gboolean (*restore) (OvmDriverVm *vm,
                       VmmSnapshot *snapshot,
                       const OvmDriverRestore *how,
                       const OvmDriverTask *task,
                       GError **error);
  OvmDriverSpare *(*prepare) (VmmSnapshot *snapshot,
                              const OvmDriverRestore *how,
                              GVariant *options,
                              const OvmDriverTask *task,
                              GError **error);
  OvmDriverSpare *(*prepare_blank) (const VmmConfig *shape, GError **error);
  void (*dismiss) (OvmDriverSpare *spare);
  int (*open_console) (OvmDriverVm *vm, GError **error);
};

/** ovm_drivers: every driver there is, %NULL-terminated, the preferred one first. */
extern const OvmDriver *const ovm_drivers[];

extern const OvmDriver ovm_driver_kvm;
extern const OvmDriver ovm_driver_test;

/** ovm_driver_lookup: the driver of that name. Errors: %OVM_ERROR_NOT_SUPPORTED, naming those there are. */
const OvmDriver *ovm_driver_lookup (const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_driver_supports: whether the slot for @operation is filled. */
gboolean ovm_driver_supports (const OvmDriver *driver, OvmOperation operation);

/** ovm_driver_list_names: (transfer full): in order of preference. */
char **ovm_driver_list_names (void);

/** ovm_driver_list_operations: (transfer full): names of the operations whose slots are filled. */
char **ovm_driver_list_operations (const OvmDriver *driver);

G_END_DECLS
