/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bare-kvm.h: a virtual machine with RAM and processors, and nothing around it, for tests of the files kvm*.c */

#pragma once

#include "vmm/kvm-private.h"

#include <string.h>

G_BEGIN_DECLS

#define BARE_KVM_MEMORY_SIZE (16 * 1024 * 1024ull)
#define BARE_KVM_CODE 0x1000u
#define BARE_KVM_STACK 0x8000u

typedef struct
{
  VmmMemory *memory;
  VmmKvm *kvm;
  GPtrArray *vps;        /* of VmmKvmVp */
  VmmKvmHost other_host; /* for a test that lets another host stand behind it */
} BareKvm;

static inline void
bare_kvm_free_vp (gpointer vp)
{
  vmm_kvm_vp_free (vp);
}

static inline BareKvm *
bare_kvm_new (guint64 memory_size, guint vp_count)
{
  BareKvm *bare = g_new0 (BareKvm, 1);
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;

  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  config->memory_size = memory_size;
  bare->memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  bare->kvm = vmm_kvm_new (bare->memory, &error);
  g_assert_no_error (error);
  bare->vps = g_ptr_array_new_with_free_func (bare_kvm_free_vp);
  for (guint i = 0; i < vp_count; i++)
    {
      g_ptr_array_add (bare->vps, vmm_kvm_vp_new (bare->kvm, i, vp_count, &error));
      g_assert_no_error (error);
    }
  return bare;
}

static inline void
bare_kvm_free (BareKvm *bare)
{
  if (bare == NULL)
    return;
  g_ptr_array_unref (bare->vps);
  vmm_kvm_free (bare->kvm);
  vmm_memory_free (bare->memory);
  g_free ((gpointer) bare->other_host.cpuid);
  g_free (bare);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BareKvm, bare_kvm_free)

static inline VmmKvmVp *
bare_kvm_vp (BareKvm *bare, guint index)
{
  return g_ptr_array_index (bare->vps, index);
}

static inline void
bare_kvm_write (BareKvm *bare, guint64 gpa, gconstpointer data, gsize length)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_memory_write (bare->memory, gpa, data, length, &error));
  g_assert_no_error (error);
}

/** bare_kvm_enter: VP 0 is to run @code in flat 32-bit protected mode without paging, and with no interrupt table. */
static inline void
bare_kvm_enter (BareKvm *bare, const guint8 *code, gsize length)
{
  VmmBootEntry entry = { .mode = VMM_BOOT_PVH, .rip = BARE_KVM_CODE, .rsp = BARE_KVM_STACK };
  g_autoptr (GError) error = NULL;

  bare_kvm_write (bare, BARE_KVM_CODE, code, length);
  g_assert_true (vmm_kvm_vp_set_entry (bare_kvm_vp (bare, 0), &entry, &error));
  g_assert_no_error (error);
}

/**
 * bare_kvm_tsc_is_near: whether a time-stamp counter that was read just before or after shows @tsc. Where the host's
 * counter is not stable, KVM sets that of a VP which does not run back to where it stood, so it may be less, too.
 */
static inline gboolean
bare_kvm_tsc_is_near (guint64 tsc, guint64 other)
{
  return tsc - other + (1ull << 48) < 1ull << 49; /* hours, at any rate */
}

static inline Openvmm__X86__VpState *
bare_kvm_save_vp (BareKvm *bare, guint index)
{
  g_autoptr (GError) error = NULL;
  Openvmm__X86__VpState *state = vmm_kvm_vp_save (bare_kvm_vp (bare, index), 0, &error);

  g_assert_no_error (error);
  g_assert_nonnull (state);
  return state;
}

G_END_DECLS
