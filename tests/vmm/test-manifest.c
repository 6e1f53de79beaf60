/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/manifest.h"

#include "tests/vmm/sample-manifest.h"

/* what OpenVMM's own format has for {1, 1234567890 s, "test-0.1.0", 1024, 2, 4096, "x86_64"} */
#define INTEROP_VECTOR "0801120608d285d8cc041a0a746573742d302e312e3020800828023080203a067838365f3634"

static char *
to_hex (const guint8 *bytes, gsize length)
{
  GString *hex = g_string_new (NULL);

  for (gsize i = 0; i < length; i++)
    g_string_append_printf (hex, "%02x", bytes[i]);
  return g_string_free (hex, FALSE);
}

static void
test_writes_fields_1_to_7_as_openvmm (void)
{
  Google__Protobuf__Timestamp created_at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
  VmmManifest manifest = OPENVMM__SNAPSHOT__SNAPSHOT_MANIFEST__INIT;
  g_autoptr (GBytes) packed = NULL;
  g_autofree char *hex = NULL;

  created_at.seconds = 1234567890;
  manifest.version = 1;
  manifest.created_at = &created_at;
  manifest.openvmm_version = (char *) "test-0.1.0";
  manifest.memory_size_bytes = 1024;
  manifest.vp_count = 2;
  manifest.page_size = 4096;
  manifest.architecture = (char *) "x86_64";
  packed = vmm_manifest_pack (&manifest);
  g_assert_cmpuint (g_bytes_get_size (packed), ==, 38 + 38);
  hex = to_hex (g_bytes_get_data (packed, NULL), 38);
  g_assert_cmpstr (hex, ==, INTEROP_VECTOR);
}

static void
test_reads_fields_1_to_7_of_openvmm (void)
{
  guint8 bytes[38];
  VmmManifest *manifest;

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (g_ascii_xdigit_value (INTEROP_VECTOR[2 * i]) << 4 |
                         g_ascii_xdigit_value (INTEROP_VECTOR[2 * i + 1]));
  manifest = openvmm__snapshot__snapshot_manifest__unpack (NULL, sizeof bytes, bytes);
  g_assert_nonnull (manifest);
  g_assert_cmpuint (manifest->version, ==, 1);
  g_assert_cmpint (manifest->created_at->seconds, ==, 1234567890);
  g_assert_cmpint (manifest->created_at->nanos, ==, 0);
  g_assert_cmpstr (manifest->openvmm_version, ==, "test-0.1.0");
  g_assert_cmpuint (manifest->memory_size_bytes, ==, 1024);
  g_assert_cmpuint (manifest->vp_count, ==, 2);
  g_assert_cmpuint (manifest->page_size, ==, 4096);
  g_assert_cmpstr (manifest->architecture, ==, "x86_64");
  vmm_manifest_free (manifest);
}

static void
test_ends_in_its_digest (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GBytes) packed = vmm_manifest_pack (manifest);
  gsize length;
  const guint8 *bytes = g_bytes_get_data (packed, &length);
  guint8 digest[VMM_DIGEST_SIZE];
  VmmManifest *whole = openvmm__snapshot__snapshot_manifest__unpack (NULL, length, bytes);

  vmm_digest_bytes (bytes, length - 38, digest);
  g_assert_cmpmem (bytes + length - 38, 6, "\xfa\xff\xff\xff\x0f\x20", 6);
  g_assert_cmpmem (bytes + length - 32, 32, digest, 32);
  /* and the ordinary decoder finds it in its field */
  g_assert_nonnull (whole);
  g_assert_cmpmem (whole->manifest_sha256.data, whole->manifest_sha256.len, digest, 32);
  vmm_manifest_free (whole);
}

static void
test_round_trip_changes_nothing (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GBytes) packed = vmm_manifest_pack (manifest);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmManifest) read = vmm_manifest_unpack (packed, &error);
  g_autoptr (GBytes) again = NULL;

  g_assert_no_error (error);
  again = vmm_manifest_pack (read);
  g_assert_true (g_bytes_equal (packed, again));
}

