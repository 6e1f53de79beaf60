/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sample-chain.h: snapshots over snapshots, with RAM that a test decides on */

#pragma once

#include "tests/vmm/sample-snapshot.h"
#include "vmm/snapshot-chain.h"
#include "vmm/sparse-copy.h"

#define SAMPLE_CHAIN_PAGES (VMM_MEMORY_SIZE_MIN / VMM_PAGE_SIZE)

/** sample_chain_write: RAM of @memory, @pages of it over the snapshot in @parent, or all if that is %NULL. */
static inline void
sample_chain_write (const char *directory, const char *parent, const VmmPageSet *pages, const guint8 *memory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmConfig) config = sample_config_new ();
  g_autoptr (VmmManifest) manifest = vmm_manifest_new (config, TRUE, "a link", NULL, 1);
  g_autoptr (VmmSavedState) state = sample_state_new ();
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new (directory, &error);
  VMM_AUTO_FD int fd = -1;

  g_assert_no_error (error);
  fd = vmm_snapshot_writer_create_memory (writer, VMM_MEMORY_SIZE_MIN, &error);
  g_assert_no_error (error);
  for (guint64 page = 0; page < SAMPLE_CHAIN_PAGES; page++)
    {
      gsize offset = page * VMM_PAGE_SIZE;

      if ((parent == NULL || vmm_page_set_contains (pages, page)) &&
          !vmm_sparse_copy_is_zero (memory + offset, VMM_PAGE_SIZE))
        g_assert_cmpint (pwrite (fd, memory + offset, VMM_PAGE_SIZE, (off_t) offset), ==, VMM_PAGE_SIZE);
    }
  if (parent != NULL)
    {
      g_autoptr (VmmSnapshot) under = vmm_snapshot_open (parent, &error);
      g_autoptr (GBytes) packed = vmm_page_set_pack (pages);

      g_assert_no_error (error);
      vmm_snapshot_writer_set_parent (writer, manifest, under, vmm_page_set_count (pages), packed);
    }
  g_assert_true (vmm_snapshot_writer_commit (writer, manifest, state, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
}

/** sample_chain_change: gives some pages of @memory other content, zero now and then, and adds them to @pages. */
static inline void
sample_chain_change (guint8 *memory, VmmPageSet *pages, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      guint64 page = (guint64) g_test_rand_int_range (0, (gint32) SAMPLE_CHAIN_PAGES);
      guint8 byte = (guint8) (g_test_rand_int_range (0, 4) == 0 ? 0 : g_test_rand_int_range (1, 256));

      memset (memory + page * VMM_PAGE_SIZE, byte, VMM_PAGE_SIZE);
      vmm_page_set_add (pages, page);
    }
}

/** sample_chain_assert_memory: what a restore of the snapshot in @directory would find in RAM. */
static inline void
sample_chain_assert_memory (const char *directory, const guint8 *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, &error);
  g_autoptr (VmmMemory) memory = NULL;
  g_autofree guint8 *found = g_malloc (VMM_MEMORY_SIZE_MIN);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_open_chain (snapshot, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  memory = vmm_snapshot_chain_new_memory (snapshot, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_memory_read (memory, 0, found, VMM_MEMORY_SIZE_MIN, &error));
  g_assert_no_error (error);
  g_assert_cmpint (memcmp (found, expected, VMM_MEMORY_SIZE_MIN), ==, 0);
}
