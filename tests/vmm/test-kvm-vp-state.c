/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include <sys/ioctl.h>

#include "tests/vmm/bare-kvm.h"
#include "tests/vmm/message.h"

#define MSR_TSC 0x10u
#define MSR_PAT 0x277u
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_HYPERV_RUN_TIME 0x40000010u
#define MSR_HYPERV_TIME 0x40000020u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u

#define LAPIC_TPR 0x80u
#define LAPIC_PPR 0xa0u
#define LAPIC_SPURIOUS 0xf0u
#define LAPIC_ISR 0x100u
#define LAPIC_IRR 0x200u
#define LAPIC_ICR 0x300u
#define LAPIC_LVT_TIMER 0x320u
#define LAPIC_LVT_LINT0 0x350u
#define LAPIC_INITIAL_COUNT 0x380u
#define LAPIC_CURRENT_COUNT 0x390u
#define LAPIC_DIVIDE 0x3e0u
#define LVT_ONE_SHOT_MASKED 0x100efu
#define LVT_PERIODIC 0x200efu
#define LVT_DEADLINE_MASKED 0x500efu

#define XSAVE_FCW 0u
#define XSAVE_FTW 4u
#define XSAVE_MXCSR 24u
#define XSAVE_ST 32u   /* eight, 10 bytes used of 16 */
#define XSAVE_XMM 160u /* sixteen of 16 bytes */
#define XSAVE_BV 512u

#define LEAF_XSAVE 0xdu
#define LEAF_BRAND 0x80000002u
#define LEAF_ADDRESS_WIDTHS 0x80000008u

#define WAITED_USEC 50000
#define COUNTS_PER_USEC 1000u /* of KVM's local APIC */

#define N_MUTATIONS 500u
#define SEED 20261123u

typedef Openvmm__X86__VpState VpState;

static void
free_state (VpState *state)
{
  openvmm__x86__vp_state__free_unpacked (state, NULL);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpState, free_state)

static void
load (BareKvm *bare, guint index, const VpState *state)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_kvm_vp_load (bare_kvm_vp (bare, index), state, &error));
  g_assert_no_error (error);
}

static void
assert_refused (BareKvm *bare, const VpState *state, int code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmm_kvm_vp_load (bare_kvm_vp (bare, 0), state, &error));
  g_assert_error (error, VMM_ERROR, code);
  g_assert_nonnull (strstr (error->message, part));
}

static void
set_msr (VpState *state, guint32 index, guint64 value)
{
  for (gsize i = 0; i < state->n_msrs; i++)
    if (state->msrs[i]->index == index)
      {
        state->msrs[i]->value = value;
        return;
      }
  g_assert_not_reached ();
}

static guint64
get_msr (const VpState *state, guint32 index)
{
  for (gsize i = 0; i < state->n_msrs; i++)
    if (state->msrs[i]->index == index)
      return state->msrs[i]->value;
  g_assert_not_reached ();
}

static Openvmm__X86__CpuidEntry *
find_leaf (const VpState *state, guint32 function)
{
  for (gsize i = 0; i < state->n_cpuid; i++)
    if (state->cpuid[i]->function == function && state->cpuid[i]->index == 0)
      return state->cpuid[i];
  g_assert_not_reached ();
}

static void
put_u32 (ProtobufCBinaryData *bytes, guint offset, guint32 value)
{
  g_assert_cmpuint (offset + sizeof value, <=, bytes->len);
  memcpy (bytes->data + offset, &value, sizeof value);
}

static guint32
get_u32 (const ProtobufCBinaryData *bytes, guint offset)
{
  guint32 value;

  memcpy (&value, bytes->data + offset, sizeof value);
  return value;
}

