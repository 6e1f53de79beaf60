/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The clock of the PC, an MC146818 (Motorola data sheet, 1984) with 128 bytes of CMOS memory. It raises no
 * interrupts: register C reads zero.
 *
 * Its time is the host's plus an offset, which changes when the guest sets the clock; so a restored guest reads
 * the time of day it is restored at. While the guest holds the clock, by SET or by resetting the divider, what it
 * writes stays in the registers, and becomes the time when it lets go.
 *
 * A guest looks for "update in progress" to be clear and then reads byte by byte, in the belief that it has 244 µs.
 * A VP may lose the processor for longer. So a look that finds it clear latches the time for a while, and
 * the bytes that follow belong together.
 */

#include "vmm/vmm-device.h"

#include <string.h>
#include <time.h>

#include "proto/devices/rtc.pb-c.h"

#define NVRAM_SIZE 128

enum
{
  SECONDS = 0x00,
  MINUTES = 0x02,
  HOURS = 0x04,
  WEEKDAY = 0x06,
  DAY = 0x07,
  MONTH = 0x08,
  YEAR = 0x09,
  REGISTER_A = 0x0a,
  REGISTER_B = 0x0b,
  REGISTER_C = 0x0c,
  REGISTER_D = 0x0d,
  CENTURY = 0x32, /* where the FADT says it is */
};

#define A_UPDATE_IN_PROGRESS 0x80
#define A_DIVIDER_RESET 0x60
#define A_RESET 0x26 /* 32.768 kHz, 1024 Hz */
#define B_24_HOURS 0x02
#define B_BINARY 0x04
#define B_SET 0x80
#define D_VALID 0x80
#define HOURS_PM 0x80

#define SECOND_US G_GINT64_CONSTANT (1000000)
#define UPDATE_US 244                               /* the warning before a second ends */
#define LATCH_US 50000                              /* longer than a time slice, shorter than anyone minds */
#define DIVIDER_START_US 500000                     /* from letting go of the divider to the first update */
#define TIME_MAX_US (SECOND_US * 1000000 * 1000000) /* 30 000 years either way: sums cannot overflow */

typedef struct
{
  VmmDevice device;
  guint8 index;
  guint8 nvram[NVRAM_SIZE];
  gint64 offset_us;
  gint64 latch_us;
  gint64 latch_end_us; /* on the host's clock */
} VmmRtc;

static gint64
floor_div (gint64 a, gint64 b)
{
  return a / b - (a % b < 0);
}

static gint64
floor_mod (gint64 a, gint64 b)
{
  return a - floor_div (a, b) * b;
}

static gint64
host_time_us (VmmRtc *rtc)
{
  return vmm_device_get_wall_clock_ns (&rtc->device) / 1000;
}

static gint64
guest_time_us (VmmRtc *rtc)
{
  return host_time_us (rtc) + rtc->offset_us;
}

