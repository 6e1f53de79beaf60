/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * manifest.bin is one message and, as its last field, the SHA-256 of all bytes before that field. The field's
 * number is the highest there is, so its tag always takes the same five bytes and the field always the same 38:
 * who reads cuts them off the end before anything is decoded, whatever else a later format may bring.
 */

#include "config.h"
#include "vmm/manifest.h"

#include "vmm/digest.h"
#include "vmm/memory.h"

#include <string.h>

#define CHUNK_SIZE_MIN (4 * 1024 * 1024ull) /* bytes */
#define DIGESTS_SIZE_MAX (VMM_MANIFEST_SIZE_MAX / 2)

/* tag of field 536870911, a sequence of bytes, and its length */
static const guint8 digest_header[] = { 0xfa, 0xff, 0xff, 0xff, 0x0f, VMM_DIGEST_SIZE };

#define DIGEST_FIELD_SIZE (sizeof digest_header + VMM_DIGEST_SIZE)

static char *
read_host_boot_id (void)
{
  char *boot_id = NULL;

  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &boot_id, NULL, NULL))
    return g_strdup ("");
  return g_strstrip (boot_id);
}

/* messages of protobuf-c hold malloc()ed memory, which is what GLib's allocators give */
static Google__Protobuf__Timestamp *
timestamp_new (gint64 usec)
{
  Google__Protobuf__Timestamp *timestamp = g_new (Google__Protobuf__Timestamp, 1);

  google__protobuf__timestamp__init (timestamp);
  timestamp->seconds = usec / G_USEC_PER_SEC;
  timestamp->nanos = (gint32) (usec % G_USEC_PER_SEC) * 1000;
  return timestamp;
}

static char *
text (const char *string)
{
  return g_strdup (string != NULL ? string : "");
}

static Openvmm__VmConfig *
vm_config_new (const VmmConfig *config)
{
  Openvmm__VmConfig *message = g_new (Openvmm__VmConfig, 1);

  openvmm__vm_config__init (message);
  message->name = text (config->name);
  message->uuid = text (config->uuid);
  message->description = text (config->description);
  message->memory_size = config->memory_size;
  message->vp_count = config->vp_count;
  message->memory_backing = (Openvmm__MemoryBacking) config->memory_backing;
  message->memory_file = text (config->memory_file);
  message->kernel = text (config->kernel);
  message->initrd = text (config->initrd);
  message->cmdline = text (config->cmdline);
  return message;
}

static Openvmm__Snapshot__MemoryRange *
memory_range_new (guint64 gpa, guint64 file_offset, guint64 length)
{
  Openvmm__Snapshot__MemoryRange *range = g_new (Openvmm__Snapshot__MemoryRange, 1);

  openvmm__snapshot__memory_range__init (range);
  range->gpa = gpa;
  range->file_offset = file_offset;
  range->length = length;
  return range;
}

static void
set_memory_ranges (VmmManifest *manifest, guint64 size)
{
  guint64 low = MIN (size, VMM_MEMORY_HOLE_START);

  manifest->memory_ranges = g_new0 (Openvmm__Snapshot__MemoryRange *, 2);
  manifest->memory_ranges[manifest->n_memory_ranges++] = memory_range_new (0, 0, low);
  if (size > low)
    manifest->memory_ranges[manifest->n_memory_ranges++] = memory_range_new (VMM_MEMORY_HOLE_END,
                                                                             low,
                                                                             size - low);
}

VmmManifest *
vmm_manifest_new (const VmmConfig *config,
                  gboolean running,
                  const char *description,
                  const char *parent_uuid,
                  guint64 freeze_usec)
{
  VmmManifest *manifest = g_new (VmmManifest, 1);

  openvmm__snapshot__snapshot_manifest__init (manifest);
  manifest->version = VMM_MANIFEST_VERSION;
  manifest->created_at = timestamp_new (g_get_real_time ());
  manifest->openvmm_version = g_strdup (PACKAGE_VERSION);
  manifest->memory_size_bytes = config->memory_size;
  manifest->vp_count = config->vp_count;
  manifest->page_size = VMM_PAGE_SIZE;
  manifest->architecture = g_strdup (VMM_MANIFEST_ARCHITECTURE);
  manifest->format_version = VMM_MANIFEST_FORMAT_VERSION;
  manifest->uuid = g_uuid_string_random ();
  manifest->vm_uuid = text (config->uuid);
  manifest->parent_uuid = text (parent_uuid);
  manifest->vm_name = text (config->name);
  manifest->config = vm_config_new (config);
  manifest->vm_state = g_strdup (running ? "running" : "paused");
  manifest->host_boot_id = read_host_boot_id ();
  manifest->freeze_usec = freeze_usec;
  manifest->description = text (description);
  set_memory_ranges (manifest, config->memory_size);
  return manifest;
}

