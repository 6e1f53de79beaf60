/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include "tests/vmm/bare-kvm.h"

#define SIGNIFICANT KVM_CPUID_FLAG_SIGNIFCANT_INDEX

static const guint vp_counts[] = { 1, 2, 3, 5, 64 };

/* bits that tell as many VPs apart, in the order of vp_counts */
static const guint shifts[] = { 0, 1, 2, 3, 6 };

/* A host that has everything, of both makers, with what it must not pass on. */
static const struct kvm_cpuid_entry2 rich_host[] = {
  { .function = 0x0, .eax = 0x1f, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69 },
  { .function = 0x1, .eax = 0x000606a6, .ebx = 0x07550833, .ecx = 0x7fffffff, .edx = 0xffffffff },
  { .function = 0x4, .index = 0, .flags = SIGNIFICANT, .eax = 0xfc1fc121, .ebx = 0x02c0003f },
  { .function = 0x4, .index = 2, .flags = SIGNIFICANT, .eax = 0xfc1fc143, .ebx = 0x04c0003f },
  { .function = 0x4, .index = 3, .flags = SIGNIFICANT, .eax = 0xfc1fc163, .ebx = 0x02c0003f },
  { .function = 0x7, .index = 0, .flags = SIGNIFICANT, .ebx = 0x01802852, .ecx = 0x10184, .edx = 0x20100000 },
  { .function = 0xa, .eax = 0x07300404, .ebx = 0x1, .ecx = 0x2, .edx = 0x603 },
  { .function = 0xb, .index = 0, .flags = SIGNIFICANT, .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 77 },
  { .function = 0xb, .index = 1, .flags = SIGNIFICANT, .eax = 7, .ebx = 96, .ecx = 0x201, .edx = 77 },
  { .function = 0xb, .index = 2, .flags = SIGNIFICANT, .eax = 9, .ebx = 9, .ecx = 0x302, .edx = 77 },
  { .function = 0xd, .index = 0, .flags = SIGNIFICANT, .eax = 0x7, .ebx = 0x340, .ecx = 0x340 },
  { .function = 0xd, .index = 1, .flags = SIGNIFICANT, .eax = 0xf, .ebx = 0x340, .ecx = 0x11900 },
  { .function = 0x1f, .index = 0, .flags = SIGNIFICANT, .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 77 },
  { .function = 0x40000001, .eax = 0xffffffff },
  { .function = 0x80000001, .ecx = 0xffffffff, .edx = 0x2c100800 },
  { .function = 0x80000002, .eax = 0x656e6946, .ebx = 0x55504320, .ecx = 0x646f6d20, .edx = 0x39206c65 },
  { .function = 0x80000008, .eax = 0x3030, .ecx = 0x707f },
  { .function = 0x8000001e, .eax = 99, .ebx = 0x101, .ecx = 0x303 },
  { .function = 0x80000022, .eax = 1, .ebx = 2, .ecx = 3, .edx = 4 },
};

/* A host, like those with new kernels, that leaves it to us to say how processors are laid out. */
static const struct kvm_cpuid_entry2 terse_host[] = {
  { .function = 0x0, .eax = 0x1f },
  { .function = 0x1 },
  { .function = 0xb, .index = 0, .flags = SIGNIFICANT },
  { .function = 0x1f, .index = 0, .flags = SIGNIFICANT },
};

static void
pretend_host (BareKvm *bare, const struct kvm_cpuid_entry2 *entries, guint n)
{
  struct kvm_cpuid2 *cpuid = vmm_kvm_cpuid_alloc (n);

  memcpy (cpuid->entries, entries, n * sizeof entries[0]);
  g_free ((gpointer) bare->other_host.cpuid);
  bare->other_host = *bare->kvm->host;
  bare->other_host.cpuid = cpuid;
  bare->kvm->host = &bare->other_host;
}

static const struct kvm_cpuid_entry2 *
find (const struct kvm_cpuid2 *cpuid, guint32 function, guint32 index)
{
  const struct kvm_cpuid_entry2 *found = NULL;

  for (guint i = 0; i < cpuid->nent; i++)
    if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
      {
        g_assert_null (found);
        found = &cpuid->entries[i];
      }
  return found;
}

static void
check_topology (const struct kvm_cpuid2 *cpuid, guint32 function, guint index, guint count, guint shift)
{
  const struct kvm_cpuid_entry2 *entry = find (cpuid, function, 0);

  if (entry == NULL)
    return;
  g_assert_cmphex (entry->eax, ==, 0);
  g_assert_cmphex (entry->ebx, ==, 1);
  g_assert_cmphex (entry->ecx, ==, 0x100); /* threads of a core */
  g_assert_cmphex (entry->edx, ==, index);
  entry = find (cpuid, function, 1);
  g_assert_nonnull (entry);
  g_assert_cmphex (entry->flags, ==, SIGNIFICANT);
  g_assert_cmphex (entry->eax, ==, shift);
  g_assert_cmphex (entry->ebx, ==, count);
  g_assert_cmphex (entry->ecx, ==, 0x201); /* cores of the package */
  g_assert_cmphex (entry->edx, ==, index);
  entry = find (cpuid, function, 2);
  if (entry != NULL)
    {
      g_assert_cmphex (entry->eax, ==, 0);
      g_assert_cmphex (entry->ebx, ==, 0);
      g_assert_cmphex (entry->ecx, ==, 2); /* there is no such level */
      g_assert_cmphex (entry->edx, ==, index);
    }
}

