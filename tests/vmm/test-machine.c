/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include <string.h>
#include <unistd.h>

#include "tests/vmm/tiny-machine.h"
#include "vmm/fd.h"

#define TICKS_PER_SECOND 100u /* of the guest ticker */

static void
test_runs_and_speaks (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = vmm_console_open (tiny->console, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 0), ==, 0);
  tiny_machine_resume (tiny);
  tiny_machine_wait_byte (fd, 'C');
  tiny_machine_wait_word (tiny, 0, 1000);
}

static void
test_pause_stands_still (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("counter", NULL);
  guint64 count;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 1);
  tiny_machine_pause (tiny);
  tiny_machine_pause (tiny);
  count = tiny_machine_get_word (tiny, 0);
  g_usleep (20000);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 0), ==, count);
  tiny_machine_resume (tiny);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, count + 1);
}

static void
add_vps (VmmConfig *config)
{
  config->vp_count = 4;
}

static void
test_pauses_thousand_times (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vps);
  guint64 last[4] = { 0 };

  tiny_machine_resume (tiny);
  for (guint i = 0; i < 3; i++)
    tiny_machine_wait_word (tiny, 2 + i, 1);
  for (guint round = 0; round < 1000; round++)
    {
      tiny_machine_pause (tiny);
      tiny_machine_resume (tiny);
    }
  last[0] = tiny_machine_get_word (tiny, 0);
  for (guint i = 0; i < 3; i++)
    last[1 + i] = tiny_machine_get_word (tiny, 2 + i);
  tiny_machine_wait_word (tiny, 0, last[0] + 1);
  for (guint i = 0; i < 3; i++)
    tiny_machine_wait_word (tiny, 2 + i, last[1 + i] + 1);
}

static void
test_hears (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("echo", NULL);
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = vmm_console_open (tiny->console, &error);

  g_assert_no_error (error);
  tiny_machine_resume (tiny);
  tiny_machine_wait_byte (fd, 'E');
  for (char c = 'a'; c <= 'y'; c++)
    g_assert_cmpint (write (fd, &c, 1), ==, 1);
  for (char c = 'b'; c <= 'z'; c++)
    tiny_machine_wait_byte (fd, c);
}

static void
test_keeps_input_while_paused (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("echo", NULL);
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = vmm_console_open (tiny->console, &error);

  tiny_machine_resume (tiny);
  tiny_machine_wait_byte (fd, 'E');
  tiny_machine_pause (tiny);
  g_assert_cmpint (write (fd, "a", 1), ==, 1);
  g_usleep (20000);
  tiny_machine_resume (tiny);
  tiny_machine_wait_byte (fd, 'b');
}

static void
end_with (const char *word, VmmEvent event, const char *reason)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("ending", NULL);
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = vmm_console_open (tiny->console, &error);

  tiny_machine_resume (tiny);
  tiny_machine_wait_byte (fd, '>');
  g_assert_cmpint (write (fd, word, 1), ==, 1);
  g_assert_cmpint (tiny_machine_wait_event (tiny), ==, event);
  g_assert_nonnull (strstr (tiny->reason, reason));

  g_assert_false (vmm_machine_resume (tiny->machine, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_STATE);
  g_clear_error (&error);
  g_assert_false (vmm_machine_pause (tiny->machine, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_STATE);
}

static void
test_guest_powers_off (void)
{
  end_with ("p", VMM_EVENT_POWER_OFF, "powered off");
}

static void
test_guest_reboots (void)
{
  end_with ("r", VMM_EVENT_RESET, "reboot");
}

static void
test_guest_triple_faults (void)
{
  end_with ("t", VMM_EVENT_CRASH, "triple");
}

/* Some KVMs give the guest the host's own counter, and take a new value without a word. */
static gboolean
host_can_move_tsc (TinyMachine *tiny)
{
  VmmKvmVp *vp = vmm_vp_get_kvm (g_ptr_array_index (tiny->machine->vps, 0));
  guint64 before, after;

  g_assert_true (vmm_kvm_vp_get_tsc (vp, &before, NULL));
  g_assert_true (vmm_kvm_vp_move_tsc (vp, G_GINT64_CONSTANT (1) << 40, NULL));
  g_assert_true (vmm_kvm_vp_get_tsc (vp, &after, NULL));
  g_assert_true (vmm_kvm_vp_move_tsc (vp, -(G_GINT64_CONSTANT (1) << 40), NULL));
  return after - before >= G_GINT64_CONSTANT (1) << 40;
}

static void
test_clocks_stand_still (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("clock", NULL);
  gboolean movable = host_can_move_tsc (tiny);
  guint64 held, clock_ns, before, after;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  tiny_machine_pause (tiny);
  before = tiny_machine_get_word (tiny, 1);
  held = tiny->machine->held_clock_ns;
  g_usleep (2 * G_USEC_PER_SEC);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 2);
  tiny_machine_pause (tiny);
  after = tiny_machine_get_word (tiny, 1);

  g_assert_true (vmm_kvm_get_clock (tiny->machine->kvm, &clock_ns, NULL));
  g_assert_cmpuint (clock_ns, >=, held);
  g_assert_cmpuint (clock_ns - held, <, 1000000000);
  g_assert_cmpuint (tiny_machine_get_word (tiny, 3), ==, 0);
  g_assert_cmpuint (after, >, before);
  /* a second of the slowest counter there is, 1 GHz; the pause alone was two */
  if (movable)
    g_assert_cmpuint (after - before, <, 1000000000);
  else
    g_assert_cmpuint (after - before, >, 1000000000);
}

