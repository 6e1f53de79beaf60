/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/device.h"

#include "proto/devices/rtc.pb-c.h"
#include "tests/vmm/fake-host.h"

extern const VmmDeviceType vmm_rtc_type;

#define INDEX 0
#define DATA 1
#define SECOND_NS G_GINT64_CONSTANT (1000000000)
#define MILLISECOND_NS G_GINT64_CONSTANT (1000000)

static guint8
get_from (VmmDevice *device, guint8 index)
{
  vmm_device_write (device, 0, INDEX, 1, index);
  return vmm_device_read (device, 0, DATA, 1);
}

static guint8
get (FakeHostFixture *fixture, guint8 index)
{
  return get_from (fixture->device, index);
}

static void
put (FakeHostFixture *fixture, guint8 index, guint8 value)
{
  vmm_device_write (fixture->device, 0, INDEX, 1, index);
  vmm_device_write (fixture->device, 0, DATA, 1, value);
}

/* Century, year, month, day, weekday, hours, minutes, seconds, as the registers have them. */
static void
assert_time (VmmDevice *device, guint32 date, guint weekday, guint32 time)
{
  static const guint8 registers[] = { 0x32, 0x09, 0x08, 0x07, 0x04, 0x02, 0x00 };
  guint64 found = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (registers); i++)
    found = found << 8 | get_from (device, registers[i]);
  g_assert_cmphex (found, ==, (guint64) date << 24 | time);
  g_assert_cmphex (get_from (device, 0x06), ==, weekday);
}

static void
put_time (FakeHostFixture *fixture, guint32 date, guint32 time)
{
  put (fixture, 0x32, date >> 24);
  put (fixture, 0x09, date >> 16);
  put (fixture, 0x08, date >> 8);
  put (fixture, 0x07, date);
  put (fixture, 0x04, time >> 16);
  put (fixture, 0x02, time >> 8);
  put (fixture, 0x00, time);
}

static void
test_has_the_hosts_time (FakeHostFixture *fixture, gconstpointer data)
{
  assert_time (fixture->device, 0x20240229, 5, 0x123456);
  fixture->host.clock_ns += 12 * 3600 * SECOND_NS;
  assert_time (fixture->device, 0x20240301, 6, 0x003456);
}

static void
test_counts_in_binary (FakeHostFixture *fixture, gconstpointer data)
{
  put (fixture, 0x0b, 0x06);
  assert_time (fixture->device, 20u << 24 | 24 << 16 | 2 << 8 | 29, 5, 12 << 16 | 34 << 8 | 56);
}

static void
test_counts_to_twelve (FakeHostFixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint8 bcd;
    guint8 binary;
  } hours[] = { { 0x92, 0x8c }, { 0x81, 0x81 }, { 0x82, 0x82 }, { 0x91, 0x8b },
                { 0x12, 0x0c }, { 0x01, 0x01 }, { 0x11, 0x0b } };
  static const guint forward[] = { 0, 1, 1, 9, 1, 1, 10 };

  for (gsize i = 0; i < G_N_ELEMENTS (hours); i++)
    {
      fixture->host.clock_ns += forward[i] * 3600 * SECOND_NS;
      put (fixture, 0x0b, 0x00);
      g_assert_cmphex (get (fixture, 0x04), ==, hours[i].bcd);
      put (fixture, 0x0b, 0x04);
      g_assert_cmphex (get (fixture, 0x04), ==, hours[i].binary);
      /* and back */
      put (fixture, 0x0b, 0x84);
      put (fixture, 0x0b, 0x04);
      g_assert_cmphex (get (fixture, 0x04), ==, hours[i].binary);
    }
}

static void
test_is_set_while_held (FakeHostFixture *fixture, gconstpointer data)
{
  put (fixture, 0x0b, 0x82);
  fixture->host.clock_ns += 3 * SECOND_NS;
  assert_time (fixture->device, 0x20240229, 5, 0x123456);
  put_time (fixture, 0x19991231, 0x235958);
  fixture->host.clock_ns += 3 * SECOND_NS;
  assert_time (fixture->device, 0x19991231, 5, 0x235958);
  put (fixture, 0x0b, 0x02);
  assert_time (fixture->device, 0x19991231, 6, 0x235958);
  fixture->host.clock_ns += 2 * SECOND_NS;
  assert_time (fixture->device, 0x20000101, 7, 0x000000);
}

