/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Golden snapshots, of every format there was: they open and verify, and say what they always said. */

#include "config.h"
#include "tests/golden/golden.h"

#include "vmm/snapshot-chain.h"

#define FIRST_PAGE (4 * 1024 * 1024u) /* where the guest writes down what it is told */

static char *scratch;

/* word for word as the guest was told, a page each */
static void
check_memory (VmmSnapshot *snapshot, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMemory) memory = vmm_snapshot_chain_new_memory (snapshot, &error);

  g_assert_no_error (error);
  for (guint i = 0; i <= strlen (words); i++)
    {
      guint8 byte = 0;

      g_assert_true (vmm_memory_read (memory, FIRST_PAGE + i * VMM_PAGE_SIZE, &byte, 1, &error));
      g_assert_cmpint (byte, ==, words[i]);
    }
}

static void
check_one (const char *top, const char *name, gboolean incremental, const char *words)
{
  g_autofree char *directory = g_build_filename (top, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_open_chain (snapshot, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (vmm_snapshot_get_incremental (snapshot), ==, incremental);
  g_assert_cmpstr (vmm_snapshot_get_vm_name (snapshot), ==, "golden");
  g_assert_cmpstr (vmm_snapshot_get_description (snapshot), ==, name);
  g_assert_true (vmm_snapshot_get_running (snapshot));
  check_memory (snapshot, words);
}

static void
test_verifies (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  char *top = golden_unpack (scratch, golden_archives[i].name);

  check_one (top, "complete", FALSE, GOLDEN_COMPLETE);
  if (golden_archives[i].has_incremental)
    check_one (top, "incremental", TRUE, GOLDEN_COMPLETE GOLDEN_INCREMENTAL);
  scratch_free (top);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  scratch = scratch_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (golden_archives); i++)
    {
      g_autofree char *path = g_strdup_printf ("/golden/files/%s-verifies", golden_archives[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_verifies);
    }
  result = g_test_run ();
  scratch_free (scratch);
  return result;
}
