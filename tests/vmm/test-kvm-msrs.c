/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include "tests/vmm/bare-kvm.h"

#define MSR_TSC 0x10u
#define MSR_MTRR_CAP 0xfeu /* read-only, and not 0 */
#define MSR_SYSENTER_ESP 0x175u
#define MSR_PAT 0x277u
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_XSS 0xda0u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SYSCALL_MASK 0xc0000084u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_NONE 0x12345678u

#define PAT_POWER_ON G_GUINT64_CONSTANT (0x0007040600070406)
#define PAT_OTHER G_GUINT64_CONSTANT (0x0606060400070106)

#define LAPIC_SPURIOUS 0xf0u
#define LAPIC_LVT_TIMER 0x320u
#define LVT_DEADLINE_MASKED 0x500efu

#define MSRS_MAX 2048u

typedef Openvmm__X86__VpState VpState;
typedef Openvmm__X86__Msr Msr;

/* a state with MSRs and nothing else */
typedef struct
{
  VpState state;
  Msr *pointers[MSRS_MAX + 1];
  Msr msrs[MSRS_MAX + 1];
} MsrState;

static MsrState *
new_state (void)
{
  MsrState *state = g_new0 (MsrState, 1);

  openvmm__x86__vp_state__init (&state->state);
  state->state.msrs = state->pointers;
  for (guint i = 0; i < G_N_ELEMENTS (state->msrs); i++)
    {
      openvmm__x86__msr__init (&state->msrs[i]);
      state->pointers[i] = &state->msrs[i];
    }
  return state;
}

static void
append (MsrState *state, guint32 index, guint64 value)
{
  g_assert_cmpuint (state->state.n_msrs, <, G_N_ELEMENTS (state->msrs));
  state->msrs[state->state.n_msrs].index = index;
  state->msrs[state->state.n_msrs].value = value;
  state->state.n_msrs++;
}

static void
load (BareKvm *bare, const MsrState *state)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_kvm_load_msrs (bare_kvm_vp (bare, 0), &state->state, &error));
  g_assert_no_error (error);
}

static void
assert_incompatible (BareKvm *bare, const MsrState *state, const char *wanted)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmm_kvm_load_msrs (bare_kvm_vp (bare, 0), &state->state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, wanted));
}

static void
save (BareKvm *bare, guint64 tsc_lag, VpState *state)
{
  g_autoptr (GError) error = NULL;

  openvmm__x86__vp_state__init (state);
  g_assert_true (vmm_kvm_save_msrs (bare_kvm_vp (bare, 0), tsc_lag, state, &error));
  g_assert_no_error (error);
}

static void
clear (VpState *state)
{
  for (gsize i = 0; i < state->n_msrs; i++)
    openvmm__x86__msr__free_unpacked (state->msrs[i], NULL);
  g_free (state->msrs);
}

/* the MSR's value; it must be there once */
static guint64
value_of (const VpState *state, guint32 index)
{
  const Msr *found = NULL;

  for (gsize i = 0; i < state->n_msrs; i++)
    if (state->msrs[i]->index == index)
      {
        g_assert_null (found);
        found = state->msrs[i];
      }
  g_assert_nonnull (found);
  return found->value;
}

/* what KVM itself says */
static gboolean
read_msr (BareKvm *bare, guint32 index, guint64 *value)
{
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entry;
  } msrs = { .header.nmsrs = 1, .entry.index = index };
  g_autoptr (GError) error = NULL;
  int n = vmm_kvm_ioctl (bare_kvm_vp (bare, 0)->fd, KVM_GET_MSRS, &msrs, "read an MSR", &error);

  g_assert_no_error (error);
  *value = msrs.entry.data;
  return n == 1;
}

static void
use_deadline_timer (BareKvm *bare)
{
  struct kvm_lapic_state lapic;
  g_autoptr (GError) error = NULL;
  guint32 value;

  g_assert_cmpint (vmm_kvm_ioctl (bare_kvm_vp (bare, 0)->fd, KVM_GET_LAPIC, &lapic, "read", &error), >=, 0);
  value = 0x1ff;
  memcpy (lapic.regs + LAPIC_SPURIOUS, &value, sizeof value);
  value = LVT_DEADLINE_MASKED;
  memcpy (lapic.regs + LAPIC_LVT_TIMER, &value, sizeof value);
  g_assert_cmpint (vmm_kvm_ioctl (bare_kvm_vp (bare, 0)->fd, KVM_SET_LAPIC, &lapic, "set", &error), >=, 0);
  g_assert_no_error (error);
}