/* As Linux does it: the first second ends half a second after it lets go of the divider. */
static void
test_is_set_with_divider_reset (FakeHostFixture *fixture, gconstpointer data)
{
  fixture->host.clock_ns += 123 * MILLISECOND_NS;
  put (fixture, 0x0b, 0x82);
  put (fixture, 0x0a, 0x76);
  put_time (fixture, 0x20300615, 0x101112);
  put (fixture, 0x0b, 0x02);
  fixture->host.clock_ns += 5 * SECOND_NS;
  assert_time (fixture->device, 0x20300615, 5, 0x101112);
  put (fixture, 0x0a, 0x26);
  fixture->host.clock_ns += 499 * MILLISECOND_NS;
  assert_time (fixture->device, 0x20300615, 7, 0x101112);
  fixture->host.clock_ns += 1 * MILLISECOND_NS;
  assert_time (fixture->device, 0x20300615, 7, 0x101113);
}

static void
test_is_set_while_running (FakeHostFixture *fixture, gconstpointer data)
{
  fixture->host.clock_ns += 900 * MILLISECOND_NS;
  put (fixture, 0x04, 0x07);
  assert_time (fixture->device, 0x20240229, 5, 0x073456);
  fixture->host.clock_ns += 100 * MILLISECOND_NS;
  assert_time (fixture->device, 0x20240229, 5, 0x073457);
}

static void
test_makes_sense_of_any_date (FakeHostFixture *fixture, gconstpointer data)
{
  put (fixture, 0x0b, 0x82);
  put_time (fixture, 0x20230231, 0x250000);
  put (fixture, 0x0b, 0x02);
  assert_time (fixture->device, 0x20230304, 7, 0x010000);

  put (fixture, 0x0b, 0x86);
  put_time (fixture, 0xffffffff, 0xffffff);
  put (fixture, 0x0b, 0x06);
  fixture->host.clock_ns += 3600 * SECOND_NS;
  g_assert_cmpuint (get (fixture, 0x08), <=, 12);

  put (fixture, 0x0b, 0x82);
  put_time (fixture, 0, 0);
  put (fixture, 0x0b, 0x02);
  /* the day before the first of the month before January of the year 0 */
  assert_time (fixture->device, 0x99991130, 3, 0x000000);
}

static void
test_announces_update (FakeHostFixture *fixture, gconstpointer data)
{
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  fixture->host.clock_ns += SECOND_NS - 245 * 1000;
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  fixture->host.clock_ns += 1000;
  g_assert_cmphex (get (fixture, 0x0a), ==, 0xa6);
  fixture->host.clock_ns += 243 * 1000;
  g_assert_cmphex (get (fixture, 0x0a), ==, 0xa6);
  fixture->host.clock_ns += 1000;
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  fixture->host.clock_ns -= 1000;
  put (fixture, 0x0b, 0x82);
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
}

static void
test_is_read_whole (FakeHostFixture *fixture, gconstpointer data)
{
  /* a millisecond before midnight */
  fixture->host.clock_ns = FAKE_HOST_CLOCK_NS + (11 * 3600 + 25 * 60 + 4) * SECOND_NS - MILLISECOND_NS;
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  g_assert_cmphex (get (fixture, 0x00), ==, 0x59);
  fixture->host.clock_ns += 10 * MILLISECOND_NS;
  assert_time (fixture->device, 0x20240229, 5, 0x235959);
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  assert_time (fixture->device, 0x20240301, 6, 0x000000);
}

static void
test_does_not_stay_behind (FakeHostFixture *fixture, gconstpointer data)
{
  fixture->host.clock_ns += 980 * MILLISECOND_NS;
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  fixture->host.clock_ns += 49 * MILLISECOND_NS;
  g_assert_cmphex (get (fixture, 0x00), ==, 0x56);
  fixture->host.clock_ns += 1 * MILLISECOND_NS;
  g_assert_cmphex (get (fixture, 0x00), ==, 0x57);
  /* nor when the host's clock is set back */
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  fixture->host.clock_ns -= 10 * SECOND_NS;
  g_assert_cmphex (get (fixture, 0x00), ==, 0x47);
}

static void
test_keeps_memory (FakeHostFixture *fixture, gconstpointer data)
{
  for (guint i = 0x0e; i < 0x80; i++)
    if (i != 0x32)
      put (fixture, i, i ^ 0x5a);
  for (guint i = 0x0e; i < 0x80; i++)
    if (i != 0x32)
      g_assert_cmphex (get (fixture, i), ==, i ^ 0x5a);
  put (fixture, 0x01, 0x77);
  g_assert_cmphex (get (fixture, 0x01), ==, 0x77);
  /* the upper bit of the index is the NMI mask; the index does not read back */
  put (fixture, 0x8f, 0x12);
  g_assert_cmphex (get (fixture, 0x0f), ==, 0x12);
  g_assert_cmphex (vmm_device_read (fixture->device, 0, INDEX, 1), ==, 0xff);
}

