/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot.h"

#include "tests/vmm/sample-snapshot.h"

#include "proto/vp.pb-c.h"

typedef struct
{
  char *scratch;
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->scratch = scratch_new (NULL);
  fixture->directory = sample_write (fixture->scratch);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->directory);
  scratch_free (fixture->scratch);
}

static void
assert_refused (const char *directory, VmmError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, &error);

  g_assert_error (error, VMM_ERROR, (gint) code);
  g_assert_null (snapshot);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' is not in: %s", part, error->message);
}

static void
remove_file (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

  g_assert_cmpint (unlink (path), ==, 0);
}

static void
test_tells_what_was_saved (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  guint64 now = (guint64) g_get_real_time ();
  const VmmConfig *config;

  g_assert_no_error (error);
  config = vmm_snapshot_get_config (snapshot);
  g_assert_cmpstr (vmm_snapshot_get_directory (snapshot), ==, fixture->directory);
  g_assert_true (g_uuid_string_is_valid (vmm_snapshot_get_uuid (snapshot)));
  g_assert_cmpstr (vmm_snapshot_get_vm_uuid (snapshot), ==, config->uuid);
  g_assert_cmpstr (vmm_snapshot_get_vm_name (snapshot), ==, "sample");
  g_assert_cmpstr (vmm_snapshot_get_parent_uuid (snapshot), ==, SAMPLE_UUID);
  g_assert_cmpstr (vmm_snapshot_get_description (snapshot), ==, "before the update");
  g_assert_cmpstr (vmm_snapshot_get_architecture (snapshot), ==, "x86_64");
  g_assert_cmpstr (vmm_snapshot_get_version (snapshot), ==, PACKAGE_VERSION);
  g_assert_true (vmm_snapshot_get_running (snapshot));
  g_assert_cmpuint (vmm_snapshot_get_freeze_usec (snapshot), ==, 1500);
  g_assert_cmpuint (vmm_snapshot_get_created_at_usec (snapshot), <=, now);
  g_assert_cmpuint (vmm_snapshot_get_created_at_usec (snapshot), >, now - 600 * G_USEC_PER_SEC);
  g_assert_cmpuint (vmm_snapshot_get_size_on_disk (snapshot), >, 8192);
  g_assert_cmpuint (vmm_snapshot_get_size_on_disk (snapshot), <, 1024 * 1024);
  g_assert_cmpuint (config->memory_size, ==, VMM_MEMORY_SIZE_MIN);
  g_assert_cmpuint (config->vp_count, ==, 2);
  g_assert_cmpint (config->memory_backing, ==, VMM_MEMORY_BACKING_FILE);
  g_assert_cmpstr (config->kernel, ==, "/boot/vmlinuz");
  g_assert_cmpstr (config->cmdline, ==, "console=ttyS0");
  g_assert_null (config->initrd);
  g_assert_null (config->memory_file);
}

static void
test_gives_units_and_memory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  const Openvmm__X86__PlatformState *platform;
  char bytes[4];

  g_assert_no_error (error);
  platform = (const Openvmm__X86__PlatformState *) vmm_saved_state_lookup_message (
      vmm_snapshot_get_saved_state (snapshot), "platform", &openvmm__x86__platform_state__descriptor, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (platform->clock_ns, ==, 123456789);

  g_assert_cmpint (pread (vmm_snapshot_get_memory_fd (snapshot), bytes, 4, 4096), ==, 4);
  g_assert_cmpmem (bytes, 4, "boot", 4);
  g_assert_cmpint (pwrite (vmm_snapshot_get_memory_fd (snapshot), bytes, 4, 4096), ==, -1);
  g_assert_cmpuint (vmm_snapshot_get_manifest (snapshot)->cpu->tsc_khz, ==, 2000000);
}

static void
count_progress (guint64 done, guint64 total, gpointer user_data)
{
  guint64 *last = user_data;

  g_assert_cmpuint (done, >, *last);
  g_assert_cmpuint (total, ==, VMM_MEMORY_SIZE_MIN);
  *last = done;
}

