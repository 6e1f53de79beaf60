/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers between KVM's structures and the saved state. What saves and what loads stand next to each other, so
 * that a field forgotten on one side is seen.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <string.h>

#define N_HIGH_REGISTERS 8u /* R8 to R15 */
#define N_BREAKPOINTS 4u
#define N_PDPTRS 4u

gboolean
vmm_kvm_set_corrupt (VmmKvmVp *vp, GError **error, const char *what)
{
  g_set_error (error, VMM_ERROR, VMM_ERROR_CORRUPT, "the saved state of VP %u is damaged: %s", vp->index, what);
  return FALSE;
}

static Openvmm__X86__Registers *
pack_registers (const struct kvm_regs *regs)
{
  Openvmm__X86__Registers *message = g_new (Openvmm__X86__Registers, 1);

  openvmm__x86__registers__init (message);
  message->rax = regs->rax;
  message->rbx = regs->rbx;
  message->rcx = regs->rcx;
  message->rdx = regs->rdx;
  message->rsi = regs->rsi;
  message->rdi = regs->rdi;
  message->rsp = regs->rsp;
  message->rbp = regs->rbp;
  message->n_r8_r15 = N_HIGH_REGISTERS;
  message->r8_r15 = g_memdup2 (
      &(guint64[]){ regs->r8, regs->r9, regs->r10, regs->r11, regs->r12, regs->r13, regs->r14, regs->r15 },
      N_HIGH_REGISTERS * sizeof (guint64));
  message->rip = regs->rip;
  message->rflags = regs->rflags;
  return message;
}

static gboolean
unpack_registers (const Openvmm__X86__Registers *message, struct kvm_regs *regs)
{
  if (message == NULL || message->n_r8_r15 != N_HIGH_REGISTERS)
    return FALSE;
  *regs = (struct kvm_regs){
    .rax = message->rax,
    .rbx = message->rbx,
    .rcx = message->rcx,
    .rdx = message->rdx,
    .rsi = message->rsi,
    .rdi = message->rdi,
    .rsp = message->rsp,
    .rbp = message->rbp,
    .r8 = message->r8_r15[0],
    .r9 = message->r8_r15[1],
    .r10 = message->r8_r15[2],
    .r11 = message->r8_r15[3],
    .r12 = message->r8_r15[4],
    .r13 = message->r8_r15[5],
    .r14 = message->r8_r15[6],
    .r15 = message->r8_r15[7],
    .rip = message->rip,
    .rflags = message->rflags,
  };
  return TRUE;
}

static Openvmm__X86__Segment *
pack_segment (const struct kvm_segment *segment)
{
  Openvmm__X86__Segment *message = g_new (Openvmm__X86__Segment, 1);

  openvmm__x86__segment__init (message);
  message->base_address = segment->base;
  message->limit = segment->limit;
  message->selector = segment->selector;
  message->type = segment->type;
  message->present = segment->present;
  message->dpl = segment->dpl;
  message->db = segment->db;
  message->s = segment->s;
  message->l = segment->l;
  message->g = segment->g;
  message->avl = segment->avl;
  message->unusable = segment->unusable;
  return message;
}

static gboolean
unpack_segment (const Openvmm__X86__Segment *message, struct kvm_segment *segment)
{
  if (message == NULL || message->selector > 0xffff || message->type > 0xf || message->dpl > 3)
    return FALSE;
  *segment = (struct kvm_segment){
    .base = message->base_address,
    .limit = message->limit,
    .selector = message->selector,
    .type = message->type,
    .present = message->present,
    .dpl = message->dpl,
    .db = message->db,
    .s = message->s,
    .l = message->l,
    .g = message->g,
    .avl = message->avl,
    .unusable = message->unusable,
  };
  return TRUE;
}

static Openvmm__X86__DescriptorTable *
pack_table (const struct kvm_dtable *table)
{
  Openvmm__X86__DescriptorTable *message = g_new (Openvmm__X86__DescriptorTable, 1);

  openvmm__x86__descriptor_table__init (message);
  message->base_address = table->base;
  message->limit = table->limit;
  return message;
}

static gboolean
unpack_table (const Openvmm__X86__DescriptorTable *message, struct kvm_dtable *table)
{
  if (message == NULL || message->limit > 0xffff)
    return FALSE;
  *table = (struct kvm_dtable){ .base = message->base_address, .limit = message->limit };
  return TRUE;
}