static void
test_is_made_from_the_configuration (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmManifest) manifest = NULL;
  g_autofree char *boot_id = NULL;

  config->name = g_strdup ("name");
  config->vp_count = 3;
  manifest = vmm_manifest_new (config, FALSE, NULL, NULL, 42);
  g_assert_cmpuint (manifest->version, ==, 1);
  g_assert_cmpuint (manifest->format_version, ==, 1);
  g_assert_cmpstr (manifest->openvmm_version, ==, PACKAGE_VERSION);
  g_assert_cmpuint (manifest->page_size, ==, 4096);
  g_assert_cmpstr (manifest->architecture, ==, "x86_64");
  g_assert_cmpstr (manifest->vm_name, ==, "name");
  g_assert_cmpstr (manifest->vm_uuid, ==, config->uuid);
  g_assert_cmpstr (manifest->vm_state, ==, "paused");
  g_assert_cmpstr (manifest->parent_uuid, ==, "");
  g_assert_cmpstr (manifest->description, ==, "");
  g_assert_cmpuint (manifest->freeze_usec, ==, 42);
  g_assert_true (g_uuid_string_is_valid (manifest->uuid));
  g_assert_cmpstr (manifest->uuid, !=, manifest->vm_uuid);
  g_assert_true (g_file_get_contents ("/proc/sys/kernel/random/boot_id", &boot_id, NULL, NULL));
  g_assert_cmpstr (manifest->host_boot_id, ==, g_strstrip (boot_id));
}

static void
test_gives_the_configuration_back (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmManifest) manifest = NULL;
  g_autoptr (VmmConfig) read = NULL;

  config->name = g_strdup ("name");
  config->description = g_strdup ("what it is for");
  config->memory_size = 5 * 1024 * 1024 * 1024ull;
  config->vp_count = 64;
  config->memory_backing = VMM_MEMORY_BACKING_FILE;
  config->memory_file = g_strdup ("/ram");
  config->memory_directory = g_strdup ("/var/lib");
  config->kernel = g_strdup ("/vmlinuz");
  config->initrd = g_strdup ("/initrd");
  config->cmdline = g_strdup ("quiet");
  manifest = vmm_manifest_new (config, TRUE, NULL, NULL, 0);
  read = vmm_manifest_get_config (manifest);
  g_assert_cmpstr (read->name, ==, "name");
  g_assert_cmpstr (read->uuid, ==, config->uuid);
  g_assert_cmpstr (read->description, ==, "what it is for");
  g_assert_cmpuint (read->memory_size, ==, config->memory_size);
  g_assert_cmpuint (read->vp_count, ==, 64);
  g_assert_cmpint (read->memory_backing, ==, VMM_MEMORY_BACKING_FILE);
  g_assert_cmpstr (read->memory_file, ==, "/ram");
  g_assert_null (read->memory_directory);
  g_assert_cmpstr (read->kernel, ==, "/vmlinuz");
  g_assert_cmpstr (read->initrd, ==, "/initrd");
  g_assert_cmpstr (read->cmdline, ==, "quiet");
}

static void
check_ranges (guint64 size, gsize n, guint64 low, guint64 high)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmManifest) manifest = NULL;

  config->memory_size = size;
  manifest = vmm_manifest_new (config, TRUE, NULL, NULL, 0);
  g_assert_cmpuint (manifest->n_memory_ranges, ==, n);
  g_assert_cmpuint (manifest->memory_ranges[0]->gpa, ==, 0);
  g_assert_cmpuint (manifest->memory_ranges[0]->file_offset, ==, 0);
  g_assert_cmpuint (manifest->memory_ranges[0]->length, ==, low);
  if (n == 1)
    return;
  g_assert_cmpuint (manifest->memory_ranges[1]->gpa, ==, 4ull << 30);
  g_assert_cmpuint (manifest->memory_ranges[1]->file_offset, ==, low);
  g_assert_cmpuint (manifest->memory_ranges[1]->length, ==, high);
}

static void
test_memory_leaves_the_hole (void)
{
  check_ranges (16 << 20, 1, 16 << 20, 0);
  check_ranges (3ull << 30, 1, 3ull << 30, 0);
  check_ranges ((3ull << 30) + 4096, 2, 3ull << 30, 4096);
  check_ranges (5ull << 30, 2, 3ull << 30, 2ull << 30);
}