static gboolean
divider_is_reset (const VmmRtc *rtc)
{
  return (rtc->nvram[REGISTER_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

static gboolean
is_held (const VmmRtc *rtc)
{
  return (rtc->nvram[REGISTER_B] & B_SET) || divider_is_reset (rtc);
}

/* ---- time and registers -------------------------------------------------------------------- */

static guint8
encode (const VmmRtc *rtc, guint number)
{
  return (rtc->nvram[REGISTER_B] & B_BINARY) ? number : (number / 10) << 4 | number % 10;
}

static guint
decode (const VmmRtc *rtc, guint8 value)
{
  return (rtc->nvram[REGISTER_B] & B_BINARY) ? value : (value >> 4) * 10u + (value & 0x0f);
}

static guint8
encode_hours (const VmmRtc *rtc, guint hours)
{
  if (rtc->nvram[REGISTER_B] & B_24_HOURS)
    return encode (rtc, hours);
  return encode (rtc, hours % 12 == 0 ? 12 : hours % 12) | (hours >= 12 ? HOURS_PM : 0);
}

static guint
decode_hours (const VmmRtc *rtc, guint8 value)
{
  if (rtc->nvram[REGISTER_B] & B_24_HOURS)
    return decode (rtc, value);
  return decode (rtc, value & ~HOURS_PM) % 12 + ((value & HOURS_PM) ? 12 : 0);
}

static void
put_time (VmmRtc *rtc, gint64 time_us)
{
  const time_t seconds = floor_div (time_us, SECOND_US);
  struct tm tm = { 0 };
  gint64 year;

  if (gmtime_r (&seconds, &tm) == NULL)
    return;
  year = tm.tm_year + G_GINT64_CONSTANT (1900);
  rtc->nvram[SECONDS] = encode (rtc, tm.tm_sec);
  rtc->nvram[MINUTES] = encode (rtc, tm.tm_min);
  rtc->nvram[HOURS] = encode_hours (rtc, tm.tm_hour);
  rtc->nvram[WEEKDAY] = encode (rtc, tm.tm_wday + 1);
  rtc->nvram[DAY] = encode (rtc, tm.tm_mday);
  rtc->nvram[MONTH] = encode (rtc, tm.tm_mon + 1);
  rtc->nvram[YEAR] = encode (rtc, floor_mod (year, 100));
  rtc->nvram[CENTURY] = encode (rtc, floor_mod (floor_div (year, 100), 100));
}

/* Takes the registers for the time. What no calendar has, such as a 31 February, is carried over; the weekday
 * follows from the date. */
static void
take_time (VmmRtc *rtc, gint64 fraction_us)
{
  struct tm tm = {
    .tm_sec = decode (rtc, rtc->nvram[SECONDS]),
    .tm_min = decode (rtc, rtc->nvram[MINUTES]),
    .tm_hour = decode_hours (rtc, rtc->nvram[HOURS]),
    .tm_mday = decode (rtc, rtc->nvram[DAY]),
    .tm_mon = (int) decode (rtc, rtc->nvram[MONTH]) - 1,
    .tm_year = (int) (decode (rtc, rtc->nvram[CENTURY]) * 100 + decode (rtc, rtc->nvram[YEAR])) - 1900,
  };

  rtc->offset_us = timegm (&tm) * SECOND_US + fraction_us - host_time_us (rtc);
  rtc->latch_end_us = 0;
}

static gint64
latch_left_us (VmmRtc *rtc)
{
  const gint64 left = rtc->latch_end_us - host_time_us (rtc);

  /* more than a latch ever lasts: the host's clock was set back */
  return left > 0 && left <= LATCH_US ? left : 0;
}

/* ---- registers ------------------------------------------------------------------------------- */

static guint8
read_a (VmmRtc *rtc)
{
  const guint8 value = rtc->nvram[REGISTER_A] & ~A_UPDATE_IN_PROGRESS;

  if (is_held (rtc))
    return value;
  if (floor_mod (guest_time_us (rtc), SECOND_US) >= SECOND_US - UPDATE_US)
    return value | A_UPDATE_IN_PROGRESS;
  rtc->latch_us = guest_time_us (rtc);
  rtc->latch_end_us = host_time_us (rtc) + LATCH_US;
  return value;
}

static guint8
read_time (VmmRtc *rtc)
{
  if (!is_held (rtc))
    put_time (rtc, latch_left_us (rtc) > 0 ? rtc->latch_us : guest_time_us (rtc));
  return rtc->nvram[rtc->index];
}

static guint8
read_register (VmmRtc *rtc)
{
  switch (rtc->index)
    {
    case SECONDS:
    case MINUTES:
    case HOURS:
    case WEEKDAY:
    case DAY:
    case MONTH:
    case YEAR:
    case CENTURY:
      return read_time (rtc);
    case REGISTER_A:
      return read_a (rtc);
    case REGISTER_C:
      return 0;
    case REGISTER_D:
      return D_VALID;
    default:
      return rtc->nvram[rtc->index];
    }
}

static void
write_time (VmmRtc *rtc, guint8 value)
{
  const gint64 now = guest_time_us (rtc);

  if (is_held (rtc))
    {
      rtc->nvram[rtc->index] = value;
      return;
    }
  put_time (rtc, now);
  rtc->nvram[rtc->index] = value;
  take_time (rtc, floor_mod (now, SECOND_US));
}

/* Registers A and B: with either the guest may stop the clock, and let it go again. */
static void
write_control (VmmRtc *rtc, guint8 value)
{
  const gboolean was_held = is_held (rtc);
  const gboolean divider_was_reset = divider_is_reset (rtc);

  if (!was_held)
    put_time (rtc, guest_time_us (rtc));
  rtc->nvram[rtc->index] = value;
  if (was_held && !is_held (rtc))
    take_time (rtc, divider_was_reset ? DIVIDER_START_US : floor_mod (guest_time_us (rtc), SECOND_US));
}

static void
write_register (VmmRtc *rtc, guint8 value)
{
  switch (rtc->index)
    {
    case SECONDS:
    case MINUTES:
    case HOURS:
    case WEEKDAY:
    case DAY:
    case MONTH:
    case YEAR:
    case CENTURY:
      write_time (rtc, value);
      break;
    case REGISTER_A:
    case REGISTER_B:
      write_control (rtc, value);
      break;
    case REGISTER_C:
    case REGISTER_D:
      break;
    default:
      rtc->nvram[rtc->index] = value;
    }
}

static guint64
rtc_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  VmmRtc *rtc = (VmmRtc *) device;

  /* the index cannot be read back on a PC */
  return offset == 0 ? 0xff : read_register (rtc);
}

static void
rtc_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value)
{
  VmmRtc *rtc = (VmmRtc *) device;

  /* bit 7 of the index masks NMIs, of which there are none */
  if (offset == 0)
    rtc->index = value % NVRAM_SIZE;
  else
    write_register (rtc, value);
}

/* ---- life -------------------------------------------------------------------------------------- */

static void
rtc_reset (VmmDevice *device)
{
  VmmRtc *rtc = (VmmRtc *) device;

  rtc->index = 0;
  memset (rtc->nvram, 0, sizeof rtc->nvram);
  rtc->nvram[REGISTER_A] = A_RESET;
  rtc->nvram[REGISTER_B] = B_24_HOURS;
  rtc->offset_us = 0;
  rtc->latch_us = 0;
  rtc->latch_end_us = 0;
}

static void
rtc_save (VmmDevice *device, ProtobufCMessage *message)
{
  VmmRtc *rtc = (VmmRtc *) device;
  Openvmm__Devices__RtcState *state = (Openvmm__Devices__RtcState *) message;

  state->index = rtc->index;
  state->nvram.data = g_memdup2 (rtc->nvram, sizeof rtc->nvram);
  state->nvram.len = sizeof rtc->nvram;
  state->offset_us = rtc->offset_us;
  state->latch_us = rtc->latch_us;
  state->latch_left_us = latch_left_us (rtc);
}

static gboolean
rtc_load (VmmDevice *device, const ProtobufCMessage *message, GError **error)
{
  VmmRtc *rtc = (VmmRtc *) device;
  const Openvmm__Devices__RtcState *state = (const Openvmm__Devices__RtcState *) message;

  if (!vmm_device_check_range (device, "index", state->index, 0, NVRAM_SIZE - 1, error) ||
      !vmm_device_check_range (device, "nvram (bytes)", state->nvram.len, NVRAM_SIZE, NVRAM_SIZE, error) ||
      !vmm_device_check_range (device, "offset_us", state->offset_us, -TIME_MAX_US, TIME_MAX_US, error) ||
      !vmm_device_check_range (device, "latch_us", state->latch_us, -TIME_MAX_US, TIME_MAX_US, error) ||
      !vmm_device_check_range (device, "latch_left_us", state->latch_left_us, 0, LATCH_US, error))
    return FALSE;
  rtc->index = state->index;
  memcpy (rtc->nvram, state->nvram.data, NVRAM_SIZE);
  rtc->offset_us = state->offset_us;
  rtc->latch_us = state->latch_us;
  /* a guest in the midst of reading goes on, however long it was away */
  rtc->latch_end_us = host_time_us (rtc) + state->latch_left_us;
  return TRUE;
}

const VmmDeviceType vmm_rtc_type = {
  .name = "rtc",
  .instance_size = sizeof (VmmRtc),
  .state = &openvmm__devices__rtc_state__descriptor,
  .regions = { { VMM_SPACE_PIO, 0x70, 2 } },
  .acpi_name = "RTC0",
  .acpi_hid = "PNP0B00",
  .access_max = 1,
  .reset = rtc_reset,
  .read = rtc_read,
  .write = rtc_write,
  .save = rtc_save,
  .load = rtc_load,
};