static void
fill_xsave (ProtobufCBinaryData *xsave)
{
  put_u32 (xsave, XSAVE_FCW, 0x027f);
  put_u32 (xsave, XSAVE_FTW, 0x000000ff);
  put_u32 (xsave, XSAVE_MXCSR, 0x1fa0);
  for (guint i = 0; i < 8; i++)
    for (guint j = 0; j < 10; j++)
      xsave->data[XSAVE_ST + i * 16 + j] = 0x10 + i * 11 + j;
  for (guint i = 0; i < 256; i++)
    xsave->data[XSAVE_XMM + i] = i * 7 + 1;
  put_u32 (xsave, XSAVE_BV, 3); /* x87 and SSE */
}

static void
fill_lapic (ProtobufCBinaryData *lapic)
{
  put_u32 (lapic, LAPIC_TPR, 0x50);
  put_u32 (lapic, LAPIC_PPR, 0x50);
  put_u32 (lapic, LAPIC_SPURIOUS, 0x1ef);
  put_u32 (lapic, LAPIC_ISR + 0x20, 1u << 2); /* vector 0x42 */
  put_u32 (lapic, LAPIC_IRR + 0x10, 1u << 3); /* vector 0x23 */
  put_u32 (lapic, LAPIC_ICR, 0x000c08fb & ~(1u << 12));
  put_u32 (lapic, LAPIC_LVT_TIMER, LVT_DEADLINE_MASKED);
  put_u32 (lapic, LAPIC_LVT_LINT0, 0x10700);
  put_u32 (lapic, LAPIC_DIVIDE, 0xb);
}

/* a 64-bit kernel in the middle of its work */
static void
fill (VpState *state)
{
  Openvmm__X86__SystemRegisters *system = state->system_registers;

  message_fill (state->registers, (const MessageLimit[]){ { NULL } }, 1);
  for (gsize i = 0; i < state->registers->n_r8_r15; i++)
    state->registers->r8_r15[i] = 0xffff888000000000 + i;
  state->registers->rflags = 0x202;
  system->cs->base_address = 0;
  system->cs->limit = 0xffffffff;
  system->cs->selector = 0x10;
  system->cs->g = system->cs->l = TRUE;
  system->cs->db = FALSE;
  system->gdt->base_address = 0xfffffe0000001000;
  system->gdt->limit = 0x7f;
  system->cr0 = 0x80050033;
  system->cr2 = 0x7fff00001000;
  system->cr3 = 0x123000;
  system->cr4 = 0x6f0;
  system->cr8 = 5;
  system->efer = 0xd01;
  fill_xsave (&state->xsave);
  for (gsize i = 0; i < state->n_xcrs; i++)
    if (state->xcrs[i]->index == 0)
      state->xcrs[i]->value = find_leaf (state, LEAF_XSAVE)->eax & 3;
  for (gsize i = 0; i < state->debug_registers->n_db; i++)
    state->debug_registers->db[i] = 0xffffffff81000000 + i;
  state->debug_registers->dr7 = 0x455;
  fill_lapic (&state->lapic);
  find_leaf (state, LEAF_BRAND)->eax = 0x42434445;
  set_msr (state, MSR_PAT, 0x0606060400070106);
  set_msr (state, MSR_STAR, 0x0023001000000000);
  set_msr (state, MSR_LSTAR, 0xffffffff81000040);
  set_msr (state, MSR_TSC_DEADLINE, get_msr (state, MSR_TSC) + state->tsc_khz * G_GUINT64_CONSTANT (1000000));
  state->events->interrupt_injected = TRUE;
  state->events->interrupt_vector = 0xec;
}

static gboolean
is_clock (guint32 msr)
{
  return msr == MSR_TSC || msr == MSR_HYPERV_RUN_TIME || msr == MSR_HYPERV_TIME;
}

