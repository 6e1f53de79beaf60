/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A digest only tells that the bytes are those that were written, not that who wrote them meant well. Text goes
 * to the bus, sizes to mmap(): so each field has its bounds here, and what is said twice must be said alike.
 */

#include "config.h"
#include "vmm/manifest.h"

#include "vmm/digest.h"
#include "vmm/memory.h"
#include "vmm/page-set.h"
#include "vmm/saved-state.h"

#include <limits.h>
#include <string.h>

#define NAME_LENGTH_MAX 255u
#define CMDLINE_LENGTH_MAX (64 * 1024u)
#define MEMORY_RANGES_MAX 128u
#define MEMORY_SIZE_MAX (1ull << 52)           /* bytes; no x86-64 addresses more */
#define CREATED_AT_SECONDS_MAX 253402300799ll  /* 9999-12-31T23:59:59Z */
#define CHUNK_SIZE_MAX (1024 * 1024 * 1024ull) /* bytes */

static gboolean G_GNUC_PRINTF (2, 3) set_corrupt (GError **error, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VMM_ERROR, VMM_ERROR_CORRUPT, "manifest.bin: %s", message);
  return FALSE;
}

static gboolean
check_text (const char *field, const char *value, gsize length_max, GError **error)
{
  if (strlen (value) > length_max)
    return set_corrupt (error, "%s has %zu bytes, %zu are the most", field, strlen (value), length_max);
  if (!g_utf8_validate (value, -1, NULL))
    return set_corrupt (error, "%s is not UTF-8", field);
  return TRUE;
}

/* text that is shown on one line */
static gboolean
check_line (const char *field, const char *value, gsize length_max, GError **error)
{
  if (!check_text (field, value, length_max, error))
    return FALSE;
  for (const char *p = value; *p != '\0'; p++)
    {
      if (g_ascii_iscntrl (*p))
        return set_corrupt (error, "%s has the control character 0x%02x in it", field, (guint8) *p);
    }
  return TRUE;
}

static gboolean
check_uuid (const char *field, const char *value, gboolean optional, GError **error)
{
  g_autofree char *lower = g_ascii_strdown (value, -1);

  if (optional && *value == '\0')
    return TRUE;
  if (!check_text (field, value, NAME_LENGTH_MAX, error))
    return FALSE;
  if (!g_uuid_string_is_valid (value) || strcmp (value, lower) != 0)
    return set_corrupt (error, "%s is '%s', expected a UUID in lower case", field, value);
  return TRUE;
}

static gboolean
check_created_at (const VmmManifest *manifest, GError **error)
{
  const Google__Protobuf__Timestamp *created_at = manifest->created_at;

  if (created_at == NULL)
    return set_corrupt (error, "created_at is missing");
  if (created_at->seconds < 0 || created_at->seconds > CREATED_AT_SECONDS_MAX || created_at->nanos < 0 ||
      created_at->nanos > 999999999)
    return set_corrupt (error,
                        "created_at is %" G_GINT64_FORMAT
                        " s and %d ns after 1970, expected a time up to the year 9999",
                        created_at->seconds,
                        created_at->nanos);
  return TRUE;
}

static gboolean
check_identity (const VmmManifest *manifest, GError **error)
{
  if (!check_uuid ("uuid", manifest->uuid, FALSE, error) ||
      !check_uuid ("vm_uuid", manifest->vm_uuid, FALSE, error) ||
      !check_uuid ("parent_uuid", manifest->parent_uuid, TRUE, error) ||
      !check_uuid ("host_boot_id", manifest->host_boot_id, TRUE, error) ||
      !check_line ("openvmm_version", manifest->openvmm_version, NAME_LENGTH_MAX, error) ||
      !check_line ("architecture", manifest->architecture, NAME_LENGTH_MAX, error) ||
      !check_line ("vm_name", manifest->vm_name, NAME_LENGTH_MAX, error) ||
      !check_text ("description", manifest->description, VMM_MANIFEST_DESCRIPTION_MAX, error) ||
      !check_created_at (manifest, error))
    return FALSE;
  if (strcmp (manifest->vm_state, "running") != 0 && strcmp (manifest->vm_state, "paused") != 0)
    return set_corrupt (error, "vm_state is neither 'running' nor 'paused'");
  return TRUE;
}

