/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/vmm/message.h"
#include "tests/vmm/tiny-machine.h"
#include "vmm/acpi.h"
#include "vmm/fd.h"

#define IRQ 23
#define VECTOR 0x62u
#define LAPIC_IRR 0x200u

typedef struct
{
  guint8 bytes[VMM_GENERATION_ID_SIZE];
} Id;

static Id
id_of (TinyMachine *tiny)
{
  g_autoptr (GError) error = NULL;
  Id id;

  g_assert_true (vmm_memory_read (tiny->machine->memory, VMM_ACPI_GENERATION_ID_GPA, &id, sizeof id, &error));
  g_assert_no_error (error);
  return id;
}

static void
assert_differ (Id one, Id two)
{
  g_assert_cmpint (memcmp (&one, &two, sizeof one), !=, 0);
}

static Id
id_in_file (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "memory.bin", NULL);
  VMM_AUTO_FD int fd = open (path, O_RDONLY | O_CLOEXEC);
  Id id;

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pread (fd, &id, sizeof id, VMM_ACPI_GENERATION_ID_GPA), ==, sizeof id);
  return id;
}

static void
test_every_restore_has_its_own (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autoptr (TinyMachine) one = NULL;
  g_autoptr (TinyMachine) two = NULL;
  g_autoptr (TinyMachine) grandchild = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *second = NULL;
  const Id zero = { { 0 } };
  Id original = id_of (tiny);

  assert_differ (original, zero);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  path = tiny_machine_save (tiny, "snapshot");
  one = tiny_machine_new_restored (path);
  two = tiny_machine_new_restored (path);
  assert_differ (id_of (one), original);
  assert_differ (id_of (two), original);
  assert_differ (id_of (one), id_of (two));
  tiny_machine_resume (one);
  tiny_machine_wait_word (one, 0, tiny_machine_get_word (one, 0) + 10);

  /* a save alone makes no other VM, and the snapshot is what it was */
  g_assert_cmpmem (&original, sizeof original, id_of (tiny).bytes, sizeof original);
  g_assert_cmpmem (&original, sizeof original, id_in_file (path).bytes, sizeof original);
  snapshot = vmm_snapshot_open (path, &error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);

  second = tiny_machine_save (one, "second");
  g_assert_cmpmem (id_of (one).bytes, sizeof original, id_in_file (second).bytes, sizeof original);
  grandchild = tiny_machine_new_restored (second);
  assert_differ (id_of (grandchild), id_of (one));
}

static void
test_going_back_gives_a_new_one (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autofree char *path = tiny_machine_save (tiny, "snapshot");
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (path);
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, NULL);
  Id ids[3] = { id_of (restored) };

  for (guint i = 1; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean went_back;

      tiny_machine_resume (restored);
      tiny_machine_wait_word (restored, 0, 10);
      went_back = vmm_machine_go_back (restored->machine, snapshot, TRUE, &error);
      g_assert_no_error (error);
      g_assert_true (went_back);
      ids[i] = id_of (restored);
      assert_differ (ids[i], id_in_file (path));
      for (guint earlier = 0; earlier < i; earlier++)
        assert_differ (ids[i], ids[earlier]);
    }
}

/* A guest that has unmasked the line: its I/O APIC would send the edge to VP 0 as VECTOR. */
static VmmSavedState *
with_line_unmasked (VmmSavedState *from)
{
  VmmSavedState *state = vmm_saved_state_new ();
  const ProtobufCMessage *saved =
      vmm_saved_state_lookup_message (from, "platform", &openvmm__x86__platform_state__descriptor, NULL);
  const ProtobufCMessage *vp =
      vmm_saved_state_lookup_message (from, "vp-0", &openvmm__x86__vp_state__descriptor, NULL);
  ProtobufCMessage *platform = message_copy (saved);

  g_assert_nonnull (vp);
  ((Openvmm__X86__PlatformState *) platform)->ioapic->redirection[IRQ] = VECTOR;
  for (const VmmDeviceType *const *type = vmm_device_types; *type != NULL; type++)
    {
      g_autoptr (GBytes) packed = vmm_saved_state_lookup (from, (*type)->name, (*type)->state, NULL);

      vmm_saved_state_add (state, (*type)->name, (*type)->state, packed);
    }
  vmm_saved_state_add_message (state, "vp-0", message_copy (vp));
  vmm_saved_state_add_message (state, "platform", platform);
  return state;
}

static gboolean
interrupt_waits (TinyMachine *tiny)
{
  Openvmm__X86__VpState *vp = vmm_kvm_vp_save (vmm_vp_get_kvm (g_ptr_array_index (tiny->machine->vps, 0)),
                                               0,
                                               NULL);
  guint32 requests;

  g_assert_nonnull (vp);
  memcpy (&requests, vp->lapic.data + LAPIC_IRR + VECTOR / 32 * 0x10, sizeof requests);
  openvmm__x86__vp_state__free_unpacked (vp, NULL);
  return (requests & 1u << VECTOR % 32) != 0;
}

static void
load (TinyMachine *tiny, VmmSavedState *state)
{
  g_autoptr (GError) error = NULL;
  gboolean loaded = vmm_machine_load_state (tiny->machine, state, &error);

  g_assert_no_error (error);
  g_assert_true (loaded);
}

static void
renew (TinyMachine *tiny)
{
  g_autoptr (GError) error = NULL;
  Id before = id_of (tiny);
  gboolean renewed = vmm_machine_renew_generation (tiny->machine, &error);

  g_assert_no_error (error);
  g_assert_true (renewed);
  assert_differ (id_of (tiny), before);
}

static void
test_guest_is_told (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("deadline", NULL);
  g_autoptr (TinyMachine) deaf = tiny_machine_new ("deadline", NULL);
  g_autoptr (TinyMachine) listener = tiny_machine_new ("deadline", NULL);
  g_autoptr (VmmSavedState) present = NULL;
  g_autoptr (VmmSavedState) listening = NULL;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10); /* its local APIC is on */
  tiny_machine_pause (tiny);
  present = vmm_machine_save_state (tiny->machine, NULL);
  g_assert_nonnull (present);
  listening = with_line_unmasked (present);

  load (deaf, present);
  renew (deaf);
  g_assert_false (interrupt_waits (deaf));

  load (listener, listening);
  g_assert_false (interrupt_waits (listener));
  renew (listener);
  g_assert_true (interrupt_waits (listener));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/machine-generation/every-restore-has-its-own", test_every_restore_has_its_own);
  g_test_add_func ("/vmm/machine-generation/going-back-gives-a-new-one", test_going_back_gives_a_new_one);
  g_test_add_func ("/vmm/machine-generation/guest-is-told", test_guest_is_told);
  return g_test_run ();
}