void
vmm_manifest_free (VmmManifest *manifest)
{
  openvmm__snapshot__snapshot_manifest__free_unpacked (manifest, NULL);
}

void
vmm_manifest_set_cpu (VmmManifest *manifest, const char *vendor, const char *model_name, guint32 tsc_khz)
{
  Openvmm__Snapshot__CpuIdentity *cpu = g_new (Openvmm__Snapshot__CpuIdentity, 1);

  openvmm__snapshot__cpu_identity__init (cpu);
  cpu->vendor = text (vendor);
  cpu->model_name = text (model_name);
  cpu->tsc_khz = tsc_khz;
  openvmm__snapshot__cpu_identity__free_unpacked (manifest->cpu, NULL);
  manifest->cpu = cpu;
}

static void
set_bytes (ProtobufCBinaryData *field, gconstpointer data, gsize length)
{
  g_free (field->data);
  field->data = g_memdup2 (data, length);
  field->len = length;
}

void
vmm_manifest_set_incremental (VmmManifest *manifest,
                              const VmmManifest *parent,
                              const char *parent_directory,
                              guint64 page_count,
                              GBytes *pages)
{
  Openvmm__Snapshot__IncrementalMemory *incremental = g_new (Openvmm__Snapshot__IncrementalMemory, 1);
  guint8 digest[VMM_DIGEST_SIZE];

  openvmm__snapshot__incremental_memory__init (incremental);
  set_bytes (&incremental->parent_sha256, parent->manifest_sha256.data, parent->manifest_sha256.len);
  incremental->parent_directory = text (parent_directory);
  incremental->page_count = page_count;
  incremental->pages_size = g_bytes_get_size (pages);
  vmm_digest_bytes (g_bytes_get_data (pages, NULL), g_bytes_get_size (pages), digest);
  set_bytes (&incremental->pages_sha256, digest, sizeof digest);

  openvmm__snapshot__incremental_memory__free_unpacked (manifest->incremental, NULL);
  manifest->incremental = incremental;
  manifest->format_version = VMM_MANIFEST_FORMAT_VERSION_INCREMENTAL;
  g_free (manifest->parent_uuid);
  manifest->parent_uuid = text (parent->uuid);
}

void
vmm_manifest_set_consolidated (VmmManifest *manifest, const ProtobufCBinaryData *former_sha256)
{
  openvmm__snapshot__incremental_memory__free_unpacked (manifest->incremental, NULL);
  manifest->incremental = NULL;
  manifest->format_version = VMM_MANIFEST_FORMAT_VERSION;
  set_bytes (&manifest->consolidated_from, former_sha256->data, former_sha256->len);
}

void
vmm_manifest_set_description (VmmManifest *manifest, const char *description)
{
  char *old = manifest->description;

  manifest->description = text (description);
  if (old != protobuf_c_empty_string)
    g_free (old);
}

static char *
text_or_null (const char *string)
{
  return *string != '\0' ? g_strdup (string) : NULL;
}

VmmConfig *
vmm_manifest_get_config (const VmmManifest *manifest)
{
  const Openvmm__VmConfig *message = manifest->config;
  VmmConfig *config = g_new0 (VmmConfig, 1);

  config->name = text_or_null (message->name);
  config->uuid = text_or_null (message->uuid);
  config->description = text_or_null (message->description);
  config->memory_size = message->memory_size;
  config->vp_count = message->vp_count;
  config->memory_backing = (VmmMemoryBacking) message->memory_backing;
  config->memory_file = text_or_null (message->memory_file);
  config->kernel = text_or_null (message->kernel);
  config->initrd = text_or_null (message->initrd);
  config->cmdline = text_or_null (message->cmdline);
  return config;
}

