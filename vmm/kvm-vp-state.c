/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The orders matter. Saving: MP_STATE first, since asking for it can move the local APIC on; events before registers,
 * since asking for them puts a waiting exception's payload into CR2 or DR6; MSRs before the local APIC
 * (kvm-msrs.c says why). Loading: CPUID before all, as it decides what else may be set; SET_REGS clears pending
 * exceptions, so before events; system registers carry the APIC's base, so before the APIC; the APIC's timer mode
 * must be there before the deadline.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <string.h>
#include <sys/ioctl.h>

#define CPUID_ENTRIES_MAX 256u

/* Intel SDM volume 3A, section 11.5.1 and table 11-1 */
#define LAPIC_LVT_TIMER 0x320u
#define LAPIC_INITIAL_COUNT 0x380u
#define LVT_TIMER_DEADLINE (1u << 18)

#define TSC_TOLERANCE_PPM 250u

static gboolean
save_mp_state (VmmKvmVp *vp, Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_mp_state mp_state;

  if (vmm_kvm_ioctl (vp->fd, KVM_GET_MP_STATE, &mp_state, "read a VP's run state", error) < 0)
    return FALSE;
  state->mp_state = mp_state.mp_state;
  return TRUE;
}

static gboolean
load_mp_state (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_mp_state mp_state = { .mp_state = state->mp_state };

  return vmm_kvm_ioctl (vp->fd, KVM_SET_MP_STATE, &mp_state, "set a VP's run state", error) >= 0;
}

static gboolean
save_xsave (VmmKvmVp *vp, Openvmm__X86__VpState *state, GError **error)
{
  gulong request = vp->kvm->xsave_size > sizeof (struct kvm_xsave) ? KVM_GET_XSAVE2 : KVM_GET_XSAVE;

  state->xsave.data = g_malloc0 (vp->kvm->xsave_size);
  state->xsave.len = vp->kvm->xsave_size;
  return vmm_kvm_ioctl (vp->fd, request, state->xsave.data, "read a VP's XSAVE area", error) >= 0;
}

static gboolean
load_xsave (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  g_autofree guint8 *area = g_malloc0 (vp->kvm->xsave_size);

  if (state->xsave.len < sizeof (struct kvm_xsave))
    return vmm_kvm_set_corrupt (vp, error, "XSAVE area too short");
  if (state->xsave.len > vp->kvm->xsave_size)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INCOMPATIBLE,
                   "the XSAVE area of VP %u has %zu bytes, this host's only %zu",
                   vp->index,
                   state->xsave.len,
                   vp->kvm->xsave_size);
      return FALSE;
    }
  memcpy (area, state->xsave.data, state->xsave.len);
  return vmm_kvm_ioctl (vp->fd, KVM_SET_XSAVE, area, "set a VP's XSAVE area", error) >= 0;
}

static gboolean
save_xcrs (VmmKvmVp *vp, Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_xcrs xcrs;

  if (vmm_kvm_ioctl (vp->fd, KVM_GET_XCRS, &xcrs, "read a VP's extended control registers", error) < 0)
    return FALSE;
  state->n_xcrs = MIN (xcrs.nr_xcrs, (guint) KVM_MAX_XCRS);
  state->xcrs = g_new0 (Openvmm__X86__Xcr *, state->n_xcrs);
  for (gsize i = 0; i < state->n_xcrs; i++)
    {
      state->xcrs[i] = g_new (Openvmm__X86__Xcr, 1);
      openvmm__x86__xcr__init (state->xcrs[i]);
      state->xcrs[i]->index = xcrs.xcrs[i].xcr;
      state->xcrs[i]->value = xcrs.xcrs[i].value;
    }
  return TRUE;
}

static gboolean
load_xcrs (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_xcrs xcrs = { .nr_xcrs = state->n_xcrs };

  if (state->n_xcrs > KVM_MAX_XCRS)
    return vmm_kvm_set_corrupt (vp, error, "too many extended control registers");
  for (gsize i = 0; i < state->n_xcrs; i++)
    {
      xcrs.xcrs[i].xcr = state->xcrs[i]->index;
      xcrs.xcrs[i].value = state->xcrs[i]->value;
    }
  /* a host without XSAVE has none, and refuses to be told so */
  return state->n_xcrs == 0 ||
         vmm_kvm_ioctl (vp->fd, KVM_SET_XCRS, &xcrs, "set a VP's extended control registers", error) >= 0;
}

static gboolean
save_lapic (VmmKvmVp *vp, Openvmm__X86__VpState *state, GError **error)
{
  state->lapic.data = g_malloc0 (sizeof (struct kvm_lapic_state));
  state->lapic.len = sizeof (struct kvm_lapic_state);
  return vmm_kvm_ioctl (vp->fd, KVM_GET_LAPIC, state->lapic.data, "read a VP's local APIC", error) >= 0;
}

static gboolean
load_lapic (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  if (state->lapic.len != sizeof (struct kvm_lapic_state))
    return vmm_kvm_set_corrupt (vp, error, "local APIC of another size");
  return vmm_kvm_ioctl (vp->fd, KVM_SET_LAPIC, state->lapic.data, "set a VP's local APIC", error) >= 0;
}

