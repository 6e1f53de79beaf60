/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sample-manifest.h: a manifest in which every field is as it should be */

#pragma once

#include "vmm/digest.h"
#include "vmm/manifest.h"

#include <string.h>

/** sample_manifest_set: gives a text field another value. */
static inline void
sample_manifest_set (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

/** sample_manifest_new: (transfer full): 16 MiB in four chunks, one unit. */
static inline VmmManifest *
sample_manifest_new (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  VmmManifest *manifest;

  config->name = g_strdup ("sample");
  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->kernel = g_strdup ("/boot/vmlinuz");
  manifest = vmm_manifest_new (config, TRUE, "text", NULL, 0);
  vmm_manifest_set_cpu (manifest, "GenuineTest", "Test CPU", 2000000);
  manifest->state_size = 100;
  manifest->state_sha256.len = VMM_DIGEST_SIZE;
  manifest->state_sha256.data = g_malloc0 (VMM_DIGEST_SIZE);
  manifest->memory_digests = g_new (Openvmm__Snapshot__MemoryDigests, 1);
  openvmm__snapshot__memory_digests__init (manifest->memory_digests);
  manifest->memory_digests->chunk_size = vmm_manifest_get_chunk_size (config->memory_size);
  manifest->memory_digests->sha256.len = 4 * VMM_DIGEST_SIZE;
  manifest->memory_digests->sha256.data = g_malloc0 (4 * VMM_DIGEST_SIZE);
  manifest->n_state_units = 1;
  manifest->state_units = g_new0 (char *, 1);
  manifest->state_units[0] = g_strdup ("platform");
  return manifest;
}
