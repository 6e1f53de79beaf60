/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Values are chosen so that hardware keeps them: granularity as the limit needs it, segments marked as accessed, a task
 * that is busy.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include "tests/vmm/bare-kvm.h"
#include "tests/vmm/message.h"

#define CR0_PROTECTED 0x50033ull /* PE, MP, ET, NE, WP, AM */
#define CR0_PAGING 0x80000000ull
#define CR4_PAE 0x20ull
#define CR4_OTHER 0x6d0ull /* PSE, MCE, PGE, OSFXSR, OSXMMEXCPT */
#define EFER_NX_SYSCALL 0x801ull
#define EFER_LONG 0x500ull
#define PDPT_GPA 0x123000ull
#define ABOVE_4G 0x100000000ull

typedef Openvmm__X86__VpState VpState;
typedef Openvmm__X86__Segment Segment;

static void
free_state (VpState *state)
{
  openvmm__x86__vp_state__free_unpacked (state, NULL);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpState, free_state)

static VpState *
save (BareKvm *bare)
{
  VmmKvmVp *vp = bare_kvm_vp (bare, 0);
  VpState *state = g_new (VpState, 1);
  g_autoptr (GError) error = NULL;

  openvmm__x86__vp_state__init (state);
  g_assert_true (vmm_kvm_save_registers (vp, state, &error));
  g_assert_true (vmm_kvm_save_debug_registers (vp, state, &error));
  g_assert_true (vmm_kvm_save_events (vp, state, &error));
  g_assert_no_error (error);
  return state;
}

/* in the order of a restore */
static gboolean
try_load (BareKvm *bare, const VpState *state, GError **error)
{
  VmmKvmVp *vp = bare_kvm_vp (bare, 0);

  return vmm_kvm_load_registers (vp, state, error) && vmm_kvm_load_debug_registers (vp, state, error) &&
         vmm_kvm_load_events (vp, state, error);
}

static void
assert_kept (BareKvm *bare, VpState *state)
{
  g_autoptr (VpState) got = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (try_load (bare, state, &error));
  g_assert_no_error (error);
  got = save (bare);
  message_assert_equal (got->registers, state->registers, "registers");
  for (guint i = 0; i < got->system_registers->base.descriptor->n_fields; i++)
    {
      const ProtobufCFieldDescriptor *field = &got->system_registers->base.descriptor->fields[i];

      if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        message_assert_equal (*(gpointer *) ((guint8 *) got->system_registers + field->offset),
                              *(gpointer *) ((guint8 *) state->system_registers + field->offset),
                              field->name);
    }
  message_assert_equal (got->system_registers, state->system_registers, "system registers");
  message_assert_equal (got->debug_registers, state->debug_registers, "debug registers");
  message_assert_equal (got->events, state->events, "events");
}

static void
assert_corrupt (BareKvm *bare, const VpState *state, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (try_load (bare, state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, part));
  g_assert_nonnull (strstr (error->message, "VP 0"));
}

static void
fill_segment (Segment *segment, guint number, guint type, guint dpl, gboolean pages)
{
  segment->base_address = 0x100000 * number;
  segment->limit = pages ? 0xfff00fff + (number << 12) : 0x1000 + number;
  segment->selector = 8 * number + dpl;
  segment->type = type;
  segment->present = TRUE;
  segment->dpl = dpl;
  segment->db = TRUE;
  segment->s = TRUE;
  segment->l = FALSE;
  segment->g = pages;
  segment->avl = number % 2;
  segment->unusable = FALSE;
}

static void
fill_registers (Openvmm__X86__Registers *registers, guint64 high)
{
  message_fill (registers, (const MessageLimit[]){ { NULL } }, 0);
  for (guint i = 0; i < registers->n_r8_r15; i++)
    registers->r8_r15[i] = high + 0x8888 + i;
  registers->rax += high;
  registers->rip += high;
  registers->rflags = 0x246;
}

