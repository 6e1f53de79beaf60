/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * KVM tells which MSRs make up a VP's state, but not all of them can be read with the CPUID the guest has: those are no
 * state. On the way back, one that cannot be set is an error that names it, unless it has the saved value already,
 * as read-only ones have.
 *
 * Many are read or set with one call, which stops where one cannot be; a call each took 170 us more.
 *
 * The deadline of the TSC timer is read before the local APIC is: a timer that fires in between is then saved as both
 * fired and armed, and the guest sees one early tick. The other order can save neither, and loses the tick for good.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MSR_LIST_MAX 1024u
#define MSRS_MAX 2048u
#define MSRS_AT_ONCE 128u /* KVM takes less than 256 */

#define MSR_IA32_TSC 0x10u
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define MSR_IA32_XSS 0xda0u
#define MSR_KVM_ASYNC_PF_INT 0x4b564d06u
#define MSR_KVM_ASYNC_PF_ACK 0x4b564d07u

/* state that older kernels leave out of their list; the memory types of RAM among it */
static const guint32 extra_msrs[] = {
  MSR_IA32_XSS,
  MSR_KVM_ASYNC_PF_INT,
  MSR_KVM_ASYNC_PF_ACK,
  /* IA32_MTRR_PHYSBASE0 to PHYSMASK7 */
  0x200,
  0x201,
  0x202,
  0x203,
  0x204,
  0x205,
  0x206,
  0x207,
  0x208,
  0x209,
  0x20a,
  0x20b,
  0x20c,
  0x20d,
  0x20e,
  0x20f,
  /* IA32_MTRR_FIX64K_00000, FIX16K_80000 and FIX16K_A0000, FIX4K_C0000 to FIX4K_F8000 */
  0x250,
  0x258,
  0x259,
  0x268,
  0x269,
  0x26a,
  0x26b,
  0x26c,
  0x26d,
  0x26e,
  0x26f,
  /* IA32_MTRR_DEF_TYPE */
  0x2ff,
};

/*
 * Reads or sets MSRs from the first one of @entries on, @n of them at most, until one that cannot be. Returns how
 * many, or -1 with errno.
 */
static int
access_msrs (VmmKvmVp *vp, gulong request, struct kvm_msr_entry *entries, gsize n)
{
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entries[MSRS_AT_ONCE];
  } batch;
  int done;

  batch.header = (struct kvm_msrs){ .nmsrs = MIN (n, MSRS_AT_ONCE) };
  memcpy (batch.entries, entries, batch.header.nmsrs * sizeof entries[0]);
  done = TEMP_FAILURE_RETRY (ioctl (vp->fd, request, &batch));
  if (done > 0)
    memcpy (entries, batch.entries, done * sizeof entries[0]);
  return done;
}

static gboolean
is_listed (const struct kvm_msr_list *list, guint32 index)
{
  for (guint i = 0; i < list->nmsrs; i++)
    if (list->indices[i] == index)
      return TRUE;
  return FALSE;
}

struct kvm_msr_list *
vmm_kvm_complete_msr_list (const struct kvm_msr_list *listed)
{
  const gsize most = listed->nmsrs + G_N_ELEMENTS (extra_msrs);
  struct kvm_msr_list *list = g_malloc0 (sizeof *list + most * sizeof list->indices[0]);

  memcpy (list, listed, sizeof *list + listed->nmsrs * sizeof list->indices[0]);
  for (gsize i = 0; i < G_N_ELEMENTS (extra_msrs); i++)
    if (!is_listed (listed, extra_msrs[i]))
      list->indices[list->nmsrs++] = extra_msrs[i];
  return list;
}

struct kvm_msr_list *
vmm_kvm_read_msr_list (int system_fd, GError **error)
{
  g_autofree struct kvm_msr_list *list = g_malloc0 (sizeof *list + MSR_LIST_MAX * sizeof list->indices[0]);

  list->nmsrs = MSR_LIST_MAX;
  if (vmm_kvm_ioctl (system_fd, KVM_GET_MSR_INDEX_LIST, list, "list the MSRs", error) < 0)
    return NULL;
  return vmm_kvm_complete_msr_list (list);
}