static gboolean
check_config (const VmmManifest *manifest, GError **error)
{
  const Openvmm__VmConfig *config = manifest->config;

  if (config == NULL)
    return set_corrupt (error, "config is missing");
  if (!check_text ("config.description", config->description, VMM_MANIFEST_DESCRIPTION_MAX, error) ||
      !check_text ("config.memory_file", config->memory_file, PATH_MAX, error) ||
      !check_text ("config.kernel", config->kernel, PATH_MAX, error) ||
      !check_text ("config.initrd", config->initrd, PATH_MAX, error) ||
      !check_text ("config.cmdline", config->cmdline, CMDLINE_LENGTH_MAX, error))
    return FALSE;
  if (strcmp (config->name, manifest->vm_name) != 0)
    return set_corrupt (error, "config.name is not the same as vm_name");
  if (strcmp (config->uuid, manifest->vm_uuid) != 0)
    return set_corrupt (error, "config.uuid is not the same as vm_uuid");
  if (config->memory_size != manifest->memory_size_bytes)
    return set_corrupt (error,
                        "config.memory_size is %" G_GUINT64_FORMAT
                        " bytes, memory_size_bytes is %" G_GUINT64_FORMAT,
                        config->memory_size,
                        manifest->memory_size_bytes);
  if (config->vp_count != manifest->vp_count)
    return set_corrupt (error, "config.vp_count is %u, vp_count is %u", config->vp_count, manifest->vp_count);
  if (config->memory_backing < OPENVMM__MEMORY_BACKING__MEMORY_BACKING_FILE ||
      config->memory_backing > OPENVMM__MEMORY_BACKING__MEMORY_BACKING_ANONYMOUS)
    return set_corrupt (error, "config.memory_backing is %d, expected 1 to 3", (int) config->memory_backing);
  return TRUE;
}

static gboolean
check_memory_ranges (const VmmManifest *manifest, GError **error)
{
  guint64 next_gpa = 0;
  guint64 next_offset = 0;

  if (manifest->memory_size_bytes == 0 || manifest->memory_size_bytes > MEMORY_SIZE_MAX)
    return set_corrupt (error, "memory_size_bytes is %" G_GUINT64_FORMAT, manifest->memory_size_bytes);
  if (manifest->n_memory_ranges > MEMORY_RANGES_MAX)
    return set_corrupt (error,
                        "there are %zu memory_ranges, %u are the most",
                        manifest->n_memory_ranges,
                        MEMORY_RANGES_MAX);
  for (gsize i = 0; i < manifest->n_memory_ranges; i++)
    {
      const Openvmm__Snapshot__MemoryRange *range = manifest->memory_ranges[i];

      if (range->length == 0 || range->length > MEMORY_SIZE_MAX || range->gpa < next_gpa ||
          range->gpa > MEMORY_SIZE_MAX - range->length || range->file_offset != next_offset ||
          (range->gpa | range->length) % VMM_PAGE_SIZE != 0)
        return set_corrupt (error,
                            "memory_ranges[%zu] is %" G_GUINT64_FORMAT " bytes at address %" G_GUINT64_FORMAT
                            " and offset %" G_GUINT64_FORMAT
                            ", expected whole pages in ascending order, one behind the other in the file",
                            i,
                            range->length,
                            range->gpa,
                            range->file_offset);
      next_gpa = range->gpa + range->length;
      next_offset += range->length;
    }
  if (next_offset != manifest->memory_size_bytes)
    return set_corrupt (error,
                        "memory_ranges are %" G_GUINT64_FORMAT
                        " bytes in all, memory_size_bytes is %" G_GUINT64_FORMAT,
                        next_offset,
                        manifest->memory_size_bytes);
  return TRUE;
}

static gboolean
check_memory_digests (const VmmManifest *manifest, GError **error)
{
  const Openvmm__Snapshot__MemoryDigests *digests = manifest->memory_digests;
  guint64 n_chunks;

  if (digests == NULL)
    return set_corrupt (error, "memory_digests is missing");
  if (digests->chunk_size < VMM_PAGE_SIZE || digests->chunk_size > CHUNK_SIZE_MAX ||
      (digests->chunk_size & (digests->chunk_size - 1)) != 0)
    return set_corrupt (error,
                        "memory_digests.chunk_size is %" G_GUINT64_FORMAT
                        ", expected a power of two from %u to %llu",
                        digests->chunk_size,
                        VMM_PAGE_SIZE,
                        CHUNK_SIZE_MAX);
  n_chunks = vmm_digest_chunk_count (manifest->memory_size_bytes, digests->chunk_size);
  if (digests->sha256.len != n_chunks * VMM_DIGEST_SIZE)
    return set_corrupt (error,
                        "memory_digests.sha256 has %zu bytes, expected %u for each of %" G_GUINT64_FORMAT
                        " chunks",
                        digests->sha256.len,
                        VMM_DIGEST_SIZE,
                        n_chunks);
  return TRUE;
}

