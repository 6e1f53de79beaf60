/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include "tests/vmm/bare-kvm.h"

#define FAMILY_6_MODEL_85_STEPPING_4 0x00050654u
#define FAMILY_6_MODEL_85_STEPPING_7 0x00050657u
#define FAMILY_25_MODEL_17_STEPPING_1 0x00a10f11u

/* a host, and a guest that was made on one just like it, until a test changes either */
typedef struct
{
  VmmKvmHost host;
  struct kvm_cpuid2 *cpuid;
  Openvmm__X86__CpuidEntry leaves[8];
  Openvmm__X86__CpuidEntry *pointers[8];
  Openvmm__X86__VpState state;
} Pair;

static const struct kvm_cpuid_entry2 host_leaves[] = {
  { .function = 0x0, .eax = 0xd, .ebx = 0x756e6547, .edx = 0x49656e69, .ecx = 0x6c65746e },
  { .function = 0x1, .eax = FAMILY_6_MODEL_85_STEPPING_4, .ecx = 0x80202001, .edx = 0x17cbfbff },
  { .function = 0x7, .index = 0, .ebx = 0x00010020, .ecx = 0x00400000, .edx = 0x84000000 },
  { .function = 0xd, .index = 0, .eax = 0xe7 },
  { .function = 0xd, .index = 1, .eax = 0xf },
  { .function = 0x40000001, .eax = 0x01000009 },
  { .function = 0x80000001, .ecx = 0x00000101, .edx = 0x2c100800 },
  { .function = 0x80000008, .eax = 0x302e },
};

static Pair *
pair_new (void)
{
  Pair *pair = g_new0 (Pair, 1);

  pair->cpuid = vmm_kvm_cpuid_alloc (G_N_ELEMENTS (host_leaves));
  memcpy (pair->cpuid->entries, host_leaves, sizeof host_leaves);
  pair->host = (VmmKvmHost){ .fd = -1, .cpuid = pair->cpuid };
  openvmm__x86__vp_state__init (&pair->state);
  pair->state.cpuid = pair->pointers;
  pair->state.n_cpuid = G_N_ELEMENTS (host_leaves);
  for (gsize i = 0; i < G_N_ELEMENTS (host_leaves); i++)
    {
      Openvmm__X86__CpuidEntry *leaf = &pair->leaves[i];

      openvmm__x86__cpuid_entry__init (leaf);
      leaf->function = host_leaves[i].function;
      leaf->index = host_leaves[i].index;
      leaf->eax = host_leaves[i].eax;
      leaf->ebx = host_leaves[i].ebx;
      leaf->ecx = host_leaves[i].ecx;
      leaf->edx = host_leaves[i].edx;
      pair->pointers[i] = leaf;
    }
  return pair;
}

static void
pair_free (Pair *pair)
{
  g_free (pair->cpuid);
  g_free (pair);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

static guint32 *
register_of (struct kvm_cpuid_entry2 *entry, guint reg)
{
  return (guint32 *[]){ &entry->eax, &entry->ebx, &entry->ecx, &entry->edx }[reg];
}

static void
assert_accepted (const Pair *pair, VmmCpuPolicy policy)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_kvm_host_check_cpu (&pair->host, &pair->state, policy, &error));
  g_assert_no_error (error);
}

static void
assert_refused (const Pair *pair, VmmCpuPolicy policy, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmm_kvm_host_check_cpu (&pair->host, &pair->state, policy, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' is not in: %s", part, error->message);
}

static void
test_accepts_what_it_made (void)
{
  static const guint vp_counts[] = { 1, 2, 3, 5, 64 };

  for (guint i = 0; i < G_N_ELEMENTS (vp_counts); i++)
    {
      g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 0);
      g_autoptr (VmmKvmVp) vp = NULL;
      g_autoptr (GError) error = NULL;
      Openvmm__X86__VpState *state;

      vp = vmm_kvm_vp_new (bare->kvm, vp_counts[i] - 1, vp_counts[i], &error);
      g_assert_no_error (error);
      state = vmm_kvm_vp_save (vp, 0, &error);
      g_assert_no_error (error);
      g_assert_true (vmm_kvm_check_cpu (state, VMM_CPU_EXACT, &error));
      g_assert_no_error (error);
      g_assert_true (vmm_kvm_check_cpu (state, VMM_CPU_SUPERSET, &error));
      g_assert_no_error (error);
      openvmm__x86__vp_state__free_unpacked (state, NULL);
    }
}