/* all but clocks, which go on meanwhile */
static void
assert_same (VpState *got, VpState *wanted)
{
  g_assert_cmpuint (got->n_msrs, ==, wanted->n_msrs);
  for (gsize i = 0; i < got->n_msrs; i++)
    if (is_clock (wanted->msrs[i]->index))
      got->msrs[i]->value = wanted->msrs[i]->value;
    else
      {
        g_test_message ("MSR 0x%x", wanted->msrs[i]->index);
        g_assert_cmphex (got->msrs[i]->index, ==, wanted->msrs[i]->index);
        g_assert_cmphex (got->msrs[i]->value, ==, wanted->msrs[i]->value);
      }
  message_assert_equal (got->registers, wanted->registers, "registers");
  message_assert_equal (got->system_registers, wanted->system_registers, "system registers");
  message_assert_equal (got->events, wanted->events, "events");
  for (guint i = 0; i < wanted->lapic.len; i += 16)
    if (get_u32 (&got->lapic, i) != get_u32 (&wanted->lapic, i))
      g_test_message ("local APIC, 0x%x", i);
  message_assert_equal (got, wanted, "a VP's state");
}

static void
test_keeps_everything (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (BareKvm) other = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) wanted = bare_kvm_save_vp (bare, 0);
  g_autoptr (VpState) got = NULL;
  g_autoptr (VpState) again = NULL;

  g_assert_cmpuint (wanted->xsave.len, ==, bare->kvm->xsave_size);
  g_assert_cmpuint (wanted->lapic.len, ==, 1024);
  g_assert_cmpuint (wanted->n_cpuid, ==, bare_kvm_vp (bare, 0)->cpuid->nent);
  g_assert_cmpuint (wanted->tsc_khz, >, 0);
  fill (wanted);
  load (bare, 0, wanted);
  got = bare_kvm_save_vp (bare, 0);
  assert_same (got, wanted);
  load (other, 0, got);
  again = bare_kvm_save_vp (other, 0);
  assert_same (again, wanted);
}

static void
test_keeps_run_state (void)
{
  static const guint states[] = { KVM_MP_STATE_HALTED, KVM_MP_STATE_RUNNABLE };
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 2);

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    for (guint vp = 0; vp < 2; vp++)
      {
        g_autoptr (VpState) state = bare_kvm_save_vp (bare, vp);
        g_autoptr (VpState) got = NULL;

        g_assert_cmpuint (state->index, ==, vp);
        if (i == 0)
          g_assert_cmpuint (state->mp_state, ==, vp == 0 ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED);
        fill (state); /* KVM takes a first VP at the reset vector for one that starts */
        state->mp_state = states[i];
        load (bare, vp, state);
        got = bare_kvm_save_vp (bare, vp);
        g_assert_cmpuint (got->mp_state, ==, states[i]);
      }
}

static void
test_passes_lag_on (void)
{
  const guint64 lag = 1ull << 60;
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = NULL;
  g_autoptr (GError) error = NULL;
  guint64 before;

  g_assert_true (vmm_kvm_vp_get_tsc (bare_kvm_vp (bare, 0), &before, &error));
  state = vmm_kvm_vp_save (bare_kvm_vp (bare, 0), lag, &error);
  g_assert_no_error (error);
  g_assert_true (bare_kvm_tsc_is_near (get_msr (state, MSR_TSC) + lag, before));
}

/* How wide an address of page tables may be is what the CPUID says at the time they are set. */
static void
test_sets_cpuid_before_registers (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);
  g_autoptr (VpState) got = NULL;
  guint32 widths;

  fill (state);
  widths = find_leaf (state, LEAF_ADDRESS_WIDTHS)->eax;
  g_assert_cmpuint (widths & 0xff, >, 37);
  find_leaf (state, LEAF_ADDRESS_WIDTHS)->eax = (widths & ~0xffu) | 36;
  load (bare, 0, state);
  state->system_registers->cr3 |= 1ull << 37;
  assert_refused (bare, state, VMM_ERROR_HOST, "system registers");
  find_leaf (state, LEAF_ADDRESS_WIDTHS)->eax = widths;
  load (bare, 0, state);
  got = bare_kvm_save_vp (bare, 0);
  assert_same (got, state);
}