/* 32-bit protected mode without paging, at privilege level 3 */
static void
fill_protected (VpState *state)
{
  Openvmm__X86__SystemRegisters *system = state->system_registers;

  fill_registers (state->registers, 0);
  fill_segment (system->cs, 1, 0xb, 3, TRUE);
  fill_segment (system->ds, 2, 0x3, 3, FALSE);
  fill_segment (system->es, 3, 0x1, 1, TRUE);
  fill_segment (system->fs, 4, 0x7, 2, FALSE);
  fill_segment (system->gs, 5, 0xb, 0, TRUE);
  fill_segment (system->ss, 6, 0x3, 3, TRUE);
  fill_segment (system->tr, 7, 0xb, 0, FALSE);
  fill_segment (system->ldt, 8, 0x2, 0, FALSE);
  system->tr->s = system->ldt->s = FALSE;
  system->tr->db = system->ldt->db = FALSE;
  system->es->db = FALSE;
  system->gdt->base_address = 0x501000;
  system->gdt->limit = 0xff7;
  system->idt->base_address = 0x502000;
  system->idt->limit = 0x7ff;
  system->cr0 = CR0_PROTECTED;
  system->cr2 = 0xdead2000;
  system->cr3 = 0x456000;
  system->cr4 = CR4_OTHER;
  system->cr8 = 5;
  system->efer = EFER_NX_SYSCALL;
  system->apic_base = 0xfee00800; /* not the first processor */
  for (guint i = 0; i < state->debug_registers->n_db; i++)
    state->debug_registers->db[i] = 0x7000 + 0x111 * i;
  state->debug_registers->dr6 = 0xffff4ff2;
  state->debug_registers->dr7 = 0x00000755;
}

static void
test_keeps_protected_mode (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);

  g_assert_cmpuint (state->system_registers->n_pdptrs, ==, 0);
  fill_protected (state);
  assert_kept (bare, state);
}

static void
test_keeps_long_mode (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  Openvmm__X86__SystemRegisters *system = state->system_registers;

  fill_protected (state);
  fill_registers (state->registers, 0xffff888000000000);
  system->cs->l = TRUE;
  system->cs->db = FALSE;
  system->fs->base_address = 0x7fff12345678;
  system->gs->base_address = 0xffff888000012345;
  system->gdt->base_address = 0xfffffe0000001000;
  system->idt->base_address = 0xfffffe0000002000;
  system->cr0 = CR0_PROTECTED | CR0_PAGING;
  system->cr2 = 0xffff888000666000;
  system->cr4 = CR4_OTHER | CR4_PAE;
  system->efer = EFER_NX_SYSCALL | EFER_LONG;
  /* a local descriptor table that is not in use: there is nothing in it to keep but that */
  openvmm__x86__segment__init (system->ldt);
  system->ldt->unusable = TRUE;
  assert_kept (bare, state);
}

/* Not every KVM pages as 32-bit kernels do: one without hardware virtualization takes the bit and drops it. */
static gboolean
host_keeps_legacy_paging (const Openvmm__X86__SystemRegisters *system)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  int fd = bare_kvm_vp (bare, 0)->fd;
  g_autoptr (GError) error = NULL;
  struct kvm_sregs sregs;

  g_assert_cmpint (vmm_kvm_ioctl (fd, KVM_GET_SREGS, &sregs, "read", &error), >=, 0);
  sregs.cr0 = system->cr0;
  sregs.cr3 = system->cr3;
  sregs.cr4 = system->cr4;
  g_assert_cmpint (vmm_kvm_ioctl (fd, KVM_SET_SREGS, &sregs, "set", &error), >=, 0);
  g_assert_cmpint (vmm_kvm_ioctl (fd, KVM_GET_SREGS, &sregs, "read", &error), >=, 0);
  g_assert_no_error (error);
  return (sregs.cr0 & CR0_PAGING) != 0;
}

