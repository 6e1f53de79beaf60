/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/saved-state.h"

#include "tests/vmm/message.h"

#include "proto/platform.pb-c.h"
#include "proto/saved_state.pb-c.h"

#include <string.h>

static VmmSavedState *
make_state (void)
{
  VmmSavedState *state = vmm_saved_state_new ();
  Openvmm__X86__PlatformState platform = OPENVMM__X86__PLATFORM_STATE__INIT;
  Openvmm__X86__Pic empty = OPENVMM__X86__PIC__INIT;
  Openvmm__X86__Pit pit = OPENVMM__X86__PIT__INIT;

  platform.clock_ns = 77;
  vmm_saved_state_add_message (state, "platform", message_copy (&platform));
  vmm_saved_state_add_message (state, "pic", message_copy (&empty));
  pit.flags = 3;
  vmm_saved_state_add_message (state, "pit", message_copy (&pit));
  return state;
}

static VmmSavedState *
unpack (const guint8 *bytes, gsize length, GError **error)
{
  g_autoptr (GBytes) packed = g_bytes_new (bytes, length);

  return vmm_saved_state_unpack (packed, error);
}

static void
assert_refused (const char *bytes, gsize length, VmmError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) state = unpack ((const guint8 *) bytes, length, &error);

  g_assert_null (state);
  g_assert_error (error, VMM_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, part));
}

#define ASSERT_REFUSED(bytes, code, part) assert_refused (bytes, sizeof bytes - 1, code, part)

static void
test_gives_back_what_was_put_in (void)
{
  g_autoptr (VmmSavedState) state = make_state ();
  g_autoptr (GBytes) packed = vmm_saved_state_pack (state);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) read = vmm_saved_state_unpack (packed, &error);
  g_autofree const char **names = NULL;
  const Openvmm__X86__PlatformState *platform;
  g_autoptr (GBytes) empty = NULL;

  g_assert_no_error (error);
  names = vmm_saved_state_get_names (read);
  g_assert_cmpuint (g_strv_length ((char **) names), ==, 3);
  g_assert_cmpstr (names[0], ==, "platform");
  g_assert_cmpstr (names[1], ==, "pic");
  g_assert_cmpstr (names[2], ==, "pit");
  platform = (const Openvmm__X86__PlatformState *)
      vmm_saved_state_lookup_message (read, "platform", &openvmm__x86__platform_state__descriptor, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (platform->clock_ns, ==, 77);
  empty = vmm_saved_state_lookup (read, "pic", &openvmm__x86__pic__descriptor, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (empty), ==, 0);
}

/* our own reader and writer of the container against the generated ones */
static void
test_agrees_with_the_proto_files (void)
{
  g_autoptr (VmmSavedState) state = make_state ();
  g_autoptr (GBytes) packed = vmm_saved_state_pack (state);
  gsize length;
  const guint8 *bytes = g_bytes_get_data (packed, &length);
  Openvmm__SavedState *message = openvmm__saved_state__unpack (NULL, length, bytes);
  g_autofree guint8 *repacked = NULL;

  g_assert_nonnull (message);
  g_assert_cmpuint (message->n_units, ==, 3);
  g_assert_cmpstr (message->units[0]->name, ==, "platform");
  g_assert_cmpstr (message->units[0]->state->type_url, ==, "type.googleapis.com/openvmm.x86.PlatformState");
  g_assert_cmpuint (openvmm__saved_state__get_packed_size (message), ==, length);
  repacked = g_malloc (length);
  openvmm__saved_state__pack (message, repacked);
  g_assert_cmpmem (repacked, length, bytes, length);
  openvmm__saved_state__free_unpacked (message, NULL);
}

static void
test_packs_long_units (void)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autofree guint8 *content = g_malloc (300000);
  g_autoptr (GBytes) unit = NULL;
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (VmmSavedState) read = NULL;
  g_autoptr (GBytes) found = NULL;
  g_autoptr (GError) error = NULL;

  memset (content, 0xa5, 300000);
  unit = g_bytes_new (content, 300000);
  vmm_saved_state_add (state, "long", &openvmm__x86__pic__descriptor, unit);
  packed = vmm_saved_state_pack (state);
  g_assert_cmpuint (g_bytes_get_size (packed), ==, vmm_saved_state_get_packed_size (state));
  read = vmm_saved_state_unpack (packed, &error);
  g_assert_no_error (error);
  found = vmm_saved_state_lookup (read, "long", &openvmm__x86__pic__descriptor, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (found, unit));
}

static void
test_an_empty_state_is_no_bytes (void)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (GBytes) packed = vmm_saved_state_pack (state);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) read = vmm_saved_state_unpack (packed, &error);
  g_autofree const char **names = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (packed), ==, 0);
  names = vmm_saved_state_get_names (read);
  g_assert_null (names[0]);
}

