/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes sound inputs for each target, from which fuzzing starts, to NAME/seeds in the directory that is named, and
 * makes NAME/found for what it finds. They are made anew with each build, so they are of the format that is built.
 */

#include "config.h"
#include "tests/fuzz/fake-kvm.h"
#include "tests/fuzz/fuzz.h"

#include "tests/vmm/fake-host.h"
#include "tests/vmm/kernel-image.h"
#include "tests/vmm/sample-snapshot.h"
#include "tests/vmm/sample-manifest.h"

#define CHUNK_SIZE (64 * 1024u)

static void
put (const char *top, const char *noun, const char *name, gconstpointer data, gsize size)
{
  g_autofree char *seeds = g_build_filename (top, noun, "seeds", NULL);
  g_autofree char *found = g_build_filename (top, noun, "found", NULL);

  g_assert_cmpint (g_mkdir_with_parents (seeds, 0777), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (found, 0777), ==, 0);
  scratch_write (seeds, name, data, size);
}

static void
put_bytes (const char *top, const char *noun, const char *name, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  put (top, noun, name, data, size);
}

/* (transfer full): @bytes behind @byte */
static GBytes *
prefix (guint8 byte, GBytes *bytes)
{
  GByteArray *array = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_byte_array_append (array, &byte, 1);
  if (size > 0)
    g_byte_array_append (array, data, (guint) size);
  return g_byte_array_free_to_bytes (array);
}

static GBytes *
pack (const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *packed = g_malloc (size);

  protobuf_c_message_pack (message, packed);
  return g_bytes_new_take (packed, size);
}

/* ---- snapshots --------------------------------------------------------------------------------- */

static VmmManifest *
manifest_new (VmmSavedState *state)
{
  VmmManifest *manifest = sample_manifest_new ();
  g_autofree const char **names = vmm_saved_state_get_names (state);

  /* of a size that can be looked at often */
  manifest->memory_digests->chunk_size = CHUNK_SIZE;
  g_free (manifest->memory_digests->sha256.data);
  manifest->memory_digests->sha256.len = manifest->memory_size_bytes / CHUNK_SIZE * VMM_DIGEST_SIZE;
  manifest->memory_digests->sha256.data = g_malloc0 (manifest->memory_digests->sha256.len);
  sample_manifest_set (&manifest->uuid, SAMPLE_UUID);
  sample_manifest_set (&manifest->host_boot_id, SAMPLE_UUID);
  manifest->created_at->seconds = 1234567890;
  g_free (manifest->state_units[0]);
  g_free (manifest->state_units);
  manifest->n_state_units = g_strv_length ((char **) names);
  manifest->state_units = g_strdupv ((char **) names);
  return manifest;
}

/* without the digest at its end, which the targets put there */
static GBytes *
manifest_body (const VmmManifest *manifest)
{
  g_autoptr (GBytes) whole = vmm_manifest_pack (manifest);

  return g_bytes_new_from_bytes (whole, 0, g_bytes_get_size (whole) - 6 - VMM_DIGEST_SIZE);
}

static void
append_part (GByteArray *array, GBytes *part)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (part, &size);

  if (size > 0)
    g_byte_array_append (array, data, (guint) size);
  g_byte_array_append (array, (const guint8 *) FUZZ_SEPARATOR, FUZZ_SEPARATOR_SIZE);
}

static void
put_snapshot (const char *top, const char *name, GBytes *manifest, GBytes *state, GBytes *pages)
{
  g_autoptr (GByteArray) array = g_byte_array_new ();

  g_byte_array_append (array, (const guint8 *) "", 1);
  append_part (array, manifest);
  append_part (array, state);
  append_part (array, pages);
  g_byte_array_append (array, (const guint8 *) "memory", 6);
  put (top, "snapshot", name, array->data, array->len);
}

