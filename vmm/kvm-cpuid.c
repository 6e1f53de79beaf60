/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest sees what KVM can give here, less what would make a snapshot's state larger than what we save (nested
 * virtualization, performance counters, control-flow enforcement), with its own APIC ID and a topology of one socket
 * with a core a VP.
 *
 * Spec: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <string.h>

#define ENTRIES_MAX 256u

#define LEAF_VENDOR 0x0u
#define LEAF_FEATURES 0x1u
#define LEAF_CACHE 0x4u
#define LEAF_STRUCTURED_FEATURES 0x7u
#define LEAF_PERFMON 0xau
#define LEAF_TOPOLOGY 0xbu
#define LEAF_XSAVE 0xdu
#define LEAF_TOPOLOGY_V2 0x1fu
#define LEAF_KVM_FEATURES 0x40000001u
#define LEAF_AMD_FEATURES 0x80000001u
#define LEAF_BRAND 0x80000002u
#define LEAF_AMD_SIZES 0x80000008u
#define LEAF_AMD_TOPOLOGY 0x8000001eu
#define LEAF_AMD_PERFMON 0x80000022u

/* leaf 1 */
#define ECX_VMX (1u << 5)
#define ECX_PDCM (1u << 15)
#define ECX_TSC_DEADLINE (1u << 24)
#define ECX_OSXSAVE (1u << 27)
#define ECX_HYPERVISOR (1u << 31)
#define EDX_HTT (1u << 28)
/* leaf 7, subleaf 0 */
#define ECX_SHSTK (1u << 7)
#define EDX_IBT (1u << 20)
/* leaf 0xd, subleaf 1 */
#define ECX_XSS_CET_U (1u << 11)
#define ECX_XSS_CET_S (1u << 12)
/* leaf 0x80000001 */
#define ECX_CMP_LEGACY (1u << 1)
#define ECX_SVM (1u << 2)
#define ECX_PERFCTR_CORE (1u << 23)

#define N_TOPOLOGY_LEAVES 2u
/* leaf 0x40000001 */
#define EAX_ASYNC_PF (1u << 4)
#define EAX_PV_UNHALT (1u << 7)
#define EAX_ASYNC_PF_VMEXIT (1u << 10)
#define EAX_ASYNC_PF_INT (1u << 14)

#define TOPOLOGY_SMT 1u
#define TOPOLOGY_CORE 2u
#define TOPOLOGY_CORE_INDEX 1u /* of its subleaf */

struct kvm_cpuid2 *
vmm_kvm_cpuid_alloc (guint n)
{
  struct kvm_cpuid2 *cpuid = g_malloc0 (sizeof *cpuid + n * sizeof cpuid->entries[0]);

  cpuid->nent = n;
  return cpuid;
}

struct kvm_cpuid2 *
vmm_kvm_read_cpuid (int system_fd, GError **error)
{
  g_autofree struct kvm_cpuid2 *cpuid = vmm_kvm_cpuid_alloc (ENTRIES_MAX - N_TOPOLOGY_LEAVES);

  if (vmm_kvm_ioctl (system_fd, KVM_GET_SUPPORTED_CPUID, cpuid, "tell its CPUID", error) < 0)
    return NULL;
  return g_steal_pointer (&cpuid);
}

/* bits needed to tell @n cores apart */
static guint
core_shift (guint n)
{
  guint shift = 0;

  while ((1u << shift) < n)
    shift++;
  return shift;
}

static void
set_topology (struct kvm_cpuid_entry2 *entry, guint index, guint vp_count)
{
  entry->eax = entry->ebx = 0;
  entry->ecx = entry->index;
  entry->edx = index;
  if (entry->index == 0)
    {
      entry->ebx = 1;
      entry->ecx |= TOPOLOGY_SMT << 8;
    }
  else if (entry->index == TOPOLOGY_CORE_INDEX)
    {
      entry->eax = core_shift (vp_count);
      entry->ebx = vp_count;
      entry->ecx |= TOPOLOGY_CORE << 8;
    }
}

/*
 * The shadow-stack pointer in use is in no register, MSR or XSAVE area that KVM tells, but for KVM_GET_ONE_REG from
 * Linux 6.18 on: a VP that was saved in user mode would fault at its next return. Branch tracking shares CR4.CET and
 * the XSAVE state with it, so both go.
 */
static void
hide_control_flow_enforcement (struct kvm_cpuid_entry2 *entry)
{
  if (entry->function == LEAF_STRUCTURED_FEATURES && entry->index == 0)
    {
      entry->ecx &= ~ECX_SHSTK;
      entry->edx &= ~EDX_IBT;
    }
  else if (entry->function == LEAF_XSAVE && entry->index == 1)
    entry->ecx &= ~(ECX_XSS_CET_U | ECX_XSS_CET_S);
}

