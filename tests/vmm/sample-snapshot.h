/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sample-snapshot.h: a small snapshot with RAM that is not all zero and two units of state */

#pragma once

#include "tests/vmm/message.h"
#include "tests/vmm/scratch.h"
#include "vmm/digest.h"
#include "vmm/memory.h"
#include "vmm/snapshot-writer.h"
#include "vmm/snapshot.h"

#include "proto/platform.pb-c.h"

#define SAMPLE_CHUNK (4 * 1024 * 1024ull)
#define SAMPLE_UUID "0f5b8f0e-0000-4000-8000-00000000000a"

/** sample_config_new: a VM with the least RAM there is. */
static inline VmmConfig *
sample_config_new (void)
{
  VmmConfig *config = vmm_config_new ();

  config->name = g_strdup ("sample");
  config->description = g_strdup ("a VM for tests");
  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->vp_count = 2;
  config->kernel = g_strdup ("/boot/vmlinuz");
  config->cmdline = g_strdup ("console=ttyS0");
  return config;
}

/** sample_state_new: units "platform" and "other". */
static inline VmmSavedState *
sample_state_new (void)
{
  VmmSavedState *state = vmm_saved_state_new ();
  Openvmm__X86__PlatformState platform = OPENVMM__X86__PLATFORM_STATE__INIT;
  Openvmm__X86__Pic pic = OPENVMM__X86__PIC__INIT;

  platform.clock_ns = 123456789;
  vmm_saved_state_add_message (state, "platform", message_copy (&platform));
  pic.irr = 5;
  vmm_saved_state_add_message (state, "other", message_copy (&pic));
  return state;
}

/** sample_fill_memory: bytes in the chunks number 0 and 2; chunk 1 is a hole, chunk 3 has zeros that were written. */
static inline void
sample_fill_memory (int fd)
{
  static const guint8 zeros[8192];

  g_assert_cmpint (ftruncate (fd, VMM_MEMORY_SIZE_MIN), ==, 0);
  g_assert_cmpint (pwrite (fd, "boot", 4, 4096), ==, 4);
  g_assert_cmpint (pwrite (fd, "data", 4, 2 * SAMPLE_CHUNK + 100000), ==, 4);
  g_assert_cmpint (pwrite (fd, zeros, sizeof zeros, 3 * SAMPLE_CHUNK), ==, sizeof zeros);
}

/** sample_write_with_ops: writes the sample; @ram_fd is adopted, or -1 for a memory.bin of its own. */
static inline gboolean
sample_write_with_ops (const VmmFileOps *ops,
                       const char *directory,
                       int ram_fd,
                       gboolean *linked,
                       GError **error)
{
  g_autoptr (VmmConfig) config = sample_config_new ();
  g_autoptr (VmmManifest) manifest = vmm_manifest_new (config, TRUE, "before the update", SAMPLE_UUID, 1500);
  g_autoptr (VmmSavedState) state = sample_state_new ();
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new_with_ops (ops, directory, error);

  if (writer == NULL)
    return FALSE;
  vmm_manifest_set_cpu (manifest, "GenuineTest", "Test CPU", 2000000);
  if (ram_fd < 0)
    {
      VMM_AUTO_FD int fd = vmm_snapshot_writer_create_memory (writer, config->memory_size, error);

      if (fd < 0)
        return FALSE;
      sample_fill_memory (fd);
    }
  else if (!vmm_snapshot_writer_adopt_memory (writer, ram_fd, config->memory_size, NULL, linked, error))
    return FALSE;
  return vmm_snapshot_writer_commit (writer, manifest, state, NULL, NULL, NULL, error);
}

/** sample_write: (transfer full): path of a new sample named "snap" in @scratch. */
static inline char *
sample_write (const char *scratch)
{
  g_autoptr (GError) error = NULL;
  char *directory = g_build_filename (scratch, "snap", NULL);

  sample_write_with_ops (NULL, directory, -1, NULL, &error);
  g_assert_no_error (error);
  return directory;
}

/** sample_assert_sound: opens the snapshot and verifies it. */
static inline void
sample_assert_sound (const char *directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
}
