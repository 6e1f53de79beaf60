/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* driver.h: how the service reaches hypervisors */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

typedef struct _OvmDriver OvmDriver;
typedef struct _OvmDriverVm OvmDriverVm; /* what a driver keeps for one VM; opaque to all but that driver */

typedef enum
{
  OVM_DRIVER_EVENT_POWER_OFF, /* the guest switched itself off: the VM is stopped */
  OVM_DRIVER_EVENT_REBOOT,    /* the guest rebooted, and runs again */
  OVM_DRIVER_EVENT_CRASH,     /* guest or host failed: the VM is crashed */
} OvmDriverEvent;

/** OvmDriverEventFunc: the VM changed by itself. Called on any thread; must not block. */
typedef void (*OvmDriverEventFunc) (OvmDriverEvent event, const char *reason, gpointer user_data);

/** OvmDriverTask: how a long operation is watched and stopped. */
typedef struct
{
  VmmProgressFunc progress; /* on the working thread */
  gpointer progress_data;
  GCancellable *cancellable;
} OvmDriverTask;

/**
 * OvmDriver:
 *
 * A hypervisor as the model sees it. All operations may block and are called on worker threads, one at a time
 * for a VM. %NULL means the driver cannot do it: the model answers NotSupported. An operation that fails
 * leaves the VM in the state it was in. Errors are in VMM_ERROR.
 *
 * @probe: whether it can work here
 * @define: a VM that does not run yet; checks what can be checked without running
 * @start: from stopped to running, or to paused before the first instruction
 * @stop: pulls the plug; from any state
 * @reset: as start after stop, on the same VM; fails without harm if the VM could not start
 * @restore: makes the VM what @snapshot is, from any state, running or paused; on failure it stays as it was
 * @save: see vmm_machine_save()
 */
struct _OvmDriver
{
  const char *name;
  const char *description;

  gboolean (*probe) (GError **error);
  OvmDriverVm *(*define) (const VmmConfig *config,
                          const char *console_log,
                          OvmDriverEventFunc event,
                          gpointer user_data,
                          GError **error);
  void (*undefine) (OvmDriverVm *vm);
  gboolean (*start) (OvmDriverVm *vm, gboolean paused, GError **error);
  gboolean (*pause) (OvmDriverVm *vm, GError **error);
  gboolean (*resume) (OvmDriverVm *vm, GError **error);
  gboolean (*shutdown) (OvmDriverVm *vm, GError **error);
  gboolean (*stop) (OvmDriverVm *vm, GError **error);
  gboolean (*reset) (OvmDriverVm *vm, GError **error);
  gboolean (*save) (OvmDriverVm *vm,
                    const char *directory,
                    const char *description,
                    const char *parent_uuid,
                    const OvmDriverTask *task,
                    VmmSaveResult *result,
                    GError **error);
  gboolean (*restore) (OvmDriverVm *vm,
                       VmmSnapshot *snapshot,
                       gboolean paused,
                       const OvmDriverTask *task,
                       GError **error);
  int (*open_console) (OvmDriverVm *vm, GError **error);
};

/** ovm_drivers: every driver there is, %NULL-terminated, the preferred one first. */
extern const OvmDriver *const ovm_drivers[];

extern const OvmDriver ovm_driver_kvm;
extern const OvmDriver ovm_driver_test;

const OvmDriver *ovm_driver_lookup (const char *name);

G_END_DECLS
