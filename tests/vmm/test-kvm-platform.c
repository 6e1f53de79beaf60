/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include "tests/vmm/bare-kvm.h"
#include "tests/vmm/message.h"

#define N_ROUNDS 5u
#define N_CHANNELS 3u
#define CLOCK_SLACK_NS G_GINT64_CONSTANT (1000000)
#define IOAPIC_MASKED (1u << 16)
#define MODE_WITHOUT_TIMER 5u /* so that channel 0 raises nothing between a load and a save */

typedef Openvmm__X86__PlatformState PlatformState;

static const MessageLimit pic_limits[] = {
  { "last_irr", 0xff }, { "irr", 0xff },     { "imr", 0xff },  { "isr", 0xff },       { "priority_add", 7 },
  { "irq_base", 0xff }, { "init_state", 3 }, { "elcr", 0xff }, { "elcr_mask", 0xff }, { NULL },
};

static const MessageLimit ioapic_limits[] = { { "irr", 0xffffff }, { NULL } };

static const MessageLimit channel_limits[] = {
  { "count", 0x10000 },
  { "latched_count", 0xffff },
  { "count_latched", 0xff },
  { "status_latched", 0xff },
  { "status", 0xff },
  { "read_state", 4 },
  { "write_state", 4 },
  { "write_latch", 0xff },
  { "rw_mode", 3 },
  { "mode", 7 },
  { "bcd", 1 },
  { "gate", 1 },
  { NULL },
};

static void
free_state (PlatformState *state)
{
  openvmm__x86__platform_state__free_unpacked (state, NULL);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlatformState, free_state)

static PlatformState *
save (BareKvm *bare)
{
  g_autoptr (GError) error = NULL;
  PlatformState *state = vmm_kvm_save_platform (bare->kvm, &error);

  g_assert_no_error (error);
  g_assert_nonnull (state);
  return state;
}

static void
load (BareKvm *bare, const PlatformState *state)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_kvm_load_platform (bare->kvm, state, &error));
  g_assert_no_error (error);
}

static void
assert_corrupt (BareKvm *bare, const PlatformState *state, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (vmm_kvm_load_platform (bare->kvm, state, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, part));
}

/* What is pending stays masked: KVM moves the rest on as soon as it is loaded. */
static void
fill (PlatformState *state, guint round)
{
  static const guint modes[2][N_CHANNELS] = { { MODE_WITHOUT_TIMER, 3, 4 }, { MODE_WITHOUT_TIMER, 2, 1 } };

  message_fill (state->pic_master, pic_limits, round);
  message_fill (state->pic_slave, pic_limits, round + 1);
  state->pic_master->irr &= state->pic_master->imr;
  state->pic_slave->irr &= state->pic_slave->imr;
  message_fill (state->ioapic, ioapic_limits, round);
  for (guint i = 0; i < state->ioapic->n_redirection; i++)
    state->ioapic->redirection[i] = ((guint64) (0x10 + i + round) << 56) | IOAPIC_MASKED |
                                    ((i + round) % 2 << 15) | (0x30 + i + round);
  for (guint i = 0; i < N_CHANNELS; i++)
    {
      message_fill (state->pit->channels[i], channel_limits, round + i);
      state->pit->channels[i]->count += 100 * i;
      state->pit->channels[i]->mode = modes[round % 2][i];
    }
  state->pit->flags = round % 2 != 0 ? KVM_PIT_FLAGS_SPEAKER_DATA_ON : 0;
}

static void
assert_same (PlatformState *got, PlatformState *wanted)
{
  message_assert_equal (got->pic_master, wanted->pic_master, "first 8259A");
  message_assert_equal (got->pic_slave, wanted->pic_slave, "second 8259A");
  message_assert_equal (got->ioapic, wanted->ioapic, "I/O APIC");
  for (guint i = 0; i < N_CHANNELS; i++)
    {
      got->pit->channels[i]->count_load_age_ns = wanted->pit->channels[i]->count_load_age_ns;
      message_assert_equal (got->pit->channels[i], wanted->pit->channels[i], "counter");
    }
  g_assert_cmphex (got->pit->flags, ==, wanted->pit->flags);
}

