/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input is the number of the call of KVM that fails, 0 for none, and the saved state of a VP. */

#include "config.h"
#include "tests/fuzz/fake-kvm.h"
#include "tests/fuzz/fuzz.h"

static void
load (FakeKvm *fake, const Openvmm__X86__VpState *state)
{
  g_autoptr (GError) cpu_error = NULL;
  g_autoptr (GError) error = NULL;
  gboolean fits = vmm_kvm_host_check_cpu (&fake->host, state, VMM_CPU_EXACT, &cpu_error);
  gboolean loaded = vmm_kvm_vp_load (&fake->vp, state, &error);

  g_assert_true (fits == (cpu_error == NULL));
  g_assert_true (loaded == (error == NULL));
  g_assert_true (error == NULL || error->domain == VMM_ERROR);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autoptr (FakeKvm) fake = fake_kvm_new (fuzz_take_byte (&input));
  Openvmm__X86__VpState *state = openvmm__x86__vp_state__unpack (NULL, input.size, input.data);

  if (state != NULL)
    load (fake, state);
  openvmm__x86__vp_state__free_unpacked (state, NULL);
  return 0;
}
