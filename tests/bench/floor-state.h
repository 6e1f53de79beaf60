/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* floor-state.h: all that KVM holds of a guest with one VP */

#pragma once

#include <glib.h>
#include <linux/kvm.h>

G_BEGIN_DECLS

#define FLOOR_MSRS_MAX 1024u
#define FLOOR_CPUID_MAX 256u

typedef struct
{
  struct kvm_cpuid2 *cpuid;
  struct kvm_msrs *msrs; /* those that can be read and set */
  gpointer xsave;        /* of KVM_CAP_XSAVE2's size */
  struct kvm_regs regs;
  struct kvm_sregs sregs;
  struct kvm_xcrs xcrs;
  struct kvm_debugregs debug;
  struct kvm_vcpu_events events;
  struct kvm_lapic_state lapic;
  struct kvm_mp_state mp;
  struct kvm_irqchip chips[3];
  struct kvm_pit_state2 pit;
  struct kvm_clock_data clock;
} FloorState;

/** floor_state_new: room for the state, and which MSRs are part of it. @vp has its CPUID. */
FloorState *floor_state_new (int kvm_fd, int vm_fd, int vp_fd);
void floor_state_free (FloorState *state);

/** floor_ioctl: dies if it fails. */
int floor_ioctl (int fd, gulong request, gpointer argument, const char *name);
#define FLOOR_IOCTL(fd, request, argument) floor_ioctl ((fd), (request), (gpointer) (argument), #request)

void floor_state_save (FloorState *state, int vm_fd, int vp_fd);
void floor_state_load (FloorState *state, int vm_fd, int vp_fd);

G_END_DECLS