/* Paging as 32-bit kernels do it. The directory pointers are the VP's own, so those in memory differ here. */
static void
test_keeps_directory_pointers (void)
{
  static const guint64 in_memory[4] = { 0x201001, 0x202001, 0x203001, 0x204001 };
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  Openvmm__X86__SystemRegisters *system = state->system_registers;
  g_autoptr (GError) error = NULL;

  bare_kvm_write (bare, PDPT_GPA, in_memory, sizeof in_memory);
  fill_protected (state);
  system->cr0 = CR0_PROTECTED | CR0_PAGING;
  system->cr3 = PDPT_GPA;
  system->cr4 = CR4_OTHER | CR4_PAE;
  if (vmm_kvm_check_extension (bare->kvm, KVM_CAP_SREGS2) > 0)
    {
      system->n_pdptrs = 4;
      system->pdptrs = g_new (uint64_t, 4);
      for (guint i = 0; i < 4; i++)
        system->pdptrs[i] = 0x301001 + 0x1000 * i;
    }
  if (!host_keeps_legacy_paging (system))
    {
      g_assert_true (try_load (bare, state, &error));
      g_assert_no_error (error);
      system->cr0 &= ~CR0_PAGING;
      system->n_pdptrs = 0;
      g_clear_pointer (&system->pdptrs, g_free);
    }
  assert_kept (bare, state);
}

static void
test_keeps_events (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);

  fill_protected (state);
  state->events->exception_injected = TRUE;
  state->events->exception_vector = 14;
  state->events->exception_has_error_code = TRUE;
  state->events->exception_error_code = 0x12345;
  assert_kept (bare, state);
  state->events->exception_has_error_code = FALSE;
  state->events->exception_error_code = 0;
  state->events->exception_vector = 6;
  assert_kept (bare, state);
  state->events->exception_injected = FALSE;
  state->events->exception_vector = 0;
  state->events->interrupt_injected = TRUE;
  state->events->interrupt_vector = 0xec;
  assert_kept (bare, state);
  state->events->interrupt_injected = FALSE;
  state->events->interrupt_vector = 0;
  state->events->nmi_injected = TRUE;
  assert_kept (bare, state);
  state->events->nmi_injected = FALSE;
  state->events->nmi_pending = 1;
  state->events->nmi_masked = TRUE;
  assert_kept (bare, state);
}

static void
test_keeps_interrupt_shadow (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  g_autoptr (VpState) got = NULL;
  g_autoptr (GError) error = NULL;

  fill_protected (state);
  state->events->interrupt_shadow = KVM_X86_SHADOW_INT_STI;
  g_assert_true (try_load (bare, state, &error));
  g_assert_no_error (error);
  got = save (bare);
  /* AMD's processors do not tell after which instruction it is */
  g_assert_cmphex (got->events->interrupt_shadow & KVM_X86_SHADOW_INT_STI, ==, KVM_X86_SHADOW_INT_STI);
}

