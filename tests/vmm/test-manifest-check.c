/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/manifest.h"

#include "tests/vmm/sample-manifest.h"

typedef struct
{
  const char *name;
  void (*change) (VmmManifest *manifest);
  const char *part; /* of the message */
} Case;

static void
fill (char **field, gsize length)
{
  g_free (*field);
  *field = g_strnfill (length, 'x');
}

#define CHANGE(name, statement)                                                                              \
  static void change_##name (VmmManifest *manifest)                                                          \
  {                                                                                                          \
    statement;                                                                                               \
  }

CHANGE (uuid, sample_manifest_set (&manifest->uuid, "nonsense"))
CHANGE (uuid_missing, sample_manifest_set (&manifest->uuid, ""))
CHANGE (uuid_upper, sample_manifest_set (&manifest->uuid, "0F5B8F0E-0000-4000-8000-00000000000A"))
CHANGE (uuid_braces, sample_manifest_set (&manifest->uuid, "{0f5b8f0e-0000-4000-8000-00000000000a}"))
CHANGE (vm_uuid, sample_manifest_set (&manifest->vm_uuid, "x"))
CHANGE (vm_uuid_differs, sample_manifest_set (&manifest->vm_uuid, "0f5b8f0e-0000-4000-8000-00000000000a"))
CHANGE (parent_uuid, sample_manifest_set (&manifest->parent_uuid, "parent"))
CHANGE (boot_id, sample_manifest_set (&manifest->host_boot_id, "boot"))
CHANGE (version_text, sample_manifest_set (&manifest->openvmm_version, "1\n2"))
CHANGE (name_long, fill (&manifest->vm_name, 256))
CHANGE (name_control, sample_manifest_set (&manifest->vm_name, "a\x1b[2J"))
CHANGE (name_differs, sample_manifest_set (&manifest->vm_name, "other"))
CHANGE (description_utf8, sample_manifest_set (&manifest->description, "\xc3("))
CHANGE (description_long, fill (&manifest->description, VMM_MANIFEST_DESCRIPTION_MAX + 1))
CHANGE (vm_state, sample_manifest_set (&manifest->vm_state, "stopped"))
CHANGE (created_before, manifest->created_at->seconds = -1)
CHANGE (created_after, manifest->created_at->seconds = 253402300800)
CHANGE (created_nanos, manifest->created_at->nanos = 1000000000)
CHANGE (created_nanos_negative, manifest->created_at->nanos = -1)
CHANGE (created_missing, google__protobuf__timestamp__free_unpacked (manifest->created_at, NULL);
        manifest->created_at = NULL)
CHANGE (config_missing, openvmm__vm_config__free_unpacked (manifest->config, NULL); manifest->config = NULL)
CHANGE (config_description, sample_manifest_set (&manifest->config->description, "\xff"))
CHANGE (config_memory_file, fill (&manifest->config->memory_file, 5000))
CHANGE (config_kernel, sample_manifest_set (&manifest->config->kernel, "/\xff"))
CHANGE (config_initrd, sample_manifest_set (&manifest->config->initrd, "/\xff"))
CHANGE (config_cmdline, fill (&manifest->config->cmdline, 65537))
CHANGE (config_memory_size, manifest->config->memory_size += 4096)
CHANGE (config_vp_count, manifest->config->vp_count++)
CHANGE (config_backing, manifest->config->memory_backing = 0)
CHANGE (config_backing_unknown, manifest->config->memory_backing = 4)
CHANGE (memory_size, manifest->memory_size_bytes -= 4096; manifest->config->memory_size -= 4096)
CHANGE (memory_size_zero, manifest->memory_size_bytes = 0; manifest->config->memory_size = 0)
CHANGE (memory_size_huge, manifest->memory_size_bytes = G_MAXUINT64;
        manifest->config->memory_size = G_MAXUINT64)
CHANGE (range_none, openvmm__snapshot__memory_range__free_unpacked (manifest->memory_ranges[0], NULL);
        manifest->n_memory_ranges = 0)
CHANGE (range_offset, manifest->memory_ranges[0]->file_offset = 4096)
CHANGE (range_gpa, manifest->memory_ranges[0]->gpa = 100)
CHANGE (range_gpa_wraps, manifest->memory_ranges[0]->gpa = G_MAXUINT64 - 4095)
CHANGE (range_length, manifest->memory_ranges[0]->length = 100)
CHANGE (range_length_zero, manifest->memory_ranges[0]->length = 0)
CHANGE (range_length_huge, manifest->memory_ranges[0]->length = G_MAXUINT64 - 4095)
CHANGE (digests_missing, openvmm__snapshot__memory_digests__free_unpacked (manifest->memory_digests, NULL);
        manifest->memory_digests = NULL)