static void
put_snapshots (const char *top)
{
  static const guint8 first_pages[] = { 0, 2 };
  g_autoptr (GBytes) pages = g_bytes_new_static (first_pages, sizeof first_pages);
  g_autoptr (GBytes) no_pages = g_bytes_new_static ("", 0);
  g_autoptr (VmmSavedState) state = sample_state_new ();
  g_autoptr (VmmManifest) manifest = manifest_new (state);
  g_autoptr (VmmManifest) parent = manifest_new (state);
  g_autoptr (GBytes) packed_state = vmm_saved_state_pack (state);
  g_autoptr (GBytes) packed_parent = vmm_manifest_pack (parent);
  g_autoptr (GBytes) complete = manifest_body (manifest);
  g_autoptr (GBytes) incremental = NULL;

  vmm_manifest_set_digest (parent, packed_parent);
  vmm_manifest_set_incremental (manifest, parent, "/snapshots/parent", 2, pages);
  incremental = manifest_body (manifest);
  put_bytes (top, "manifest", "complete", complete);
  put_bytes (top, "manifest", "incremental", incremental);
  put_bytes (top, "wire-reader", "manifest", complete);
  put_bytes (top, "wire-reader", "state", packed_state);
  put_bytes (top, "saved-state", "two-units", packed_state);
  put_snapshot (top, "complete", complete, packed_state, no_pages);
  put_snapshot (top, "incremental", incremental, packed_state, pages);
}

static void
put_page_sets (const char *top)
{
  static const guint8 none[] = { 0, 16, 0 };
  static const guint8 two_runs[] = { 0, 16, 0, 0, 2, 100, 0x80, 1 };
  static const guint8 all[] = { 0, 16, 0, 0, 0x80, 0x20 };

  put (top, "page-set", "none", none, sizeof none);
  put (top, "page-set", "two-runs", two_runs, sizeof two_runs);
  put (top, "page-set", "all", all, sizeof all);
}

/* ---- units ------------------------------------------------------------------------------------- */

static void
put_devices (const char *top)
{
  static const guint8 accesses[] = { 0, 0, 0, 0, 2, 0, 1, 0x80, 5, 0, 0, 'a', 6, 0, 30, 1, 7, 0, 0, 0 };
  g_auto (FakeHost) host;

  fake_host_init (&host);
  for (guint8 i = 0; vmm_device_types[i] != NULL; i++)
    {
      g_autoptr (VmmDevice) device = fake_host_new_device (&host, vmm_device_types[i]);
      g_autoptr (GBytes) saved = vmm_device_save (device);
      g_autoptr (GBytes) numbered = prefix (i, saved);
      g_autoptr (GByteArray) array = g_byte_array_new ();

      append_part (array, numbered);
      g_byte_array_append (array, accesses, sizeof accesses);
      put (top, "device", vmm_device_types[i]->name, array->data, array->len);
    }
}

static void
put_kvm_units (const char *top)
{
  g_autoptr (FakeKvm) fake = fake_kvm_new (0);
  g_autoptr (GError) error = NULL;
  Openvmm__X86__VpState *vp = vmm_kvm_vp_save (&fake->vp, 0, &error);
  Openvmm__X86__PlatformState *platform = vmm_kvm_save_platform (&fake->kvm, &error);
  g_autoptr (GBytes) packed_vp = NULL;
  g_autoptr (GBytes) packed_platform = NULL;
  g_autoptr (GBytes) vp_input = NULL;
  g_autoptr (GBytes) platform_input = NULL;
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (GBytes) packed_state = NULL;

  g_assert_no_error (error);
  packed_vp = pack (&vp->base);
  packed_platform = pack (&platform->base);
  vp_input = prefix (0, packed_vp);
  platform_input = prefix (0, packed_platform);
  vmm_saved_state_add (state, "vp-0", vp->base.descriptor, packed_vp);
  vmm_saved_state_add (state, "platform", platform->base.descriptor, packed_platform);
  packed_state = vmm_saved_state_pack (state);
  put_bytes (top, "vp", "zero", vp_input);
  put_bytes (top, "platform", "zero", platform_input);
  put_bytes (top, "saved-state", "zero", packed_state);
  openvmm__x86__vp_state__free_unpacked (vp, NULL);
  openvmm__x86__platform_state__free_unpacked (platform, NULL);
}

/* ---- kernels ----------------------------------------------------------------------------------- */

static void
put_kernels (const char *top)
{
  g_autoptr (GByteArray) bzimage = kernel_image_new_bzimage ();
  g_autoptr (GByteArray) elf = kernel_image_new_elf ();

  put (top, "boot", "bzimage", bzimage->data, bzimage->len);
  put (top, "boot", "elf", elf->data, elf->len);
}

int
main (int argc, char **argv)
{
  const char *top = argv[1];

  g_assert_cmpint (argc, ==, 3);
  put_snapshots (top);
  put_page_sets (top);
  put_devices (top);
  put_kvm_units (top);
  put_kernels (top);
  g_assert_true (g_file_set_contents (argv[2], "", 0, NULL)); /* a sign for the build that all is there */
  return 0;
}