static void
test_digests_of_large_memory_fit (void)
{
  g_assert_cmpuint (vmm_manifest_get_chunk_size (16 << 20), ==, 4 << 20);
  g_assert_cmpuint (vmm_manifest_get_chunk_size (64ull << 30), ==, 4 << 20);
  g_assert_cmpuint (vmm_manifest_get_chunk_size ((64ull << 30) + 4096), ==, 8 << 20);
  for (guint64 size = 1ull << 30; size <= 1ull << 44; size *= 2)
    g_assert_cmpuint (size / vmm_manifest_get_chunk_size (size) * 32, <=, VMM_MANIFEST_SIZE_MAX / 2);
}

static void
test_describes_the_cpu (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();

  vmm_manifest_set_cpu (manifest, "AuthenticAMD", "one", 1);
  vmm_manifest_set_cpu (manifest, "GenuineIntel", NULL, 2);
  g_assert_cmpstr (manifest->cpu->vendor, ==, "GenuineIntel");
  g_assert_cmpstr (manifest->cpu->model_name, ==, "");
  g_assert_cmpuint (manifest->cpu->tsc_khz, ==, 2);
}

static void
assert_refused (GBytes *bytes, VmmError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmManifest) manifest = vmm_manifest_unpack (bytes, &error);

  g_assert_null (manifest);
  g_assert_error (error, VMM_ERROR, (gint) code);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' is not in: %s", part, error->message);
}

static void
test_refuses_a_manifest_of_openvmm (void)
{
  guint8 bytes[38];
  g_autoptr (GBytes) packed = NULL;

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (g_ascii_xdigit_value (INTEROP_VECTOR[2 * i]) << 4 |
                         g_ascii_xdigit_value (INTEROP_VECTOR[2 * i + 1]));
  packed = g_bytes_new (bytes, sizeof bytes);
  assert_refused (packed, VMM_ERROR_CORRUPT, "another program wrote it");
}

static void
test_refuses_every_flip_and_every_cut (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GBytes) packed = vmm_manifest_pack (manifest);
  gsize length;
  const guint8 *bytes = g_bytes_get_data (packed, &length);

  for (gsize i = 0; i < length; i++)
    {
      g_autoptr (GBytes) cut = g_bytes_new (bytes, i);

      assert_refused (cut, VMM_ERROR_CORRUPT, "manifest.bin");
      for (guint bit = 0; bit < 8; bit++)
        {
          guint8 *flipped = g_memdup2 (bytes, length);
          g_autoptr (GBytes) changed = g_bytes_new_take (flipped, length);

          flipped[i] ^= (guint8) (1 << bit);
          assert_refused (changed, VMM_ERROR_CORRUPT, "manifest.bin");
        }
    }
}

static void
test_refuses_what_is_too_large (void)
{
  g_autoptr (GBytes)
      bytes = g_bytes_new_take (g_malloc0 (VMM_MANIFEST_SIZE_MAX + 1), VMM_MANIFEST_SIZE_MAX + 1);

  assert_refused (bytes, VMM_ERROR_CORRUPT, "1048576 are the most");
}

/* bytes of any content, with a right digest behind them */
static GBytes *
seal (const char *body, gsize length)
{
  guint8 *bytes = g_malloc (length + 38);

  memcpy (bytes, body, length);
  memcpy (bytes + length, "\xfa\xff\xff\xff\x0f\x20", 6);
  vmm_digest_bytes (bytes, length, bytes + length + 6);
  return g_bytes_new_take (bytes, length + 38);
}

static void
test_refuses_sealed_garbage (void)
{
  g_autoptr (GBytes) garbage = seal ("\x08", 1);
  g_autoptr (GBytes) nothing = seal ("", 0);
  g_autoptr (GBytes) two = seal ("\x08\x01\xfa\xff\xff\xff\x0f\x01x", 9);

  assert_refused (garbage, VMM_ERROR_CORRUPT, "not a sound message");
  assert_refused (nothing, VMM_ERROR_INCOMPATIBLE, "manifest is of version 0, expected 1");
  assert_refused (two, VMM_ERROR_CORRUPT, "more than one digest");
}

static void
test_skips_unknown_fields (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GBytes) packed = vmm_manifest_pack (manifest);
  g_autoptr (GByteArray) longer = g_byte_array_new ();
  g_autoptr (GBytes) sealed = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmManifest) read = NULL;

  g_byte_array_append (longer, g_bytes_get_data (packed, NULL), (guint) g_bytes_get_size (packed) - 38);
  g_byte_array_append (longer, (const guint8 *) "\xc2\x3e\x03new", 6);
  sealed = seal ((const char *) longer->data, longer->len);
  read = vmm_manifest_unpack (sealed, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (read->uuid, ==, manifest->uuid);
}

