/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cpu-features.h: which bits of CPUID are features, and their names (private) */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

#define VMM_CPU_LEAF_KVM_FEATURES 0x40000001u

typedef enum
{
  VMM_CPU_EAX,
  VMM_CPU_EBX,
  VMM_CPU_ECX,
  VMM_CPU_EDX,
} VmmCpuRegister;

/**
 * VmmCpuFeatureWord: a register of a leaf of CPUID, each bit of which is a feature of its own
 * @ignored: bits that are none: numbers, or what the guest switches on itself
 * @names: as Linux writes them; %NULL where there is none yet
 */
typedef struct
{
  guint32 leaf;
  guint32 index;
  VmmCpuRegister reg;
  guint32 ignored;
  const char *names[32];
} VmmCpuFeatureWord;

/** vmm_cpu_feature_words: those that a guest can come to rely on. */
extern const VmmCpuFeatureWord vmm_cpu_feature_words[];
extern const guint vmm_cpu_n_feature_words;

/** vmm_cpu_feature_describe: (transfer full): name and place of @bit, or the place alone. */
char *vmm_cpu_feature_describe (const VmmCpuFeatureWord *word, guint bit);

/**
 * vmm_cpu_describe_signature: (transfer full): family, model and stepping of a processor.
 * @eax: CPUID leaf 1, EAX; the makers agree on it
 */
char *vmm_cpu_describe_signature (guint32 eax);

G_END_DECLS
