/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/vp.h"

#include <string.h>

#include "proto/devices/i8042.pb-c.h"
#include "tests/vmm/time-slice.h"
#include "tests/vmm/tiny-machine.h"
#include "vmm/acpi.h"

#define PORT 0x510u
#define MMIO 0xd0000000u
#define STRING_LENGTH 16u

/* A device that keeps the VP in the middle of a read until the test lets it go on. */
typedef struct
{
  VmmDevice device;
  GMutex lock;
  GCond changed;
  guint reads;
  guint64 slice_ns; /* of the VP's thread */
  gboolean is_reading;
  gboolean may_go_on;
} Gate;

static guint64
gate_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  Gate *gate = (Gate *) device;
  guint64 value;

  g_mutex_lock (&gate->lock);
  gate->is_reading = TRUE;
  gate->slice_ns = time_slice_get ().runtime_ns;
  g_cond_broadcast (&gate->changed);
  while (!gate->may_go_on)
    g_cond_wait (&gate->changed, &gate->lock);
  value = 0x41 + gate->reads++;
  g_mutex_unlock (&gate->lock);
  return value;
}

static const VmmDeviceType gate_type = {
  .name = "gate",
  .instance_size = sizeof (Gate),
  .state = &openvmm__devices__i8042_state__descriptor,
  .regions = { { VMM_SPACE_PIO, PORT, 1 }, { VMM_SPACE_MMIO, MMIO, 4 } },
  .read = gate_read,
};

static const VmmDeviceHost no_host;

static Gate *
add_gate (TinyMachine *tiny)
{
  VmmDevice *device = vmm_device_new (&gate_type, &no_host, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_bus_add (tiny->machine->bus, device, &error));
  g_assert_no_error (error);
  return (Gate *) device;
}

static void
wait_until_reading (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  while (!gate->is_reading)
    g_cond_wait (&gate->changed, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static gpointer
open_gate (gpointer data)
{
  Gate *gate = data;

  /* long enough for the save to have asked the VP to park while it is in the read */
  g_usleep (100000);
  g_mutex_lock (&gate->lock);
  gate->may_go_on = TRUE;
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&gate->lock);
  return NULL;
}

/*
 * A save that comes in the middle of a read: the read happens once, in the saved VM and in the restored one together.
 */
static void
save_in_read (const char *guest, guint reads, guint64 second_word)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new (guest, NULL);
  Gate *gate = add_gate (tiny);
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *path = NULL;
  g_autoptr (VmmDevice) other = NULL;
  GThread *opener;

  tiny_machine_resume (tiny);
  wait_until_reading (gate);
  opener = g_thread_new ("opener", open_gate, gate);
  path = tiny_machine_save (tiny, "snapshot");
  g_thread_join (opener);
  tiny_machine_wait_word (tiny, 0, 1);
  g_assert_cmpuint (gate->reads, ==, reads);

  restored = tiny_machine_new_restored (path);
  other = &add_gate (restored)->device;
  ((Gate *) other)->may_go_on = TRUE;
  ((Gate *) other)->reads = gate->reads;
  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 0, 1);
  g_assert_cmpuint (((Gate *) other)->reads, ==, reads);
  g_assert_cmpuint (tiny_machine_get_word (restored, 1), ==, second_word);
  g_assert_cmpuint (tiny_machine_get_word (restored, 2), ==, 1);

  g_clear_pointer (&restored->machine, vmm_machine_free);
  g_clear_pointer (&tiny->machine, vmm_machine_free);
  vmm_device_free (&gate->device);
}

static void
test_port_read_happens_once (void)
{
  save_in_read ("port-reader", 1, 0x41);
}

static void
test_mmio_read_happens_once (void)
{
  save_in_read ("mmio-reader", 1, 0x41);
}

