/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kvm-vm.h: what the driver kvm keeps for one VM (private to kvm-*.c and driver-kvm.c) */

#pragma once

#include "src/driver.h"

G_BEGIN_DECLS

/** OvmKvmBoot: what a machine is given to call back with; lives as long as the machine. */
typedef struct
{
  OvmDriverVm *vm; /* NULL while the machine is a spare */
  guint64 number;
} OvmKvmBoot;

struct _OvmDriverVm
{
  VmmConfig *config;
  VmmConsole *console;
  OvmDriverEventFunc event;
  gpointer user_data;

  GMutex operation; /* protects machine and boot */
  VmmMachine *machine;
  OvmKvmBoot *boot; /* of machine */

  GMutex lock;    /* protects the rest */
  GCond cond;     /* told when undertakers changes */
  guint64 number; /* of the machine that is listened to; 0 for none */
  guint64 last_number;
  guint undertakers; /* threads */
  OvmState state;
  char *reason; /* NULL if it was not the VM's own doing */
};

/** OvmKvmBody: a machine and what it calls back with, on their way into or out of a VM. */
typedef struct
{
  VmmMachine *machine;
  OvmKvmBoot *boot;
} OvmKvmBody;

void ovm_kvm_body_clear (OvmKvmBody *body);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OvmKvmBody, ovm_kvm_body_clear)

OvmDriverVm *ovm_kvm_vm_new (const VmmConfig *config,
                             VmmConsole *console,
                             OvmDriverEventFunc event,
                             gpointer user_data);

/** ovm_kvm_vm_free: with its machine and its console. Waits for what is freed. */
void ovm_kvm_vm_free (OvmDriverVm *vm);

/** ovm_kvm_vm_get_state: Thread: any. */
OvmState ovm_kvm_vm_get_state (OvmDriverVm *vm, char **reason);
void ovm_kvm_vm_set_state (OvmDriverVm *vm, OvmState state, const char *reason);

/** ovm_kvm_vm_undo_state: to what it was, if it is still what it was @made: a guest that ended has told another. */
void ovm_kvm_vm_undo_state (OvmDriverVm *vm, OvmState made, OvmState state, const char *reason);

/** ovm_kvm_vm_crash: says that it crashed, and why. */
void ovm_kvm_vm_crash (OvmDriverVm *vm, const char *reason);

/* All below with @vm->operation held. */

/** ovm_kvm_boot_new: (transfer full): for a machine that is made for @vm. */
OvmKvmBoot *ovm_kvm_boot_new (OvmDriverVm *vm);

/** ovm_kvm_boot_assign: to @vm, of a machine that was a spare. */
void ovm_kvm_boot_assign (OvmKvmBoot *boot, OvmDriverVm *vm);

/** ovm_kvm_vm_on_machine_event: the #VmmEventFunc of machines; their data is an #OvmKvmBoot. On a VP's thread. */
void ovm_kvm_vm_on_machine_event (VmmEvent event, const char *reason, gpointer user_data);

/** ovm_kvm_vm_build: a machine that boots. Errors: those of vmm_machine_new(). */
gboolean ovm_kvm_vm_build (OvmDriverVm *vm, const VmmConfig *config, OvmKvmBody *body, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** ovm_kvm_vm_take_out: no machine is listened to any more; what the VM had is the caller's. */
void ovm_kvm_vm_take_out (OvmDriverVm *vm, OvmKvmBody *body);

/**
 * ovm_kvm_vm_put_in:
 *
 * Takes what is in @body. Says what the VM is before the machine runs, since it may end before vmm_machine_resume()
 * returns.
 */
void ovm_kvm_vm_put_in (OvmDriverVm *vm, OvmKvmBody *body, gboolean paused);

/** ovm_kvm_vm_boot: puts @new in and lets it run, unless @paused. On failure the VM has no machine. */
gboolean ovm_kvm_vm_boot (OvmDriverVm *vm, OvmKvmBody *new, gboolean paused, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_kvm_vm_exchange:
 *
 * The same in the place of the machine that @vm has, which stands still meanwhile and is freed while nobody waits. On
 * failure @vm has it again, and it goes on with what it was doing.
 */
gboolean ovm_kvm_vm_exchange (OvmDriverVm *vm, OvmKvmBody *new, gboolean paused, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** ovm_kvm_vm_discard_machine: frees the one that it has, if it has one. */
void ovm_kvm_vm_discard_machine (OvmDriverVm *vm);

/** ovm_kvm_vm_discard_later: frees what is in @body while nobody waits, if there can be a thread for it. */
void ovm_kvm_vm_discard_later (OvmDriverVm *vm, OvmKvmBody *body);

/** ovm_kvm_vm_wait_for_undertakers: until all machines that ended are freed. Without @vm->operation held. */
void ovm_kvm_vm_wait_for_undertakers (OvmDriverVm *vm);

/** ovm_kvm_vm_check_machine: Errors: INVALID_STATE if the guest has ended its machine. */
gboolean ovm_kvm_vm_check_machine (OvmDriverVm *vm, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_kvm_vm_fail:
 * @failure: (transfer full)
 *
 * A machine that could not go on after a failure stands still, and can be resumed: so it is paused. Always returns
 * %FALSE.
 */
gboolean ovm_kvm_vm_fail (OvmDriverVm *vm, GError *failure, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
