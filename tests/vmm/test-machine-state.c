/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <string.h>

#include "tests/vmm/fake-tsc.h"
#include "tests/vmm/message.h"
#include "tests/vmm/tiny-machine.h"
#include "vmm/snapshot.h"

#define MSR_IA32_TSC 0x10u
#define MSR_HYPERV_VP_RUNTIME 0x40000010u
#define MSR_HYPERV_TIME_REF_COUNT 0x40000020u
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define LAPIC_TPR 0x80u
#define LAPIC_LVT_TIMER 0x320u
#define LAPIC_LVT_ERROR 0x370u
#define WAITED_USEC 50000

static Openvmm__X86__VpState *
saved_vp (const char *path, guint index)
{
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, NULL);
  g_autofree char *name = g_strdup_printf ("vp-%u", index);
  g_autoptr (GError) error = NULL;
  const ProtobufCMessage *message = vmm_saved_state_lookup_message (vmm_snapshot_get_saved_state (snapshot),
                                                                    name,
                                                                    &openvmm__x86__vp_state__descriptor,
                                                                    &error);

  g_assert_no_error (error);
  return message_copy (message); /* the snapshot goes */
}

static guint64
msr_of (const Openvmm__X86__VpState *state, guint32 index)
{
  for (gsize i = 0; i < state->n_msrs; i++)
    if (state->msrs[i]->index == index)
      return state->msrs[i]->value;
  g_assert_not_reached ();
}

static guint32
lapic_of (const Openvmm__X86__VpState *state, guint offset)
{
  guint32 value;

  memcpy (&value, state->lapic.data + offset, sizeof value);
  return value;
}

static void
assert_same_bytes (GBytes *one, GBytes *two, const char *what)
{
  if (!g_bytes_equal (one, two))
    g_test_message ("%s differs", what);
  g_assert_true (g_bytes_equal (one, two));
}

static GBytes *
pack (ProtobufCMessage *message)
{
  gsize length = protobuf_c_message_get_packed_size (message);
  guint8 *data = g_malloc (length);

  protobuf_c_message_pack (message, data);
  return g_bytes_new_take (data, length);
}

/*
 * Makes equal what may differ: the counter goes on while it is read on a host where it cannot be moved, and the two
 * that KVM has for guests of Hyper-V, of which ours are none, go on always.
 */
static void
forget_time (Openvmm__X86__VpState *state)
{
  for (gsize i = 0; i < state->n_msrs; i++)
    if (state->msrs[i]->index == MSR_IA32_TSC || state->msrs[i]->index == MSR_HYPERV_VP_RUNTIME ||
        state->msrs[i]->index == MSR_HYPERV_TIME_REF_COUNT)
      state->msrs[i]->value = 0;
}

static void
add_vp (VmmConfig *config)
{
  config->vp_count = 2;
}

static char *
save_paused (TinyMachine *tiny)
{
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  tiny_machine_pause (tiny);
  return tiny_machine_save (tiny, "first");
}

static void
assert_same_state (const char *first, const char *second)
{
  for (guint i = 0; i < 2; i++)
    {
      Openvmm__X86__VpState *before = saved_vp (first, i);
      Openvmm__X86__VpState *after = saved_vp (second, i);
      g_autoptr (GBytes) packed_before = NULL;
      g_autoptr (GBytes) packed_after = NULL;

      forget_time (before);
      forget_time (after);
      packed_before = pack (&before->base);
      packed_after = pack (&after->base);
      assert_same_bytes (packed_before, packed_after, "a VP's state");
      openvmm__x86__vp_state__free_unpacked (before, NULL);
      openvmm__x86__vp_state__free_unpacked (after, NULL);
    }
  for (const VmmDeviceType *const *type = vmm_device_types; *type != NULL; type++)
    {
      g_autoptr (VmmSnapshot) one = vmm_snapshot_open (first, NULL);
      g_autoptr (VmmSnapshot) two = vmm_snapshot_open (second, NULL);
      g_autoptr (GBytes) before =
          vmm_saved_state_lookup (vmm_snapshot_get_saved_state (one), (*type)->name, (*type)->state, NULL);
      g_autoptr (GBytes) after =
          vmm_saved_state_lookup (vmm_snapshot_get_saved_state (two), (*type)->name, (*type)->state, NULL);

      g_assert_nonnull (before);
      g_assert_nonnull (after);
      assert_same_bytes (before, after, (*type)->name);
    }
}

/*
 * Two snapshots with nothing but a restore between them hold the same state: whatever was lost or changed would show.
 */
static void
test_restore_changes_nothing (gconstpointer guest)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new (guest, add_vp);
  g_autofree char *first = save_paused (tiny);
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (first);
  g_autofree char *second = tiny_machine_save (restored, "second");

  assert_same_state (first, second);
}