/* a cut between units cannot be seen here; the manifest's digest sees it */
static void
test_finds_cuts_inside_of_units (void)
{
  g_autoptr (VmmSavedState) state = make_state ();
  g_autoptr (GBytes) packed = vmm_saved_state_pack (state);
  guint sound = 0;

  for (gsize cut = 0; cut < g_bytes_get_size (packed); cut++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VmmSavedState) read = unpack (g_bytes_get_data (packed, NULL), cut, &error);

      if (read == NULL)
        g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
      else
        sound++;
    }
  g_assert_cmpuint (sound, ==, 3);
}

static void
test_names_what_is_missing (void)
{
  g_autoptr (VmmSavedState) state = make_state ();
  g_autoptr (GError) error = NULL;

  g_assert_null (vmm_saved_state_lookup (state, "vp-0", &openvmm__x86__pic__descriptor, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "vp-0"));
}

static void
test_names_another_type (void)
{
  g_autoptr (VmmSavedState) state = make_state ();
  g_autoptr (GError) error = NULL;

  g_assert_null (vmm_saved_state_lookup_message (state, "pit", &openvmm__x86__pic__descriptor, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "'openvmm.x86.Pit', expected 'openvmm.x86.Pic'"));
}

static void
test_finds_damage_in_a_unit (void)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (GBytes) garbage = g_bytes_new ("\x08", 1);
  g_autoptr (GError) error = NULL;

  vmm_saved_state_add (state, "pic", &openvmm__x86__pic__descriptor, garbage);
  g_assert_null (vmm_saved_state_lookup_message (state, "pic", &openvmm__x86__pic__descriptor, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "'pic'"));
}

#define ANY "\x12\x16\x0a\x14type.googleapis.com/"

static void
test_rejects_damaged_containers (void)
{
  ASSERT_REFUSED ("\x0a\x05", VMM_ERROR_CORRUPT, "number 1");
  ASSERT_REFUSED ("\x0a", VMM_ERROR_CORRUPT, "number 1");
  ASSERT_REFUSED ("\x0a\x00", VMM_ERROR_CORRUPT, "no name");
  ASSERT_REFUSED ("\x0a\x03\x0a\x01n", VMM_ERROR_CORRUPT, "no state");
  ASSERT_REFUSED ("\x0a\x05\x0a\x01n\x12\x00", VMM_ERROR_CORRUPT, "does not tell its type");
  ASSERT_REFUSED ("\x0a\x08\x0a\x01n\x12\x03\x0a\x01x", VMM_ERROR_CORRUPT, "does not tell its type");
  ASSERT_REFUSED ("\x0a\x07\x0a\x01n\x12\x02\x0a\x01", VMM_ERROR_CORRUPT, "not a sound message");
  ASSERT_REFUSED ("\x0a\x04\x0a\x01n\x12", VMM_ERROR_CORRUPT, "not a sound message");
  ASSERT_REFUSED ("\x0a\x1b\x0a\x01\xff" ANY, VMM_ERROR_CORRUPT, "not UTF-8");
  ASSERT_REFUSED ("\x0a\x1b\x0a\x01\x00" ANY, VMM_ERROR_CORRUPT, "not UTF-8");
  ASSERT_REFUSED ("\x0a\x18" ANY, VMM_ERROR_CORRUPT, "no name");
}

static void
test_rejects_a_name_twice (void)
{
  ASSERT_REFUSED ("\x0a\x1b\x0a\x01n" ANY "\x0a\x1b\x0a\x01n" ANY, VMM_ERROR_INCOMPATIBLE, "'n' twice");
}

static void
test_rejects_long_names (void)
{
  g_autoptr (GByteArray) array = g_byte_array_new ();
  g_autofree char *name = g_strnfill (256, 'n');

  g_byte_array_append (array, (const guint8 *) "\x0a\x9b\x02\x0a\x80\x02", 6);
  g_byte_array_append (array, (const guint8 *) name, 256);
  g_byte_array_append (array, (const guint8 *) ANY, sizeof ANY - 1);
  assert_refused ((const char *) array->data, array->len, VMM_ERROR_CORRUPT, "too long");
}

static void
test_skips_unknown_fields (void)
{
  static const guint8 bytes[] = "\x10\x05\x0a\x1d\x18\x07\x0a\x01n" ANY "\x7a\x01x";
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) state = unpack (bytes, sizeof bytes - 1, &error);
  g_autofree const char **names = NULL;

  g_assert_no_error (error);
  names = vmm_saved_state_get_names (state);
  g_assert_cmpuint (g_strv_length ((char **) names), ==, 1);
  g_assert_cmpstr (names[0], ==, "n");
}