static void
test_keeps_every_field (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) wanted = save (bare);

  g_assert_cmpuint (wanted->ioapic->n_redirection, ==, 24);
  g_assert_cmpuint (wanted->pit->n_channels, ==, N_CHANNELS);
  g_assert_cmpuint (wanted->clock_ns, ==, 0);
  g_assert_cmpuint (wanted->wall_clock_ns, ==, 0);
  for (guint round = 0; round < N_ROUNDS; round++)
    {
      g_autoptr (PlatformState) got = NULL;

      fill (wanted, round);
      load (bare, wanted);
      got = save (bare);
      assert_same (got, wanted);
    }
}

/* a state that was never used loads as well: its timer shows a mode that no guest can set */
static void
test_takes_power_on_state (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (BareKvm) other = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) before = save (bare);
  g_autoptr (PlatformState) after = NULL;

  load (other, before);
  after = save (other);
  assert_same (after, before);
}

static void
check_limits (BareKvm *bare, PlatformState *state, gpointer part, const MessageLimit *limits, const char *name)
{
  for (; limits->field != NULL; limits++)
    {
      const ProtobufCFieldDescriptor *field = message_field (part, limits->field);
      guint32 *where = (guint32 *) ((guint8 *) part + field->offset);
      guint32 sound = *where;

      g_assert_cmpint (field->type, ==, PROTOBUF_C_TYPE_UINT32);
      *where = limits->max;
      load (bare, state);
      *where = limits->max + 1;
      g_test_message ("%s of the %s", limits->field, name);
      assert_corrupt (bare, state, name);
      *where = G_MAXUINT32;
      assert_corrupt (bare, state, name);
      *where = sound;
    }
}

static void
test_refuses_what_is_out_of_range (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) state = save (bare);

  fill (state, 0);
  check_limits (bare, state, state->pic_master, pic_limits, "8259A");
  check_limits (bare, state, state->pic_slave, pic_limits, "8259A");
  for (guint i = 0; i < N_CHANNELS; i++)
    {
      check_limits (bare, state, state->pit->channels[i], channel_limits, "timer");
      state->pit->channels[i]->mode = 0xfe;
      assert_corrupt (bare, state, "timer");
      state->pit->channels[i]->mode = MODE_WITHOUT_TIMER;
    }
}

static void
test_refuses_what_is_missing (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) state = save (bare);
  PlatformState damaged = *state;
  Openvmm__X86__IoApic ioapic = *state->ioapic;
  Openvmm__X86__Pit pit = *state->pit;

  damaged.pic_master = NULL;
  assert_corrupt (bare, &damaged, "8259A");
  damaged.pic_master = state->pic_master;
  damaged.pic_slave = NULL;
  assert_corrupt (bare, &damaged, "8259A");
  damaged.pic_slave = state->pic_slave;
  damaged.ioapic = NULL;
  assert_corrupt (bare, &damaged, "I/O APIC");
  damaged.ioapic = &ioapic;
  ioapic.n_redirection = 23;
  assert_corrupt (bare, &damaged, "I/O APIC");
  ioapic.n_redirection = 25;
  assert_corrupt (bare, &damaged, "I/O APIC");
  ioapic.n_redirection = 24;
  damaged.pit = NULL;
  assert_corrupt (bare, &damaged, "timer");
  damaged.pit = &pit;
  pit.n_channels = 2;
  assert_corrupt (bare, &damaged, "timer");
  pit.n_channels = 4;
  assert_corrupt (bare, &damaged, "timer");
}

/* Damage in the last part that is looked at leaves the first ones alone, too. */
static void
test_damage_changes_nothing (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) before = save (bare);
  g_autoptr (PlatformState) damaged = save (bare);
  g_autoptr (PlatformState) after = NULL;

  fill (damaged, 1);
  damaged->pit->channels[2]->gate = 2;
  assert_corrupt (bare, damaged, "timer");
  after = save (bare);
  assert_same (after, before);
}

