/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a snapshot needs of a processor is what its guest was told: the CPUID of the first VP, which all share. A host
 * that will do once will do as long as this process lives.
 */

#include "config.h"
#include "vmm/snapshot.h"

#include "vmm/cpu-features.h"
#include "vmm/kvm.h"

/* without an error if there is no such unit: the set of units is compared where a machine is made */
static const Openvmm__X86__VpState *
get_vp (VmmSnapshot *snapshot, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  const ProtobufCMessage *message = vmm_saved_state_lookup_message (vmm_snapshot_get_saved_state (snapshot),
                                                                    "vp-0",
                                                                    &openvmm__x86__vp_state__descriptor,
                                                                    &local_error);

  if (message == NULL && !g_error_matches (local_error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return (const Openvmm__X86__VpState *) message;
}

gboolean
vmm_snapshot_check_cpu (VmmSnapshot *snapshot, VmmCpuPolicy policy, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  const Openvmm__X86__VpState *vp;

  if (vmm_snapshot_get_fits_cpu (snapshot, policy))
    return TRUE;
  vp = get_vp (snapshot, &local_error);
  if (local_error == NULL && (vp == NULL || vmm_kvm_check_cpu (vp, policy, &local_error)))
    {
      vmm_snapshot_set_fits_cpu (snapshot, policy);
      return TRUE;
    }
  g_prefix_error (&local_error, "snapshot %s: ", vmm_snapshot_get_directory (snapshot));
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static guint32
get_bits (const Openvmm__X86__VpState *vp, const VmmCpuFeatureWord *word)
{
  for (gsize i = 0; i < vp->n_cpuid; i++)
    {
      const Openvmm__X86__CpuidEntry *entry = vp->cpuid[i];

      if (entry->function == word->leaf && entry->index == word->index)
        return (const guint32[]){ entry->eax, entry->ebx, entry->ecx, entry->edx }[word->reg] &
               ~word->ignored;
    }
  return 0;
}

char **
vmm_snapshot_list_cpu_features (VmmSnapshot *snapshot)
{
  const Openvmm__X86__VpState *vp = get_vp (snapshot, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; vp != NULL && i < vmm_cpu_n_feature_words; i++)
    {
      const VmmCpuFeatureWord *word = &vmm_cpu_feature_words[i];
      guint32 bits = get_bits (vp, word);

      for (guint bit = 0; bit < 32; bit++)
        if (bits & 1u << bit)
          g_ptr_array_add (names,
                           word->names[bit] != NULL ? g_strdup (word->names[bit])
                                                    : vmm_cpu_feature_describe (word, bit));
    }
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

char *
vmm_snapshot_describe_cpu (VmmSnapshot *snapshot)
{
  const Openvmm__Snapshot__CpuIdentity *cpu = vmm_snapshot_get_manifest (snapshot)->cpu;
  const Openvmm__X86__VpState *vp = get_vp (snapshot, NULL);
  const VmmCpuFeatureWord signature = { .leaf = 0x1, .reg = VMM_CPU_EAX };
  g_autofree char *model = NULL;

  if (vp == NULL)
    return g_strdup ("");
  model = vmm_cpu_describe_signature (get_bits (vp, &signature));
  if (cpu == NULL)
    return g_steal_pointer (&model);
  return g_strdup_printf ("%s, %s%s%s",
                          cpu->vendor,
                          model,
                          *cpu->model_name != '\0' ? ", " : "",
                          cpu->model_name);
}