static void
test_verifies_a_sound_one (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  guint64 done = 0;

  g_assert_true (vmm_snapshot_verify (snapshot, count_progress, &done, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (done, ==, VMM_MEMORY_SIZE_MIN);
}

static void
test_verify_can_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  g_assert_false (vmm_snapshot_verify (snapshot, NULL, NULL, cancellable, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
}

/* flips one bit of memory.bin and puts it back */
static void
check_memory_flip (const char *directory, off_t offset, const char *expected)
{
  g_autofree char *path = g_build_filename (directory, VMM_SNAPSHOT_MEMORY, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  VMM_AUTO_FD int fd = -1;
  guint8 byte;

  g_assert_cmpint (chmod (path, 0600), ==, 0);
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (pread (fd, &byte, 1, offset), ==, 1);
  byte ^= 0x10;
  g_assert_cmpint (pwrite (fd, &byte, 1, offset), ==, 1);

  snapshot = vmm_snapshot_open (directory, &error);
  g_assert_no_error (error);
  g_assert_false (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, expected));

  byte ^= 0x10;
  g_assert_cmpint (pwrite (fd, &byte, 1, offset), ==, 1);
}

static char *
digest_of_first_chunk (const char *word)
{
  g_autofree guint8 *chunk = g_malloc0 (SAMPLE_CHUNK);
  guint8 sha256[VMM_DIGEST_SIZE];

  memcpy (chunk + 4096, word, 4);
  vmm_digest_bytes (chunk, SAMPLE_CHUNK, sha256);
  return vmm_digest_to_string (sha256);
}

static void
test_verify_finds_flips_in_memory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *expected = digest_of_first_chunk ("boot");
  g_autofree char *found = digest_of_first_chunk ("root");

  check_memory_flip (fixture->directory, 4096, expected);
  check_memory_flip (fixture->directory, 4096, found);
  check_memory_flip (fixture->directory, 0, "in bytes 0 to 4194303:");
  check_memory_flip (fixture->directory, SAMPLE_CHUNK - 1, "in bytes 0 to 4194303:");
  check_memory_flip (fixture->directory, SAMPLE_CHUNK, "in bytes 4194304 to 8388607:");
  check_memory_flip (fixture->directory, 2 * SAMPLE_CHUNK + 100000, "in bytes 8388608 to 12582911:");
  check_memory_flip (fixture->directory, VMM_MEMORY_SIZE_MIN - 1, "in bytes 12582912 to 16777215:");
  check_memory_flip (fixture->directory, VMM_MEMORY_SIZE_MIN - 1, "in 1 place:");
  sample_assert_sound (fixture->directory);
}

static void
test_verify_finds_memory_cut_later (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, VMM_SNAPSHOT_MEMORY, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);

  g_assert_cmpint (truncate (path, 2 * SAMPLE_CHUNK + 4096), ==, 0);
  g_assert_false (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
}

static void
test_rejects_what_is_no_directory (Fixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (fixture->scratch, "missing", NULL);
  g_autofree char *below = g_build_filename (fixture->scratch, "missing", "below", NULL);
  g_autofree char *file = g_build_filename (fixture->directory, VMM_SNAPSHOT_STATE, NULL);
  g_autofree char *link = g_build_filename (fixture->scratch, "link", NULL);

  g_assert_cmpint (symlink (fixture->directory, link), ==, 0);
  assert_refused (missing, VMM_ERROR_NO_SUCH_SNAPSHOT, missing);
  assert_refused (below, VMM_ERROR_NO_SUCH_SNAPSHOT, below);
  assert_refused (file, VMM_ERROR_NO_SUCH_SNAPSHOT, "not a directory");
  assert_refused (link, VMM_ERROR_NO_SUCH_SNAPSHOT, "symbolic link");
  assert_refused ("snap", VMM_ERROR_NO_SUCH_SNAPSHOT, "absolute");
  assert_refused ("", VMM_ERROR_NO_SUCH_SNAPSHOT, "absolute");
}

static void
test_rejects_missing_files (Fixture *fixture, gconstpointer data)
{
  remove_file (fixture, VMM_SNAPSHOT_MEMORY);
  assert_refused (fixture->directory, VMM_ERROR_NO_SUCH_SNAPSHOT, VMM_SNAPSHOT_MEMORY);
  remove_file (fixture, VMM_SNAPSHOT_STATE);
  assert_refused (fixture->directory, VMM_ERROR_NO_SUCH_SNAPSHOT, VMM_SNAPSHOT_STATE);
  remove_file (fixture, VMM_SNAPSHOT_MANIFEST);
  assert_refused (fixture->directory, VMM_ERROR_NO_SUCH_SNAPSHOT, VMM_SNAPSHOT_MANIFEST);
}

static void
test_rejects_files_of_other_types (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { VMM_SNAPSHOT_MEMORY, VMM_SNAPSHOT_STATE, VMM_SNAPSHOT_MANIFEST };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->directory, names[i], NULL);
      g_autofree char *kept = g_build_filename (fixture->scratch, "kept", NULL);

      g_assert_cmpint (rename (path, kept), ==, 0);
      g_assert_cmpint (mkfifo (path, 0600), ==, 0);
      assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "not a regular file");
      g_assert_cmpint (unlink (path), ==, 0);
      g_assert_cmpint (symlink (kept, path), ==, 0);
      assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "not a regular file");
      g_assert_cmpint (unlink (path), ==, 0);
      g_assert_cmpint (mkdir (path, 0700), ==, 0);
      assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "not a regular file");
      g_assert_cmpint (rmdir (path), ==, 0);
      g_assert_cmpint (rename (kept, path), ==, 0);
    }
  sample_assert_sound (fixture->directory);
}