static void
check_caches (const struct kvm_cpuid2 *cpuid, guint shift)
{
  for (guint i = 0; i < cpuid->nent; i++)
    if (cpuid->entries[i].function == 0x4 && (cpuid->entries[i].eax & 0x1f) != 0)
      {
        guint32 eax = cpuid->entries[i].eax;
        guint level = eax >> 5 & 7;

        g_assert_cmphex (eax >> 26, ==, (1u << shift) - 1);
        g_assert_cmphex (eax >> 14 & 0xfff, ==, level >= 3 ? (1u << shift) - 1 : 0);
      }
}

static void
check_amd (const struct kvm_cpuid2 *cpuid, guint index, guint count, guint shift)
{
  const struct kvm_cpuid_entry2 *entry = find (cpuid, 0x80000001, 0);

  if (entry != NULL)
    {
      g_assert_cmphex (entry->ecx & (1u << 2), ==, 0);  /* SVM */
      g_assert_cmphex (entry->ecx & (1u << 23), ==, 0); /* performance counters */
      g_assert_cmphex (entry->ecx >> 1 & 1, ==, count > 1);
    }
  entry = find (cpuid, 0x80000008, 0);
  if (entry != NULL)
    g_assert_cmphex (entry->ecx, ==, shift << 12 | (count - 1));
  entry = find (cpuid, 0x8000001e, 0);
  if (entry != NULL)
    {
      g_assert_cmphex (entry->eax, ==, index);
      g_assert_cmphex (entry->ebx, ==, index); /* one thread a core */
      g_assert_cmphex (entry->ecx, ==, 0);
    }
}

static void
check_no_counters (const struct kvm_cpuid2 *cpuid, guint32 function)
{
  const struct kvm_cpuid_entry2 *entry = find (cpuid, function, 0);

  if (entry == NULL)
    return;
  g_assert_cmphex (entry->eax | entry->ebx | entry->ecx | entry->edx, ==, 0);
}

/* what has a part that cannot be saved */
static void
check_no_control_flow_enforcement (const struct kvm_cpuid2 *cpuid)
{
  const struct kvm_cpuid_entry2 *entry = find (cpuid, 0x7, 0);

  if (entry != NULL)
    {
      g_assert_cmphex (entry->ecx & (1u << 7), ==, 0);  /* shadow stacks */
      g_assert_cmphex (entry->edx & (1u << 20), ==, 0); /* indirect branch tracking */
    }
  entry = find (cpuid, 0xd, 1);
  if (entry != NULL)
    g_assert_cmphex (entry->ecx & (3u << 11), ==, 0); /* their XSAVE state, of user and supervisor */
}

/* what KVM offers and can save */
static void
check_paravirtualization (const struct kvm_cpuid2 *cpuid)
{
  const struct kvm_cpuid_entry2 *entry = find (cpuid, 0x40000001, 0);

  if (entry != NULL)
    g_assert_cmphex (entry->eax & (1u << 4 | 1u << 7 | 1u << 10 | 1u << 14),
                     ==,
                     0); /* asynchronous faults, kicks */
}

static void
check_vp (const struct kvm_cpuid2 *cpuid, guint index, guint count, guint shift)
{
  const struct kvm_cpuid_entry2 *entry = find (cpuid, 0x1, 0);

  g_assert_nonnull (entry);
  g_assert_cmphex (entry->ebx >> 24, ==, index);
  g_assert_cmphex (entry->ebx >> 16 & 0xff, ==, count);
  g_assert_cmphex (entry->edx >> 28 & 1, ==, count > 1);
  g_assert_cmphex (entry->ecx & (1u << 5), ==, 0);  /* VMX */
  g_assert_cmphex (entry->ecx & (1u << 15), ==, 0); /* performance capabilities */
  g_assert_cmphex (entry->ecx & (1u << 27), ==, 0); /* OSXSAVE: the guest's to switch on */
  g_assert_cmphex (entry->ecx & (1u << 31), !=, 0); /* hypervisor */
  check_topology (cpuid, 0xb, index, count, shift);
  check_topology (cpuid, 0x1f, index, count, shift);
  check_caches (cpuid, shift);
  check_amd (cpuid, index, count, shift);
  check_paravirtualization (cpuid);
  check_no_control_flow_enforcement (cpuid);
  check_no_counters (cpuid, 0xa);
  check_no_counters (cpuid, 0x80000022);
}

