/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/machine.h"

#include "tests/vmm/fake-tsc.h"
#include "tests/vmm/tiny-machine.h"

#define NS_PER_S G_GUINT64_CONSTANT (1000000000)
#define HOUR_NS (3600 * NS_PER_S)
#define SLACK_NS (100 * NS_PER_S) /* for a loaded host */

static TinyMachine *
new_paused (void)
{
  TinyMachine *tiny = tiny_machine_new ("counter", NULL);

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  tiny_machine_pause (tiny);
  return tiny;
}

static void
run_for_a_moment (TinyMachine *tiny)
{
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 10);
  tiny_machine_pause (tiny);
}

static guint64
tsc_of (TinyMachine *tiny, guint vp)
{
  g_autoptr (GError) error = NULL;
  guint64 tsc;

  g_assert_true (
      vmm_kvm_vp_get_tsc (vmm_vp_get_kvm (g_ptr_array_index (tiny->machine->vps, vp)), &tsc, &error));
  g_assert_no_error (error);
  return tsc;
}

/* Some hosts, those that are virtual machines themselves without the feature, let their own counter show through. */
static gboolean
tsc_can_be_moved (TinyMachine *tiny)
{
  VmmKvmVp *vp = vmm_vp_get_kvm (g_ptr_array_index (tiny->machine->vps, 0));
  const gint64 far = G_GINT64_CONSTANT (1) << 50;
  guint64 before = tsc_of (tiny, 0);
  guint64 after;

  g_assert_true (vmm_kvm_vp_move_tsc (vp, far, NULL));
  after = tsc_of (tiny, 0);
  g_assert_true (vmm_kvm_vp_move_tsc (vp, -far, NULL));
  return after - before >= (guint64) far;
}

static void
assert_jumped (guint64 before_ns, guint64 after_ns, guint64 jump_ns)
{
  g_assert_cmpuint (after_ns, >=, before_ns + jump_ns);
  g_assert_cmpuint (after_ns, <, before_ns + jump_ns + SLACK_NS);
}

static void
test_go_on_from_where_they_stood (void)
{
  g_autoptr (TinyMachine) tiny = new_paused ();
  guint64 held_ns = tiny->machine->held_clock_ns;

  tiny->machine->held_wall_clock_ns -= HOUR_NS;
  run_for_a_moment (tiny);
  assert_jumped (held_ns, tiny->machine->held_clock_ns, 0);

  held_ns = tiny->machine->held_clock_ns;
  tiny->machine->held_wall_clock_ns -= HOUR_NS;
  vmm_machine_catch_up (tiny->machine, TRUE);
  vmm_machine_catch_up (tiny->machine, FALSE);
  run_for_a_moment (tiny);
  assert_jumped (held_ns, tiny->machine->held_clock_ns, 0);
}

static void
test_catch_up (void)
{
  g_autoptr (TinyMachine) tiny = new_paused ();
  guint64 held_ns = tiny->machine->held_clock_ns;
  guint64 held_tsc = tiny->machine->held_tsc;
  VmmKvmCpu cpu;

  vmm_kvm_describe_cpu (vmm_vp_get_kvm (g_ptr_array_index (tiny->machine->vps, 0)), &cpu);
  tiny->machine->held_wall_clock_ns -= HOUR_NS;
  vmm_machine_catch_up (tiny->machine, TRUE);
  run_for_a_moment (tiny);
  assert_jumped (held_ns, tiny->machine->held_clock_ns, HOUR_NS);
  if (tsc_can_be_moved (tiny))
    g_assert_cmpuint (tiny->machine->held_tsc - held_tsc, >=, (guint64) cpu.tsc_khz * 1000 * 3600);
  else
    g_test_message ("the time-stamp counter cannot be moved here: not looked at");

  /* once */
  held_ns = tiny->machine->held_clock_ns;
  tiny->machine->held_wall_clock_ns -= HOUR_NS;
  run_for_a_moment (tiny);
  assert_jumped (held_ns, tiny->machine->held_clock_ns, 0);
}

static void
test_catch_up_with_the_snapshot (void)
{
  g_autoptr (TinyMachine) tiny = new_paused ();
  g_autofree char *path = NULL;
  g_autoptr (TinyMachine) restored = NULL;
  guint64 held_ns = tiny->machine->held_clock_ns;

  /* the clocks were held when the machine was paused, not when the snapshot was made */
  tiny->machine->held_wall_clock_ns -= 5 * HOUR_NS;
  path = tiny_machine_save (tiny, "snapshot");
  restored = tiny_machine_new_restored (path);
  g_assert_cmpuint (restored->machine->held_wall_clock_ns, ==, tiny->machine->held_wall_clock_ns);
  vmm_machine_catch_up (restored->machine, TRUE);
  run_for_a_moment (restored);
  assert_jumped (held_ns, restored->machine->held_clock_ns, 5 * HOUR_NS);
}

