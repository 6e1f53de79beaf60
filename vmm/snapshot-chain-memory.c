/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The complete snapshot at the end of the chain is mapped, and over it the longest runs of pages that have changed
 * since, each from the newest snapshot that has it: so a guest waits for no page that it does not use. An overlay takes
 * two of the mappings that the process has for all its VMs. So they are few, and what is short, or too much, is read.
 */

#include "config.h"
#include "vmm/snapshot-chain.h"

#define MAPPINGS_DEFAULT 65530u           /* of a process: vm.max_map_count, Linux admin-guide/sysctl/vm */
#define MAPPINGS_SHARE 4096u              /* so that of a thousand VMs, two for each overlay, half are left */
#define OVERLAYS_MAX 256u                 /* of a VM */
#define OVERLAY_LENGTH_MIN (64 * 1024ull) /* bytes: less is as quick to read */

/* which runs are mapped */
typedef struct
{
  VmmMemory *memory;
  GArray *lengths;    /* of guint64: the bytes of all runs */
  guint64 length_min; /* of those that are mapped */
  guint left;         /* that may be */
} Overlaying;

static guint
get_overlays_max (void)
{
  g_autofree char *text = NULL;
  guint64 mappings = MAPPINGS_DEFAULT;

  if (g_file_get_contents ("/proc/sys/vm/max_map_count", &text, NULL, NULL))
    mappings = g_ascii_strtoull (text, NULL, 10);
  return (guint) MIN (mappings / MAPPINGS_SHARE, OVERLAYS_MAX);
}

static gboolean
note_length (guint64 offset, guint64 length, int fd, gpointer user_data, GError **error)
{
  Overlaying *overlaying = user_data;

  g_array_append_val (overlaying->lengths, length);
  return TRUE;
}

static gint
compare_longest_first (gconstpointer a, gconstpointer b)
{
  guint64 first = *(const guint64 *) a;
  guint64 second = *(const guint64 *) b;

  return first > second ? -1 : first < second;
}

static void
choose_length (Overlaying *overlaying)
{
  g_array_sort (overlaying->lengths, compare_longest_first);
  overlaying->left = get_overlays_max ();
  overlaying->length_min = OVERLAY_LENGTH_MIN;
  if (overlaying->left > 0 && overlaying->lengths->len > overlaying->left)
    overlaying->length_min = MAX (OVERLAY_LENGTH_MIN,
                                  g_array_index (overlaying->lengths, guint64, overlaying->left - 1));
}

static gboolean
load_change (guint64 offset, guint64 length, int fd, gpointer user_data, GError **error)
{
  Overlaying *overlaying = user_data;

  if (length >= overlaying->length_min && overlaying->left > 0 &&
      vmm_memory_overlay (overlaying->memory, offset, fd, length, NULL))
    {
      overlaying->left--;
      return TRUE;
    }
  return vmm_memory_write_at_offset (overlaying->memory, offset, fd, length, error);
}

static gboolean
load_changes (VmmSnapshot *snapshot, VmmMemory *memory, GError **error)
{
  g_autoptr (GArray) lengths = g_array_new (FALSE, FALSE, sizeof (guint64));
  Overlaying overlaying = { .memory = memory, .lengths = lengths };

  if (!vmm_snapshot_get_incremental (snapshot))
    return TRUE;
  if (!vmm_snapshot_chain_foreach_change (snapshot, NULL, note_length, &overlaying, error))
    return FALSE;
  choose_length (&overlaying);
  return vmm_snapshot_chain_foreach_change (snapshot, NULL, load_change, &overlaying, error);
}

gboolean
vmm_snapshot_chain_show (VmmSnapshot *snapshot, VmmMemory *memory, GError **error)
{
  VmmSnapshot *base = vmm_snapshot_chain_get_base (snapshot);

  return vmm_memory_show (memory, vmm_snapshot_get_memory_fd (base), error) &&
         load_changes (snapshot, memory, error);
}

VmmMemory *
vmm_snapshot_chain_new_memory (VmmSnapshot *snapshot, GError **error)
{
  VmmSnapshot *base = vmm_snapshot_chain_get_base (snapshot);
  g_autoptr (VmmMemory) memory = NULL;

  memory = vmm_memory_new_private (vmm_snapshot_get_memory_fd (base),
                                   vmm_snapshot_get_manifest (base)->memory_size_bytes,
                                   error);
  if (memory == NULL || !load_changes (snapshot, memory, error))
    return NULL;
  return g_steal_pointer (&memory);
}