static void
load_timers (TinyMachine *tiny, VmmSnapshot *snapshot)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_load_timers (tiny->machine, vmm_snapshot_get_saved_state (snapshot), &error));
  g_assert_no_error (error);
}

/* nor does waiting, once the timers are loaded again */
static void
test_waiting_changes_nothing (gconstpointer guest)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new (guest, add_vp);
  g_autofree char *first = save_paused (tiny);
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (first);
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (first, NULL);
  g_autofree char *second = NULL;

  g_usleep (WAITED_USEC);
  load_timers (restored, snapshot);
  second = tiny_machine_save (restored, "second");
  assert_same_state (first, second);
}

static void
test_rehearsal_changes_nothing (gconstpointer guest)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new (guest, add_vp);
  g_autofree char *first = save_paused (tiny);
  g_autofree char *second = NULL;

  vmm_machine_rehearse_save (tiny->machine);
  second = tiny_machine_save (tiny, "second");
  assert_same_state (first, second);
}

static guint
waiting_interrupts (TinyMachine *tiny)
{
  g_autoptr (GError) error = NULL;
  Openvmm__X86__PlatformState *platform = vmm_kvm_save_platform (tiny->machine->kvm, &error);
  guint irr;

  g_assert_no_error (error);
  irr = platform->pic_master->irr;
  openvmm__x86__platform_state__free_unpacked (platform, NULL);
  return irr;
}

/* The timer ticks in a machine that waits, and nobody takes the interrupt. */
static void
test_takes_back_ticks (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("ticker", NULL);
  g_autofree char *path = save_paused (tiny);
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, NULL);
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (path);
  guint saved = waiting_interrupts (restored);
  guint tries = 0;

  do
    {
      g_usleep (WAITED_USEC);
      g_assert_cmphex (waiting_interrupts (restored) & 1, ==, 1);
      load_timers (restored, snapshot);
    }
  while (waiting_interrupts (restored) != saved && tries++ < 100); /* the next tick may come at any moment */
  g_assert_cmpuint (tries, <, 100);
}

static void
test_keeps_deadline_and_lapic (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("deadline", NULL);
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  Openvmm__X86__VpState *state;
  guint64 deadline;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  deadline = tiny_machine_get_word (tiny, 1);
  g_assert_cmpuint (deadline, >, 0);
  first = tiny_machine_save (tiny, "first");
  restored = tiny_machine_new_restored (first);
  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 0, tiny_machine_get_word (restored, 0) + 10);
  second = tiny_machine_save (restored, "second");

  state = saved_vp (second, 0);
  g_assert_cmphex (msr_of (state, MSR_IA32_TSC_DEADLINE), ==, deadline);
  g_assert_cmphex (lapic_of (state, LAPIC_LVT_TIMER), ==, 0x400ef);
  g_assert_cmphex (lapic_of (state, LAPIC_LVT_ERROR), ==, 0x100fe);
  g_assert_cmphex (lapic_of (state, LAPIC_TPR), ==, 0x50);
  openvmm__x86__vp_state__free_unpacked (state, NULL);
}

static void
test_counters_are_equal (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vp);
  g_autofree char *path = NULL;
  g_autoptr (TinyMachine) restored = NULL;
  guint64 one, two, again;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 2, 10);
  path = tiny_machine_save (tiny, "snapshot");
  restored = tiny_machine_new_restored (path);
  g_assert_true (
      vmm_kvm_vp_get_tsc (vmm_vp_get_kvm (g_ptr_array_index (restored->machine->vps, 0)), &one, NULL));
  g_assert_true (
      vmm_kvm_vp_get_tsc (vmm_vp_get_kvm (g_ptr_array_index (restored->machine->vps, 1)), &two, NULL));
  g_assert_true (
      vmm_kvm_vp_get_tsc (vmm_vp_get_kvm (g_ptr_array_index (restored->machine->vps, 0)), &again, NULL));
  g_assert_cmpuint (two, >=, one);
  g_assert_cmpuint (again, >=, two);
}

