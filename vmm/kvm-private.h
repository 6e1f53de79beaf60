/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kvm-private.h: what the files kvm*.c share (private to them) */

#pragma once

#include <linux/kvm.h>

#include "vmm/kvm.h"

G_BEGIN_DECLS

/**
 * VmmKvmHost:
 * @fd: of /dev/kvm; while it is open no other KVM can take the place of the one that was asked
 * @run_size: bytes of struct kvm_run and what follows it
 * @has_tsc_deadline: whether the local APIC's timer can wait for a value of the TSC, which @cpuid does not tell
 * @has_tsc_offset: whether a VP's counter can be moved exactly; kernels before 5.16 can only set it
 * @has_sregs2: whether the PAE pointers are among a VP's system registers; kernels before 5.14 do not show them
 * @cpuid: what host and KVM can give a guest
 * @msrs: those that make up a VP's state
 *
 * What KVM tells of itself, which is the same for all virtual machines. Never changes.
 */
typedef struct
{
  int fd;
  gsize run_size;
  gboolean has_tsc_deadline;
  gboolean has_tsc_offset;
  gboolean has_sregs2;
  const struct kvm_cpuid2 *cpuid;
  const struct kvm_msr_list *msrs;
} VmmKvmHost;

struct _VmmKvm
{
  const VmmKvmHost *host;
  int fd;
  gsize xsave_size; /* bytes of a VP's XSAVE area */
};

struct _VmmKvmVp
{
  VmmKvm *kvm;
  int fd;
  guint index;
  struct kvm_run *run;
  guint tsc_khz; /* of the guest's counter, as KVM has told; 0 where it does not tell */
  /* as it was set: what KVM tells afterwards may be more than a VP can be given again */
  struct kvm_cpuid2 *cpuid;
};

/** vmm_kvm_ioctl: the one door to KVM: goes on after EINTR; an error says @what failed. Returns -1 on failure. */
int vmm_kvm_ioctl (int fd, gulong request, gpointer argument, const char *what, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_kvm_host_get: (transfer none)
 *
 * Asks KVM once; a failure is not remembered. Thread: any. Errors: NO_HYPERVISOR, HYPERVISOR_DENIED, HOST.
 */
const VmmKvmHost *vmm_kvm_host_get (GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_set_slots: shows the guest @memory; @flags are those of KVM's slots. Errors: HOST. */
gboolean vmm_kvm_set_slots (VmmKvm *kvm, VmmMemory *memory, guint32 flags, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_check_extension: 0 if the VM does not have @capability. */
int vmm_kvm_check_extension (VmmKvm *kvm, guint capability);

/** vmm_kvm_read_cpuid: (transfer full): the leaves that KVM can give a guest here, free with g_free(). */
struct kvm_cpuid2 *vmm_kvm_read_cpuid (int system_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_make_cpuid: (transfer full): the leaves for VP @index of @vp_count. */
struct kvm_cpuid2 *vmm_kvm_make_cpuid (const VmmKvmHost *host, guint index, guint vp_count);

/** vmm_kvm_find_cpuid: (transfer none) (nullable): a leaf. */
const struct kvm_cpuid_entry2 *vmm_kvm_find_cpuid (const struct kvm_cpuid2 *cpuid,
                                                   guint32 function,
                                                   guint32 index);

/** vmm_kvm_host_check_cpu: vmm_kvm_check_cpu() for @host. */
gboolean vmm_kvm_host_check_cpu (const VmmKvmHost *host,
                                 const Openvmm__X86__VpState *state,
                                 VmmCpuPolicy policy,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_ask_tsc_khz: 0 where KVM does not tell. It takes 7 us: @vp keeps the answer. */
guint vmm_kvm_ask_tsc_khz (VmmKvmVp *vp);

/**
 * vmm_kvm_read_msr_list: (transfer full): the MSRs that KVM says make up a VP's state, completed. It is the same for
 * all VPs: which of them one really has, reading them tells. Free with g_free(). Errors: HOST.
 */
struct kvm_msr_list *vmm_kvm_read_msr_list (int system_fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_complete_msr_list: (transfer full): @listed, and what older kernels leave out. */
struct kvm_msr_list *vmm_kvm_complete_msr_list (const struct kvm_msr_list *listed);

/** vmm_kvm_cpuid_alloc: room for @n leaves. */
struct kvm_cpuid2 *vmm_kvm_cpuid_alloc (guint n);

/* Registers between KVM's structures and the saved state, a pair each: kvm-registers.c. A load checks counts. */
gboolean vmm_kvm_save_registers (VmmKvmVp *vp,
                                 Openvmm__X86__VpState *state,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_kvm_load_registers (VmmKvmVp *vp,
                                 const Openvmm__X86__VpState *state,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_kvm_save_debug_registers (VmmKvmVp *vp,
                                       Openvmm__X86__VpState *state,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_kvm_load_debug_registers (VmmKvmVp *vp,
                                       const Openvmm__X86__VpState *state,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_kvm_save_events (VmmKvmVp *vp,
                              Openvmm__X86__VpState *state,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_kvm_load_events (VmmKvmVp *vp,
                              const Openvmm__X86__VpState *state,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Model-specific registers: kvm-msrs.c. The TSC deadline is saved before, and loaded after, all that can touch the
 * local APIC.
 */
gboolean vmm_kvm_save_msrs (VmmKvmVp *vp, guint64 tsc_lag, Openvmm__X86__VpState *state, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_kvm_load_msrs (VmmKvmVp *vp,
                            const Openvmm__X86__VpState *state,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_kvm_set_corrupt: sets %VMM_ERROR_CORRUPT for a field of @vp's saved state. Always returns %FALSE. */
gboolean vmm_kvm_set_corrupt (VmmKvmVp *vp, GError **error, const char *what);

G_END_DECLS