static Openvmm__X86__SystemRegisters *
pack_system_registers (const struct kvm_sregs2 *sregs)
{
  Openvmm__X86__SystemRegisters *message = g_new (Openvmm__X86__SystemRegisters, 1);

  openvmm__x86__system_registers__init (message);
  message->cs = pack_segment (&sregs->cs);
  message->ds = pack_segment (&sregs->ds);
  message->es = pack_segment (&sregs->es);
  message->fs = pack_segment (&sregs->fs);
  message->gs = pack_segment (&sregs->gs);
  message->ss = pack_segment (&sregs->ss);
  message->tr = pack_segment (&sregs->tr);
  message->ldt = pack_segment (&sregs->ldt);
  message->gdt = pack_table (&sregs->gdt);
  message->idt = pack_table (&sregs->idt);
  message->cr0 = sregs->cr0;
  message->cr2 = sregs->cr2;
  message->cr3 = sregs->cr3;
  message->cr4 = sregs->cr4;
  message->cr8 = sregs->cr8;
  message->efer = sregs->efer;
  message->apic_base = sregs->apic_base;
  if (sregs->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID)
    {
      message->n_pdptrs = N_PDPTRS;
      message->pdptrs = g_new (uint64_t, N_PDPTRS);
      for (guint i = 0; i < N_PDPTRS; i++)
        message->pdptrs[i] = sregs->pdptrs[i];
    }
  return message;
}

static gboolean
unpack_system_registers (const Openvmm__X86__SystemRegisters *message, struct kvm_sregs2 *sregs)
{
  memset (sregs, 0, sizeof *sregs);
  if (message == NULL || (message->n_pdptrs != 0 && message->n_pdptrs != N_PDPTRS) ||
      !unpack_segment (message->cs, &sregs->cs) || !unpack_segment (message->ds, &sregs->ds) ||
      !unpack_segment (message->es, &sregs->es) || !unpack_segment (message->fs, &sregs->fs) ||
      !unpack_segment (message->gs, &sregs->gs) || !unpack_segment (message->ss, &sregs->ss) ||
      !unpack_segment (message->tr, &sregs->tr) || !unpack_segment (message->ldt, &sregs->ldt) ||
      !unpack_table (message->gdt, &sregs->gdt) || !unpack_table (message->idt, &sregs->idt))
    return FALSE;
  sregs->cr0 = message->cr0;
  sregs->cr2 = message->cr2;
  sregs->cr3 = message->cr3;
  sregs->cr4 = message->cr4;
  sregs->cr8 = message->cr8;
  sregs->efer = message->efer;
  sregs->apic_base = message->apic_base;
  if (message->n_pdptrs != 0)
    {
      sregs->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
      for (guint i = 0; i < N_PDPTRS; i++)
        sregs->pdptrs[i] = message->pdptrs[i];
    }
  return TRUE;
}

/* Kernels before 5.14 have no SREGS2. Both structures agree up to apic_base; the older one ends in a bitmap of injected
 * interrupts, which VCPU_EVENTS carries as well. */
static gboolean
get_sregs (VmmKvmVp *vp, struct kvm_sregs2 *sregs, GError **error)
{
  struct kvm_sregs old;

  memset (sregs, 0, sizeof *sregs);
  if (vp->kvm->host->has_sregs2)
    return vmm_kvm_ioctl (vp->fd, KVM_GET_SREGS2, sregs, "read a VP's system registers", error) >= 0;
  if (vmm_kvm_ioctl (vp->fd, KVM_GET_SREGS, &old, "read a VP's system registers", error) < 0)
    return FALSE;
  memcpy (sregs, &old, G_STRUCT_OFFSET (struct kvm_sregs, interrupt_bitmap));
  return TRUE;
}

static gboolean
set_sregs (VmmKvmVp *vp, struct kvm_sregs2 *sregs, GError **error)
{
  struct kvm_sregs old = { 0 };

  if (vp->kvm->host->has_sregs2)
    return vmm_kvm_ioctl (vp->fd, KVM_SET_SREGS2, sregs, "set a VP's system registers", error) >= 0;
  memcpy (&old, sregs, G_STRUCT_OFFSET (struct kvm_sregs, interrupt_bitmap));
  return vmm_kvm_ioctl (vp->fd, KVM_SET_SREGS, &old, "set a VP's system registers", error) >= 0;
}

gboolean
vmm_kvm_save_registers (VmmKvmVp *vp, Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_regs regs;
  struct kvm_sregs2 sregs;

  if (vmm_kvm_ioctl (vp->fd, KVM_GET_REGS, &regs, "read a VP's registers", error) < 0 ||
      !get_sregs (vp, &sregs, error))
    return FALSE;
  state->registers = pack_registers (&regs);
  state->system_registers = pack_system_registers (&sregs);
  return TRUE;
}

gboolean
vmm_kvm_load_registers (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_regs regs;
  struct kvm_sregs2 sregs;

  if (!unpack_registers (state->registers, &regs))
    return vmm_kvm_set_corrupt (vp, error, "registers");
  if (!unpack_system_registers (state->system_registers, &sregs))
    return vmm_kvm_set_corrupt (vp, error, "system registers");
  return vmm_kvm_ioctl (vp->fd, KVM_SET_REGS, &regs, "set a VP's registers", error) >= 0 &&
         set_sregs (vp, &sregs, error);
}

