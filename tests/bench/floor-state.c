/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/floor-state.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "tests/bench/bench.h"

int
floor_ioctl (int fd, gulong request, gpointer argument, const char *name)
{
  int result;

  do
    result = ioctl (fd, request, argument);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    bench_die ("%s: %s", name, g_strerror (errno));
  return result;
}

static gboolean
can_access (int vp_fd, guint32 index)
{
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entry;
  } msr = { .header.nmsrs = 1, .entry.index = index };

  return ioctl (vp_fd, KVM_GET_MSRS, &msr) == 1 && ioctl (vp_fd, KVM_SET_MSRS, &msr) == 1;
}

static struct kvm_msrs *
choose_msrs (int kvm_fd, int vp_fd)
{
  g_autofree struct kvm_msr_list *list = g_malloc0 (sizeof *list + FLOOR_MSRS_MAX * sizeof list->indices[0]);
  struct kvm_msrs *msrs = g_malloc0 (sizeof *msrs + FLOOR_MSRS_MAX * sizeof msrs->entries[0]);

  list->nmsrs = FLOOR_MSRS_MAX;
  FLOOR_IOCTL (kvm_fd, KVM_GET_MSR_INDEX_LIST, list);
  for (guint i = 0; i < list->nmsrs; i++)
    if (can_access (vp_fd, list->indices[i]))
      msrs->entries[msrs->nmsrs++].index = list->indices[i];
  return msrs;
}

FloorState *
floor_state_new (int kvm_fd, int vm_fd, int vp_fd)
{
  FloorState *state = g_new0 (FloorState, 1);
  int size = ioctl (vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);

  state->xsave = g_malloc0 (MAX ((gsize) MAX (size, 0), sizeof (struct kvm_xsave)));
  state->cpuid = g_malloc0 (sizeof *state->cpuid + FLOOR_CPUID_MAX * sizeof state->cpuid->entries[0]);
  state->cpuid->nent = FLOOR_CPUID_MAX;
  FLOOR_IOCTL (kvm_fd, KVM_GET_SUPPORTED_CPUID, state->cpuid);
  FLOOR_IOCTL (vp_fd, KVM_SET_CPUID2, state->cpuid);
  state->msrs = choose_msrs (kvm_fd, vp_fd);
  for (guint i = 0; i < G_N_ELEMENTS (state->chips); i++)
    state->chips[i].chip_id = i;
  return state;
}

void
floor_state_free (FloorState *state)
{
  if (state == NULL)
    return;
  g_free (state->cpuid);
  g_free (state->msrs);
  g_free (state->xsave);
  g_free (state);
}

void
floor_state_save (FloorState *state, int vm_fd, int vp_fd)
{
  FLOOR_IOCTL (vm_fd, KVM_GET_CLOCK, &state->clock);
  FLOOR_IOCTL (vp_fd, KVM_GET_REGS, &state->regs);
  FLOOR_IOCTL (vp_fd, KVM_GET_SREGS, &state->sregs);
  FLOOR_IOCTL (vp_fd, KVM_GET_XSAVE2, state->xsave);
  FLOOR_IOCTL (vp_fd, KVM_GET_XCRS, &state->xcrs);
  FLOOR_IOCTL (vp_fd, KVM_GET_DEBUGREGS, &state->debug);
  FLOOR_IOCTL (vp_fd, KVM_GET_MSRS, state->msrs);
  FLOOR_IOCTL (vp_fd, KVM_GET_LAPIC, &state->lapic);
  FLOOR_IOCTL (vp_fd, KVM_GET_MP_STATE, &state->mp);
  FLOOR_IOCTL (vp_fd, KVM_GET_VCPU_EVENTS, &state->events);
  for (guint i = 0; i < G_N_ELEMENTS (state->chips); i++)
    FLOOR_IOCTL (vm_fd, KVM_GET_IRQCHIP, &state->chips[i]);
  FLOOR_IOCTL (vm_fd, KVM_GET_PIT2, &state->pit);
}

void
floor_state_load (FloorState *state, int vm_fd, int vp_fd)
{
  FLOOR_IOCTL (vp_fd, KVM_SET_CPUID2, state->cpuid);
  FLOOR_IOCTL (vp_fd, KVM_SET_SREGS, &state->sregs);
  FLOOR_IOCTL (vp_fd, KVM_SET_REGS, &state->regs);
  FLOOR_IOCTL (vp_fd, KVM_SET_XCRS, &state->xcrs);
  FLOOR_IOCTL (vp_fd, KVM_SET_XSAVE, state->xsave);
  FLOOR_IOCTL (vp_fd, KVM_SET_DEBUGREGS, &state->debug);
  FLOOR_IOCTL (vp_fd, KVM_SET_MSRS, state->msrs);
  FLOOR_IOCTL (vp_fd, KVM_SET_LAPIC, &state->lapic);
  FLOOR_IOCTL (vp_fd, KVM_SET_MP_STATE, &state->mp);
  FLOOR_IOCTL (vp_fd, KVM_SET_VCPU_EVENTS, &state->events);
  for (guint i = 0; i < G_N_ELEMENTS (state->chips); i++)
    FLOOR_IOCTL (vm_fd, KVM_SET_IRQCHIP, &state->chips[i]);
  FLOOR_IOCTL (vm_fd, KVM_SET_PIT2, &state->pit);
}