guint64
vmm_manifest_get_chunk_size (guint64 memory_size)
{
  guint64 chunk_size = CHUNK_SIZE_MIN;

  while (vmm_digest_chunk_count (memory_size, chunk_size) > DIGESTS_SIZE_MAX / VMM_DIGEST_SIZE)
    chunk_size *= 2;
  return chunk_size;
}

GBytes *
vmm_manifest_pack (const VmmManifest *manifest)
{
  VmmManifest body = *manifest;
  gsize body_size;
  guint8 *bytes;

  body.manifest_sha256 = (ProtobufCBinaryData){ 0, NULL };
  body_size = openvmm__snapshot__snapshot_manifest__get_packed_size (&body);
  bytes = g_malloc (body_size + DIGEST_FIELD_SIZE);
  openvmm__snapshot__snapshot_manifest__pack (&body, bytes);
  memcpy (bytes + body_size, digest_header, sizeof digest_header);
  vmm_digest_bytes (bytes, body_size, bytes + body_size + sizeof digest_header);
  return g_bytes_new_take (bytes, body_size + DIGEST_FIELD_SIZE);
}

void
vmm_manifest_set_digest (VmmManifest *manifest, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_return_if_fail (size >= VMM_DIGEST_SIZE);
  set_bytes (&manifest->manifest_sha256, data + size - VMM_DIGEST_SIZE, VMM_DIGEST_SIZE);
}

static gboolean
check_digest (const guint8 *bytes, gsize size, GError **error)
{
  guint8 digest[VMM_DIGEST_SIZE];
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (size > VMM_MANIFEST_SIZE_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "manifest.bin has %zu bytes; %u are the most that is read",
                   size,
                   VMM_MANIFEST_SIZE_MAX);
      return FALSE;
    }
  if (size < DIGEST_FIELD_SIZE ||
      memcmp (bytes + size - DIGEST_FIELD_SIZE, digest_header, sizeof digest_header) != 0)
    {
      g_set_error (
          error,
          VMM_ERROR,
          VMM_ERROR_CORRUPT,
          "manifest.bin has %zu bytes and does not end with its digest: it was cut or changed, or another "
          "program wrote it",
          size);
      return FALSE;
    }
  vmm_digest_bytes (bytes, size - DIGEST_FIELD_SIZE, digest);
  if (memcmp (bytes + size - VMM_DIGEST_SIZE, digest, VMM_DIGEST_SIZE) == 0)
    return TRUE;

  expected = vmm_digest_to_string (bytes + size - VMM_DIGEST_SIZE);
  found = vmm_digest_to_string (digest);
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_CORRUPT,
               "manifest.bin is damaged: its %zu bytes from offset 0 have the SHA-256 %s, expected %s",
               size - DIGEST_FIELD_SIZE,
               found,
               expected);
  return FALSE;
}

static gboolean
is_known_format (const VmmManifest *manifest)
{
  return manifest->version == VMM_MANIFEST_VERSION &&
         (manifest->format_version == VMM_MANIFEST_FORMAT_VERSION ||
          manifest->format_version == VMM_MANIFEST_FORMAT_VERSION_INCREMENTAL);
}

/* adds why this program, whatever the host, cannot restore what @manifest describes */
static void
add_reasons (const VmmManifest *manifest, GPtrArray *reasons)
{
  if (manifest->version != VMM_MANIFEST_VERSION)
    g_ptr_array_add (reasons,
                     g_strdup_printf ("the manifest is of version %u, expected %u",
                                      manifest->version,
                                      VMM_MANIFEST_VERSION));
  if (manifest->format_version != VMM_MANIFEST_FORMAT_VERSION &&
      manifest->format_version != VMM_MANIFEST_FORMAT_VERSION_INCREMENTAL)
    g_ptr_array_add (reasons,
                     g_strdup_printf ("the format is of version %u, expected %u or %u",
                                      manifest->format_version,
                                      VMM_MANIFEST_FORMAT_VERSION,
                                      VMM_MANIFEST_FORMAT_VERSION_INCREMENTAL));
  if (strcmp (manifest->architecture, VMM_MANIFEST_ARCHITECTURE) != 0)
    {
      g_autofree char *architecture = g_utf8_make_valid (manifest->architecture, -1);

      g_ptr_array_add (reasons,
                       g_strdup_printf ("the architecture is '%.32s', expected '%s'",
                                        architecture,
                                        VMM_MANIFEST_ARCHITECTURE));
    }
  if (manifest->page_size != VMM_PAGE_SIZE)
    g_ptr_array_add (reasons,
                     g_strdup_printf ("the page size is %u bytes, expected %u",
                                      manifest->page_size,
                                      VMM_PAGE_SIZE));
}