static void
check_all_counts (BareKvm *bare)
{
  for (guint i = 0; i < G_N_ELEMENTS (vp_counts); i++)
    for (guint index = 0; index < vp_counts[i]; index++)
      {
        g_autofree struct kvm_cpuid2 *cpuid = vmm_kvm_make_cpuid (bare->kvm->host, index, vp_counts[i]);

        check_vp (cpuid, index, vp_counts[i], shifts[i]);
      }
}

static void
test_lays_out_vps_here (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 0);

  check_all_counts (bare);
}

static void
test_lays_out_vps_of_rich_host (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 0);

  pretend_host (bare, rich_host, G_N_ELEMENTS (rich_host));
  check_all_counts (bare);
}

static void
test_lays_out_vps_of_terse_host (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 0);

  pretend_host (bare, terse_host, G_N_ELEMENTS (terse_host));
  check_all_counts (bare);
}

/* what is not taken away or the VP's own is passed on as it is */
static void
test_passes_the_rest_on (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 0);
  g_autofree struct kvm_cpuid2 *cpuid = NULL;
  guint32 taken = 1u << 5 | 1u << 15 | 1u << 27;

  pretend_host (bare, rich_host, G_N_ELEMENTS (rich_host));
  cpuid = vmm_kvm_make_cpuid (bare->kvm->host, 3, 5);
  g_assert_cmphex (find (cpuid, 0x1, 0)->eax, ==, 0x000606a6);
  g_assert_cmphex (find (cpuid, 0x1, 0)->ebx & 0xffff, ==, 0x0833);
  g_assert_cmphex (find (cpuid, 0x1, 0)->ecx, ==, 0xffffffff & ~taken);
  g_assert_cmphex (find (cpuid, 0x1, 0)->edx, ==, 0xffffffff);
  g_assert_cmphex (find (cpuid, 0x4, 2)->eax & 0x3fff, ==, 0x0143);
  g_assert_cmphex (find (cpuid, 0x4, 2)->ebx, ==, 0x04c0003f);
  g_assert_cmphex (find (cpuid, 0x80000001, 0)->ecx, ==, 0xffffffff & ~(1u << 2 | 1u << 23));
  g_assert_cmphex (find (cpuid, 0x80000001, 0)->edx, ==, 0x2c100800);
  g_assert_cmphex (find (cpuid, 0x80000008, 0)->eax, ==, 0x3030);
  g_assert_cmphex (find (cpuid, 0x7, 0)->ebx, ==, 0x01802852);
  g_assert_cmphex (find (cpuid, 0x7, 0)->ecx, ==, 0x10104);
  g_assert_cmphex (find (cpuid, 0x7, 0)->edx, ==, 0x20000000);
  g_assert_cmpmem (find (cpuid, 0xd, 0), sizeof rich_host[0], &rich_host[10], sizeof rich_host[10]);
  g_assert_cmphex (find (cpuid, 0xd, 1)->eax, ==, 0xf);
  g_assert_cmphex (find (cpuid, 0xd, 1)->ebx, ==, 0x340);
  g_assert_cmphex (find (cpuid, 0xd, 1)->ecx, ==, 0x10100);
}

static void
test_deadline_timer_as_kvm_has_it (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 0);
  g_autofree struct kvm_cpuid2 *cpuid = NULL;
  gboolean has_it = vmm_kvm_check_extension (bare->kvm, KVM_CAP_TSC_DEADLINE_TIMER) > 0;

  pretend_host (bare, terse_host, G_N_ELEMENTS (terse_host));
  cpuid = vmm_kvm_make_cpuid (bare->kvm->host, 0, 1);
  g_assert_cmpint (find (cpuid, 0x1, 0)->ecx >> 24 & 1, ==, has_it);
}

static void
test_describes_cpu (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  VmmKvmVp *vp = bare_kvm_vp (bare, 0);
  VmmKvmCpu cpu;

  vmm_kvm_describe_cpu (vp, &cpu);
  g_assert_cmpuint (strlen (cpu.vendor), ==, 12);
  g_assert_cmpuint (cpu.tsc_khz, ==, vmm_kvm_ask_tsc_khz (vp));
  pretend_host (bare, rich_host, G_N_ELEMENTS (rich_host));
  vmm_kvm_describe_cpu (vp, &cpu);
  g_assert_cmpstr (cpu.vendor, ==, "GenuineIntel");
  g_assert_cmpstr (cpu.model_name, ==, "Fine CPU model 9");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-cpuid/lays-out-vps/here", test_lays_out_vps_here);
  g_test_add_func ("/vmm/kvm-cpuid/lays-out-vps/of-rich-host", test_lays_out_vps_of_rich_host);
  g_test_add_func ("/vmm/kvm-cpuid/lays-out-vps/of-terse-host", test_lays_out_vps_of_terse_host);
  g_test_add_func ("/vmm/kvm-cpuid/passes-the-rest-on", test_passes_the_rest_on);
  g_test_add_func ("/vmm/kvm-cpuid/deadline-timer-as-kvm-has-it", test_deadline_timer_as_kvm_has_it);
  g_test_add_func ("/vmm/kvm-cpuid/describes-cpu", test_describes_cpu);
  return g_test_run ();
}
