/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The input is a byte of flags, manifest.bin, state.bin, pages.bin and the start of memory.bin. Sizes, digests, the
 * names of units and the parent are put right, unless a flag says to leave one of them: so what is changed gets past
 * the digests. What was put right and is accepted verifies, has its parent, and shows the RAM that the files tell.
 */

#include "config.h"
#include "tests/fuzz/fuzz.h"

#include "tests/vmm/sample-manifest.h"
#include "tests/vmm/scratch.h"
#include "vmm/snapshot-chain.h"

#define CHUNK_SIZE (64 * 1024u)
#define MEMORY_SIZE_MAX (64 * 1024 * 1024u)

typedef enum
{
  LEAVE_MANIFEST = 1 << 0, /* but for the digest at its end */
  LEAVE_STATE = 1 << 1,
  LEAVE_PAGES = 1 << 2,
  LEAVE_MEMORY = 1 << 3,
  LEAVE_PARENT = 1 << 4,
} Flags;

typedef struct
{
  Flags flags;
  GBytes *manifest;
  GBytes *state;
  GBytes *pages;
  GBytes *memory;
} Parts;

/* one complete snapshot that others may lie over, and the place of the one that is tried */
typedef struct
{
  char *parent;
  char *base;
  char *subject;
  VmmManifest *base_manifest;
} Place;

static const guint8 base_page[] = "base";

static void
write_file (const char *directory, const char *name, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  scratch_write (directory, name, data, size);
}

/* (transfer none): digests of the memory.bin in @directory */
static void
fix_memory (const char *directory, VmmManifest *manifest)
{
  g_autofree char *path = g_build_filename (directory, VMM_SNAPSHOT_MEMORY, NULL);
  VMM_AUTO_FD int fd = open (path, O_RDONLY | O_CLOEXEC);
  guint64 chunk_size = manifest->memory_digests != NULL ? manifest->memory_digests->chunk_size : 0;
  g_autoptr (GBytes) digests = NULL;
  g_autoptr (GError) error = NULL;
  ProtobufCBinaryData *field;

  if (chunk_size < VMM_PAGE_SIZE || (chunk_size & (chunk_size - 1)) != 0 ||
      manifest->memory_size_bytes > MEMORY_SIZE_MAX)
    return;
  digests =
      vmm_digest_chunks (NULL, fd, path, manifest->memory_size_bytes, chunk_size, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  field = &manifest->memory_digests->sha256;
  g_free (field->data);
  field->data = g_memdup2 (g_bytes_get_data (digests, NULL), g_bytes_get_size (digests));
  field->len = g_bytes_get_size (digests);
}

static void
write_memory (const char *directory, guint64 size, gconstpointer data, gsize length)
{
  g_autofree char *path = g_build_filename (directory, VMM_SNAPSHOT_MEMORY, NULL);

  scratch_write (directory, VMM_SNAPSHOT_MEMORY, data, MIN (length, size));
  g_assert_cmpint (truncate (path, (off_t) size), ==, 0);
}

static void
set_bytes (ProtobufCBinaryData *field, GBytes *content)
{
  guint8 digest[VMM_DIGEST_SIZE];

  vmm_digest_bytes (g_bytes_get_data (content, NULL), g_bytes_get_size (content), digest);
  g_free (field->data);
  field->data = g_memdup2 (digest, sizeof digest);
  field->len = sizeof digest;
}

/* a field that was not there is a constant of protobuf-c's */
static void
set_text (char **field, const char *value)
{
  if (*field != (char *) protobuf_c_empty_string)
    g_free (*field);
  *field = g_strdup (value);
}

static void
fix_state (VmmManifest *manifest, GBytes *bytes)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_unpack (bytes, NULL);
  g_autofree const char **names = state != NULL ? vmm_saved_state_get_names (state) : NULL;

  manifest->state_size = g_bytes_get_size (bytes);
  set_bytes (&manifest->state_sha256, bytes);
  if (names == NULL)
    return;
  for (gsize i = 0; i < manifest->n_state_units; i++)
    set_text (&manifest->state_units[i], NULL);
  g_free (manifest->state_units);
  manifest->n_state_units = g_strv_length ((char **) names);
  manifest->state_units = g_new0 (char *, manifest->n_state_units + 1);
  for (gsize i = 0; i < manifest->n_state_units; i++)
    manifest->state_units[i] = g_strdup (names[i]);
}