CHANGE (digests_few, manifest->memory_digests->sha256.len -= 32)
CHANGE (digests_cut, manifest->memory_digests->sha256.len -= 1)
CHANGE (chunk_size_zero, manifest->memory_digests->chunk_size = 0)
CHANGE (chunk_size_odd, manifest->memory_digests->chunk_size = 4096 * 3)
CHANGE (chunk_size_small, manifest->memory_digests->chunk_size = 2048)
CHANGE (chunk_size_huge, manifest->memory_digests->chunk_size = 1ull << 63)
CHANGE (state_size, manifest->state_size = 256 * 1024 * 1024 + 1)
CHANGE (state_sha256, manifest->state_sha256.len = 31)
CHANGE (unit_name, sample_manifest_set (&manifest->state_units[0], "a\nb"))
CHANGE (cpu_vendor, sample_manifest_set (&manifest->cpu->vendor, "\xff"))
CHANGE (cpu_model, fill (&manifest->cpu->model_name, 300))

/* a child of itself, which a manifest alone cannot tell */
static Openvmm__Snapshot__IncrementalMemory *
make_incremental (VmmManifest *manifest)
{
  g_autoptr (VmmManifest) parent = sample_manifest_new ();
  g_autoptr (GBytes) pages = g_bytes_new_static ("\x01\x01", 2);

  parent->manifest_sha256.len = VMM_DIGEST_SIZE;
  parent->manifest_sha256.data = g_malloc0 (VMM_DIGEST_SIZE);
  vmm_manifest_set_incremental (manifest, parent, "/snapshots/parent", 1, pages);
  return manifest->incremental;
}

CHANGE (incremental_version, make_incremental (manifest); manifest->format_version = 1)
CHANGE (incremental_missing, manifest->format_version = 2)
CHANGE (incremental_parent, make_incremental (manifest); sample_manifest_set (&manifest->parent_uuid, ""))
CHANGE (incremental_directory, sample_manifest_set (&make_incremental (manifest)->parent_directory, "\xff"))
CHANGE (incremental_parent_sha256, make_incremental (manifest)->parent_sha256.len = 31)
CHANGE (incremental_pages_sha256, make_incremental (manifest)->pages_sha256.len = 0)
CHANGE (incremental_count, make_incremental (manifest)->page_count = 4097)
CHANGE (incremental_size, make_incremental (manifest)->pages_size = 4098)
CHANGE (consolidated_from, make_incremental (manifest); manifest->consolidated_from.data = g_malloc0 (31);
        manifest->consolidated_from.len = 31)