static void
adjust (const VmmKvmHost *host, struct kvm_cpuid_entry2 *entry, guint index, guint vp_count)
{
  switch (entry->function)
    {
    case LEAF_FEATURES:
      entry->ebx = (entry->ebx & 0xffff) | (vp_count << 16) | (index << 24);
      entry->ecx &= ~(ECX_VMX | ECX_PDCM | ECX_OSXSAVE);
      entry->ecx |= ECX_HYPERVISOR;
      if (host->has_tsc_deadline)
        entry->ecx |= ECX_TSC_DEADLINE;
      entry->edx = vp_count > 1 ? entry->edx | EDX_HTT : entry->edx & ~EDX_HTT;
      break;
    case LEAF_CACHE:
      /* bits 31-26: cores in the package; 25-14: sharers of this cache, one but for the last level */
      entry->eax &= ~0xffffc000u;
      entry->eax |= ((1u << core_shift (vp_count)) - 1) << 26;
      if (((entry->eax >> 5) & 7) >= 3)
        entry->eax |= ((1u << core_shift (vp_count)) - 1) << 14;
      break;
    case LEAF_STRUCTURED_FEATURES:
    case LEAF_XSAVE:
      hide_control_flow_enforcement (entry);
      break;
    case LEAF_TOPOLOGY:
    case LEAF_TOPOLOGY_V2:
      set_topology (entry, index, vp_count);
      break;
    case LEAF_KVM_FEATURES:
      /* a kick that comes before its VP sleeps is remembered in KVM alone: a snapshot in between would lose it, and the
       * VP would sleep for ever, with interrupts off, at a lock that is free */
      entry->eax &= ~EAX_PV_UNHALT;
      /* so are the pages that a guest was told to wait for */
      entry->eax &= ~(EAX_ASYNC_PF | EAX_ASYNC_PF_VMEXIT | EAX_ASYNC_PF_INT);
      break;
    case LEAF_PERFMON:
    case LEAF_AMD_PERFMON:
      entry->eax = entry->ebx = entry->ecx = entry->edx = 0;
      break;
    case LEAF_AMD_FEATURES:
      entry->ecx &= ~(ECX_SVM | ECX_PERFCTR_CORE | ECX_CMP_LEGACY);
      if (vp_count > 1)
        entry->ecx |= ECX_CMP_LEGACY;
      break;
    case LEAF_AMD_SIZES:
      entry->ecx = (core_shift (vp_count) << 12) | (vp_count - 1);
      break;
    case LEAF_AMD_TOPOLOGY:
      entry->eax = index;
      entry->ebx = index;
      entry->ecx = 0;
      break;
    default:
      break;
    }
}

const struct kvm_cpuid_entry2 *
vmm_kvm_find_cpuid (const struct kvm_cpuid2 *cpuid, guint32 function, guint32 index)
{
  for (guint i = 0; i < cpuid->nent; i++)
    if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
      return &cpuid->entries[i];
  return NULL;
}

/* Newer kernels tell nothing of the host's topology, and leave out the level of the cores: ours is then added. */
static void
add_core_level (struct kvm_cpuid2 *cpuid, guint32 function)
{
  if (vmm_kvm_find_cpuid (cpuid, function, 0) == NULL ||
      vmm_kvm_find_cpuid (cpuid, function, TOPOLOGY_CORE_INDEX) != NULL)
    return;
  cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
    .function = function,
    .index = TOPOLOGY_CORE_INDEX,
    .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
  };
}

struct kvm_cpuid2 *
vmm_kvm_make_cpuid (const VmmKvmHost *host, guint index, guint vp_count)
{
  struct kvm_cpuid2 *cpuid = vmm_kvm_cpuid_alloc (host->cpuid->nent + N_TOPOLOGY_LEAVES);

  cpuid->nent = host->cpuid->nent;
  memcpy (cpuid->entries, host->cpuid->entries, host->cpuid->nent * sizeof cpuid->entries[0]);
  add_core_level (cpuid, LEAF_TOPOLOGY);
  add_core_level (cpuid, LEAF_TOPOLOGY_V2);
  for (guint i = 0; i < cpuid->nent; i++)
    adjust (host, &cpuid->entries[i], index, vp_count);
  return cpuid;
}

static void
copy_registers (char *to, const guint32 *registers, gsize n)
{
  memcpy (to, registers, n * sizeof registers[0]);
}

void
vmm_kvm_describe_cpu (VmmKvmVp *vp, VmmKvmCpu *cpu)
{
  const struct kvm_cpuid_entry2 *entry = vmm_kvm_find_cpuid (vp->kvm->host->cpuid, LEAF_VENDOR, 0);

  memset (cpu, 0, sizeof *cpu);
  cpu->tsc_khz = vp->tsc_khz;
  if (entry != NULL)
    copy_registers (cpu->vendor, (guint32[]){ entry->ebx, entry->edx, entry->ecx }, 3);
  for (guint i = 0; i < 3; i++)
    {
      entry = vmm_kvm_find_cpuid (vp->kvm->host->cpuid, LEAF_BRAND + i, 0);
      if (entry != NULL)
        copy_registers (cpu->model_name + i * 16,
                        (guint32[]){ entry->eax, entry->ebx, entry->ecx, entry->edx },
                        4);
    }
}