static void
fix_pages (VmmManifest *manifest, GBytes *bytes)
{
  Openvmm__Snapshot__IncrementalMemory *incremental = manifest->incremental;
  g_autoptr (VmmPageSet) set = NULL;

  incremental->pages_size = g_bytes_get_size (bytes);
  set_bytes (&incremental->pages_sha256, bytes);
  if (manifest->memory_size_bytes <= MEMORY_SIZE_MAX)
    set = vmm_page_set_unpack (bytes, manifest->memory_size_bytes, NULL);
  if (set != NULL)
    incremental->page_count = vmm_page_set_count (set);
}

static void
fix_parent (VmmManifest *manifest, const Place *place)
{
  ProtobufCBinaryData *field = &manifest->incremental->parent_sha256;
  const ProtobufCBinaryData *digest = &place->base_manifest->manifest_sha256;

  set_text (&manifest->parent_uuid, place->base_manifest->uuid);
  set_text (&manifest->incremental->parent_directory, place->base);
  g_free (field->data);
  field->data = g_memdup2 (digest->data, digest->len);
  field->len = digest->len;
}

/* (transfer full): what manifest.bin is to be, without its digest */
static GBytes *
fix (const Parts *parts, const Place *place, VmmManifest *manifest)
{
  GBytes *whole;
  GBytes *body;
  guint64 size = manifest != NULL ? manifest->memory_size_bytes : VMM_MEMORY_SIZE_MIN;
  gsize memory_length;
  const guint8 *memory = g_bytes_get_data (parts->memory, &memory_length);

  write_memory (place->subject, MIN (size, MEMORY_SIZE_MAX), memory, memory_length);
  if (manifest == NULL || (parts->flags & LEAVE_MANIFEST) != 0)
    return g_bytes_ref (parts->manifest);
  if ((parts->flags & LEAVE_STATE) == 0)
    fix_state (manifest, parts->state);
  if ((parts->flags & LEAVE_PAGES) == 0 && manifest->incremental != NULL)
    fix_pages (manifest, parts->pages);
  if ((parts->flags & LEAVE_PARENT) == 0 && manifest->incremental != NULL)
    fix_parent (manifest, place);
  if ((parts->flags & LEAVE_MEMORY) == 0)
    fix_memory (place->subject, manifest);
  whole = vmm_manifest_pack (manifest);
  body = g_bytes_new (g_bytes_get_data (whole, NULL), g_bytes_get_size (whole) - 6 - VMM_DIGEST_SIZE);
  g_bytes_unref (whole);
  return body;
}

static void
write_manifest (const char *directory, GBytes *body)
{
  static const guint8 header[] = { 0xfa, 0xff, 0xff, 0xff, 0x0f, VMM_DIGEST_SIZE };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (body, &size);
  guint8 digest[VMM_DIGEST_SIZE];

  vmm_digest_bytes (data, size, digest);
  if (size > 0)
    g_byte_array_append (bytes, data, (guint) size);
  g_byte_array_append (bytes, header, sizeof header);
  g_byte_array_append (bytes, digest, sizeof digest);
  scratch_write (directory, VMM_SNAPSHOT_MANIFEST, bytes->data, bytes->len);
}

static void
write_base (Place *place)
{
  g_autoptr (VmmManifest) manifest = sample_manifest_new ();
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (GBytes) packed_state = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  packed_state = vmm_saved_state_pack (state);
  write_file (place->base, VMM_SNAPSHOT_STATE, packed_state);
  write_memory (place->base, VMM_MEMORY_SIZE_MIN, base_page, sizeof base_page);
  manifest->memory_digests->chunk_size = CHUNK_SIZE;
  fix_state (manifest, packed_state);
  fix_memory (place->base, manifest);
  bytes = vmm_manifest_pack (manifest);
  write_file (place->base, VMM_SNAPSHOT_MANIFEST, bytes);
  place->base_manifest = vmm_manifest_unpack (bytes, &error);
  g_assert_no_error (error);
}

