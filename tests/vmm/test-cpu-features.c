/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/cpu-features.h"

#include <string.h>

static const VmmCpuFeatureWord *
find (guint32 leaf, guint32 index, VmmCpuRegister reg)
{
  for (guint i = 0; i < vmm_cpu_n_feature_words; i++)
    {
      const VmmCpuFeatureWord *word = &vmm_cpu_feature_words[i];

      if (word->leaf == leaf && word->index == index && word->reg == reg)
        return word;
    }
  return NULL;
}

static void
assert_described (guint32 leaf, guint32 index, VmmCpuRegister reg, guint bit, const char *expected)
{
  g_autofree char *text = vmm_cpu_feature_describe (find (leaf, index, reg), bit);

  g_assert_cmpstr (text, ==, expected);
}

/* one of each word, so that none has slipped by a bit */
static void
test_names_features (void)
{
  assert_described (0x1, 0, VMM_CPU_EDX, 26, "sse2 (CPUID 0x1.0 EDX bit 26)");
  assert_described (0x1, 0, VMM_CPU_EDX, 31, "pbe (CPUID 0x1.0 EDX bit 31)");
  assert_described (0x1, 0, VMM_CPU_ECX, 30, "rdrand (CPUID 0x1.0 ECX bit 30)");
  assert_described (0x1, 0, VMM_CPU_ECX, 21, "x2apic (CPUID 0x1.0 ECX bit 21)");
  assert_described (0x7, 0, VMM_CPU_EBX, 31, "avx512vl (CPUID 0x7.0 EBX bit 31)");
  assert_described (0x7, 0, VMM_CPU_EBX, 16, "avx512f (CPUID 0x7.0 EBX bit 16)");
  assert_described (0x7, 0, VMM_CPU_ECX, 31, "pks (CPUID 0x7.0 ECX bit 31)");
  assert_described (0x7, 0, VMM_CPU_ECX, 16, "la57 (CPUID 0x7.0 ECX bit 16)");
  assert_described (0x7, 0, VMM_CPU_EDX, 31, "ssbd (CPUID 0x7.0 EDX bit 31)");
  assert_described (0x7, 0, VMM_CPU_EDX, 24, "amx_tile (CPUID 0x7.0 EDX bit 24)");
  assert_described (0x7, 1, VMM_CPU_EAX, 26, "lam (CPUID 0x7.1 EAX bit 26)");
  assert_described (0x7, 1, VMM_CPU_EDX, 19, "avx10 (CPUID 0x7.1 EDX bit 19)");
  assert_described (0x7, 2, VMM_CPU_EDX, 4, "bhi_ctrl (CPUID 0x7.2 EDX bit 4)");
  assert_described (0xd, 0, VMM_CPU_EAX, 18, "xcr0_tiledata (CPUID 0xd.0 EAX bit 18)");
  assert_described (0xd, 1, VMM_CPU_EAX, 3, "xsaves (CPUID 0xd.1 EAX bit 3)");
  assert_described (0xd, 1, VMM_CPU_ECX, 11, "xss_cet_u (CPUID 0xd.1 ECX bit 11)");
  assert_described (0x40000001, 0, VMM_CPU_EAX, 24, "kvm_clock_stable (CPUID 0x40000001.0 EAX bit 24)");
  assert_described (0x40000001, 0, VMM_CPU_EAX, 13, "kvm_pv_sched_yield (CPUID 0x40000001.0 EAX bit 13)");
  assert_described (0x80000001, 0, VMM_CPU_EDX, 29, "lm (CPUID 0x80000001.0 EDX bit 29)");
  assert_described (0x80000001, 0, VMM_CPU_EDX, 20, "nx (CPUID 0x80000001.0 EDX bit 20)");
  assert_described (0x80000001, 0, VMM_CPU_ECX, 29, "mwaitx (CPUID 0x80000001.0 ECX bit 29)");
  assert_described (0x80000001, 0, VMM_CPU_ECX, 22, "topoext (CPUID 0x80000001.0 ECX bit 22)");
  assert_described (0x80000007, 0, VMM_CPU_EDX, 8, "constant_tsc (CPUID 0x80000007.0 EDX bit 8)");
  assert_described (0x80000008, 0, VMM_CPU_EBX, 30, "ibpb_ret (CPUID 0x80000008.0 EBX bit 30)");
  assert_described (0x80000008, 0, VMM_CPU_EBX, 24, "amd_ssbd (CPUID 0x80000008.0 EBX bit 24)");
  assert_described (0x80000021, 0, VMM_CPU_EAX, 8, "autoibrs (CPUID 0x80000021.0 EAX bit 8)");
}

static void
test_tells_the_place_of_those_without (void)
{
  assert_described (0x1, 0, VMM_CPU_EDX, 10, "CPUID 0x1.0 EDX bit 10");
  assert_described (0x7, 2, VMM_CPU_EDX, 31, "CPUID 0x7.2 EDX bit 31");
}

static void
test_describes_signatures (void)
{
  static const struct
  {
    guint32 eax;
    const char *text;
  } cases[] = {
    { 0x00050654, "family 6, model 85, stepping 4" },
    { 0x000606a6, "family 6, model 106, stepping 6" },
    { 0x00a10f11, "family 25, model 17, stepping 1" },
    { 0x00000543, "family 5, model 4, stepping 3" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = vmm_cpu_describe_signature (cases[i].eax);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_each_word_once (void)
{
  for (guint i = 0; i < vmm_cpu_n_feature_words; i++)
    {
      const VmmCpuFeatureWord *word = &vmm_cpu_feature_words[i];

      g_assert_true (find (word->leaf, word->index, word->reg) == word);
      for (guint bit = 0; bit < 32; bit++)
        if (word->ignored & 1u << bit)
          g_assert_null (word->names[bit]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/cpu-features/names-features", test_names_features);
  g_test_add_func ("/vmm/cpu-features/tells-the-place-of-those-without",
                   test_tells_the_place_of_those_without);
  g_test_add_func ("/vmm/cpu-features/describes-signatures", test_describes_signatures);
  g_test_add_func ("/vmm/cpu-features/each-word-once", test_each_word_once);
  return g_test_run ();
}