gboolean
vmm_kvm_save_debug_registers (VmmKvmVp *vp, Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_debugregs debugregs;
  Openvmm__X86__DebugRegisters *message;

  if (vmm_kvm_ioctl (vp->fd, KVM_GET_DEBUGREGS, &debugregs, "read a VP's debug registers", error) < 0)
    return FALSE;
  message = g_new (Openvmm__X86__DebugRegisters, 1);
  openvmm__x86__debug_registers__init (message);
  message->n_db = N_BREAKPOINTS;
  message->db = g_new (uint64_t, N_BREAKPOINTS);
  for (guint i = 0; i < N_BREAKPOINTS; i++)
    message->db[i] = debugregs.db[i];
  message->dr6 = debugregs.dr6;
  message->dr7 = debugregs.dr7;
  state->debug_registers = message;
  return TRUE;
}

gboolean
vmm_kvm_load_debug_registers (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  const Openvmm__X86__DebugRegisters *message = state->debug_registers;
  struct kvm_debugregs debugregs = { 0 };

  if (message == NULL || message->n_db != N_BREAKPOINTS)
    return vmm_kvm_set_corrupt (vp, error, "debug registers");
  for (guint i = 0; i < N_BREAKPOINTS; i++)
    debugregs.db[i] = message->db[i];
  debugregs.dr6 = message->dr6;
  debugregs.dr7 = message->dr7;
  return vmm_kvm_ioctl (vp->fd, KVM_SET_DEBUGREGS, &debugregs, "set a VP's debug registers", error) >= 0;
}

gboolean
vmm_kvm_save_events (VmmKvmVp *vp, Openvmm__X86__VpState *state, GError **error)
{
  struct kvm_vcpu_events events;
  Openvmm__X86__Events *message;

  if (vmm_kvm_ioctl (vp->fd, KVM_GET_VCPU_EVENTS, &events, "read a VP's pending events", error) < 0)
    return FALSE;
  message = g_new (Openvmm__X86__Events, 1);
  openvmm__x86__events__init (message);
  message->exception_injected = events.exception.injected;
  message->exception_pending = events.exception.pending;
  message->exception_vector = events.exception.nr;
  message->exception_has_error_code = events.exception.has_error_code;
  message->exception_error_code = events.exception.error_code;
  message->exception_has_payload = events.exception_has_payload;
  message->exception_payload = events.exception_payload;
  message->interrupt_injected = events.interrupt.injected;
  message->interrupt_vector = events.interrupt.nr;
  message->interrupt_soft = events.interrupt.soft;
  message->interrupt_shadow = events.interrupt.shadow;
  message->nmi_injected = events.nmi.injected;
  message->nmi_pending = events.nmi.pending;
  message->nmi_masked = events.nmi.masked;
  message->sipi_vector = events.sipi_vector;
  message->smm = events.smi.smm;
  message->smm_pending = events.smi.pending;
  message->smm_inside_nmi = events.smi.smm_inside_nmi;
  message->smm_latched_init = events.smi.latched_init;
  message->triple_fault_pending = events.triple_fault.pending;
  message->flags = events.flags;
  state->events = message;
  return TRUE;
}

gboolean
vmm_kvm_load_events (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  const Openvmm__X86__Events *message = state->events;
  struct kvm_vcpu_events events = { 0 };

  if (message == NULL || message->exception_vector > 0xff || message->interrupt_vector > 0xff ||
      message->interrupt_shadow > 0xff || message->nmi_pending > 0xff)
    return vmm_kvm_set_corrupt (vp, error, "pending events");
  events.exception.injected = message->exception_injected;
  events.exception.pending = message->exception_pending;
  events.exception.nr = message->exception_vector;
  events.exception.has_error_code = message->exception_has_error_code;
  events.exception.error_code = message->exception_error_code;
  events.exception_has_payload = message->exception_has_payload;
  events.exception_payload = message->exception_payload;
  events.interrupt.injected = message->interrupt_injected;
  events.interrupt.nr = message->interrupt_vector;
  events.interrupt.soft = message->interrupt_soft;
  events.interrupt.shadow = message->interrupt_shadow;
  events.nmi.injected = message->nmi_injected;
  events.nmi.pending = message->nmi_pending;
  events.nmi.masked = message->nmi_masked;
  events.sipi_vector = message->sipi_vector;
  events.smi.smm = message->smm;
  events.smi.pending = message->smm_pending;
  events.smi.smm_inside_nmi = message->smm_inside_nmi;
  events.smi.latched_init = message->smm_latched_init;
  events.triple_fault.pending = message->triple_fault_pending;
  events.flags = message->flags;
  return vmm_kvm_ioctl (vp->fd, KVM_SET_VCPU_EVENTS, &events, "set a VP's pending events", error) >= 0;
}