static gboolean
load_tsc_khz (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  guint ours = vp->tsc_khz;
  guint64 difference = MAX (ours, state->tsc_khz) - MIN (ours, state->tsc_khz);

  if (state->tsc_khz == 0 || ours == 0 || difference * 1000000 <= (guint64) ours * TSC_TOLERANCE_PPM)
    return TRUE;
  if (vmm_kvm_check_extension (vp->kvm, KVM_CAP_TSC_CONTROL) > 0 &&
      ioctl (vp->fd, KVM_SET_TSC_KHZ, (gulong) state->tsc_khz) == 0)
    {
      vp->tsc_khz = vmm_kvm_ask_tsc_khz (vp);
      return TRUE;
    }
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INCOMPATIBLE,
               "the guest's time-stamp counter runs at %u kHz, this host's at %u, and it cannot be scaled",
               state->tsc_khz,
               ours);
  return FALSE;
}

static void
save_cpuid (VmmKvmVp *vp, Openvmm__X86__VpState *state)
{
  const struct kvm_cpuid2 *cpuid = vp->cpuid;

  state->n_cpuid = cpuid->nent;
  state->cpuid = g_new0 (Openvmm__X86__CpuidEntry *, cpuid->nent);
  for (guint i = 0; i < cpuid->nent; i++)
    {
      Openvmm__X86__CpuidEntry *entry = g_new (Openvmm__X86__CpuidEntry, 1);

      openvmm__x86__cpuid_entry__init (entry);
      entry->function = cpuid->entries[i].function;
      entry->index = cpuid->entries[i].index;
      entry->flags = cpuid->entries[i].flags;
      entry->eax = cpuid->entries[i].eax;
      entry->ebx = cpuid->entries[i].ebx;
      entry->ecx = cpuid->entries[i].ecx;
      entry->edx = cpuid->entries[i].edx;
      state->cpuid[i] = entry;
    }
}

static gboolean
is_same_cpuid (const struct kvm_cpuid2 *one, const struct kvm_cpuid2 *two)
{
  return one->nent == two->nent &&
         memcmp (one->entries, two->entries, one->nent * sizeof one->entries[0]) == 0;
}

static gboolean
load_cpuid (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  g_autofree struct kvm_cpuid2 *cpuid = NULL;

  if (state->n_cpuid == 0 || state->n_cpuid > CPUID_ENTRIES_MAX)
    return vmm_kvm_set_corrupt (vp, error, "number of CPUID leaves");
  cpuid = vmm_kvm_cpuid_alloc (state->n_cpuid);
  for (guint i = 0; i < cpuid->nent; i++)
    {
      const Openvmm__X86__CpuidEntry *entry = state->cpuid[i];

      cpuid->entries[i].function = entry->function;
      cpuid->entries[i].index = entry->index;
      cpuid->entries[i].flags = entry->flags;
      cpuid->entries[i].eax = entry->eax;
      cpuid->entries[i].ebx = entry->ebx;
      cpuid->entries[i].ecx = entry->ecx;
      cpuid->entries[i].edx = entry->edx;
    }
  /* a VP that has run refuses to be given CPUID again, be it the same */
  if (is_same_cpuid (cpuid, vp->cpuid))
    return TRUE;
  if (vmm_kvm_ioctl (vp->fd, KVM_SET_CPUID2, cpuid, "set a VP's CPUID", error) < 0)
    return FALSE;
  g_free (vp->cpuid);
  vp->cpuid = g_steal_pointer (&cpuid);
  return TRUE;
}

Openvmm__X86__VpState *
vmm_kvm_vp_save (VmmKvmVp *vp, guint64 tsc_lag, GError **error)
{
  Openvmm__X86__VpState *state = g_new (Openvmm__X86__VpState, 1);

  openvmm__x86__vp_state__init (state);
  state->index = vp->index;
  state->tsc_khz = vp->tsc_khz;
  save_cpuid (vp, state);
  if (save_mp_state (vp, state, error) && vmm_kvm_save_events (vp, state, error) &&
      vmm_kvm_save_msrs (vp, tsc_lag, state, error) && vmm_kvm_save_registers (vp, state, error) &&
      save_xsave (vp, state, error) && save_xcrs (vp, state, error) &&
      vmm_kvm_save_debug_registers (vp, state, error) && save_lapic (vp, state, error))
    return state;
  openvmm__x86__vp_state__free_unpacked (state, NULL);
  return NULL;
}

gboolean
vmm_kvm_vp_load (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  if (state->index != vp->index)
    return vmm_kvm_set_corrupt (vp, error, "it is another VP's");
  return load_tsc_khz (vp, state, error) && load_cpuid (vp, state, error) &&
         load_mp_state (vp, state, error) && vmm_kvm_load_registers (vp, state, error) &&
         load_xsave (vp, state, error) && load_xcrs (vp, state, error) &&
         vmm_kvm_load_debug_registers (vp, state, error) && load_lapic (vp, state, error) &&
         vmm_kvm_load_msrs (vp, state, error) && vmm_kvm_load_events (vp, state, error);
}

static guint32
get_lapic_register (const Openvmm__X86__VpState *state, guint offset)
{
  guint32 value;

  memcpy (&value, state->lapic.data + offset, sizeof value);
  return GUINT32_FROM_LE (value);
}

gboolean
vmm_kvm_vp_may_have_timer (const Openvmm__X86__VpState *state)
{
  return state->lapic.len != sizeof (struct kvm_lapic_state) ||
         (get_lapic_register (state, LAPIC_LVT_TIMER) & LVT_TIMER_DEADLINE) != 0 ||
         get_lapic_register (state, LAPIC_INITIAL_COUNT) != 0;
}

gboolean
vmm_kvm_vp_load_timers (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  return load_lapic (vp, state, error) && vmm_kvm_load_events (vp, state, error);
}