static Place *
place_new (void)
{
  Place *place = g_new0 (Place, 1);

  place->parent = scratch_new (access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
  place->base = g_build_filename (place->parent, "base", NULL);
  place->subject = g_build_filename (place->parent, "subject", NULL);
  g_assert_cmpint (mkdir (place->base, 0700), ==, 0);
  g_assert_cmpint (mkdir (place->subject, 0700), ==, 0);
  write_base (place);
  return place;
}

static Place *the_place;

static void
place_free (void)
{
  scratch_free (the_place->parent);
  vmm_manifest_free (the_place->base_manifest);
  g_free (the_place->base);
  g_free (the_place->subject);
  g_clear_pointer (&the_place, g_free);
}

static Place *
place_get (void)
{
  if (the_place == NULL)
    {
      the_place = place_new ();
      atexit (place_free);
    }
  return the_place;
}

/* the first bytes of RAM are those of the newest that has the page */
static void
check_memory (VmmSnapshot *snapshot, GBytes *bytes)
{
  const VmmPageSet *pages = vmm_snapshot_get_pages (snapshot);
  gboolean ours = pages == NULL || vmm_page_set_contains (pages, 0);
  gsize length = ours ? MIN (g_bytes_get_size (bytes), VMM_PAGE_SIZE) : sizeof base_page;
  const guint8 *expected = ours ? g_bytes_get_data (bytes, NULL) : base_page;
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMemory) memory = vmm_snapshot_chain_new_memory (snapshot, &error);
  guint8 found[VMM_PAGE_SIZE];

  g_assert_no_error (error);
  g_assert_true (vmm_memory_read (memory, 0, found, sizeof found, &error));
  g_assert_no_error (error);
  if (length > 0)
    g_assert_cmpmem (found, length, expected, length);
}

/* Returns whether a snapshot that could be opened is sound. */
static gboolean
check_opened (VmmSnapshot *snapshot, const Parts *parts)
{
  g_autoptr (GError) error = NULL;
  gboolean fixed = parts->flags == 0;
  gboolean sound = vmm_snapshot_open_chain (snapshot, &error) &&
                   vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error);

  g_assert_true (sound == (error == NULL));
  if (sound)
    check_memory (snapshot, parts->memory);
  else if (fixed && vmm_snapshot_get_manifest (snapshot)->memory_size_bytes == VMM_MEMORY_SIZE_MIN)
    g_assert_no_error (error);
  return sound;
}

/* Looking for all damage finds some exactly where opening the snapshot, or reading it, stumbles over it. */
static void
check_directory (const char *directory, gboolean sound)
{
  g_autoptr (GError) error = NULL;
  gboolean found_sound = vmm_snapshot_verify_directory (directory, NULL, TRUE, NULL, NULL, NULL, &error);

  if (sound)
    g_assert_no_error (error);
  g_assert_true (found_sound == sound);
  g_assert_true (found_sound == (error == NULL));
}

static void
try_parts (const Parts *parts)
{
  Place *place = place_get ();
  gsize size;
  const guint8 *data = g_bytes_get_data (parts->manifest, &size);
  VmmManifest *manifest = openvmm__snapshot__snapshot_manifest__unpack (NULL, size, data);
  g_autoptr (GBytes) body = fix (parts, place, manifest);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;

  vmm_manifest_free (manifest);
  write_manifest (place->subject, body);
  write_file (place->subject, VMM_SNAPSHOT_STATE, parts->state);
  write_file (place->subject, VMM_SNAPSHOT_PAGES, parts->pages);
  snapshot = vmm_snapshot_open (place->subject, &error);
  g_assert_true ((snapshot == NULL) == (error != NULL));
  check_directory (place->subject, snapshot != NULL && check_opened (snapshot, parts));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  Parts parts = { .flags = fuzz_take_byte (&input) };

  parts.manifest = fuzz_take_part (&input);
  parts.state = fuzz_take_part (&input);
  parts.pages = fuzz_take_part (&input);
  parts.memory = fuzz_take_part (&input);
  try_parts (&parts);
  g_bytes_unref (parts.manifest);
  g_bytes_unref (parts.state);
  g_bytes_unref (parts.pages);
  g_bytes_unref (parts.memory);
  return 0;
}
