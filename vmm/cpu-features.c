/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A feature that a guest has seen, it may use at any time: a host that lacks it ends the guest with an exception that
 * no kernel expects. Bits without a name here count all the same.
 *
 * Spec: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E; Linux, Documentation/virt/kvm/x86/cpuid.rst. Names
 * are those of /proc/cpuinfo.
 */

#include "config.h"
#include "vmm/cpu-features.h"

#define BIT(n) (1u << (n))
#define BITS(from, to) ((0xffffffffu >> (31 - (to))) & (0xffffffffu << (from)))

/* clang-format off */
const VmmCpuFeatureWord vmm_cpu_feature_words[] = {
  { 0x1, 0, VMM_CPU_EDX, 0,
    { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr", "pge", "mca", "cmov",
      "pat", "pse36", "pn", "clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64",
      "pbe" } },
  { 0x1, 0, VMM_CPU_ECX, BIT (27) /* OSXSAVE */,
    { "sse3", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma",
      "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
      "tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c", "rdrand", "hypervisor" } },
  { 0x7, 0, VMM_CPU_EBX, 0,
    { "fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2", "fdp_excptn_only", "smep", "bmi2", "erms", "invpcid",
      "rtm", "cqm", "zero_fcs_fds", "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", NULL,
      "clflushopt", "clwb", "intel_pt", "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl" } },
  { 0x7, 0, VMM_CPU_ECX, BIT (4) /* OSPKE */ | BITS (17, 21) /* a width */,
    { "prefetchwt1", "avx512vbmi", "umip", "pku", NULL, "waitpkg", "avx512_vbmi2", "shstk", "gfni", "vaes",
      "vpclmulqdq", "avx512_vnni", "avx512_bitalg", "tme", "avx512_vpopcntdq", NULL, "la57", NULL, NULL, NULL, NULL,
      NULL, "rdpid", "kl", "bus_lock_detect", "cldemote", NULL, "movdiri", "movdir64b", "enqcmd", "sgx_lc", "pks" } },
  { 0x7, 0, VMM_CPU_EDX, 0,
    { NULL, "sgx_keys", "avx512_4vnniw", "avx512_4fmaps", "fsrm", "uintr", NULL, NULL, "avx512_vp2intersect",
      "srbds_ctrl", "md_clear", "rtm_always_abort", NULL, "tsx_force_abort", "serialize", "hybrid_cpu", "tsxldtrk",
      NULL, "pconfig", "arch_lbr", "ibt", NULL, "amx_bf16", "avx512_fp16", "amx_tile", "amx_int8", "spec_ctrl",
      "stibp", "flush_l1d", "arch_capabilities", "core_capabilities", "ssbd" } },
  { 0x7, 1, VMM_CPU_EAX, 0,
    { "sha512", "sm3", "sm4", "rao_int", "avx_vnni", "avx512_bf16", "lass", "cmpccxadd", "arch_perfmon_ext", NULL,
      "fzrm", "fsrs", "fsrc", NULL, NULL, NULL, NULL, "fred", "lkgs", "wrmsrns", "nmi_src", "amx_fp16", "hreset",
      "avx_ifma", NULL, NULL, "lam", "msrlist" } },
  { 0x7, 1, VMM_CPU_EDX, 0,
    { NULL, NULL, NULL, NULL, "avx_vnni_int8", "avx_ne_convert", NULL, NULL, "amx_complex", NULL, "avx_vnni_int16",
      NULL, NULL, NULL, "prefetchi", "user_msr", NULL, "uiret_uif", "cet_sss", "avx10", NULL, "apx_f" } },
  { 0x7, 2, VMM_CPU_EDX, 0,
    { "intel_psfd", "ipred_ctrl", "rrsba_ctrl", "ddpd_u", "bhi_ctrl", "mcdt_no" } },
  { 0xd, 0, VMM_CPU_EAX, 0,
    { "xcr0_x87", "xcr0_sse", "xcr0_avx", "xcr0_bndregs", "xcr0_bndcsr", "xcr0_opmask", "xcr0_zmm_hi256",
      "xcr0_hi16_zmm", NULL, "xcr0_pkru", NULL, NULL, NULL, NULL, NULL, NULL, NULL, "xcr0_tilecfg", "xcr0_tiledata",
      "xcr0_apx" } },
  { 0xd, 1, VMM_CPU_EAX, 0,
    { "xsaveopt", "xsavec", "xgetbv1", "xsaves", "xfd" } },
  { 0xd, 1, VMM_CPU_ECX, 0,
    { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "xss_pt", NULL, "xss_pasid", "xss_cet_u", "xss_cet_s", "xss_hdc",
      "xss_uintr", "xss_lbr", "xss_hwp" } },
  { VMM_CPU_LEAF_KVM_FEATURES, 0, VMM_CPU_EAX, 0,
    { "kvm_clock_old", "kvm_nopiodelay", "kvm_mmu_op", "kvm_clock", "kvm_asyncpf", "kvm_steal_time", "kvm_pv_eoi",
      "kvm_pv_unhalt", NULL, "kvm_pv_tlb_flush", "kvm_asyncpf_vmexit", "kvm_pv_ipi", "kvm_poll_control",
      "kvm_pv_sched_yield", "kvm_asyncpf_int", "kvm_msi_ext_dest_id", "kvm_hc_map_gpa_range", "kvm_migration_control",
      NULL, NULL, NULL, NULL, NULL, NULL, "kvm_clock_stable" } },
  { 0x80000001, 0, VMM_CPU_EDX, 0,
    { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "syscall", "mtrr", "pge", "mca",
      "cmov", "pat", "pse36", NULL, "mp", "nx", NULL, "mmxext", "mmx", "fxsr", "fxsr_opt", "pdpe1gb", "rdtscp", NULL,
      "lm", "3dnowext", "3dnow" } },
  { 0x80000001, 0, VMM_CPU_ECX, 0,
    { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch", "osvw",
      "ibs", "xop", "skinit", "wdt", NULL, "lwp", "fma4", "tce", NULL, "nodeid_msr", NULL, "tbm", "topoext",
      "perfctr_core", "perfctr_nb", NULL, "bpext", "ptsc", "perfctr_llc", "mwaitx" } },
  { 0x80000007, 0, VMM_CPU_EDX, 0,
    { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "constant_tsc" } },
  { 0x80000008, 0, VMM_CPU_EBX, 0,
    { "clzero", "irperf", "xsaveerptr", NULL, "rdpru", NULL, NULL, NULL, NULL, "wbnoinvd", NULL, NULL, "amd_ibpb",
      NULL, "amd_ibrs", "amd_stibp", NULL, "amd_stibp_always_on", NULL, NULL, NULL, NULL, NULL, "amd_ppin", "amd_ssbd",
      "virt_ssbd", "amd_ssb_no", NULL, "amd_psfd", "btc_no", "ibpb_ret" } },
  { 0x80000021, 0, VMM_CPU_EAX, 0,
    { "no_nested_data_bp", NULL, "lfence_rdtsc", NULL, NULL, "verw_clear", "null_sel_clr_base", NULL, "autoibrs" } },
};
/* clang-format on */

const guint vmm_cpu_n_feature_words = G_N_ELEMENTS (vmm_cpu_feature_words);

char *
vmm_cpu_feature_describe (const VmmCpuFeatureWord *word, guint bit)
{
  static const char *const registers[] = { "EAX", "EBX", "ECX", "EDX" };
  g_autofree char *place =
      g_strdup_printf ("CPUID 0x%x.%u %s bit %u", word->leaf, word->index, registers[word->reg], bit);

  if (word->names[bit] == NULL)
    return g_steal_pointer (&place);
  return g_strdup_printf ("%s (%s)", word->names[bit], place);
}

char *
vmm_cpu_describe_signature (guint32 eax)
{
  guint family = eax >> 8 & 0xf;
  guint model = eax >> 4 & 0xf;

  if (family == 0x6 || family == 0xf)
    model |= (eax >> 16 & 0xf) << 4;
  if (family == 0xf)
    family += eax >> 20 & 0xff;
  return g_strdup_printf ("family %u, model %u, stepping %u", family, model, eax & 0xf);
}