/* The time since a counter was loaded goes on over a save; KVM starts counters 1 and 2 afresh when they are loaded. */
static void
test_timer_goes_on (void)
{
  const gint64 age = G_GINT64_CONSTANT (5000000000);
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) state = save (bare);
  g_autoptr (PlatformState) after = NULL;
  gint64 start, elapsed;

  fill (state, 0);
  for (guint i = 0; i < N_CHANNELS; i++)
    state->pit->channels[i]->count_load_age_ns = age;
  start = g_get_monotonic_time ();
  load (bare, state);
  g_usleep (10000);
  after = save (bare);
  elapsed = (g_get_monotonic_time () - start + 1) * 1000;
  g_assert_cmpint (after->pit->channels[0]->count_load_age_ns, >=, age + 10000000);
  g_assert_cmpint (after->pit->channels[0]->count_load_age_ns, <=, age + elapsed);
  for (guint i = 1; i < N_CHANNELS; i++)
    {
      g_assert_cmpint (after->pit->channels[i]->count_load_age_ns, >=, 10000000);
      g_assert_cmpint (after->pit->channels[i]->count_load_age_ns, <=, age + elapsed);
    }
}

static void
test_takes_any_age (void)
{
  static const gint64 ages[] = { G_MAXINT64, G_MININT64, -1, 0 };
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) state = save (bare);

  fill (state, 0);
  for (guint i = 0; i < G_N_ELEMENTS (ages); i++)
    {
      g_autoptr (PlatformState) after = NULL;

      state->pit->channels[0]->count_load_age_ns = ages[i];
      load (bare, state);
      after = save (bare);
      /* modulo 2^64, as the kernel counts */
      g_assert_cmpuint ((guint64) after->pit->channels[0]->count_load_age_ns - (guint64) ages[i],
                        <,
                        60 * G_GUINT64_CONSTANT (1000000000));
    }
}

static void
test_sets_clock (void)
{
  static const guint64 clocks[] = { 3600 * G_GUINT64_CONSTANT (1000000000), 1000000000, 1 };
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (clocks); i++)
    {
      gint64 start = g_get_monotonic_time ();
      gint64 elapsed;
      guint64 clock_ns = 0;

      g_assert_true (vmm_kvm_set_clock (bare->kvm, clocks[i], &error));
      g_usleep (10000);
      g_assert_true (vmm_kvm_get_clock (bare->kvm, &clock_ns, &error));
      g_assert_no_error (error);
      elapsed = (g_get_monotonic_time () - start) * 1000;
      g_assert_cmpint (clock_ns - clocks[i], >=, 10000000 - CLOCK_SLACK_NS);
      g_assert_cmpint (clock_ns - clocks[i], <=, elapsed + CLOCK_SLACK_NS);
    }
}

/* one that was programmed once may run; those of the other channels raise nothing */
static void
test_tells_of_timer (void)
{
  g_autoptr (BareKvm) bare = bare_kvm_new (BARE_KVM_MEMORY_SIZE, 1);
  g_autoptr (PlatformState) state = save (bare);
  Openvmm__X86__Pit *pit = state->pit;

  g_assert_false (vmm_kvm_platform_may_have_timer (state));
  state->pit->channels[1]->mode = 2;
  g_assert_false (vmm_kvm_platform_may_have_timer (state));
  for (guint mode = 0; mode < 6; mode++)
    {
      state->pit->channels[0]->mode = mode;
      g_assert_true (vmm_kvm_platform_may_have_timer (state));
    }
  state->pit = NULL;
  g_assert_true (vmm_kvm_platform_may_have_timer (state));
  state->pit = pit;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/kvm-platform/keeps-every-field", test_keeps_every_field);
  g_test_add_func ("/vmm/kvm-platform/takes-power-on-state", test_takes_power_on_state);
  g_test_add_func ("/vmm/kvm-platform/refuses-what-is-out-of-range", test_refuses_what_is_out_of_range);
  g_test_add_func ("/vmm/kvm-platform/refuses-what-is-missing", test_refuses_what_is_missing);
  g_test_add_func ("/vmm/kvm-platform/damage-changes-nothing", test_damage_changes_nothing);
  g_test_add_func ("/vmm/kvm-platform/timer-goes-on", test_timer_goes_on);
  g_test_add_func ("/vmm/kvm-platform/tells-of-timer", test_tells_of_timer);
  g_test_add_func ("/vmm/kvm-platform/takes-any-age", test_takes_any_age);
  g_test_add_func ("/vmm/kvm-platform/sets-clock", test_sets_clock);
  return g_test_run ();
}