static GBytes *
pack_units (guint n)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  Openvmm__X86__Pic empty = OPENVMM__X86__PIC__INIT;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("unit-%u", i);

      vmm_saved_state_add_message (state, name, message_copy (&empty));
    }
  return vmm_saved_state_pack (state);
}

static void
test_counts_units (void)
{
  g_autoptr (GBytes) most = pack_units (VMM_SAVED_STATE_UNITS_MAX);
  g_autoptr (GBytes) more = pack_units (VMM_SAVED_STATE_UNITS_MAX + 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) state = vmm_saved_state_unpack (most, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_saved_state_check_limits (state, &error));
  g_assert_null (vmm_saved_state_unpack (more, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_LIMIT_EXCEEDED);
}

static void
test_limits_what_is_written (void)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (GBytes)
      most = g_bytes_new_take (g_malloc0 (VMM_SAVED_STATE_UNIT_SIZE_MAX), VMM_SAVED_STATE_UNIT_SIZE_MAX);
  g_autoptr (GBytes) more = g_bytes_new_take (g_malloc0 (VMM_SAVED_STATE_UNIT_SIZE_MAX + 1),
                                              VMM_SAVED_STATE_UNIT_SIZE_MAX + 1);
  g_autoptr (GError) error = NULL;

  vmm_saved_state_add (state, "most", &openvmm__x86__pic__descriptor, most);
  g_assert_true (vmm_saved_state_check_limits (state, &error));
  g_assert_no_error (error);
  vmm_saved_state_add (state, "more", &openvmm__x86__pic__descriptor, more);
  g_assert_false (vmm_saved_state_check_limits (state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, "'more'"));
}

static void
test_limits_the_whole (void)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (GBytes)
      most = g_bytes_new_take (g_malloc0 (VMM_SAVED_STATE_UNIT_SIZE_MAX), VMM_SAVED_STATE_UNIT_SIZE_MAX);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < VMM_SAVED_STATE_SIZE_MAX / VMM_SAVED_STATE_UNIT_SIZE_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("unit-%u", i);

      g_assert_true (vmm_saved_state_check_limits (state, &error));
      vmm_saved_state_add (state, name, &openvmm__x86__pic__descriptor, most);
    }
  g_assert_false (vmm_saved_state_check_limits (state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_LIMIT_EXCEEDED);
}

static void
test_compares_with_the_machine (void)
{
  static const char *const same[] = { "pit", "platform", "pic", NULL };
  static const char *const other[] = { "pit", "vp-0", "platform", "vp-1", NULL };
  g_autoptr (VmmSavedState) state = make_state ();
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_saved_state_check_names (state, same, &error));
  g_assert_no_error (error);
  g_assert_false (vmm_saved_state_check_names (state, other, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "only in the snapshot: pic; only in the machine: vp-0, vp-1"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/saved-state/gives-back-what-was-put-in", test_gives_back_what_was_put_in);
  g_test_add_func ("/vmm/saved-state/agrees-with-the-proto-files", test_agrees_with_the_proto_files);
  g_test_add_func ("/vmm/saved-state/packs-long-units", test_packs_long_units);
  g_test_add_func ("/vmm/saved-state/an-empty-state-is-no-bytes", test_an_empty_state_is_no_bytes);
  g_test_add_func ("/vmm/saved-state/finds-cuts-inside-of-units", test_finds_cuts_inside_of_units);
  g_test_add_func ("/vmm/saved-state/names-what-is-missing", test_names_what_is_missing);
  g_test_add_func ("/vmm/saved-state/names-another-type", test_names_another_type);
  g_test_add_func ("/vmm/saved-state/finds-damage-in-a-unit", test_finds_damage_in_a_unit);
  g_test_add_func ("/vmm/saved-state/rejects-damaged-containers", test_rejects_damaged_containers);
  g_test_add_func ("/vmm/saved-state/rejects-a-name-twice", test_rejects_a_name_twice);
  g_test_add_func ("/vmm/saved-state/rejects-long-names", test_rejects_long_names);
  g_test_add_func ("/vmm/saved-state/skips-unknown-fields", test_skips_unknown_fields);
  g_test_add_func ("/vmm/saved-state/counts-units", test_counts_units);
  g_test_add_func ("/vmm/saved-state/limits-what-is-written", test_limits_what_is_written);
  g_test_add_func ("/vmm/saved-state/limits-the-whole", test_limits_the_whole);
  g_test_add_func ("/vmm/saved-state/compares-with-the-machine", test_compares_with_the_machine);
  return g_test_run ();
}