/* a quarter of an hour from now */
static guint64
far_deadline (BareKvm *bare)
{
  guint64 now;

  g_assert_true (read_msr (bare, MSR_TSC, &now));
  return now + vmm_kvm_ask_tsc_khz (bare_kvm_vp (bare, 0)) * G_GUINT64_CONSTANT (1000000);
}

static void
test_keeps_values (void)
{
  static const struct
  {
    guint32 index;
    guint64 value;
  } wanted[] = {
    { MSR_SYSENTER_ESP, 0x80001170 },           { MSR_PAT, PAT_OTHER },
    { MSR_STAR, 0x0023001000000000 },           { MSR_LSTAR, 0xffffffff81000040 },
    { MSR_CSTAR, 0xffffffff81000080 },          { MSR_SYSCALL_MASK, 0x47700 },
    { MSR_KERNEL_GS_BASE, 0xffff888012345000 },
  };
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autofree MsrState *state = new_state ();
  VpState saved;

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    append (state, wanted[i].index, wanted[i].value);
  load (bare, state);
  /* the lag is the time-stamp counter's alone */
  save (bare, G_MAXUINT32, &saved);
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    g_assert_cmphex (value_of (&saved, wanted[i].index), ==, wanted[i].value);
  clear (&saved);
}

/* memory types: variable ranges, fixed ranges, default */
static void
add_memory_types (BareKvm *bare, GHashTable *wanted)
{
  static const struct
  {
    guint32 first, last;
  } ranges[] = { { 0x200, 0x20f }, { 0x250, 0x250 }, { 0x258, 0x259 }, { 0x268, 0x26f }, { 0x2ff, 0x2ff } };
  guint64 value;

  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    for (guint32 index = ranges[i].first; index <= ranges[i].last; index++)
      if (read_msr (bare, index, &value))
        g_hash_table_add (wanted, GUINT_TO_POINTER (index));
}

/*
 * all that KVM lists and that can be read is saved, once; XSS, asynchronous page faults and memory types even if not
 * listed
 */
static void
test_saves_all_that_can_be_read (void)
{
  static const guint32 always[] = { MSR_XSS, 0x4b564d06, 0x4b564d07 };
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (GHashTable) wanted = g_hash_table_new (NULL, NULL);
  const struct kvm_msr_list *listed = bare->kvm->host->msrs;
  VpState saved;
  guint64 value;

  for (guint i = 0; i < listed->nmsrs; i++)
    if (read_msr (bare, listed->indices[i], &value))
      g_hash_table_add (wanted, GUINT_TO_POINTER (listed->indices[i]));
  for (guint i = 0; i < G_N_ELEMENTS (always); i++)
    if (read_msr (bare, always[i], &value))
      g_hash_table_add (wanted, GUINT_TO_POINTER (always[i]));
  add_memory_types (bare, wanted);
  g_assert_true (g_hash_table_contains (wanted, GUINT_TO_POINTER (MSR_TSC)));
  g_assert_true (g_hash_table_contains (wanted, GUINT_TO_POINTER (MSR_MTRR_DEF_TYPE)));
  save (bare, 0, &saved);
  g_assert_cmpuint (saved.n_msrs, ==, g_hash_table_size (wanted));
  for (gsize i = 0; i < saved.n_msrs; i++)
    g_assert_true (g_hash_table_remove (wanted, GUINT_TO_POINTER (saved.msrs[i]->index)));
  clear (&saved);
}

/* with a list that has neither XSS nor memory types, but one that KVM does not know */
static void
test_list_of_older_kernel (void)
{
  struct
  {
    struct kvm_msr_list header;
    guint32 indices[2];
  } listed = { { .nmsrs = 2 }, { MSR_PAT, MSR_NONE } };
  g_autofree struct kvm_msr_list *completed = vmm_kvm_complete_msr_list (&listed.header);
  VmmKvmHost older;
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  guint64 value;
  gboolean has_xss = read_msr (bare, MSR_XSS, &value);
  gboolean has_page_faults = read_msr (bare, 0x4b564d06, &value);
  g_autoptr (GHashTable) memory_types = g_hash_table_new (NULL, NULL);
  VpState saved;

  add_memory_types (bare, memory_types);
  older = *bare->kvm->host;
  older.msrs = completed;
  bare->kvm->host = &older;
  save (bare, 0, &saved);
  g_assert_cmpuint (saved.n_msrs, ==, 1 + has_xss + 2 * has_page_faults + g_hash_table_size (memory_types));
  g_assert_cmphex (value_of (&saved, MSR_PAT), ==, PAT_POWER_ON);
  if (has_xss)
    g_assert_cmphex (value_of (&saved, MSR_XSS), ==, 0);
  clear (&saved);
}

