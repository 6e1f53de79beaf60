/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * kvm.h: a virtual machine of KVM, and its processors (private)
 *
 * The files kvm*.c are the only ones that issue KVM's ioctls or see its structures. Spec of all of them: Linux,
 * Documentation/virt/kvm/api.rst.
 */

#pragma once

#include "vmm/boot.h"
#include "vmm/memory.h"
#include "proto/platform.pb-c.h"
#include "proto/vp.pb-c.h"

G_BEGIN_DECLS

/* ---- the virtual machine: kvm.c --------------------------------------------------------- */

typedef struct _VmmKvm VmmKvm;

/**
 * vmm_kvm_new:
 * @memory: must outlive the virtual machine
 *
 * A virtual machine with its RAM, interrupt controllers and timer, and no processor yet.
 *
 * Errors: NO_HYPERVISOR, HYPERVISOR_DENIED, HOST.
 */
VmmKvm *vmm_kvm_new (VmmMemory *memory, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_kvm_free (VmmKvm *kvm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmKvm, vmm_kvm_free)

/** vmm_kvm_set_irq: drives an input of the interrupt controllers. Thread: any. */
void vmm_kvm_set_irq (VmmKvm *kvm, guint irq, gboolean asserted);

/* ---- which pages the guest changes: kvm-dirty-log.c --------------------------------------- */

/** vmm_kvm_start_dirty_log: from now on changed pages are noted. Errors: HOST. */
gboolean vmm_kvm_start_dirty_log (VmmKvm *kvm, VmmMemory *memory, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_kvm_stop_dirty_log (VmmKvm *kvm, VmmMemory *memory);

/**
 * vmm_kvm_read_dirty_log:
 * @bits: (out caller-allocates): a bit for each page, in the order of the RAM file; one word more than RAM needs, which
 *   the caller has cleared
 *
 * Takes the pages changed since the last reading out of the log.
 *
 * Returns: how many they are, or %G_MAXUINT64 with @error set (HOST)
 */
guint64 vmm_kvm_read_dirty_log (VmmKvm *kvm, VmmMemory *memory, guint64 *bits, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/* ---- clock, timer and interrupt controllers: kvm-platform.c ------------------------------ */

/** vmm_kvm_get_clock: (out): kvm-clock, nanoseconds. Errors: HOST. */
gboolean vmm_kvm_get_clock (VmmKvm *kvm, guint64 *clock_ns, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_kvm_set_clock (VmmKvm *kvm, guint64 clock_ns, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_drop_ticks:
 *
 * After the VPs stood still for long: KVM has counted the ticks of a periodic timer that were due meanwhile, and the
 * guest would get all of them at once. They are forgotten, and the next is due a period from now. Errors: HOST.
 */
gboolean vmm_kvm_drop_ticks (VmmKvm *kvm, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_save_platform: (transfer full): all but the clocks, which are the machine's to fill in. VPs stand still. */
Openvmm__X86__PlatformState *vmm_kvm_save_platform (VmmKvm *kvm, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_load_platform:
 *
 * Puts timer and interrupt controllers back, after the VPs. @state is hostile. Errors: CORRUPT, HOST.
 */
gboolean vmm_kvm_load_platform (VmmKvm *kvm,
                                const Openvmm__X86__PlatformState *state,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_platform_may_have_timer: whether the interval timer may run once @state, which is hostile, is loaded. */
gboolean vmm_kvm_platform_may_have_timer (const Openvmm__X86__PlatformState *state);

/* ---- processors: kvm-vp.c ---------------------------------------------------------------- */

typedef struct _VmmKvmVp VmmKvmVp;

typedef enum
{
  VMM_KVM_EXIT_INTERRUPTED = 1, /* kicked, or a signal: look around and run again */
  VMM_KVM_EXIT_PIO,
  VMM_KVM_EXIT_MMIO,
  VMM_KVM_EXIT_SHUTDOWN, /* triple fault */
  VMM_KVM_EXIT_RESET,    /* the guest asked KVM itself */
  VMM_KVM_EXIT_FAILED,   /* cannot go on: see the reason */
} VmmKvmExitKind;

/**
 * VmmKvmExit:
 * @data: what is written, or where what is read belongs; valid until the next run. @count items of @size bytes each
 */
typedef struct
{
  VmmKvmExitKind kind;
  gboolean is_write;
  guint64 address;
  guint8 *data;
  guint size;
  guint count;
  char reason[160];
} VmmKvmExit;

/** vmm_kvm_vp_new: a processor at its power-on state. Errors: HOST. */
VmmKvmVp *vmm_kvm_vp_new (VmmKvm *kvm, guint index, guint vp_count, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_kvm_vp_free (VmmKvmVp *vp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmKvmVp, vmm_kvm_vp_free)

/**
 * vmm_kvm_vp_set_boot_msrs:
 *
 * What firmware would have set on every VP before it jumps to a kernel: fast string operations, and RAM that is cached.
 * Errors: HOST.
 */
gboolean vmm_kvm_vp_set_boot_msrs (VmmKvmVp *vp, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_vp_set_entry: registers for the kernel's first instruction. */
gboolean vmm_kvm_vp_set_entry (VmmKvmVp *vp,
                               const VmmBootEntry *entry,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_vp_warm_up:
 * @signal_number: blocked on this thread; sent to it, and taken back
 *
 * Has KVM make what it makes the first time that a VP enters the guest, and come back before the guest's first
 * instruction. What the VP's state is worth afterwards is not said: it is to be loaded.
 *
 * Thread: the VP's. Spec: Linux, Documentation/virt/kvm/api.rst, sections 4.10 and 4.21. Errors: HOST; then the VP is
 * of no use.
 */
gboolean vmm_kvm_vp_warm_up (VmmKvmVp *vp, int signal_number, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_vp_find_code:
 * @gpa: (out): where in the guest's physical memory the VP's next instruction is
 *
 * Goes through the guest's page tables as the processor would: what it comes by is marked as accessed. The VP stands
 * still. Spec: Linux, Documentation/virt/kvm/api.rst, section 4.15. Returns: %FALSE if it is not mapped.
 */
gboolean vmm_kvm_vp_find_code (VmmKvmVp *vp, guint64 *gpa) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_vp_run: runs the guest until it needs us. Thread: the VP's. */
void vmm_kvm_vp_run (VmmKvmVp *vp, VmmKvmExit *exit);

/**
 * vmm_kvm_vp_set_immediate_exit:
 *
 * While set, a run finishes pending I/O and comes back before the guest's next instruction. Thread: any.
 */
void vmm_kvm_vp_set_immediate_exit (VmmKvmVp *vp, gboolean immediate);

/** vmm_kvm_vp_get_tsc: the guest's time-stamp counter now. */
gboolean vmm_kvm_vp_get_tsc (VmmKvmVp *vp, guint64 *tsc, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_vp_move_tsc:
 *
 * Adds @delta cycles, exactly where the host can, so that the VPs' counters keep their distances. A failure has moved
 * nothing: the counter is never moved less exactly than that of another VP. Errors: HOST.
 */
gboolean vmm_kvm_vp_move_tsc (VmmKvmVp *vp, gint64 delta, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_vp_restart_deadline:
 *
 * After the counter was moved: KVM has worked out beforehand when the timer of the local APIC that waits for a value of
 * the counter goes off, and must do it again. One that has gone off while the VP stood still has not, if the counter is
 * back before that. Errors: HOST.
 */
gboolean vmm_kvm_vp_restart_deadline (VmmKvmVp *vp, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_vp_copy_tsc_offset: makes @vp's counter the same as @from's, where the host can. Errors: HOST. */
gboolean vmm_kvm_vp_copy_tsc_offset (VmmKvmVp *vp, VmmKvmVp *from, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_vp_tell_paused: tells the guest through kvm-clock that it stood still, so that its watchdogs do not bark. */
void vmm_kvm_vp_tell_paused (VmmKvmVp *vp);

/* ---- their state: kvm-vp-state.c ---------------------------------------------------------- */

/**
 * vmm_kvm_vp_save:
 * @tsc_lag: cycles that the time-stamp counter went on while the guest stood still; taken off what is saved
 *
 * The VP stands still, its pending I/O finished. Errors: HOST.
 *
 * Returns: (transfer full)
 */
Openvmm__X86__VpState *vmm_kvm_vp_save (VmmKvmVp *vp,
                                        guint64 tsc_lag,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_vp_load:
 *
 * @state is hostile. Errors: CORRUPT (lengths and counts), INCOMPATIBLE (what this host cannot take: XSAVE size,
 * TSC rate, an MSR by its number), HOST.
 */
gboolean vmm_kvm_vp_load (VmmKvmVp *vp,
                          const Openvmm__X86__VpState *state,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_vp_load_timers:
 *
 * What can have changed of a VP that @state was loaded into and that has not run since: its local APIC, and what is
 * pending. Errors: as vmm_kvm_vp_load().
 */
gboolean vmm_kvm_vp_load_timers (VmmKvmVp *vp,
                                 const Openvmm__X86__VpState *state,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_vp_may_have_timer:
 *
 * Whether a timer of the local APIC may run in a VP that @state, which is hostile, was loaded into: its interrupts
 * come, and its count goes down, also while the VP does not run. One that is masked runs as well.
 */
gboolean vmm_kvm_vp_may_have_timer (const Openvmm__X86__VpState *state);

/** vmm_kvm_get_saved_tsc: (out): the time-stamp counter in @state. Returns whether it has one. */
gboolean vmm_kvm_get_saved_tsc (const Openvmm__X86__VpState *state, guint64 *tsc);

/* ---- what processors there are: kvm-cpuid.c ----------------------------------------------- */

/** VmmKvmCpu: what the guest sees, for people: CPUID leaves 0 and 0x80000002 to 0x80000004. */
typedef struct
{
  char vendor[13];
  char model_name[49];
  guint tsc_khz;
} VmmKvmCpu;

void vmm_kvm_describe_cpu (VmmKvmVp *vp, VmmKvmCpu *cpu);

/* ---- whether this host will do: kvm-cpu-check.c ------------------------------------------- */

/**
 * vmm_kvm_check_cpu:
 *
 * Whether this host has every CPU feature @state's guest has seen, and is as @policy wants it. @state is hostile.
 *
 * Errors: INCOMPATIBLE, listing all that is missing by name; those of vmm_probe().
 */
gboolean vmm_kvm_check_cpu (const Openvmm__X86__VpState *state,
                            VmmCpuPolicy policy,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