static void
test_rejects_memory_of_other_size (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, VMM_SNAPSHOT_MEMORY, NULL);

  g_assert_cmpint (truncate (path, VMM_MEMORY_SIZE_MIN - 1), ==, 0);
  assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "has 16777215 bytes, expected 16777216");
  g_assert_cmpint (truncate (path, VMM_MEMORY_SIZE_MIN + 4096), ==, 0);
  assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "has 16781312 bytes, expected 16777216");
  g_assert_cmpint (truncate (path, 0), ==, 0);
  assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "has 0 bytes, expected 16777216");
}

static void
test_rejects_every_flipped_bit_of_the_manifest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) bytes = scratch_read (fixture->directory, VMM_SNAPSHOT_MANIFEST);
  gsize length;
  const guint8 *content = g_bytes_get_data (bytes, &length);

  for (gsize bit = 0; bit < length * 8; bit++)
    {
      g_autofree guint8 *flipped = g_memdup2 (content, length);

      flipped[bit / 8] ^= (guint8) (1 << bit % 8);
      scratch_write (fixture->directory, VMM_SNAPSHOT_MANIFEST, flipped, length);
      assert_refused (fixture->directory, VMM_ERROR_CORRUPT, VMM_SNAPSHOT_MANIFEST);
    }
}

/* every length of the file but its own, as far as one more byte */
static void
check_cuts (Fixture *fixture, const char *name)
{
  g_autoptr (GBytes) bytes = scratch_read (fixture->directory, name);
  gsize length = g_bytes_get_size (bytes);
  g_autofree guint8 *longer = g_malloc0 (length + 1);

  memcpy (longer, g_bytes_get_data (bytes, NULL), length);
  for (gsize cut = 0; cut <= length + 1; cut++)
    {
      scratch_write (fixture->directory, name, longer, cut);
      if (cut == length)
        sample_assert_sound (fixture->directory);
      else
        assert_refused (fixture->directory, VMM_ERROR_CORRUPT, name);
    }
}

static void
test_rejects_every_cut_of_the_manifest (Fixture *fixture, gconstpointer data)
{
  check_cuts (fixture, VMM_SNAPSHOT_MANIFEST);
}

static void
test_rejects_every_cut_of_the_state (Fixture *fixture, gconstpointer data)
{
  check_cuts (fixture, VMM_SNAPSHOT_STATE);
}

static void
test_rejects_every_flipped_bit_of_the_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) bytes = scratch_read (fixture->directory, VMM_SNAPSHOT_STATE);
  gsize length;
  const guint8 *content = g_bytes_get_data (bytes, &length);

  for (gsize bit = 0; bit < length * 8; bit++)
    {
      g_autofree guint8 *flipped = g_memdup2 (content, length);

      flipped[bit / 8] ^= (guint8) (1 << bit % 8);
      scratch_write (fixture->directory, VMM_SNAPSHOT_STATE, flipped, length);
      assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "SHA-256");
    }
}