/* in the message itself, or in the configuration; a number of 0 in two bytes, not one */
static void
test_refuses_field_zero (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GBytes) packed = vmm_manifest_pack (manifest);
  gsize length = g_bytes_get_size (packed) - 38;
  const char *body = g_bytes_get_data (packed, NULL);
  g_autofree char *outer = g_malloc (length + 9);
  g_autoptr (GBytes) sealed = NULL;

  memcpy (outer, body, length);
  memcpy (outer + length, "\x82\x00\x01x", 4);
  sealed = seal (outer, length + 4);
  assert_refused (sealed, VMM_ERROR_CORRUPT, "not a sound message");
  g_clear_pointer (&sealed, g_bytes_unref);

  /* another piece of field 105, which is merged into the first */
  memcpy (outer + length, "\xca\x06\x04\x82\x00\x01x", 7);
  sealed = seal (outer, length + 7);
  assert_refused (sealed, VMM_ERROR_CORRUPT, "not a sound message");
}

static void
test_names_every_incompatibility (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GBytes) packed = NULL;

  manifest->page_size = 65536;
  manifest->config->vp_count = manifest->vp_count = 65;
  manifest->memory_ranges[0]->gpa = 1ull << 32;
  sample_manifest_set (&manifest->architecture, "riscv64");
  packed = vmm_manifest_pack (manifest);
  assert_refused (packed, VMM_ERROR_INCOMPATIBLE, "'riscv64', expected 'x86_64'");
  assert_refused (packed, VMM_ERROR_INCOMPATIBLE, "page size is 65536 bytes, expected 4096");
  assert_refused (packed, VMM_ERROR_INCOMPATIBLE, "vp-count is 65");
  assert_refused (packed, VMM_ERROR_INCOMPATIBLE, "other addresses");
}

static void
test_checks_fields (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GBytes) packed = NULL;

  sample_manifest_set (&manifest->vm_name, "bad\xff");
  packed = vmm_manifest_pack (manifest);
  assert_refused (packed, VMM_ERROR_CORRUPT, "vm_name is not UTF-8");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/manifest/writes-fields-1-to-7-as-openvmm", test_writes_fields_1_to_7_as_openvmm);
  g_test_add_func ("/vmm/manifest/reads-fields-1-to-7-of-openvmm", test_reads_fields_1_to_7_of_openvmm);
  g_test_add_func ("/vmm/manifest/ends-in-its-digest", test_ends_in_its_digest);
  g_test_add_func ("/vmm/manifest/round-trip-changes-nothing", test_round_trip_changes_nothing);
  g_test_add_func ("/vmm/manifest/is-made-from-the-configuration", test_is_made_from_the_configuration);
  g_test_add_func ("/vmm/manifest/gives-the-configuration-back", test_gives_the_configuration_back);
  g_test_add_func ("/vmm/manifest/memory-leaves-the-hole", test_memory_leaves_the_hole);
  g_test_add_func ("/vmm/manifest/digests-of-large-memory-fit", test_digests_of_large_memory_fit);
  g_test_add_func ("/vmm/manifest/describes-the-cpu", test_describes_the_cpu);
  g_test_add_func ("/vmm/manifest/refuses-a-manifest-of-openvmm", test_refuses_a_manifest_of_openvmm);
  g_test_add_func ("/vmm/manifest/refuses-every-flip-and-every-cut", test_refuses_every_flip_and_every_cut);
  g_test_add_func ("/vmm/manifest/refuses-what-is-too-large", test_refuses_what_is_too_large);
  g_test_add_func ("/vmm/manifest/refuses-sealed-garbage", test_refuses_sealed_garbage);
  g_test_add_func ("/vmm/manifest/skips-unknown-fields", test_skips_unknown_fields);
  g_test_add_func ("/vmm/manifest/refuses-field-zero", test_refuses_field_zero);
  g_test_add_func ("/vmm/manifest/names-every-incompatibility", test_names_every_incompatibility);
  g_test_add_func ("/vmm/manifest/checks-fields", test_checks_fields);
  return g_test_run ();
}