/* CR8 and the local APIC's register are one thing; where the two differ, the APIC's is right. */
static void
test_sets_lapic_after_system_registers (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);
  g_autoptr (VpState) got = NULL;

  fill (state);
  state->system_registers->cr8 = 3;
  load (bare, 0, state);
  got = bare_kvm_save_vp (bare, 0);
  g_assert_cmphex (get_u32 (&got->lapic, LAPIC_TPR), ==, 0x50);
  g_assert_cmphex (got->system_registers->cr8, ==, 5);
}

static guint32
count_of (BareKvm *bare)
{
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);

  return get_u32 (&state->lapic, LAPIC_CURRENT_COUNT);
}

/* A timer counts down, and others may have told the VP something, while it waits to run for the first time. */
static void
test_takes_back_what_came_while_waiting (void)
{
  const guint32 count = G_MAXUINT32 - 16;
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);
  g_autoptr (VpState) waited = NULL;
  guint tries = 0;

  fill (state);
  put_u32 (&state->lapic, LAPIC_LVT_TIMER, LVT_ONE_SHOT_MASKED);
  put_u32 (&state->lapic, LAPIC_INITIAL_COUNT, G_MAXUINT32);
  put_u32 (&state->lapic, LAPIC_CURRENT_COUNT, count);
  set_msr (state, MSR_TSC_DEADLINE, 0);
  state->events->nmi_pending = 0;
  load (bare, 0, state);
  g_assert_cmpint (ioctl (bare_kvm_vp (bare, 0)->fd, KVM_NMI), ==, 0);
  do
    {
      g_autoptr (GError) error = NULL;

      g_usleep (WAITED_USEC);
      g_assert_cmpuint (count_of (bare), <=, count - WAITED_USEC * COUNTS_PER_USEC);
      g_assert_true (vmm_kvm_vp_load_timers (bare_kvm_vp (bare, 0), state, &error));
      g_assert_no_error (error);
    }
  while (count_of (bare) <= count - WAITED_USEC * COUNTS_PER_USEC &&
         tries++ < 100); /* a loaded host is slow */
  g_assert_cmpuint (tries, <, 100);
  waited = bare_kvm_save_vp (bare, 0);
  g_assert_cmpuint (waited->events->nmi_pending, ==, 0);
}

static void
test_tells_of_timers (void)
{
  static const struct
  {
    guint32 lvt_timer;
    guint32 initial_count;
    gboolean may_have;
  } cases[] = {
    { LVT_ONE_SHOT_MASKED, 0, FALSE },  { LVT_ONE_SHOT_MASKED, 1, TRUE }, { LVT_PERIODIC, 0, FALSE },
    { LVT_PERIODIC, 0x80000000, TRUE }, { LVT_DEADLINE_MASKED, 0, TRUE },
  };
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);

  g_assert_false (vmm_kvm_vp_may_have_timer (state));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      put_u32 (&state->lapic, LAPIC_LVT_TIMER, cases[i].lvt_timer);
      put_u32 (&state->lapic, LAPIC_INITIAL_COUNT, cases[i].initial_count);
      g_assert_cmpint (vmm_kvm_vp_may_have_timer (state), ==, cases[i].may_have);
    }
  put_u32 (&state->lapic, LAPIC_LVT_TIMER, LVT_ONE_SHOT_MASKED);
  put_u32 (&state->lapic, LAPIC_INITIAL_COUNT, 0);
  state->lapic.len--;
  g_assert_true (vmm_kvm_vp_may_have_timer (state));
  state->lapic.len++;
}

static void
test_refuses_other_vp (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 2);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 1);

  assert_refused (bare, state, VMM_ERROR_CORRUPT, "VP 0");
  state->index = 0;
  load (bare, 0, state);
}

static void
check_missing (BareKvm *bare, VpState *state, gpointer where, const char *part)
{
  gpointer *pointer = where;
  gpointer kept = *pointer;

  *pointer = NULL;
  assert_refused (bare, state, VMM_ERROR_CORRUPT, part);
  *pointer = kept;
}