static void
test_keeps_management_mode (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  g_autoptr (GError) error = NULL;

  fill_protected (state);
  state->events->smm_latched_init = TRUE;
  assert_kept (bare, state);
  state->events->smm = TRUE;
  if (vmm_kvm_check_extension (bare->kvm, KVM_CAP_X86_SMM) <= 0)
    {
      g_assert_false (try_load (bare, state, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
      g_assert_nonnull (strstr (error->message, "pending events"));
      return;
    }
  assert_kept (bare, state);
  state->events->smm_inside_nmi = TRUE;
  assert_kept (bare, state);
  state->events->smm_pending = TRUE;
  assert_kept (bare, state);
}

/* a pointer in the state, what is missing without it, and what the message says */
static void
check_missing (BareKvm *bare, VpState *state, gpointer where, const char *part)
{
  gpointer *pointer = where;
  gpointer kept = *pointer;

  g_assert_nonnull (kept);
  *pointer = NULL;
  assert_corrupt (bare, state, part);
  *pointer = kept;
}

static void
test_refuses_what_is_missing (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  Openvmm__X86__SystemRegisters *system = state->system_registers;
  guint n_messages = 0;

  check_missing (bare, state, &state->registers, ": registers");
  check_missing (bare, state, &state->system_registers, "system registers");
  check_missing (bare, state, &state->debug_registers, "debug registers");
  check_missing (bare, state, &state->events, "events");
  for (guint i = 0; i < system->base.descriptor->n_fields; i++)
    {
      const ProtobufCFieldDescriptor *field = &system->base.descriptor->fields[i];

      if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        continue;
      check_missing (bare, state, (guint8 *) system + field->offset, "system registers");
      n_messages++;
    }
  g_assert_cmpuint (n_messages, ==, 10);
}

static void
check_counts (BareKvm *bare, VpState *state, size_t *n, gsize sound, const char *part)
{
  g_assert_cmpuint (*n, ==, sound);
  *n = sound - 1;
  assert_corrupt (bare, state, part);
  *n = sound + 1;
  assert_corrupt (bare, state, part);
  *n = 0;
  assert_corrupt (bare, state, part);
  *n = sound;
}

static void
test_refuses_wrong_counts (void)
{
  static uint64_t pdptrs[5];
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  Openvmm__X86__SystemRegisters *system = state->system_registers;

  check_counts (bare, state, &state->registers->n_r8_r15, 8, ": registers");
  check_counts (bare, state, &state->debug_registers->n_db, 4, "debug registers");
  system->pdptrs = pdptrs;
  system->n_pdptrs = 3;
  assert_corrupt (bare, state, "system registers");
  system->n_pdptrs = 5;
  assert_corrupt (bare, state, "system registers");
  system->n_pdptrs = 0;
  system->pdptrs = NULL;
}

static void
check_too_large (BareKvm *bare, VpState *state, guint32 *field, guint32 largest, const char *part)
{
  guint32 kept = *field;

  *field = largest + 1;
  assert_corrupt (bare, state, part);
  *field = G_MAXUINT32;
  assert_corrupt (bare, state, part);
  *field = kept;
}

static void
test_refuses_what_is_out_of_range (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  Openvmm__X86__SystemRegisters *system = state->system_registers;
  Segment *segments[] = { system->cs, system->ds, system->es, system->fs,
                          system->gs, system->ss, system->tr, system->ldt };

  for (guint i = 0; i < G_N_ELEMENTS (segments); i++)
    {
      check_too_large (bare, state, &segments[i]->selector, 0xffff, "system registers");
      check_too_large (bare, state, &segments[i]->type, 0xf, "system registers");
      check_too_large (bare, state, &segments[i]->dpl, 3, "system registers");
    }
  check_too_large (bare, state, &system->gdt->limit, 0xffff, "system registers");
  check_too_large (bare, state, &system->idt->limit, 0xffff, "system registers");
  check_too_large (bare, state, &state->events->exception_vector, 0xff, "events");
  check_too_large (bare, state, &state->events->interrupt_vector, 0xff, "events");
  check_too_large (bare, state, &state->events->interrupt_shadow, 0xff, "events");
  check_too_large (bare, state, &state->events->nmi_pending, 0xff, "events");
}

/* what only KVM can judge is its error, with what it was about */
static void
test_tells_what_kvm_refuses (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = save (bare);
  g_autoptr (GError) error = NULL;

  state->system_registers->cr0 = CR0_PAGING; /* without protection */
  g_assert_false (try_load (bare, state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "set a VP's system registers"));
  g_clear_error (&error);
  state->system_registers->cr0 = 0x10;
  state->debug_registers->dr7 = ABOVE_4G;
  g_assert_false (try_load (bare, state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "debug registers"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-registers/keeps-protected-mode", test_keeps_protected_mode);
  g_test_add_func ("/vmm/kvm-registers/keeps-long-mode", test_keeps_long_mode);
  g_test_add_func ("/vmm/kvm-registers/keeps-directory-pointers", test_keeps_directory_pointers);
  g_test_add_func ("/vmm/kvm-registers/keeps-events", test_keeps_events);
  g_test_add_func ("/vmm/kvm-registers/keeps-interrupt-shadow", test_keeps_interrupt_shadow);
  g_test_add_func ("/vmm/kvm-registers/keeps-management-mode", test_keeps_management_mode);
  g_test_add_func ("/vmm/kvm-registers/refuses-what-is-missing", test_refuses_what_is_missing);
  g_test_add_func ("/vmm/kvm-registers/refuses-wrong-counts", test_refuses_wrong_counts);
  g_test_add_func ("/vmm/kvm-registers/refuses-what-is-out-of-range", test_refuses_what_is_out_of_range);
  g_test_add_func ("/vmm/kvm-registers/tells-what-kvm-refuses", test_tells_what_kvm_refuses);
  return g_test_run ();
}