static void
test_rejects_files_over_the_caps (Fixture *fixture, gconstpointer data)
{
  g_autofree char *manifest = g_build_filename (fixture->directory, VMM_SNAPSHOT_MANIFEST, NULL);
  g_autofree char *state = g_build_filename (fixture->directory, VMM_SNAPSHOT_STATE, NULL);

  g_assert_cmpint (truncate (state, 1ll << 40), ==, 0);
  assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "has 1099511627776 bytes");
  g_assert_cmpint (truncate (manifest, 1ll << 40), ==, 0);
  assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "has 1099511627776 bytes, 1048576 are the most");
}

/* puts a manifest in place that is sound but for one thing */
static void
rewrite_manifest (Fixture *fixture, void (*change) (VmmManifest *manifest))
{
  g_autoptr (GBytes) old = scratch_read (fixture->directory, VMM_SNAPSHOT_MANIFEST);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmManifest) manifest = vmm_manifest_unpack (old, &error);
  g_autoptr (GBytes) bytes = NULL;

  g_assert_no_error (error);
  change (manifest);
  bytes = vmm_manifest_pack (manifest);
  scratch_write (fixture->directory,
                 VMM_SNAPSHOT_MANIFEST,
                 g_bytes_get_data (bytes, NULL),
                 g_bytes_get_size (bytes));
}

static void
make_incompatible (VmmManifest *manifest)
{
  manifest->version = 2;
  manifest->format_version = 7;
  g_free (manifest->architecture);
  manifest->architecture = g_strdup ("aarch64");
  manifest->page_size = 16384;
}

static void
test_names_all_that_is_incompatible (Fixture *fixture, gconstpointer data)
{
  rewrite_manifest (fixture, make_incompatible);
  assert_refused (fixture->directory, VMM_ERROR_INCOMPATIBLE, "manifest is of version 2, expected 1");
  assert_refused (fixture->directory, VMM_ERROR_INCOMPATIBLE, "format is of version 7, expected 1 or 2");
  assert_refused (fixture->directory, VMM_ERROR_INCOMPATIBLE, "'aarch64', expected 'x86_64'");
  assert_refused (fixture->directory, VMM_ERROR_INCOMPATIBLE, "16384 bytes, expected 4096");
  assert_refused (fixture->directory, VMM_ERROR_INCOMPATIBLE, fixture->directory);
}

static void
swap_unit_names (VmmManifest *manifest)
{
  char *first = manifest->state_units[0];

  manifest->state_units[0] = manifest->state_units[1];
  manifest->state_units[1] = first;
}

static void
drop_unit_name (VmmManifest *manifest)
{
  g_free (manifest->state_units[--manifest->n_state_units]);
}

static void
test_rejects_other_units_than_listed (Fixture *fixture, gconstpointer data)
{
  rewrite_manifest (fixture, swap_unit_names);
  assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "has 2 units");
  rewrite_manifest (fixture, drop_unit_name);
  assert_refused (fixture->directory, VMM_ERROR_CORRUPT, "not the 1 that");
}

static void
test_ignores_other_files (Fixture *fixture, gconstpointer data)
{
  scratch_write (fixture->directory, "notes.txt", "hello", 5);
  sample_assert_sound (fixture->directory);
}

static void
test_stays_open_when_the_name_goes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  g_autofree char *elsewhere = g_build_filename (fixture->scratch, "elsewhere", NULL);

  g_assert_cmpint (rename (fixture->directory, elsewhere), ==, 0);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_false (vmm_snapshot_delete (snapshot, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT);
  sample_assert_sound (elsewhere);
}

static void
test_delete_removes_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);

  g_assert_true (vmm_snapshot_delete (snapshot, &error));
  g_assert_no_error (error);
  scratch_assert_list (fixture->scratch, "");
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_false (vmm_snapshot_delete (snapshot, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT);
}

static void
test_delete_leaves_other_files_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);

  scratch_write (fixture->directory, "notes.txt", "hello", 5);
  g_assert_false (vmm_snapshot_delete (snapshot, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "notes.txt"));
  sample_assert_sound (fixture->directory);
}

static void
test_delete_spares_what_took_the_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  g_autofree char *elsewhere = g_build_filename (fixture->scratch, "elsewhere", NULL);
  g_autofree char *second = NULL;

  g_assert_cmpint (rename (fixture->directory, elsewhere), ==, 0);
  second = sample_write (fixture->scratch);
  g_assert_false (vmm_snapshot_delete (snapshot, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SUCH_SNAPSHOT);
  sample_assert_sound (second);
  sample_assert_sound (elsewhere);
}

