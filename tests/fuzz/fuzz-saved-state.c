/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input is state.bin. What is accepted is within the limits, and is the same when it is written and read again. */

#include "config.h"
#include "tests/fuzz/fuzz.h"

#include "vmm/saved-state.h"
#include "proto/platform.pb-c.h"
#include "proto/vp.pb-c.h"

static void
look_up (VmmSavedState *state, const char *name, const ProtobufCMessageDescriptor *type)
{
  g_autoptr (GError) error = NULL;
  const ProtobufCMessage *message = vmm_saved_state_lookup_message (state, name, type, &error);

  g_assert_true ((message == NULL) == (error != NULL));
}

static void
check_accepted (VmmSavedState *state)
{
  g_autoptr (GError) error = NULL;
  g_autofree const char **names = vmm_saved_state_get_names (state);
  g_autofree const char **names_again = NULL;
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (VmmSavedState) again = NULL;

  g_assert_true (vmm_saved_state_check_limits (state, &error));
  g_assert_no_error (error);
  packed = vmm_saved_state_pack (state);
  g_assert_cmpuint (g_bytes_get_size (packed), ==, vmm_saved_state_get_packed_size (state));
  again = vmm_saved_state_unpack (packed, &error);
  g_assert_no_error (error);
  names_again = vmm_saved_state_get_names (again);
  g_assert_cmpstrv (names, names_again);
  g_assert_true (vmm_saved_state_check_names (again, names, &error));
  g_assert_no_error (error);
  for (guint i = 0; names[i] != NULL; i++)
    {
      look_up (state, names[i], &openvmm__x86__vp_state__descriptor);
      look_up (state, names[i], &openvmm__x86__platform_state__descriptor);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) state = vmm_saved_state_unpack (bytes, &error);

  g_assert_true ((state == NULL) == (error != NULL));
  if (state != NULL)
    check_accepted (state);
  return 0;
}