static void
test_has_fixed_registers (FakeHostFixture *fixture, gconstpointer data)
{
  put (fixture, 0x0b, 0x72);
  put (fixture, 0x0c, 0xff);
  put (fixture, 0x0d, 0xff);
  fixture->host.clock_ns += SECOND_NS;
  g_assert_cmphex (get (fixture, 0x0b), ==, 0x72);
  g_assert_cmphex (get (fixture, 0x0c), ==, 0x00);
  g_assert_cmphex (get (fixture, 0x0d), ==, 0x80);
  put (fixture, 0x0a, 0xaf);
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x2f);
  g_assert_cmpstr (fixture->host.journal->str, ==, "");
}

static void
test_offset_survives_restore (FakeHostFixture *fixture, gconstpointer data)
{
  g_auto (FakeHost) other = { 0 };
  g_autoptr (VmmDevice) copy = NULL;
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (GError) error = NULL;

  fake_host_init (&other);
  put (fixture, 0x04, 0x07);
  saved = vmm_device_save (fixture->device);
  other.clock_ns = fixture->host.clock_ns + 24 * 3600 * SECOND_NS;
  copy = fake_host_new_device (&other, &vmm_rtc_type);
  g_assert_true (vmm_device_load (copy, saved, &error));
  g_assert_no_error (error);
  assert_time (copy, 0x20240301, 6, 0x073456);
}

static void
test_reading_goes_on_after_restore (FakeHostFixture *fixture, gconstpointer data)
{
  g_auto (FakeHost) other = { 0 };
  g_autoptr (VmmDevice) copy = NULL;
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (GError) error = NULL;

  fake_host_init (&other);
  g_assert_cmphex (get (fixture, 0x0a), ==, 0x26);
  fixture->host.clock_ns += 10 * MILLISECOND_NS;
  saved = vmm_device_save (fixture->device);
  other.clock_ns = fixture->host.clock_ns + 24 * 3600 * SECOND_NS;
  copy = fake_host_new_device (&other, &vmm_rtc_type);
  g_assert_true (vmm_device_load (copy, saved, &error));
  g_assert_no_error (error);
  assert_time (copy, 0x20240229, 5, 0x123456);
  other.clock_ns += 40 * MILLISECOND_NS;
  assert_time (copy, 0x20240301, 6, 0x123456);
}

static void
test_refuses_impossible_state (FakeHostFixture *fixture, gconstpointer data)
{
  guint8 bytes[129] = { 0 };
  Openvmm__Devices__RtcState good = OPENVMM__DEVICES__RTC_STATE__INIT;
  Openvmm__Devices__RtcState bad;

  good.nvram = (ProtobufCBinaryData){ 128, bytes };
  bad = good;
  bad.index = 128;
  fake_host_assert_refused (fixture->device, &bad.base, "index");
  bad = good;
  bad.nvram.len = 127;
  fake_host_assert_refused (fixture->device, &bad.base, "nvram");
  bad.nvram.len = 129;
  fake_host_assert_refused (fixture->device, &bad.base, "nvram");
  bad = good;
  bad.offset_us = G_MAXINT64;
  fake_host_assert_refused (fixture->device, &bad.base, "offset_us");
  bad = good;
  bad.latch_us = G_MININT64;
  fake_host_assert_refused (fixture->device, &bad.base, "latch_us");
  bad = good;
  bad.latch_left_us = 50001;
  fake_host_assert_refused (fixture->device, &bad.base, "latch_left_us");
}

int
main (int argc, char **argv)
{
  static const FakeHostCase cases[] = {
    { "/vmm/devices/rtc/has-the-hosts-time", test_has_the_hosts_time },
    { "/vmm/devices/rtc/counts-in-binary", test_counts_in_binary },
    { "/vmm/devices/rtc/counts-to-twelve", test_counts_to_twelve },
    { "/vmm/devices/rtc/is-set-while-held", test_is_set_while_held },
    { "/vmm/devices/rtc/is-set-with-divider-reset", test_is_set_with_divider_reset },
    { "/vmm/devices/rtc/is-set-while-running", test_is_set_while_running },
    { "/vmm/devices/rtc/makes-sense-of-any-date", test_makes_sense_of_any_date },
    { "/vmm/devices/rtc/announces-update", test_announces_update },
    { "/vmm/devices/rtc/is-read-whole", test_is_read_whole },
    { "/vmm/devices/rtc/does-not-stay-behind", test_does_not_stay_behind },
    { "/vmm/devices/rtc/keeps-memory", test_keeps_memory },
    { "/vmm/devices/rtc/has-fixed-registers", test_has_fixed_registers },
    { "/vmm/devices/rtc/offset-survives-restore", test_offset_survives_restore },
    { "/vmm/devices/rtc/reading-goes-on-after-restore", test_reading_goes_on_after_restore },
    { "/vmm/devices/rtc/refuses-impossible-state", test_refuses_impossible_state },
  };

  g_test_init (&argc, &argv, NULL);
  fake_host_add_cases (&vmm_rtc_type, cases, G_N_ELEMENTS (cases));
  return g_test_run ();
}
