/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/snapshot.h"

#include <string.h>

#include "tests/vmm/message.h"
#include "tests/vmm/tiny-machine.h"
#include "vmm/fd.h"
#include "vmm/snapshot-writer.h"

static Openvmm__X86__CpuidEntry *
find_leaf (Openvmm__X86__VpState *vp, guint32 function)
{
  for (gsize i = 0; i < vp->n_cpuid; i++)
    if (vp->cpuid[i]->function == function)
      return vp->cpuid[i];
  g_assert_not_reached ();
}

/* (transfer full): a snapshot with nothing but the state of a VP that @change was done to */
static char *
write_changed (TinyMachine *tiny, void (*change) (Openvmm__X86__VpState *vp))
{
  g_autofree char *path = g_build_filename (tiny->directory, "changed", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) real = vmm_machine_save_state (tiny->machine, &error);
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  g_autoptr (VmmManifest) manifest = vmm_manifest_new (tiny->config, TRUE, NULL, NULL, 0);
  g_autoptr (VmmSnapshotWriter) writer = vmm_snapshot_writer_new (path, &error);
  VMM_AUTO_FD int fd = -1;
  const ProtobufCMessage *saved;
  Openvmm__X86__VpState *vp;

  g_assert_no_error (error);
  saved = vmm_saved_state_lookup_message (real, "vp-0", &openvmm__x86__vp_state__descriptor, &error);
  g_assert_no_error (error);
  vp = message_copy (saved);
  change (vp);
  vmm_saved_state_add_message (state, "vp-0", &vp->base);
  fd = vmm_snapshot_writer_create_memory (writer, tiny->config->memory_size, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_writer_commit (writer, manifest, state, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  return g_steal_pointer (&path);
}

static void
see_more (Openvmm__X86__VpState *vp)
{
  find_leaf (vp, 0x1)->ecx |= 1u << 5 | 1u << 6;
  find_leaf (vp, 0x80000001)->ecx |= 1u << 23;
}

static void
see_another_model (Openvmm__X86__VpState *vp)
{
  find_leaf (vp, 0x1)->eax ^= 0xf;
}

/* The machine would lack units, too: that it is the processor that is told shows that none was made. */
static void
test_is_looked_at_before_anything_is_built (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = write_changed (tiny, see_more);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  VmmMachine *machine;

  g_assert_no_error (error);
  machine = vmm_machine_new_from_snapshot (snapshot,
                                           tiny->config,
                                           tiny->console,
                                           tiny_machine_on_event,
                                           tiny,
                                           &error);
  g_assert_null (machine);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, "lacks 3 of the features that the guest has seen: vmx ("));
  g_assert_nonnull (strstr (error->message, "smx (CPUID 0x1.0 ECX bit 6)"));
  g_assert_nonnull (strstr (error->message, "perfctr_core (CPUID 0x80000001.0 ECX bit 23)"));
}

static void
test_model_by_policy (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = write_changed (tiny, see_another_model);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_check_cpu (snapshot, VMM_CPU_SUPERSET, &error));
  g_assert_no_error (error);
  g_assert_false (vmm_snapshot_check_cpu (snapshot, VMM_CPU_EXACT, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
  g_assert_nonnull (strstr (error->message, "cpu=superset"));
}

static void
test_own_host_is_exact (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  g_auto (GStrv) features = NULL;
  g_autofree char *description = NULL;

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_check_cpu (snapshot, VMM_CPU_EXACT, &error));
  g_assert_no_error (error);
  features = vmm_snapshot_list_cpu_features (snapshot);
  g_assert_true (g_strv_contains ((const char *const *) features, "lm"));
  g_assert_true (g_strv_contains ((const char *const *) features, "sse2"));
  g_assert_true (g_strv_contains ((const char *const *) features, "hypervisor"));
  description = vmm_snapshot_describe_cpu (snapshot);
  g_assert_nonnull (strstr (description, ", family "));
  g_assert_nonnull (strstr (description, ", stepping "));
}

/* one that no machine made */
static void
test_no_vp_needs_nothing (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new_bare ("counter", NULL);
  g_autofree char *path = g_build_filename (tiny->directory, "snapshot", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_auto (GStrv) features = NULL;
  g_autofree char *description = NULL;
  VmmSaveResult result;

  g_assert_true (
      vmm_snapshot_write (tiny->config, TRUE, 0, &(VmmSavePlan){ .directory = path }, NULL, &result, &error));
  snapshot = vmm_snapshot_open (path, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_check_cpu (snapshot, VMM_CPU_EXACT, &error));
  g_assert_no_error (error);
  features = vmm_snapshot_list_cpu_features (snapshot);
  g_assert_cmpuint (g_strv_length (features), ==, 0);
  description = vmm_snapshot_describe_cpu (snapshot);
  g_assert_cmpstr (description, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/snapshot-cpu/is-looked-at-before-anything-is-built",
                   test_is_looked_at_before_anything_is_built);
  g_test_add_func ("/vmm/snapshot-cpu/model-by-policy", test_model_by_policy);
  g_test_add_func ("/vmm/snapshot-cpu/own-host-is-exact", test_own_host_is_exact);
  g_test_add_func ("/vmm/snapshot-cpu/no-vp-needs-nothing", test_no_vp_needs_nothing);
  return g_test_run ();
}