/* takes each feature that the guest has seen away from the host, one by one */
static void
test_misses_each_feature (void)
{
  g_autoptr (Pair) pair = pair_new ();
  guint n = 0;

  assert_accepted (pair, VMM_CPU_EXACT);
  for (guint i = 2; i < G_N_ELEMENTS (host_leaves) - 1; i++)
    for (guint reg = 0; reg < 4; reg++)
      for (guint bit = 0; bit < 32; bit++)
        {
          struct kvm_cpuid_entry2 *entry = &pair->cpuid->entries[i];
          g_autofree char *place = NULL;

          if ((*register_of (entry, reg) & 1u << bit) == 0)
            continue;
          place = g_strdup_printf ("CPUID 0x%x.%u %s bit %u",
                                   entry->function,
                                   entry->index,
                                   (const char *[]){ "EAX", "EBX", "ECX", "EDX" }[reg],
                                   bit);
          *register_of (entry, reg) ^= 1u << bit;
          if (entry->function == 0x80000001 && reg == 2 && bit == 1) /* cmp_legacy is what we make it */
            assert_accepted (pair, VMM_CPU_SUPERSET);
          else
            assert_refused (pair, VMM_CPU_SUPERSET, place);
          *register_of (entry, reg) ^= 1u << bit;
          n++;
        }
  g_assert_cmpuint (n, ==, 25);
  assert_accepted (pair, VMM_CPU_EXACT);
}

static void
test_names_all_that_is_missing (void)
{
  g_autoptr (Pair) pair = pair_new ();

  pair->cpuid->entries[1].ecx &= ~(1u << 13);
  pair->cpuid->entries[2].ebx = 0;
  pair->cpuid->entries[5].eax = 0x9;
  pair->cpuid->entries[7].eax = 0x3027;
  assert_refused (pair,
                  VMM_CPU_SUPERSET,
                  "lacks 5 of the features that the guest has seen: cx16 (CPUID 0x1.0 ECX bit 13), "
                  "avx2 (CPUID 0x7.0 EBX bit 5), avx512f (CPUID 0x7.0 EBX bit 16), "
                  "kvm_clock_stable (CPUID 0x40000001.0 EAX bit 24), "
                  "physical addresses of 46 bits (it has 39); restore");
  /* a leaf that is not there at all has nothing */
  pair->cpuid->entries[2].function = 0x12345678;
  assert_refused (pair, VMM_CPU_EXACT, "spec_ctrl (CPUID 0x7.0 EDX bit 26)");
}

static void
test_accepts_more (void)
{
  g_autoptr (Pair) pair = pair_new ();

  /* a newer kernel, on the same processor: the guest does not hear of it */
  pair->cpuid->entries[2].ebx = 0xffffffff;
  pair->cpuid->entries[5].eax = 0xffffffff;
  pair->cpuid->entries[7].eax = 0x3034;
  assert_accepted (pair, VMM_CPU_EXACT);
  assert_accepted (pair, VMM_CPU_SUPERSET);
}

static void
test_other_models_by_policy (void)
{
  g_autoptr (Pair) pair = pair_new ();

  pair->cpuid->entries[1].eax = FAMILY_6_MODEL_85_STEPPING_7;
  pair->cpuid->entries[2].ecx |= 1u << 11;
  assert_accepted (pair, VMM_CPU_SUPERSET);
  assert_refused (pair, VMM_CPU_EXACT, "another model: family 6, model 85, stepping 7, expected ");
  assert_refused (pair, VMM_CPU_EXACT, "expected family 6, model 85, stepping 4; the option cpu=superset");
  pair->cpuid->entries[1].eax = FAMILY_25_MODEL_17_STEPPING_1;
  assert_refused (pair, VMM_CPU_EXACT, "another model: family 25, model 17, stepping 1, expected ");
  /* what is missing is told first: there no option helps */
  pair->cpuid->entries[2].ebx = 0;
  assert_refused (pair, VMM_CPU_EXACT, "lacks 2 of the features");
}