static void
test_refuses_what_is_missing (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);

  check_missing (bare, state, &state->registers, "registers");
  check_missing (bare, state, &state->system_registers, "system registers");
  check_missing (bare, state, &state->debug_registers, "debug registers");
  check_missing (bare, state, &state->events, "pending events");
  load (bare, 0, state);
}

static void
check_length (BareKvm *bare, VpState *state, size_t *length, gsize wrong, const char *part)
{
  gsize kept = *length;

  *length = wrong;
  assert_refused (bare, state, VMM_ERROR_CORRUPT, part);
  *length = kept;
}

static void
test_refuses_wrong_lengths (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);

  check_length (bare, state, &state->xsave.len, 0, "XSAVE area");
  check_length (bare, state, &state->xsave.len, 4095, "XSAVE area");
  check_length (bare, state, &state->lapic.len, 0, "local APIC");
  check_length (bare, state, &state->lapic.len, 1023, "local APIC");
  check_length (bare, state, &state->lapic.len, 1025, "local APIC");
  check_length (bare, state, &state->n_cpuid, 0, "CPUID leaves");
  check_length (bare, state, &state->n_cpuid, 257, "CPUID leaves");
  check_length (bare, state, &state->n_xcrs, KVM_MAX_XCRS + 1, "extended control registers");
  check_length (bare, state, &state->n_xcrs, G_MAXSIZE, "extended control registers");
  check_length (bare, state, &state->n_msrs, 2049, "MSRs");
  load (bare, 0, state);
}

static void
test_xsave_area_of_other_hosts (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);
  g_autoptr (VpState) got = NULL;
  gsize size = state->xsave.len;

  fill (state);
  state->xsave.data = g_realloc (state->xsave.data, size + 1);
  state->xsave.data[size] = 0;
  state->xsave.len = size + 1;
  assert_refused (bare, state, VMM_ERROR_INCOMPATIBLE, "XSAVE area of VP 0");
  /* one that is smaller is taken, the rest being as it is at power-on */
  state->xsave.len = sizeof (struct kvm_xsave);
  load (bare, 0, state);
  got = bare_kvm_save_vp (bare, 0);
  g_assert_cmpuint (got->xsave.len, ==, size);
  g_assert_cmpmem (got->xsave.data + XSAVE_ST, 384, state->xsave.data + XSAVE_ST, 384);
}

static void
check_tsc_khz (BareKvm *bare, VpState *state, guint khz, gboolean is_near)
{
  VmmKvmVp *vp = bare_kvm_vp (bare, 0);
  guint ours = vmm_kvm_ask_tsc_khz (vp);

  state->tsc_khz = khz;
  if (is_near)
    {
      load (bare, 0, state);
      g_assert_cmpuint (vmm_kvm_ask_tsc_khz (vp), ==, ours);
    }
  else if (vmm_kvm_check_extension (bare->kvm, KVM_CAP_TSC_CONTROL) > 0)
    {
      load (bare, 0, state);
      g_assert_cmpuint (vmm_kvm_ask_tsc_khz (vp), ==, khz);
      state->tsc_khz = ours;
      load (bare, 0, state);
      g_assert_cmpuint (vmm_kvm_ask_tsc_khz (vp), ==, ours);
    }
  else
    {
      g_autofree char *rate = g_strdup_printf ("runs at %u kHz, this host's at %u,", khz, ours);

      assert_refused (bare, state, VMM_ERROR_INCOMPATIBLE, rate);
      g_assert_cmpuint (vmm_kvm_ask_tsc_khz (vp), ==, ours);
    }
}

static void
test_rate_of_time_stamp_counter (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);
  guint ours = state->tsc_khz;
  guint tolerated = (guint64) ours * 250 / 1000000;

  g_assert_cmpuint (tolerated, >, 0);
  check_tsc_khz (bare, state, 0, TRUE); /* a host that did not tell */
  check_tsc_khz (bare, state, ours, TRUE);
  check_tsc_khz (bare, state, ours + tolerated, TRUE);
  check_tsc_khz (bare, state, ours - tolerated, TRUE);
  check_tsc_khz (bare, state, ours + tolerated + 1, FALSE);
  check_tsc_khz (bare, state, ours - tolerated - 1, FALSE);
  check_tsc_khz (bare, state, ours / 2, FALSE);
}