static const Case cases[] = {
  { "uuid", change_uuid, "uuid is 'nonsense'" },
  { "missing-uuid", change_uuid_missing, "uuid is ''" },
  { "uuid-in-upper-case", change_uuid_upper, "in lower case" },
  { "uuid-in-braces", change_uuid_braces, "uuid is" },
  { "vm-uuid", change_vm_uuid, "vm_uuid is 'x'" },
  { "vm-uuid-that-differs", change_vm_uuid_differs, "config.uuid" },
  { "parent-uuid", change_parent_uuid, "parent_uuid is 'parent'" },
  { "boot-id", change_boot_id, "host_boot_id is 'boot'" },
  { "version-of-two-lines", change_version_text, "openvmm_version has the control character 0x0a" },
  { "long-name", change_name_long, "vm_name has 256 bytes, 255 are the most" },
  { "name-with-control-characters", change_name_control, "0x1b" },
  { "name-that-differs", change_name_differs, "config.name" },
  { "description-not-utf8", change_description_utf8, "description is not UTF-8" },
  { "long-description", change_description_long, "65537 bytes, 65536 are the most" },
  { "vm-state", change_vm_state, "neither 'running' nor 'paused'" },
  { "time-before-1970", change_created_before, "created_at is -1 s" },
  { "time-after-9999", change_created_after, "created_at is 253402300800 s" },
  { "too-many-nanoseconds", change_created_nanos, "1000000000 ns" },
  { "negative-nanoseconds", change_created_nanos_negative, "-1 ns" },
  { "missing-time", change_created_missing, "created_at is missing" },
  { "missing-configuration", change_config_missing, "config is missing" },
  { "description-of-vm-not-utf8", change_config_description, "config.description is not UTF-8" },
  { "long-path-of-memory-file", change_config_memory_file, "config.memory_file has 5000 bytes" },
  { "path-of-kernel-not-utf8", change_config_kernel, "config.kernel" },
  { "path-of-initrd-not-utf8", change_config_initrd, "config.initrd" },
  { "long-command-line", change_config_cmdline, "config.cmdline has 65537 bytes" },
  { "memory-size-of-configuration", change_config_memory_size, "config.memory_size is 16781312" },
  { "vp-count-of-configuration", change_config_vp_count, "config.vp_count is 2, vp_count is 1" },
  { "no-memory-backing", change_config_backing, "config.memory_backing is 0" },
  { "unknown-memory-backing", change_config_backing_unknown, "config.memory_backing is 4" },
  { "memory-size-other-than-ranges", change_memory_size, "memory_size_bytes is 16773120" },
  { "no-memory", change_memory_size_zero, "memory_size_bytes is 0" },
  { "huge-memory", change_memory_size_huge, "memory_size_bytes is 18446744073709551615" },
  { "no-range", change_range_none, "memory_ranges are 0 bytes" },
  { "range-at-another-offset", change_range_offset, "offset 4096" },
  { "range-off-a-page", change_range_gpa, "address 100" },
  { "range-that-wraps-around", change_range_gpa_wraps, "memory_ranges[0]" },
  { "range-of-half-a-page", change_range_length, "100 bytes at" },
  { "empty-range", change_range_length_zero, "memory_ranges[0] is 0 bytes" },
  { "huge-range", change_range_length_huge, "memory_ranges[0]" },
  { "missing-digests", change_digests_missing, "memory_digests is missing" },
  { "too-few-digests", change_digests_few, "has 96 bytes, expected 32 for each of 4 chunks" },
  { "half-a-digest", change_digests_cut, "has 127 bytes" },
  { "chunk-size-zero", change_chunk_size_zero, "chunk_size is 0" },
  { "chunk-size-no-power-of-two", change_chunk_size_odd, "chunk_size is 12288" },
  { "small-chunk-size", change_chunk_size_small, "chunk_size is 2048" },
  { "huge-chunk-size", change_chunk_size_huge, "chunk_size is 9223372036854775808" },
  { "huge-state", change_state_size, "state_size is 268435457" },
  { "short-digest-of-state", change_state_sha256, "state_sha256 has 31 bytes" },
  { "unit-name-of-two-lines", change_unit_name, "state_units" },
  { "cpu-vendor-not-utf8", change_cpu_vendor, "cpu.vendor" },
  { "incremental-of-version-1", change_incremental_version, "format_version is 1, but incremental is there" },
  { "version-2-and-complete", change_incremental_missing, "format_version is 2, but incremental is missing" },
  { "incremental-without-parent", change_incremental_parent, "parent_uuid is ''" },
  { "parent-directory-not-utf8", change_incremental_directory, "incremental.parent_directory is not UTF-8" },
  { "short-digest-of-parent", change_incremental_parent_sha256, "incremental.parent_sha256 has 31 bytes" },
  { "no-digest-of-pages", change_incremental_pages_sha256, "incremental.pages_sha256 has 0 bytes" },
  { "more-pages-than-ram", change_incremental_count, "incremental.page_count is 4097 of 4096" },
  { "huge-pages-file", change_incremental_size, "incremental.pages_size is 4098, 4097 are the most" },
  { "short-former-digest", change_consolidated_from, "consolidated_from has 31 bytes" },
  { "long-cpu-model", change_cpu_model, "cpu.model_name has 300 bytes" },
};

static void
test_rejects (gconstpointer data)
{
  const Case *test_case = data;
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GError) error = NULL;

  test_case->change (manifest);
  g_assert_false (vmm_manifest_check (manifest, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (strstr (error->message, test_case->part) == NULL)
    g_error ("'%s' is not in: %s", test_case->part, error->message);
}

static void
test_accepts_what_is_sound (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_manifest_check (manifest, &error));
  g_assert_no_error (error);
  openvmm__snapshot__cpu_identity__free_unpacked (manifest->cpu, NULL);
  manifest->cpu = NULL;
  sample_manifest_set (&manifest->host_boot_id, "");
  sample_manifest_set (&manifest->description, "zwei\nZeilen \xc3\xa4");
  g_assert_true (vmm_manifest_check (manifest, &error));
  g_assert_no_error (error);
}

static void
test_counts_ranges_and_units (void)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (GError) error = NULL;
  gsize n_ranges = manifest->n_memory_ranges;
  gsize n_units = manifest->n_state_units;

  /* the counts are looked at before what they count */
  manifest->n_memory_ranges = 129;
  g_assert_false (vmm_manifest_check (manifest, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_clear_error (&error);
  manifest->n_memory_ranges = n_ranges;
  manifest->n_state_units = 1025;
  g_assert_false (vmm_manifest_check (manifest, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  manifest->n_state_units = n_units;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/manifest-check/accepts-what-is-sound", test_accepts_what_is_sound);
  g_test_add_func ("/vmm/manifest-check/counts-ranges-and-units", test_counts_ranges_and_units);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/vmm/manifest-check/rejects-", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_rejects);
    }
  return g_test_run ();
}