static gboolean
check_state (const VmmManifest *manifest, GError **error)
{
  if (manifest->state_size > VMM_SAVED_STATE_SIZE_MAX)
    return set_corrupt (error,
                        "state_size is %" G_GUINT64_FORMAT " bytes, %u are the most",
                        manifest->state_size,
                        VMM_SAVED_STATE_SIZE_MAX);
  if (manifest->state_sha256.len != VMM_DIGEST_SIZE)
    return set_corrupt (error,
                        "state_sha256 has %zu bytes, expected %u",
                        manifest->state_sha256.len,
                        VMM_DIGEST_SIZE);
  if (manifest->n_state_units > VMM_SAVED_STATE_UNITS_MAX)
    return set_corrupt (error,
                        "there are %zu state_units, %u are the most",
                        manifest->n_state_units,
                        VMM_SAVED_STATE_UNITS_MAX);
  for (gsize i = 0; i < manifest->n_state_units; i++)
    {
      if (!check_line ("state_units", manifest->state_units[i], VMM_SAVED_STATE_NAME_MAX, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_sha256 (const char *field, const ProtobufCBinaryData *value, GError **error)
{
  if (value->len == VMM_DIGEST_SIZE)
    return TRUE;
  return set_corrupt (error, "%s has %zu bytes, expected %u", field, value->len, VMM_DIGEST_SIZE);
}

static gboolean
check_page_counts (const VmmManifest *manifest, GError **error)
{
  const Openvmm__Snapshot__IncrementalMemory *incremental = manifest->incremental;
  guint64 n_pages = manifest->memory_size_bytes / VMM_PAGE_SIZE;
  guint64 size_max = vmm_page_set_get_packed_size_max (n_pages);

  if (manifest->memory_size_bytes > VMM_MANIFEST_INCREMENTAL_MEMORY_MAX)
    return set_corrupt (error,
                        "memory_size_bytes is %" G_GUINT64_FORMAT
                        ", %llu are the most where incremental is there",
                        manifest->memory_size_bytes,
                        VMM_MANIFEST_INCREMENTAL_MEMORY_MAX);
  if (incremental->page_count > n_pages)
    return set_corrupt (error,
                        "incremental.page_count is %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " pages",
                        incremental->page_count,
                        n_pages);
  if (incremental->pages_size > size_max)
    return set_corrupt (error,
                        "incremental.pages_size is %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " are the most",
                        incremental->pages_size,
                        size_max);
  return TRUE;
}

static gboolean
check_incremental (const VmmManifest *manifest, GError **error)
{
  const Openvmm__Snapshot__IncrementalMemory *incremental = manifest->incremental;

  if (manifest->consolidated_from.len != 0 &&
      !check_sha256 ("consolidated_from", &manifest->consolidated_from, error))
    return FALSE;
  if ((incremental != NULL) != (manifest->format_version == VMM_MANIFEST_FORMAT_VERSION_INCREMENTAL))
    return set_corrupt (error,
                        "format_version is %u, but incremental is %s",
                        manifest->format_version,
                        incremental != NULL ? "there" : "missing");
  if (incremental == NULL)
    return TRUE;
  return check_uuid ("parent_uuid", manifest->parent_uuid, FALSE, error) &&
         check_text ("incremental.parent_directory", incremental->parent_directory, PATH_MAX, error) &&
         check_sha256 ("incremental.parent_sha256", &incremental->parent_sha256, error) &&
         check_sha256 ("incremental.pages_sha256", &incremental->pages_sha256, error) &&
         check_page_counts (manifest, error);
}

gboolean
vmm_manifest_check (const VmmManifest *manifest, GError **error)
{
  const Openvmm__Snapshot__CpuIdentity *cpu = manifest->cpu;

  if (cpu != NULL && (!check_line ("cpu.vendor", cpu->vendor, NAME_LENGTH_MAX, error) ||
                      !check_line ("cpu.model_name", cpu->model_name, NAME_LENGTH_MAX, error)))
    return FALSE;
  return check_identity (manifest, error) && check_config (manifest, error) &&
         check_memory_ranges (manifest, error) && check_memory_digests (manifest, error) &&
         check_state (manifest, error) && check_incremental (manifest, error);
}
