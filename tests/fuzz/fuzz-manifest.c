/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The input is manifest.bin without the digest at its end, which is put there. A manifest that is accepted is one
 * that can be written, and is accepted again.
 */

#include "config.h"
#include "tests/fuzz/fuzz.h"

#include "vmm/digest.h"
#include "vmm/manifest.h"

static GBytes *
add_digest (const guint8 *data, gsize size)
{
  static const guint8 header[] = { 0xfa, 0xff, 0xff, 0xff, 0x0f, VMM_DIGEST_SIZE };
  GByteArray *bytes = g_byte_array_sized_new ((guint) size + sizeof header + VMM_DIGEST_SIZE);
  guint8 digest[VMM_DIGEST_SIZE];

  vmm_digest_bytes (data, size, digest);
  if (size > 0)
    g_byte_array_append (bytes, data, (guint) size);
  g_byte_array_append (bytes, header, sizeof header);
  g_byte_array_append (bytes, digest, sizeof digest);
  return g_byte_array_free_to_bytes (bytes);
}

static void
check_accepted (const VmmManifest *manifest)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmConfig) config = vmm_manifest_get_config (manifest);
  g_autoptr (GBytes) bytes = vmm_manifest_pack (manifest);
  g_autoptr (VmmManifest) again = vmm_manifest_unpack (bytes, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (again->uuid, ==, manifest->uuid);
  g_assert_true (vmm_config_validate (config, &error));
  g_assert_no_error (error);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = add_digest (data, size);
  g_autoptr (GBytes) bare = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) bare_error = NULL;
  g_autoptr (VmmManifest) manifest = vmm_manifest_unpack (bytes, &error);
  g_autoptr (VmmManifest) of_bare = vmm_manifest_unpack (bare, &bare_error);

  g_assert_true ((manifest == NULL) == (error != NULL));
  g_assert_true ((of_bare == NULL) == (bare_error != NULL));
  if (manifest != NULL)
    check_accepted (manifest);
  return 0;
}
