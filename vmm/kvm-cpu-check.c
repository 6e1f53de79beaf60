/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A restored guest keeps the CPUID it was given at first. So a host that has more does no harm: the guest never hears
 * of it. A host that has less would break it at an instruction that it has good reason to use, and is refused.
 *
 * There is more to a processor than its features, though: at its boot a kernel chooses by family, model and stepping
 * which flaws to work around. On another model that choice can be the wrong one, and the guest does not look again.
 * That is for whoever restores it to decide.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <string.h>

#include "vmm/cpu-features.h"

#define LEAF_VENDOR 0x0u
#define LEAF_FEATURES 0x1u
#define LEAF_STRUCTURED_FEATURES 0x7u
#define LEAF_XSAVE 0xdu
#define LEAF_SIZES 0x80000008u
#define PHYSICAL_BITS 0xffu /* of its EAX */

static guint32
get_seen_register (const Openvmm__X86__CpuidEntry *entry, VmmCpuRegister reg)
{
  const guint32 registers[] = { entry->eax, entry->ebx, entry->ecx, entry->edx };

  return registers[reg];
}

static guint32
get_host_register (const struct kvm_cpuid2 *cpuid, guint32 leaf, guint32 index, VmmCpuRegister reg)
{
  const struct kvm_cpuid_entry2 *entry = vmm_kvm_find_cpuid (cpuid, leaf, index);

  if (entry == NULL)
    return 0;
  return (const guint32[]){ entry->eax, entry->ebx, entry->ecx, entry->edx }[reg];
}

static const Openvmm__X86__CpuidEntry *
find_seen (const Openvmm__X86__VpState *state, guint32 leaf, guint32 index)
{
  for (gsize i = 0; i < state->n_cpuid; i++)
    if (state->cpuid[i]->function == leaf && state->cpuid[i]->index == index)
      return state->cpuid[i];
  return NULL;
}

/* what KVM has and we give no guest any more, one that was made before may still have */
static gboolean
has_hidden (const VmmCpuFeatureWord *word)
{
  return word->leaf == VMM_CPU_LEAF_KVM_FEATURES || word->leaf == LEAF_STRUCTURED_FEATURES ||
         word->leaf == LEAF_XSAVE;
}

static void
add_missing_features (const VmmKvmHost *host, const Openvmm__X86__VpState *state, GPtrArray *missing)
{
  g_autofree struct kvm_cpuid2 *ours = vmm_kvm_make_cpuid (host, 0, VMM_VP_COUNT_MAX);

  for (guint i = 0; i < vmm_cpu_n_feature_words; i++)
    {
      const VmmCpuFeatureWord *word = &vmm_cpu_feature_words[i];
      const Openvmm__X86__CpuidEntry *seen = find_seen (state, word->leaf, word->index);
      guint32 lacking;

      if (seen == NULL)
        continue;
      lacking = get_seen_register (seen, word->reg) & ~word->ignored &
                ~get_host_register (ours, word->leaf, word->index, word->reg);
      if (has_hidden (word))
        lacking &= ~get_host_register (host->cpuid, word->leaf, word->index, word->reg);
      for (guint bit = 0; bit < 32; bit++)
        if (lacking & 1u << bit)
          g_ptr_array_add (missing, vmm_cpu_feature_describe (word, bit));
    }
}

static void
add_missing_width (const VmmKvmHost *host, const Openvmm__X86__VpState *state, GPtrArray *missing)
{
  const Openvmm__X86__CpuidEntry *seen = find_seen (state, LEAF_SIZES, 0);
  guint ours = get_host_register (host->cpuid, LEAF_SIZES, 0, VMM_CPU_EAX) & PHYSICAL_BITS;

  if (seen != NULL && (seen->eax & PHYSICAL_BITS) > ours)
    g_ptr_array_add (missing,
                     g_strdup_printf ("physical addresses of %u bits (it has %u)",
                                      seen->eax & PHYSICAL_BITS,
                                      ours));
}

static char *
get_seen_vendor (const Openvmm__X86__CpuidEntry *seen)
{
  const guint32 registers[] = { seen->ebx, seen->edx, seen->ecx };
  g_autofree char *raw = g_strndup ((const char *) registers, sizeof registers);

  return g_utf8_make_valid (raw, -1);
}

static char *
get_host_vendor (const VmmKvmHost *host)
{
  const guint32 registers[] = { get_host_register (host->cpuid, LEAF_VENDOR, 0, VMM_CPU_EBX),
                                get_host_register (host->cpuid, LEAF_VENDOR, 0, VMM_CPU_EDX),
                                get_host_register (host->cpuid, LEAF_VENDOR, 0, VMM_CPU_ECX) };

  return g_strndup ((const char *) registers, sizeof registers);
}

static gboolean
check_vendor (const VmmKvmHost *host, const Openvmm__X86__VpState *state, GError **error)
{
  const Openvmm__X86__CpuidEntry *seen = find_seen (state, LEAF_VENDOR, 0);
  g_autofree char *theirs = seen != NULL ? get_seen_vendor (seen) : NULL;
  g_autofree char *ours = get_host_vendor (host);

  if (theirs == NULL || strcmp (theirs, ours) == 0)
    return TRUE;
  g_set_error (
      error,
      VMM_ERROR,
      VMM_ERROR_INCOMPATIBLE,
      "the guest has seen a processor of '%s', this host's is of '%s'; restore it on a host of that maker",
      theirs,
      ours);
  return FALSE;
}

static gboolean
check_has_all (const VmmKvmHost *host, const Openvmm__X86__VpState *state, GError **error)
{
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *list = NULL;

  add_missing_features (host, state, missing);
  add_missing_width (host, state, missing);
  if (missing->len == 0)
    return TRUE;
  g_ptr_array_add (missing, NULL);
  list = g_strjoinv (", ", (char **) missing->pdata);
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INCOMPATIBLE,
               "this host's processor, or its KVM, lacks %u of the features that the guest has seen: %s; "
               "restore it on a host that has them",
               missing->len - 1,
               list);
  return FALSE;
}

static gboolean
check_model (const VmmKvmHost *host, const Openvmm__X86__VpState *state, GError **error)
{
  const Openvmm__X86__CpuidEntry *seen = find_seen (state, LEAF_FEATURES, 0);
  guint32 ours = get_host_register (host->cpuid, LEAF_FEATURES, 0, VMM_CPU_EAX);
  g_autofree char *their_text = vmm_cpu_describe_signature (seen != NULL ? seen->eax : 0);
  g_autofree char *our_text = vmm_cpu_describe_signature (ours);

  if (seen != NULL && seen->eax == ours)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INCOMPATIBLE,
               "this host's processor has every feature that the guest has seen, but is another model: %s, "
               "expected %s; the option cpu=superset accepts it",
               our_text,
               their_text);
  return FALSE;
}

gboolean
vmm_kvm_host_check_cpu (const VmmKvmHost *host,
                        const Openvmm__X86__VpState *state,
                        VmmCpuPolicy policy,
                        GError **error)
{
  if (policy != VMM_CPU_ANY && !check_vendor (host, state, error))
    return FALSE;
  return check_has_all (host, state, error) && (policy != VMM_CPU_EXACT || check_model (host, state, error));
}

gboolean
vmm_kvm_check_cpu (const Openvmm__X86__VpState *state, VmmCpuPolicy policy, GError **error)
{
  const VmmKvmHost *host = vmm_kvm_host_get (error);

  return host != NULL && vmm_kvm_host_check_cpu (host, state, policy, error);
}