static void
assert_counters_are_at (TinyMachine *tiny, guint64 wanted)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_machine_release_clocks (tiny->machine, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < tiny->machine->vps->len; i++)
    {
      guint64 tsc;

      g_assert_true (
          vmm_kvm_vp_get_tsc (vmm_vp_get_kvm (g_ptr_array_index (tiny->machine->vps, i)), &tsc, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (tsc, ==, wanted);
    }
}

/* also where KVM drops the value that they are set to, as it does with one that is less than a second away */
static void
test_counters_go_on_from_what_was_saved (void)
{
  static const guint64 distances[] = { 0, FAKE_TSC_HZ / 2, FAKE_TSC_HZ - 1, 3 * FAKE_TSC_HZ };
  g_autoptr (TinyMachine) tiny = NULL;
  g_autoptr (TinyMachine) waiting = NULL;
  g_autofree char *path = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autoptr (GError) error = NULL;
  const guint64 wanted = 5 * FAKE_TSC_HZ;

  fake_tsc_begin ();
  tiny = tiny_machine_new ("smp", add_vp);
  fake_tsc_advance (wanted);
  path = tiny_machine_save (tiny, "snapshot");
  snapshot = vmm_snapshot_open (path, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (distances); i++)
    {
      tiny_machine_resume (tiny);
      fake_tsc_advance (distances[i]);
      g_assert_true (vmm_machine_go_back (tiny->machine, snapshot, TRUE, &error));
      g_assert_no_error (error);
      assert_counters_are_at (tiny, wanted);
    }

  waiting = tiny_machine_new_restored (path);
  fake_tsc_advance (FAKE_TSC_HZ / 2);
  g_assert_true (vmm_machine_adopt (waiting->machine, snapshot, waiting->config, waiting->console, &error));
  g_assert_no_error (error);
  assert_counters_are_at (waiting, wanted);
  fake_tsc_end ();
}

static VmmSavedState *
state_without (VmmSavedState *from, const char *left_out, const char *cut)
{
  VmmSavedState *state = vmm_saved_state_new ();
  g_autofree const char **names = vmm_saved_state_get_names (from);

  for (const char **name = names; *name != NULL; name++)
    {
      const ProtobufCMessageDescriptor *type = &openvmm__x86__platform_state__descriptor;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GBytes) shorter = NULL;

      if (g_str_has_prefix (*name, "vp-"))
        type = &openvmm__x86__vp_state__descriptor;
      for (const VmmDeviceType *const *device = vmm_device_types; *device != NULL; device++)
        if (g_str_equal ((*device)->name, *name))
          type = (*device)->state;
      bytes = vmm_saved_state_lookup (from, *name, type, NULL);
      g_assert_nonnull (bytes);
      if (g_strcmp0 (*name, cut) == 0)
        shorter = g_bytes_new_from_bytes (bytes, 0, g_bytes_get_size (bytes) / 2);
      if (g_strcmp0 (*name, left_out) != 0)
        vmm_saved_state_add (state, *name, type, shorter != NULL ? shorter : bytes);
    }
  return state;
}

static void
test_refuses_damage (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autoptr (VmmSavedState) sound = vmm_machine_save_state (tiny->machine, NULL);
  g_autofree const char **names = vmm_saved_state_get_names (sound);

  for (const char **name = names; *name != NULL; name++)
    {
      g_autoptr (VmmSavedState) missing = state_without (sound, *name, NULL);
      g_autoptr (GError) error = NULL;

      g_assert_false (vmm_machine_load_state (tiny->machine, missing, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE);
      g_assert_nonnull (strstr (error->message, *name));
    }
  for (guint i = 0; i < 2; i++)
    {
      static const char *const units[] = { "vp-0", "platform" };
      g_autoptr (VmmSavedState) damaged = state_without (sound, NULL, units[i]);
      g_autoptr (GError) error = NULL;

      g_assert_false (vmm_machine_load_state (tiny->machine, damaged, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/vmm/machine-state/restore-changes-nothing/counter",
                        "counter",
                        test_restore_changes_nothing);
  g_test_add_data_func ("/vmm/machine-state/restore-changes-nothing/smp", "smp", test_restore_changes_nothing);
  g_test_add_data_func ("/vmm/machine-state/restore-changes-nothing/deadline",
                        "deadline",
                        test_restore_changes_nothing);
  g_test_add_data_func ("/vmm/machine-state/waiting-changes-nothing/ticker",
                        "ticker",
                        test_waiting_changes_nothing);
  g_test_add_data_func ("/vmm/machine-state/waiting-changes-nothing/deadline",
                        "deadline",
                        test_waiting_changes_nothing);
  g_test_add_data_func ("/vmm/machine-state/rehearsal-changes-nothing/ticker",
                        "ticker",
                        test_rehearsal_changes_nothing);
  g_test_add_data_func ("/vmm/machine-state/rehearsal-changes-nothing/deadline",
                        "deadline",
                        test_rehearsal_changes_nothing);
  g_test_add_func ("/vmm/machine-state/takes-back-ticks", test_takes_back_ticks);
  g_test_add_func ("/vmm/machine-state/keeps-deadline-and-lapic", test_keeps_deadline_and_lapic);
  g_test_add_func ("/vmm/machine-state/counters-are-equal", test_counters_are_equal);
  g_test_add_func ("/vmm/machine-state/counters-go-on-from-what-was-saved",
                   test_counters_go_on_from_what_was_saved);
  g_test_add_func ("/vmm/machine-state/refuses-damage", test_refuses_damage);
  return g_test_run ();
}