static void
test_refuses_unknown_run_state (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);

  state->mp_state = 99;
  assert_refused (bare, state, VMM_ERROR_HOST, "run state");
}

static guint64
hostile_number (GRand *random)
{
  static const guint64 numbers[] = { 0,          1,           0xff,       0x100,      0xffff,
                                     G_MAXINT32, G_MAXUINT32, G_MAXINT64, G_MAXUINT64 };

  if (g_rand_boolean (random))
    return numbers[g_rand_int_range (random, 0, G_N_ELEMENTS (numbers))];
  return (guint64) g_rand_int (random) << 32 | g_rand_int (random);
}

static void
damage_bytes (GRand *random, ProtobufCBinaryData *bytes)
{
  if (bytes->len == 0)
    return;
  if (g_rand_int_range (random, 0, 4) == 0)
    bytes->len = g_rand_int_range (random, 0, bytes->len);
  else
    for (guint i = g_rand_int_range (random, 1, 64); i > 0; i--)
      bytes->data[g_rand_int_range (random, 0, bytes->len)] = g_rand_int (random);
}

/* one field somewhere in it, that was, for all we know, in order */
static void
damage_message (GRand *random, ProtobufCMessage *message)
{
  const ProtobufCFieldDescriptor *field =
      &message->descriptor->fields[g_rand_int_range (random, 0, message->descriptor->n_fields)];
  gpointer where = (guint8 *) message + field->offset;
  gboolean is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
  size_t *n = is_repeated ? (size_t *) ((guint8 *) message + field->quantifier_offset) : NULL;

  if (is_repeated && *n == 0)
    return;
  if (is_repeated && field->type == PROTOBUF_C_TYPE_MESSAGE)
    damage_message (random, (*(ProtobufCMessage ***) where)[g_rand_int_range (random, 0, *n)]);
  else if (is_repeated)
    (*(guint64 **) where)[g_rand_int_range (random, 0, *n)] = hostile_number (random);
  else if (field->type == PROTOBUF_C_TYPE_BYTES)
    damage_bytes (random, where);
  else if (field->type != PROTOBUF_C_TYPE_MESSAGE)
    message_set (message, field->name, hostile_number (random));
  else if (*(gpointer *) where != NULL && g_rand_int_range (random, 0, 8) > 0)
    damage_message (random, *(ProtobufCMessage **) where);
  else
    {
      protobuf_c_message_free_unpacked (*(ProtobufCMessage **) where, NULL);
      *(gpointer *) where = NULL;
    }
}

/* fields changed, or bytes, a piece taken out or said twice, the end cut off */
static GByteArray *
mutate (GRand *random, const VpState *sound)
{
  g_autoptr (GBytes) packed = message_pack ((gpointer) sound);
  g_autoptr (VpState)
      copy = openvmm__x86__vp_state__unpack (NULL, g_bytes_get_size (packed), g_bytes_get_data (packed, NULL));
  g_autoptr (GBytes) damaged = NULL;
  GByteArray *bytes;
  guint at, length;

  for (guint i = g_rand_int_range (random, 0, 4); i > 0; i--)
    damage_message (random, &copy->base);
  damaged = message_pack (copy);
  bytes = g_bytes_unref_to_array (g_steal_pointer (&damaged));
  at = g_rand_int_range (random, 0, bytes->len);
  length = MIN ((guint) g_rand_int_range (random, 1, 64), bytes->len - at);
  switch (g_rand_int_range (random, 0, 16))
    {
    case 0:
      g_byte_array_set_size (bytes, at);
      break;
    case 1:
      g_byte_array_remove_range (bytes, at, length);
      break;
    case 2:
      g_byte_array_append (bytes, g_bytes_get_data (packed, NULL), at);
      break;
    case 3:
    case 4:
      bytes->data[at] = g_rand_int (random);
      break;
    default:
      break;
    }
  return bytes;
}