/* Ticks that came while the VPs stood still are not made up for: at most as many come as there is time for. */
static void
test_ticks_stand_still (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("ticker", NULL);
  guint64 before, ticks;
  gint64 usec;

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 100);
  tiny_machine_pause (tiny);
  before = tiny_machine_get_word (tiny, 0);
  g_usleep (2 * G_USEC_PER_SEC);
  usec = g_get_monotonic_time ();
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, before + 10);
  g_usleep (G_USEC_PER_SEC / 4);
  tiny_machine_pause (tiny);
  usec = g_get_monotonic_time () - usec;
  ticks = tiny_machine_get_word (tiny, 0) - before;
  g_test_message ("%" G_GUINT64_FORMAT " ticks in %" G_GINT64_FORMAT " us", ticks, usec);
  g_assert_cmpuint (ticks, <=, (guint64) usec * TICKS_PER_SECOND / G_USEC_PER_SEC + 2);
}

static void
test_refuses_bad_config (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new_bare ("counter", NULL);
  g_autoptr (GError) error = NULL;

  tiny->config->vp_count = 65;
  g_assert_null (vmm_machine_new (tiny->config, tiny->console, tiny_machine_on_event, tiny, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_VP_COUNT);
}

static guint64
memory_type_of (VmmSavedState *state, guint index)
{
  g_autofree char *unit = g_strdup_printf ("vp-%u", index);
  g_autoptr (GError) error = NULL;
  const Openvmm__X86__VpState *vp = (const Openvmm__X86__VpState *)
      vmm_saved_state_lookup_message (state, unit, &openvmm__x86__vp_state__descriptor, &error);
  guint64 value = 0;

  g_assert_no_error (error);
  for (gsize i = 0; i < vp->n_msrs; i++)
    if (vp->msrs[i]->index == 0x2ff)
      value = vp->msrs[i]->value;
  return value;
}

/* a Linux guest complains if its processors disagree */
static void
test_memory_types_agree (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vps);
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSavedState) state = vmm_machine_save_state (tiny->machine, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 4; i++)
    g_assert_cmphex (memory_type_of (state, i), ==, 0x806);
}

static void
test_frees_while_running (void)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (TinyMachine) tiny = tiny_machine_new ("smp", add_vps);

      tiny_machine_resume (tiny);
      if (i % 2 == 0)
        tiny_machine_wait_word (tiny, 0, 1);
    }
}

/* at whatever moment of that the guest ends: some of these frees find it still running, some ended, some in between */
static void
test_frees_while_ending (void)
{
  for (guint i = 0; i < 60; i++)
    {
      g_autoptr (TinyMachine) tiny = tiny_machine_new ("ending", NULL);
      g_autoptr (GError) error = NULL;
      VMM_AUTO_FD int console = vmm_console_open (tiny->console, &error);

      g_assert_no_error (error);
      tiny_machine_resume (tiny);
      tiny_machine_wait_byte (console, '>');
      g_assert_cmpint (write (console, "t", 1), ==, 1);
      g_usleep (10 * i);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/machine/runs-and-speaks", test_runs_and_speaks);
  g_test_add_func ("/vmm/machine/pause-stands-still", test_pause_stands_still);
  g_test_add_func ("/vmm/machine/pauses-thousand-times", test_pauses_thousand_times);
  g_test_add_func ("/vmm/machine/hears", test_hears);
  g_test_add_func ("/vmm/machine/keeps-input-while-paused", test_keeps_input_while_paused);
  g_test_add_func ("/vmm/machine/guest-powers-off", test_guest_powers_off);
  g_test_add_func ("/vmm/machine/guest-reboots", test_guest_reboots);
  g_test_add_func ("/vmm/machine/guest-triple-faults", test_guest_triple_faults);
  g_test_add_func ("/vmm/machine/clocks-stand-still", test_clocks_stand_still);
  g_test_add_func ("/vmm/machine/ticks-stand-still", test_ticks_stand_still);
  g_test_add_func ("/vmm/machine/refuses-bad-config", test_refuses_bad_config);
  g_test_add_func ("/vmm/machine/memory-types-agree", test_memory_types_agree);
  g_test_add_func ("/vmm/machine/frees-while-running", test_frees_while_running);
  g_test_add_func ("/vmm/machine/frees-while-ending", test_frees_while_ending);
  return g_test_run ();
}