/* the same, of fields that must have been checked before they are looked at */
static void
add_machine_reasons (const VmmManifest *manifest, GPtrArray *reasons)
{
  g_autoptr (VmmConfig) config = vmm_manifest_get_config (manifest);
  g_autoptr (GError) error = NULL;
  guint64 low = MIN (manifest->memory_size_bytes, VMM_MEMORY_HOLE_START);
  gsize n_expected = manifest->memory_size_bytes > low ? 2 : 1;

  if (manifest->n_memory_ranges != n_expected || manifest->memory_ranges[0]->gpa != 0 ||
      manifest->memory_ranges[0]->length != low ||
      (n_expected == 2 && manifest->memory_ranges[1]->gpa != VMM_MEMORY_HOLE_END))
    g_ptr_array_add (reasons, g_strdup ("the memory lies at other addresses than 0 to 3 GiB and from 4 GiB"));
  if (!vmm_config_validate (config, &error))
    g_ptr_array_add (reasons, g_strdup_printf ("the configuration is not one of ours: %s", error->message));
}

static gboolean
check_compatible (const VmmManifest *manifest, GError **error)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *joined = NULL;

  add_reasons (manifest, reasons);
  /* what fields mean in a version we do not know, nobody can tell */
  if (is_known_format (manifest))
    {
      if (!vmm_manifest_check (manifest, error))
        return FALSE;
      add_machine_reasons (manifest, reasons);
    }
  if (reasons->len == 0)
    return TRUE;

  g_ptr_array_add (reasons, NULL);
  joined = g_strjoinv ("; ", (char **) reasons->pdata);
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INCOMPATIBLE,
               "this program cannot restore the snapshot: %s",
               joined);
  return FALSE;
}

/*
 * protobuf-c takes a field number of 0 in a long encoding for an unknown field, and writes it in the short one, which
 * it does not take: such a manifest could not be read again after a consolidation.
 */
static gboolean
has_field_zero (const ProtobufCMessage *message)
{
  for (guint i = 0; i < message->n_unknown_fields; i++)
    if (message->unknown_fields[i].tag == 0)
      return TRUE;
  for (guint i = 0; i < message->descriptor->n_fields; i++)
    {
      const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
      gboolean repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
      ProtobufCMessage *const *members = &G_STRUCT_MEMBER (ProtobufCMessage *, message, field->offset);
      gsize n = 1;

      if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        continue;
      if (repeated)
        {
          members = G_STRUCT_MEMBER (ProtobufCMessage **, message, field->offset);
          n = G_STRUCT_MEMBER (gsize, message, field->quantifier_offset);
        }
      for (gsize j = 0; j < n; j++)
        if (members[j] != NULL && has_field_zero (members[j]))
          return TRUE;
    }
  return FALSE;
}

VmmManifest *
vmm_manifest_unpack (GBytes *bytes, GError **error)
{
  g_autoptr (VmmManifest) manifest = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (!check_digest (data, size, error))
    return NULL;
  manifest = openvmm__snapshot__snapshot_manifest__unpack (NULL, size - DIGEST_FIELD_SIZE, data);
  if (manifest == NULL || has_field_zero (&manifest->base))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "manifest.bin is not a sound message of %zu bytes",
                   size);
      return NULL;
    }
  if (manifest->manifest_sha256.len != 0)
    {
      g_set_error (error, VMM_ERROR, VMM_ERROR_CORRUPT, "manifest.bin has more than one digest of itself");
      return NULL;
    }
  if (!check_compatible (manifest, error))
    return NULL;
  vmm_manifest_set_digest (manifest, bytes);
  return g_steal_pointer (&manifest);
}
