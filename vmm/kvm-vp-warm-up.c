/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * When a VP enters the guest for the first time, KVM makes the root of its page tables and what else it needs: a tenth
 * of a millisecond, which a guest that is restored need not wait for. A signal that is pending when KVM_RUN is called
 * lets KVM go as far as that, and no further. The thread has it blocked, so that it stays pending until the VP's own
 * mask lets it in. immediate_exit would not do: KVM looks at that before it makes anything.
 *
 * Then the guest's first instruction is read, by way of the guest's page tables. Each of these pages is a fault in the
 * host's mapping of RAM, which can be had beforehand: KVM goes that way when it is asked to translate an address.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <signal.h>
#include <string.h>

/* Of @signal_number alone while KVM_RUN lasts, or of what the thread has blocked, as ever. */
static gboolean
set_signal_mask (VmmKvmVp *vp, int signal_number, GError **error)
{
  struct
  {
    struct kvm_signal_mask header;
    guint8 blocked[sizeof (guint64)]; /* the kernel's set, not the C library's */
  } mask = { .header.len = sizeof mask.blocked };
  guint64 blocked = ~(G_GUINT64_CONSTANT (1) << (signal_number - 1));

  memcpy (mask.blocked, &blocked, sizeof blocked);
  return vmm_kvm_ioctl (vp->fd, KVM_SET_SIGNAL_MASK, &mask, "set the signals that end a VP's run", error) >=
         0;
}

static gboolean
reset_signal_mask (VmmKvmVp *vp, GError **error)
{
  return vmm_kvm_ioctl (vp->fd, KVM_SET_SIGNAL_MASK, NULL, "reset the signals that end a VP's run", error) >=
         0;
}

static gboolean
run_interrupted (VmmKvmVp *vp, int signal_number, GError **error)
{
  const struct timespec at_once = { 0 };
  sigset_t signals;
  VmmKvmExit exit;

  sigemptyset (&signals);
  sigaddset (&signals, signal_number);
  raise (signal_number);
  vmm_kvm_vp_run (vp, &exit);
  (void) sigtimedwait (&signals, NULL, &at_once);
  if (exit.kind == VMM_KVM_EXIT_INTERRUPTED)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_HOST,
               "VP %u cannot be made ready to run: %s",
               vp->index,
               exit.kind == VMM_KVM_EXIT_FAILED ? exit.reason : "KVM ran the guest in spite of a signal");
  return FALSE;
}

gboolean
vmm_kvm_vp_warm_up (VmmKvmVp *vp, int signal_number, GError **error)
{
  return set_signal_mask (vp, signal_number, error) && run_interrupted (vp, signal_number, error) &&
         reset_signal_mask (vp, error);
}

gboolean
vmm_kvm_vp_find_code (VmmKvmVp *vp, guint64 *gpa)
{
  struct kvm_translation translation = { 0 };
  struct kvm_sregs sregs;
  struct kvm_regs regs;

  if (vmm_kvm_ioctl (vp->fd, KVM_GET_SREGS, &sregs, "read a VP's system registers", NULL) < 0 ||
      vmm_kvm_ioctl (vp->fd, KVM_GET_REGS, &regs, "read a VP's registers", NULL) < 0)
    return FALSE;
  translation.linear_address = sregs.cs.base + regs.rip;
  if (vmm_kvm_ioctl (vp->fd, KVM_TRANSLATE, &translation, "translate an address of a VP's", NULL) < 0)
    return FALSE;
  *gpa = translation.physical_address;
  return translation.valid;
}