static void
test_never_jump_back (void)
{
  g_autoptr (TinyMachine) tiny = new_paused ();
  guint64 held_ns = tiny->machine->held_clock_ns;

  tiny->machine->held_wall_clock_ns += HOUR_NS; /* the host's clock was set back */
  vmm_machine_catch_up (tiny->machine, TRUE);
  run_for_a_moment (tiny);
  assert_jumped (held_ns, tiny->machine->held_clock_ns, 0);

  held_ns = tiny->machine->held_clock_ns;
  tiny->machine->held_wall_clock_ns = 0; /* a snapshot that does not tell */
  vmm_machine_catch_up (tiny->machine, TRUE);
  run_for_a_moment (tiny);
  assert_jumped (held_ns, tiny->machine->held_clock_ns, 0);
}

/* A timer that waits for a value of the counter goes off at once when the counter jumps over it. */
static void
test_timer_goes_off_after_jump (void)
{
  g_autoptr (TinyMachine) tiny = tiny_machine_new ("deadline", NULL);

  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  tiny_machine_pause (tiny);
  tiny->machine->held_wall_clock_ns -= HOUR_NS;
  vmm_machine_catch_up (tiny->machine, TRUE);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, tiny_machine_get_word (tiny, 0) + 10);
}

/* One that KVM has set by a counter that was behind the saved one, and which it did not move, would go off late. */
static void
test_timer_is_set_by_the_counter_it_waits_for (void)
{
  const guint64 first_moment = FAKE_TSC_HZ / 2; /* of the guest: a new VP's counter stands near it */
  g_autoptr (TinyMachine) tiny = NULL;
  g_autoptr (TinyMachine) restored = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  fake_tsc_begin ();
  tiny = tiny_machine_new ("deadline", NULL);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  fake_tsc_advance (first_moment);
  path = tiny_machine_save (tiny, "snapshot");
  restored = tiny_machine_new_restored (path);
  g_assert_cmpuint (fake_tsc_get_deadline_base (), ==, 0);
  g_assert_true (vmm_machine_release_clocks (restored->machine, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_tsc_get_deadline_base (), ==, first_moment);
  fake_tsc_end ();
}

/* One that has gone off while the VPs stood still, by a counter that was moved back since, has not. */
static void
test_timer_is_not_early_after_pause (void)
{
  g_autoptr (TinyMachine) tiny = NULL;
  g_autoptr (GError) error = NULL;
  guint64 held;

  fake_tsc_begin ();
  tiny = tiny_machine_new ("deadline", NULL);
  fake_tsc_advance (FAKE_TSC_HZ);
  tiny_machine_resume (tiny);
  tiny_machine_wait_word (tiny, 0, 10);
  tiny_machine_pause (tiny);
  held = tsc_of (tiny, 0);
  fake_tsc_advance (FAKE_TSC_HZ);
  g_assert_true (vmm_machine_release_clocks (tiny->machine, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_tsc_get_deadline_base (), ==, held);
  fake_tsc_end ();
}

static void
add_vp (VmmConfig *config)
{
  config->vp_count = 2;
}

/* A counter whose offset is refused must not be set by its value instead, which is less exact. */
static void
test_counters_stay_together (void)
{
  g_autoptr (TinyMachine) tiny = NULL;
  g_autoptr (GError) refused = NULL;
  g_autoptr (GError) error = NULL;

  fake_tsc_begin ();
  tiny = tiny_machine_new ("smp", add_vp);
  tiny_machine_resume (tiny);
  tiny_machine_pause (tiny);
  fake_tsc_advance (FAKE_TSC_HZ / 2);
  fake_tsc_refuse (2);
  g_assert_false (vmm_machine_release_clocks (tiny->machine, &refused));
  g_assert_error (refused, VMM_ERROR, VMM_ERROR_HOST);
  fake_tsc_advance (FAKE_TSC_HZ / 2);
  g_assert_true (vmm_machine_release_clocks (tiny->machine, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (tsc_of (tiny, 0), ==, tsc_of (tiny, 1));
  fake_tsc_end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/machine-clocks/go-on-from-where-they-stood", test_go_on_from_where_they_stood);
  g_test_add_func ("/vmm/machine-clocks/catch-up", test_catch_up);
  g_test_add_func ("/vmm/machine-clocks/catch-up-with-the-snapshot", test_catch_up_with_the_snapshot);
  g_test_add_func ("/vmm/machine-clocks/never-jump-back", test_never_jump_back);
  g_test_add_func ("/vmm/machine-clocks/timer-goes-off-after-jump", test_timer_goes_off_after_jump);
  g_test_add_func ("/vmm/machine-clocks/timer-is-set-by-the-counter-it-waits-for",
                   test_timer_is_set_by_the_counter_it_waits_for);
  g_test_add_func ("/vmm/machine-clocks/timer-is-not-early-after-pause", test_timer_is_not_early_after_pause);
  g_test_add_func ("/vmm/machine-clocks/counters-stay-together", test_counters_stay_together);
  return g_test_run ();
}