static void
test_takes_lag_off (void)
{
  const guint64 lag = 1ull << 60;
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  guint64 before;
  VpState saved;

  g_assert_true (read_msr (bare, MSR_TSC, &before));
  save (bare, lag, &saved);
  g_assert_true (bare_kvm_tsc_is_near (value_of (&saved, MSR_TSC) + lag, before));
  clear (&saved);
}

static void
test_keeps_deadline (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autofree MsrState *state = new_state ();
  guint64 deadline = far_deadline (bare);
  VpState saved;

  use_deadline_timer (bare);
  append (state, MSR_TSC_DEADLINE, deadline);
  append (state, MSR_PAT, PAT_OTHER);
  load (bare, state);
  save (bare, 1000, &saved);
  g_assert_cmphex (value_of (&saved, MSR_TSC_DEADLINE), ==, deadline);
  g_assert_cmphex (value_of (&saved, MSR_PAT), ==, PAT_OTHER);
  clear (&saved);
}

/* what stands after it in the list is set before it: so a failure there leaves the timer as it was */
static void
test_sets_deadline_last (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autofree MsrState *state = new_state ();
  guint64 deadline = far_deadline (bare);
  guint64 value;

  use_deadline_timer (bare);
  append (state, MSR_LSTAR, 0x1000);
  append (state, MSR_TSC_DEADLINE, deadline);
  append (state, MSR_MTRR_CAP, 0);
  assert_incompatible (bare, state, "MSR 0xfe ");
  g_assert_true (read_msr (bare, MSR_LSTAR, &value));
  g_assert_cmphex (value, ==, 0x1000);
  g_assert_true (read_msr (bare, MSR_TSC_DEADLINE, &value));
  g_assert_cmphex (value, ==, 0);
  state->msrs[2].index = MSR_PAT;
  state->msrs[2].value = PAT_OTHER;
  load (bare, state);
  g_assert_true (read_msr (bare, MSR_TSC_DEADLINE, &value));
  g_assert_cmphex (value, ==, deadline);
}

static void
test_names_what_cannot_be_set (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autofree MsrState *state = new_state ();

  append (state, MSR_MTRR_CAP, 0xabcdef012345);
  assert_incompatible (bare, state, "cannot set MSR 0xfe of VP 0 to 0xabcdef012345");
}

static void
test_accepts_read_only_of_same_value (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autofree MsrState *state = new_state ();
  guint64 value;

  g_assert_true (read_msr (bare, MSR_MTRR_CAP, &value));
  g_assert_cmphex (value, !=, 0);
  append (state, MSR_MTRR_CAP, value);
  load (bare, state);
  state->msrs[0].value = value + 1;
  assert_incompatible (bare, state, "MSR 0xfe ");
}

static void
test_refuses_too_many (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autofree MsrState *state = new_state ();
  g_autoptr (GError) error = NULL;
  guint64 value;

  for (guint i = 0; i < MSRS_MAX; i++)
    append (state, MSR_LSTAR, i);
  load (bare, state);
  g_assert_true (read_msr (bare, MSR_LSTAR, &value));
  g_assert_cmphex (value, ==, MSRS_MAX - 1);
  append (state, MSR_LSTAR, 0);
  g_assert_false (vmm_kvm_load_msrs (bare_kvm_vp (bare, 0), &state->state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "VP 0"));
  g_assert_true (read_msr (bare, MSR_LSTAR, &value));
  g_assert_cmphex (value, ==, MSRS_MAX - 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-msrs/keeps-values", test_keeps_values);
  g_test_add_func ("/vmm/kvm-msrs/saves-all-that-can-be-read", test_saves_all_that_can_be_read);
  g_test_add_func ("/vmm/kvm-msrs/list-of-older-kernel", test_list_of_older_kernel);
  g_test_add_func ("/vmm/kvm-msrs/takes-lag-off", test_takes_lag_off);
  g_test_add_func ("/vmm/kvm-msrs/keeps-deadline", test_keeps_deadline);
  g_test_add_func ("/vmm/kvm-msrs/sets-deadline-last", test_sets_deadline_last);
  g_test_add_func ("/vmm/kvm-msrs/names-what-cannot-be-set", test_names_what_cannot_be_set);
  g_test_add_func ("/vmm/kvm-msrs/accepts-read-only-of-same-value", test_accepts_read_only_of_same_value);
  g_test_add_func ("/vmm/kvm-msrs/refuses-too-many", test_refuses_too_many);
  return g_test_run ();
}