static void
test_other_makers_never (void)
{
  g_autoptr (Pair) pair = pair_new ();

  memcpy (&pair->cpuid->entries[0].ebx, "Auth", 4);
  memcpy (&pair->cpuid->entries[0].edx, "enti", 4);
  memcpy (&pair->cpuid->entries[0].ecx, "cAMD", 4);
  assert_refused (pair, VMM_CPU_SUPERSET, "of 'GenuineIntel', this host's is of 'AuthenticAMD'");
  assert_refused (pair, VMM_CPU_EXACT, "of 'GenuineIntel', this host's is of 'AuthenticAMD'");
  assert_accepted (pair, VMM_CPU_ANY);
  pair->cpuid->entries[2].ebx = 0;
  assert_refused (pair, VMM_CPU_ANY, "lacks 2 of the features");
}

/* what the guest switches on itself, or what is a number and no set of features, is nothing to miss */
static void
test_ignores_what_is_no_feature (void)
{
  g_autoptr (Pair) pair = pair_new ();

  pair->leaves[1].ecx |= 1u << 27; /* OSXSAVE */
  pair->leaves[1].ebx |= 3u << 24; /* APIC ID */
  pair->leaves[2].ecx |= 1u << 4;  /* OSPKE */
  pair->leaves[2].ecx |= 3u << 17; /* a width */
  pair->leaves[2].eax = 2;
  pair->leaves[3].ebx = 0xa88;
  pair->leaves[7].ecx = 0x7007;
  assert_accepted (pair, VMM_CPU_EXACT);
}

/* a guest that was made when we still gave it what this KVM has */
static void
test_accepts_what_kvm_has (void)
{
  g_autoptr (Pair) pair = pair_new ();

  pair->leaves[5].eax |= 1u << 7; /* kvm_pv_unhalt */
  assert_refused (pair, VMM_CPU_EXACT, "kvm_pv_unhalt");
  pair->cpuid->entries[5].eax |= 1u << 7;
  assert_accepted (pair, VMM_CPU_EXACT);

  pair->leaves[2].ecx |= 1u << 7;
  pair->leaves[2].edx |= 1u << 20;
  pair->leaves[4].ecx |= 3u << 11;
  assert_refused (pair,
                  VMM_CPU_EXACT,
                  "lacks 4 of the features that the guest has seen: shstk (CPUID 0x7.0 ECX bit 7), "
                  "ibt (CPUID 0x7.0 EDX bit 20), xss_cet_u (CPUID 0xd.1 ECX bit 11), "
                  "xss_cet_s (CPUID 0xd.1 ECX bit 12); restore");
  pair->cpuid->entries[2].ecx |= 1u << 7;
  pair->cpuid->entries[2].edx |= 1u << 20;
  pair->cpuid->entries[4].ecx |= 3u << 11;
  assert_accepted (pair, VMM_CPU_EXACT);
}

static void
test_survives_hostile_leaves (void)
{
  g_autoptr (Pair) pair = pair_new ();

  pair->leaves[0].ebx = 0xffffffff;
  assert_refused (pair, VMM_CPU_EXACT, "this host's is of 'GenuineIntel'");
  pair->state.n_cpuid = 0;
  assert_accepted (pair, VMM_CPU_SUPERSET);
  assert_refused (pair, VMM_CPU_EXACT, "another model");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-cpu-check/accepts-what-it-made", test_accepts_what_it_made);
  g_test_add_func ("/vmm/kvm-cpu-check/misses-each-feature", test_misses_each_feature);
  g_test_add_func ("/vmm/kvm-cpu-check/names-all-that-is-missing", test_names_all_that_is_missing);
  g_test_add_func ("/vmm/kvm-cpu-check/accepts-more", test_accepts_more);
  g_test_add_func ("/vmm/kvm-cpu-check/other-models-by-policy", test_other_models_by_policy);
  g_test_add_func ("/vmm/kvm-cpu-check/other-makers-never", test_other_makers_never);
  g_test_add_func ("/vmm/kvm-cpu-check/ignores-what-is-no-feature", test_ignores_what_is_no_feature);
  g_test_add_func ("/vmm/kvm-cpu-check/accepts-what-kvm-has", test_accepts_what_kvm_has);
  g_test_add_func ("/vmm/kvm-cpu-check/survives-hostile-leaves", test_survives_hostile_leaves);
  return g_test_run ();
}
