/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input is the number of the call of KVM that fails, 0 for none, and the saved state of the platform. */

#include "config.h"
#include "tests/fuzz/fake-kvm.h"
#include "tests/fuzz/fuzz.h"

static void
load (FakeKvm *fake, const Openvmm__X86__PlatformState *state)
{
  g_autoptr (GError) error = NULL;
  gboolean loaded = vmm_kvm_load_platform (&fake->kvm, state, &error);

  g_assert_true (loaded == (error == NULL));
  g_assert_true (error == NULL || error->domain == VMM_ERROR);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autoptr (FakeKvm) fake = fake_kvm_new (fuzz_take_byte (&input));
  Openvmm__X86__PlatformState *state = openvmm__x86__platform_state__unpack (NULL, input.size, input.data);

  if (state != NULL)
    load (fake, state);
  openvmm__x86__platform_state__free_unpacked (state, NULL);
  return 0;
}
