/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * KVM tells which MSRs make up a VP's state, but not all of them can be read with the CPUID the guest has: those are no
 * state. On the way back, one that cannot be set is an error that names it, unless it has the saved value already,
 * as read-only ones have.
 *
 * The deadline of the TSC timer is read before the local APIC is: a timer that fires in between is then saved as both
 * fired and armed, and the guest sees one early tick. The other order can save neither, and loses the tick for good.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define MSRS_MAX 2048u

#define MSR_IA32_TSC 0x10u
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define MSR_IA32_XSS 0xda0u
#define MSR_KVM_ASYNC_PF_INT 0x4b564d06u
#define MSR_KVM_ASYNC_PF_ACK 0x4b564d07u

/* state that older kernels leave out of their list */
static const guint32 extra_msrs[] = { MSR_IA32_XSS, MSR_KVM_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK };

/* 1 if the MSR was read or set, 0 if it cannot be, -1 with errno if KVM failed */
static int
access_msr (VmmKvmVp *vp, gulong request, guint32 index, guint64 *value)
{
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entry;
  } msrs = {
    .header.nmsrs = 1,
    .entry = { .index = index, .data = *value },
  };
  int n = ioctl (vp->fd, request, &msrs);

  if (n == 1)
    *value = msrs.entry.data;
  return n;
}

static gboolean
is_listed (const struct kvm_msr_list *list, guint32 index)
{
  for (guint i = 0; i < list->nmsrs; i++)
    if (list->indices[i] == index)
      return TRUE;
  return FALSE;
}

static gboolean
append_msr (VmmKvmVp *vp, guint32 index, guint64 tsc_lag, GPtrArray *messages, GError **error)
{
  Openvmm__X86__Msr *message;
  guint64 value = 0;
  int n = access_msr (vp, KVM_GET_MSRS, index, &value);

  if (n < 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_HOST,
                   "KVM failed to read MSR 0x%x: %s",
                   index,
                   g_strerror (errno));
      return FALSE;
    }
  if (n == 0)
    return TRUE;
  message = g_new (Openvmm__X86__Msr, 1);
  openvmm__x86__msr__init (message);
  message->index = index;
  message->value = index == MSR_IA32_TSC ? value - tsc_lag : value;
  g_ptr_array_add (messages, message);
  return TRUE;
}

gboolean
vmm_kvm_save_msrs (VmmKvmVp *vp, guint64 tsc_lag, Openvmm__X86__VpState *state, GError **error)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  const struct kvm_msr_list *list;
  gsize n;

  if (!vmm_kvm_read_msr_list (vp->kvm, error))
    return FALSE;
  list = vp->kvm->msrs;
  for (guint i = 0; i < list->nmsrs; i++)
    if (!append_msr (vp, list->indices[i], tsc_lag, messages, error))
      return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (extra_msrs); i++)
    if (!is_listed (list, extra_msrs[i]) && !append_msr (vp, extra_msrs[i], tsc_lag, messages, error))
      return FALSE;

  g_ptr_array_set_free_func (messages, NULL);
  state->msrs = (Openvmm__X86__Msr **) g_ptr_array_steal (messages, &n);
  state->n_msrs = n;
  return TRUE;
}

static gboolean
load_msr (VmmKvmVp *vp, const Openvmm__X86__Msr *msr, GError **error)
{
  guint64 value = msr->value;
  int n = access_msr (vp, KVM_SET_MSRS, msr->index, &value);

  if (n == 1)
    return TRUE;
  value = 0;
  if (access_msr (vp, KVM_GET_MSRS, msr->index, &value) == 1 && value == msr->value)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INCOMPATIBLE,
               "this host's KVM cannot set MSR 0x%x of VP %u to 0x%" G_GINT64_MODIFIER "x",
               msr->index,
               vp->index,
               msr->value);
  return FALSE;
}

gboolean
vmm_kvm_load_msrs (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  const Openvmm__X86__Msr *deadline = NULL;

  if (state->n_msrs > MSRS_MAX)
    return vmm_kvm_set_corrupt (vp, error, "more MSRs than any processor has");
  for (gsize i = 0; i < state->n_msrs; i++)
    {
      if (state->msrs[i]->index == MSR_IA32_TSC_DEADLINE)
        deadline = state->msrs[i];
      else if (!load_msr (vp, state->msrs[i], error))
        return FALSE;
    }
  return deadline == NULL || load_msr (vp, deadline, error);
}