static void
load_hostile (BareKvm *bare, const GByteArray *bytes, guint *n_loaded, guint *n_refused)
{
  g_autoptr (VpState) state = openvmm__x86__vp_state__unpack (NULL, bytes->len, bytes->data);
  g_autoptr (VpState) saved = NULL;
  g_autoptr (GError) error = NULL;

  if (state == NULL)
    return;
  if (vmm_kvm_vp_load (bare_kvm_vp (bare, 0), state, &error))
    {
      g_assert_no_error (error);
      ++*n_loaded;
    }
  else
    {
      g_assert_true (g_error_matches (error, VMM_ERROR, VMM_ERROR_CORRUPT) ||
                     g_error_matches (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE) ||
                     g_error_matches (error, VMM_ERROR, VMM_ERROR_HOST));
      ++*n_refused;
    }
  g_clear_error (&error);
  /* whatever it is now, it can be asked for */
  if (!vmm_kvm_check_cpu (state, VMM_CPU_SUPERSET, &error))
    g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_clear_error (&error);
  saved = vmm_kvm_vp_save (bare_kvm_vp (bare, 0), 0, &error);
  g_assert_no_error (error);
}

static void
test_survives_hostile_state (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (VpState) state = bare_kvm_save_vp (bare, 0);
  GRand *random = g_rand_new_with_seed (SEED);
  guint n_loaded = 0, n_refused = 0;

  fill (state);
  for (guint i = 0; i < N_MUTATIONS; i++)
    {
      g_autoptr (GByteArray) bytes = mutate (random, state);

      load_hostile (bare, bytes, &n_loaded, &n_refused);
    }
  g_rand_free (random);
  g_test_message ("%u loaded, %u refused, the rest could not be decoded", n_loaded, n_refused);
  g_assert_cmpuint (n_loaded, >, N_MUTATIONS / 10);
  g_assert_cmpuint (n_refused, >, N_MUTATIONS / 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-vp-state/keeps-everything", test_keeps_everything);
  g_test_add_func ("/vmm/kvm-vp-state/keeps-run-state", test_keeps_run_state);
  g_test_add_func ("/vmm/kvm-vp-state/passes-lag-on", test_passes_lag_on);
  g_test_add_func ("/vmm/kvm-vp-state/sets-cpuid-before-registers", test_sets_cpuid_before_registers);
  g_test_add_func ("/vmm/kvm-vp-state/sets-lapic-after-system-registers",
                   test_sets_lapic_after_system_registers);
  g_test_add_func ("/vmm/kvm-vp-state/takes-back-what-came-while-waiting",
                   test_takes_back_what_came_while_waiting);
  g_test_add_func ("/vmm/kvm-vp-state/tells-of-timers", test_tells_of_timers);
  g_test_add_func ("/vmm/kvm-vp-state/refuses-other-vp", test_refuses_other_vp);
  g_test_add_func ("/vmm/kvm-vp-state/refuses-what-is-missing", test_refuses_what_is_missing);
  g_test_add_func ("/vmm/kvm-vp-state/refuses-wrong-lengths", test_refuses_wrong_lengths);
  g_test_add_func ("/vmm/kvm-vp-state/refuses-unknown-run-state", test_refuses_unknown_run_state);
  g_test_add_func ("/vmm/kvm-vp-state/xsave-area-of-other-hosts", test_xsave_area_of_other_hosts);
  g_test_add_func ("/vmm/kvm-vp-state/rate-of-time-stamp-counter", test_rate_of_time_stamp_counter);
  g_test_add_func ("/vmm/kvm-vp-state/survives-hostile-state", test_survives_hostile_state);
  return g_test_run ();
}