/* Moves those of @entries that can be read to the front. Returns how many, or -1 with @error set. */
static gssize
read_msrs (VmmKvmVp *vp, struct kvm_msr_entry *entries, gsize n, GError **error)
{
  gsize n_read = 0;

  for (gsize i = 0; i < n;)
    {
      int done = access_msrs (vp, KVM_GET_MSRS, &entries[i], n - i);

      if (done < 0)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_HOST,
                       "KVM failed to read the MSRs of VP %u from 0x%x on: %s",
                       vp->index,
                       entries[i].index,
                       g_strerror (errno));
          return -1;
        }
      memmove (&entries[n_read], &entries[i], done * sizeof entries[0]);
      n_read += done;
      i += (gsize) done < MIN (n - i, MSRS_AT_ONCE) ? done + 1 : done;
    }
  return n_read;
}

static Openvmm__X86__Msr *
pack_msr (const struct kvm_msr_entry *entry, guint64 tsc_lag)
{
  Openvmm__X86__Msr *message = g_new (Openvmm__X86__Msr, 1);

  openvmm__x86__msr__init (message);
  message->index = entry->index;
  message->value = entry->index == MSR_IA32_TSC ? entry->data - tsc_lag : entry->data;
  return message;
}

gboolean
vmm_kvm_save_msrs (VmmKvmVp *vp, guint64 tsc_lag, Openvmm__X86__VpState *state, GError **error)
{
  const struct kvm_msr_list *list = vp->kvm->host->msrs;
  g_autofree struct kvm_msr_entry *entries = g_new0 (struct kvm_msr_entry, list->nmsrs);
  gssize n;

  for (guint i = 0; i < list->nmsrs; i++)
    entries[i].index = list->indices[i];
  n = read_msrs (vp, entries, list->nmsrs, error);
  if (n < 0)
    return FALSE;

  state->msrs = g_new (Openvmm__X86__Msr *, n);
  state->n_msrs = n;
  for (gssize i = 0; i < n; i++)
    state->msrs[i] = pack_msr (&entries[i], tsc_lag);
  return TRUE;
}

static gboolean
has_value (VmmKvmVp *vp, const struct kvm_msr_entry *wanted)
{
  struct kvm_msr_entry present = { .index = wanted->index };

  return access_msrs (vp, KVM_GET_MSRS, &present, 1) == 1 && present.data == wanted->data;
}

static gboolean
write_msrs (VmmKvmVp *vp, struct kvm_msr_entry *entries, gsize n, GError **error)
{
  for (gsize i = 0; i < n;)
    {
      int result = access_msrs (vp, KVM_SET_MSRS, &entries[i], n - i); /* MAX() would set them twice */
      gsize done = MAX (0, result);

      i += done;
      if (done == MIN (n - (i - done), MSRS_AT_ONCE))
        continue;
      if (!has_value (vp, &entries[i]))
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_INCOMPATIBLE,
                       "this host's KVM cannot set MSR 0x%x of VP %u to 0x%" G_GINT64_MODIFIER "x",
                       entries[i].index,
                       vp->index,
                       (guint64) entries[i].data);
          return FALSE;
        }
      i++;
    }
  return TRUE;
}

gboolean
vmm_kvm_load_msrs (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error)
{
  g_autofree struct kvm_msr_entry *entries = NULL;
  const Openvmm__X86__Msr *deadline = NULL;
  gsize n = 0;

  if (state->n_msrs > MSRS_MAX)
    return vmm_kvm_set_corrupt (vp, error, "more MSRs than any processor has");
  entries = g_new0 (struct kvm_msr_entry, state->n_msrs);
  for (gsize i = 0; i < state->n_msrs; i++)
    {
      const Openvmm__X86__Msr *msr = state->msrs[i];

      if (msr->index == MSR_IA32_TSC_DEADLINE)
        deadline = msr;
      else
        entries[n++] = (struct kvm_msr_entry){ .index = msr->index, .data = msr->value };
    }
  if (deadline != NULL && n < state->n_msrs)
    entries[n++] = (struct kvm_msr_entry){ .index = deadline->index, .data = deadline->value };
  return write_msrs (vp, entries, n, error);
}

gboolean
vmm_kvm_get_saved_tsc (const Openvmm__X86__VpState *state, guint64 *tsc)
{
  for (gsize i = 0; i < state->n_msrs; i++)
    if (state->msrs[i]->index == MSR_IA32_TSC)
      {
        *tsc = state->msrs[i]->value;
        return TRUE;
      }
  return FALSE;
}