/* All of the string is read: as far as the snapshot goes in the saved VM, the rest again in each. */
static void
test_string_read_loses_nothing (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("string-reader", NULL);
  Gate *gate = add_gate (tiny);
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *path = NULL;
  Gate *other;
  GThread *opener;
  guint reads_at_save;
  guint8 expected[STRING_LENGTH], got[STRING_LENGTH];

  for (guint i = 0; i < STRING_LENGTH; i++)
    expected[i] = 0x41 + i;
  tiny_machine_resume (tiny);
  wait_until_reading (gate);
  opener = g_thread_new ("opener", open_gate, gate);
  path = tiny_machine_save (tiny, "snapshot");
  g_thread_join (opener);
  tiny_machine_wait_word (tiny, 0, 1);
  g_assert_cmpuint (gate->reads, ==, STRING_LENGTH);

  restored = tiny_machine_new_restored (path);
  other = add_gate (restored);
  other->may_go_on = TRUE;
  g_assert_true (vmm_memory_read (restored->machine->memory, 0x200018, got, sizeof got, NULL));
  for (reads_at_save = 0; reads_at_save < STRING_LENGTH && got[reads_at_save] != 0; reads_at_save++)
    ;
  g_assert_cmpuint (reads_at_save, >, 0);
  other->reads = reads_at_save;
  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 0, 1);
  g_assert_true (vmm_memory_read (restored->machine->memory, 0x200018, got, sizeof got, NULL));
  g_assert_cmpmem (got, sizeof got, expected, sizeof expected);

  g_clear_pointer (&restored->machine, vmm_machine_free);
  g_clear_pointer (&tiny->machine, vmm_machine_free);
  vmm_device_free (&gate->device);
  vmm_device_free (&other->device);
}

/* Asked to park while it is kept in a device, given up on, and released: it goes on as if nothing had been. */
static void
test_goes_on_when_nobody_waits_for_its_park (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("port-reader", NULL);
  Gate *gate = add_gate (tiny);
  VmmVp *vp = g_ptr_array_index (tiny->machine->vps, 0);

  g_assert_true (vmm_vp_release (vp, NULL));
  wait_until_reading (gate);
  vmm_vp_park (vp);
  g_assert_false (vmm_vp_wait_parked (vp, g_get_monotonic_time ()));
  g_assert_true (vmm_vp_release (vp, NULL));
  open_gate (gate);
  tiny_machine_wait_word (tiny, 0, 10);

  vmm_vp_park (vp);
  g_assert_true (vmm_vp_wait_parked (vp, g_get_monotonic_time () + 10 * G_USEC_PER_SEC));
  g_assert_cmpuint (gate->reads, ==, 1);
  g_clear_pointer (&tiny->machine, vmm_machine_free);
  vmm_device_free (&gate->device);
}

static void
test_parks_before_first_release (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  VmmVp *vp = g_ptr_array_index (tiny->machine->vps, 0);

  vmm_vp_park (vp);
  g_assert_true (vmm_vp_wait_parked (vp, g_get_monotonic_time ()));
}

static void
test_release_and_park_at_once (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  VmmVp *vp = g_ptr_array_index (tiny->machine->vps, 0);
  guint64 count;

  for (guint i = 0; i < 5000; i++)
    {
      g_assert_true (vmm_vp_release (vp, NULL));
      vmm_vp_park (vp);
      g_assert_true (vmm_vp_wait_parked (vp, g_get_monotonic_time () + 10 * G_USEC_PER_SEC));
    }
  count = tiny_machine_get_word (tiny, 0);
  g_assert_true (vmm_vp_release (vp, NULL));
  tiny_machine_wait_word (tiny, 0, count + 1);
  vmm_vp_park (vp);
  g_assert_true (vmm_vp_wait_parked (vp, g_get_monotonic_time () + 10 * G_USEC_PER_SEC));
}

/* who makes a machine goes before its VPs, if he asks for short slices for himself */
static void
test_time_slices_are_the_kernels_own (void)
{
  guint64 usual_ns = time_slice_get ().runtime_ns;
  g_autoptr (TinyMachine) tiny = NULL;
  Gate *gate;

  vmm_time_slice_set (100);
  tiny = tiny_machine_new ("port-reader", NULL);
  gate = add_gate (tiny);
  gate->may_go_on = TRUE;
  tiny_machine_resume (tiny);
  wait_until_reading (gate);
  vmm_time_slice_set (0);
  g_clear_pointer (&tiny->machine, vmm_machine_free);
  g_assert_cmpuint (gate->slice_ns, ==, usual_ns);
  vmm_device_free (&gate->device);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/vp/port-read-happens-once", test_port_read_happens_once);
  g_test_add_func ("/vmm/vp/mmio-read-happens-once", test_mmio_read_happens_once);
  g_test_add_func ("/vmm/vp/string-read-loses-nothing", test_string_read_loses_nothing);
  g_test_add_func ("/vmm/vp/goes-on-when-nobody-waits-for-its-park",
                   test_goes_on_when_nobody_waits_for_its_park);
  g_test_add_func ("/vmm/vp/parks-before-first-release", test_parks_before_first_release);
  g_test_add_func ("/vmm/vp/release-and-park-at-once", test_release_and_park_at_once);
  g_test_add_func ("/vmm/vp/time-slices-are-the-kernels-own", test_time_slices_are_the_kernels_own);
  return g_test_run ();
}