static void
test_knows_whether_it_is_current (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  g_autofree char *elsewhere = g_build_filename (fixture->scratch, "elsewhere", NULL);
  g_autofree char *second = NULL;

  g_assert_true (vmm_snapshot_is_current (snapshot));
  g_assert_cmpint (rename (fixture->directory, elsewhere), ==, 0);
  g_assert_false (vmm_snapshot_is_current (snapshot));
  second = sample_write (fixture->scratch);
  g_assert_cmpstr (second, ==, fixture->directory);
  g_assert_false (vmm_snapshot_is_current (snapshot));
}

/* a bit flipped in place, the file's name and size being what they were */
static void
test_is_not_current_once_written_to (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "manifest.bin", "state.bin", "memory.bin" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
      g_autofree char *path = g_build_filename (fixture->directory, names[i], NULL);
      char byte;
      int fd;

      g_assert_no_error (error);
      g_assert_true (vmm_snapshot_is_current (snapshot));
      g_usleep (20 * 1000); /* more than a tick of the kernel's clock */
      g_assert_cmpint (chmod (path, 0600), ==, 0);
      fd = open (path, O_RDWR | O_CLOEXEC);
      g_assert_cmpint (pread (fd, &byte, 1, 0), ==, 1);
      g_assert_cmpint (pwrite (fd, &byte, 1, 0), ==, 1);
      close (fd);
      g_assert_false (vmm_snapshot_is_current (snapshot));
    }
}

static void
test_is_current_with_one_name_more (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (fixture->directory, &error);
  g_autofree char *memory = g_build_filename (fixture->directory, "memory.bin", NULL);
  g_autofree char *other = g_build_filename (fixture->scratch, "other", NULL);

  g_assert_no_error (error);
  g_usleep (20 * 1000);
  g_assert_cmpint (link (memory, other), ==, 0);
  g_assert_true (vmm_snapshot_is_current (snapshot));
}

#define ADD(name, function) g_test_add ("/vmm/snapshot/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("tells-what-was-saved", test_tells_what_was_saved);
  ADD ("gives-units-and-memory", test_gives_units_and_memory);
  ADD ("verifies-a-sound-one", test_verifies_a_sound_one);
  ADD ("verify-can-be-cancelled", test_verify_can_be_cancelled);
  ADD ("verify-finds-flips-in-memory", test_verify_finds_flips_in_memory);
  ADD ("verify-finds-memory-cut-later", test_verify_finds_memory_cut_later);
  ADD ("rejects-what-is-no-directory", test_rejects_what_is_no_directory);
  ADD ("rejects-missing-files", test_rejects_missing_files);
  ADD ("rejects-files-of-other-types", test_rejects_files_of_other_types);
  ADD ("rejects-memory-of-other-size", test_rejects_memory_of_other_size);
  ADD ("rejects-every-flipped-bit-of-the-manifest", test_rejects_every_flipped_bit_of_the_manifest);
  ADD ("rejects-every-cut-of-the-manifest", test_rejects_every_cut_of_the_manifest);
  ADD ("rejects-every-cut-of-the-state", test_rejects_every_cut_of_the_state);
  ADD ("rejects-every-flipped-bit-of-the-state", test_rejects_every_flipped_bit_of_the_state);
  ADD ("rejects-files-over-the-caps", test_rejects_files_over_the_caps);
  ADD ("names-all-that-is-incompatible", test_names_all_that_is_incompatible);
  ADD ("rejects-other-units-than-listed", test_rejects_other_units_than_listed);
  ADD ("ignores-other-files", test_ignores_other_files);
  ADD ("stays-open-when-the-name-goes", test_stays_open_when_the_name_goes);
  ADD ("knows-whether-it-is-current", test_knows_whether_it_is_current);
  ADD ("is-not-current-once-written-to", test_is_not_current_once_written_to);
  ADD ("is-current-with-one-name-more", test_is_current_with_one_name_more);
  ADD ("delete-removes-all", test_delete_removes_all);
  ADD ("delete-leaves-other-files-alone", test_delete_leaves_other_files_alone);
  ADD ("delete-spares-what-took-the-name", test_delete_spares_what_took_the_name);
  return g_test_run ();
}
