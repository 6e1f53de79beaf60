/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/device.h"

#include <linux/serial_reg.h>
#include <string.h>

#include "proto/devices/serial.pb-c.h"
#include "tests/vmm/fake-host.h"

extern const VmmDeviceType vmm_serial_type;

#define IRQ 4
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO 0xc0
#define FIFO_ON (UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT)
#define LOOPBACK_OUTPUTS (UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS)

static guint8
in (FakeHostFixture *fixture, guint offset)
{
  return vmm_device_read (fixture->device, 0, offset, 1);
}

static void
out (FakeHostFixture *fixture, guint offset, guint8 value)
{
  vmm_device_write (fixture->device, 0, offset, 1, value);
}

static void
type_in (FakeHostFixture *fixture, const char *text)
{
  g_byte_array_append (fixture->host.input, (const guint8 *) text, strlen (text));
  vmm_device_input (fixture->device);
}

static void
assert_reads (FakeHostFixture *fixture, const char *text)
{
  for (; *text != '\0'; text++)
    {
      g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_DR, ==, UART_LSR_DR);
      g_assert_cmpint (in (fixture, UART_RX), ==, *text);
    }
}

/* ---- what drivers probe for ------------------------------------------------------------------ */

/* The steps by which Linux tells UARTs apart. */
static void
test_is_found_to_be_16550a (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_IER, 0);
  g_assert_cmphex (in (fixture, UART_IER) & 0x0f, ==, 0);
  out (fixture, UART_IER, 0x0f);
  g_assert_cmphex (in (fixture, UART_IER), ==, 0x0f);
  out (fixture, UART_IER, 0);

  out (fixture, UART_MCR, UART_MCR_LOOP | 0x0a);
  g_assert_cmphex (in (fixture, UART_MSR) & 0xf0, ==, 0x90);
  out (fixture, UART_MCR, 0);

  out (fixture, UART_FCR, UART_FCR_ENABLE_FIFO);
  g_assert_cmphex (in (fixture, UART_IIR) & 0xc0, ==, 0xc0);
  /* no enhanced feature register behind the divisor latch, as later chips have */
  out (fixture, UART_LCR, UART_LCR_CONF_MODE_A);
  g_assert_cmphex (in (fixture, UART_EFR), !=, 0);
  out (fixture, UART_LCR, UART_LCR_CONF_MODE_B);
  g_assert_cmphex (in (fixture, UART_EFR), !=, 0);
  out (fixture, UART_LCR, 0);
  /* no FIFO of 64 bytes */
  out (fixture, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
  g_assert_cmphex (in (fixture, UART_IIR) >> 5, ==, 6);
  /* no unit enable bit */
  out (fixture, UART_IER, UART_IER_UUE);
  g_assert_cmphex (in (fixture, UART_IER), ==, 0);
}

/* The steps by which Linux finds out whether a transmitter interrupt comes back when it is enabled again. */
static void
test_enabling_raises_transmit_interrupt (FakeHostFixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      out (fixture, UART_IER, UART_IER_THRI);
      g_assert_true (fixture->host.irq[IRQ]);
      g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_THRI);
      g_assert_false (fixture->host.irq[IRQ]);
      g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_NO_INT);
      out (fixture, UART_IER, 0);
    }
  /* one that was not looked at goes with its enable */
  out (fixture, UART_IER, UART_IER_THRI);
  out (fixture, UART_IER, 0);
  g_assert_false (fixture->host.irq[IRQ]);
}

static void
test_keeps_registers (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_SCR, 0x5a);
  g_assert_cmphex (in (fixture, UART_SCR), ==, 0x5a);
  out (fixture, UART_LCR, 0x9b);
  out (fixture, UART_DLL, 0x34);
  out (fixture, UART_DLM, 0x12);
  g_assert_cmphex (in (fixture, UART_DLL), ==, 0x34);
  g_assert_cmphex (in (fixture, UART_DLM), ==, 0x12);
  g_assert_cmphex (in (fixture, UART_LCR), ==, 0x9b);
  out (fixture, UART_LCR, 0x1b);
  g_assert_cmphex (in (fixture, UART_IER), ==, 0);
  out (fixture, UART_MCR, 0xeb);
  g_assert_cmphex (in (fixture, UART_MCR), ==, 0x0b);
  g_assert_cmphex (in (fixture, UART_LSR), ==, UART_LSR_TEMT | UART_LSR_THRE);
  out (fixture, UART_LSR, 0xff);
  out (fixture, UART_MSR, 0xff);
  g_assert_cmphex (in (fixture, UART_LSR), ==, UART_LSR_TEMT | UART_LSR_THRE);
  g_assert_cmphex (in (fixture, UART_MSR), ==, UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD);
  /* a guest that computes a rate from it must not divide by zero */
  vmm_device_free (fixture->device);
  fixture->device = fake_host_new_device (&fixture->host, &vmm_serial_type);
  out (fixture, UART_LCR, UART_LCR_DLAB);
  g_assert_cmphex (in (fixture, UART_DLL), ==, 12);
}

/* ---- output ----------------------------------------------------------------------------------- */

static void
test_sends_at_once (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_TX, 'o');
  out (fixture, UART_TX, 'k');
  g_assert_cmpstr (fixture->host.output->str, ==, "ok");
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_THRE, ==, UART_LSR_THRE);
  out (fixture, UART_LCR, UART_LCR_DLAB);
  out (fixture, UART_TX, 1);
  g_assert_cmpstr (fixture->host.output->str, ==, "ok");
}

static void
test_each_byte_sent_is_an_edge (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_IER, UART_IER_THRI);
  in (fixture, UART_IIR);
  g_string_truncate (fixture->host.journal, 0);
  for (guint i = 0; i < 3; i++)
    {
      out (fixture, UART_TX, 'a');
      g_assert_true (fixture->host.irq[IRQ]);
      g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_THRI);
      g_assert_false (fixture->host.irq[IRQ]);
    }
  g_assert_cmpuint (fixture->host.irq_calls, ==, 2 + 6);
}

static void
test_mid_transmit_survives_restore (FakeHostFixture *fixture, gconstpointer data)
{
  g_auto (FakeHost) other = { 0 };
  g_autoptr (VmmDevice) copy = NULL;

  fake_host_init (&other);
  out (fixture, UART_IER, UART_IER_THRI);
  in (fixture, UART_IIR);
  out (fixture, UART_TX, 'a');
  copy = fake_host_copy_device (&other, fixture->device);
  g_assert_true (other.irq[IRQ]);
  g_assert_cmpstr (other.output->str, ==, "");
  g_assert_cmphex (vmm_device_read (copy, 0, UART_IIR, 1), ==, UART_IIR_THRI);
  g_assert_false (other.irq[IRQ]);
}

/* ---- input ------------------------------------------------------------------------------------- */

static void
test_receives (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_IER, UART_IER_RDI);
  g_assert_false (fixture->host.irq[IRQ]);
  type_in (fixture, "x");
  g_assert_true (fixture->host.irq[IRQ]);
  g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_RDI);
  g_assert_true (fixture->host.irq[IRQ]);
  assert_reads (fixture, "x");
  g_assert_false (fixture->host.irq[IRQ]);
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_DR, ==, 0);
  g_assert_cmphex (in (fixture, UART_RX), ==, 0);
}

static void
test_tells_trigger_from_timeout (FakeHostFixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint8 fcr;
    guint level;
  } triggers[] = { { UART_FCR_TRIGGER_1, 1 },
                   { UART_FCR_TRIGGER_4, 4 },
                   { UART_FCR_TRIGGER_8, 8 },
                   { UART_FCR_TRIGGER_14, 14 } };

  out (fixture, UART_IER, UART_IER_RDI);
  for (gsize i = 0; i < G_N_ELEMENTS (triggers); i++)
    {
      out (fixture, UART_FCR, FIFO_ON | triggers[i].fcr);
      g_assert_cmphex (in (fixture, UART_IIR), ==, IIR_FIFO | UART_IIR_NO_INT);
      for (guint n = 1; n <= 16; n++)
        {
          type_in (fixture, "x");
          g_assert_cmphex (in (fixture, UART_IIR),
                           ==,
                           IIR_FIFO | (n < triggers[i].level ? IIR_TIMEOUT : UART_IIR_RDI));
        }
    }
}

static void
test_takes_no_more_than_fits (FakeHostFixture *fixture, gconstpointer data)
{
  const char *text = "The quick brown fox jumps over the lazy dog, twice.";

  type_in (fixture, text);
  g_assert_cmpuint (fixture->host.input->len, ==, strlen (text) - 1);
  assert_reads (fixture, "The ");
  g_assert_cmpuint (fixture->host.input->len, ==, strlen (text) - 5);

  /* switching FIFOs on clears what was received: the fifth byte is the guest's loss, as on the chip */
  out (fixture, UART_FCR, FIFO_ON);
  g_assert_cmpuint (fixture->host.input->len, ==, strlen (text) - 5 - 16);
  assert_reads (fixture, text + 5);
  g_assert_cmphex (in (fixture, UART_LSR), ==, UART_LSR_THRE | UART_LSR_TEMT);
}

static void
test_clears_fifo (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_FCR, FIFO_ON);
  type_in (fixture, "abc");
  out (fixture, UART_FCR, UART_FCR_CLEAR_RCVR);
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_DR, ==, 0);
  g_assert_cmphex (in (fixture, UART_IIR) & IIR_FIFO, ==, 0);
  out (fixture, UART_FCR, FIFO_ON);
  type_in (fixture, "def");
  out (fixture, UART_FCR, UART_FCR_ENABLE_FIFO);
  assert_reads (fixture, "d");
  out (fixture, UART_FCR, FIFO_ON);
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_DR, ==, 0);
}

static void
test_received_survives_restore (FakeHostFixture *fixture, gconstpointer data)
{
  g_auto (FakeHost) other = { 0 };
  g_autoptr (VmmDevice) copy = NULL;

  fake_host_init (&other);
  out (fixture, UART_FCR, FIFO_ON);
  out (fixture, UART_IER, UART_IER_RDI);
  type_in (fixture, "ab");
  copy = fake_host_copy_device (&other, fixture->device);
  g_assert_true (other.irq[IRQ]);
  g_assert_cmpint (vmm_device_read (copy, 0, UART_RX, 1), ==, 'a');
  g_assert_cmpint (vmm_device_read (copy, 0, UART_RX, 1), ==, 'b');
  g_assert_false (other.irq[IRQ]);
}

/* ---- loopback and modem lines ------------------------------------------------------------------ */

static void
test_loops_back (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_FCR, FIFO_ON);
  out (fixture, UART_MCR, UART_MCR_LOOP);
  type_in (fixture, "later");
  out (fixture, UART_TX, 'l');
  assert_reads (fixture, "l");
  g_assert_cmpstr (fixture->host.output->str, ==, "");
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_DR, ==, 0);
  out (fixture, UART_MCR, 0);
  assert_reads (fixture, "later");
}

static void
test_overruns_in_loopback (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_FCR, FIFO_ON);
  out (fixture, UART_MCR, UART_MCR_LOOP);
  out (fixture, UART_IER, UART_IER_RLSI | UART_IER_RDI);
  for (const char *p = "0123456789abcdefg"; *p != '\0'; p++)
    out (fixture, UART_TX, *p);
  g_assert_cmphex (in (fixture, UART_IIR), ==, IIR_FIFO | UART_IIR_RLSI);
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_OE, ==, UART_LSR_OE);
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_OE, ==, 0);
  assert_reads (fixture, "0123456789abcdef");
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_DR, ==, 0);

  out (fixture, UART_FCR, 0);
  out (fixture, UART_TX, 'x');
  out (fixture, UART_TX, 'y');
  g_assert_cmphex (in (fixture, UART_LSR) & UART_LSR_OE, ==, UART_LSR_OE);
  assert_reads (fixture, "y");
}

static void
test_loops_modem_lines (FakeHostFixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint8 mcr;
    guint8 msr;
  } lines[] = { { UART_MCR_RTS, UART_MSR_CTS },
                { UART_MCR_DTR, UART_MSR_DSR },
                { UART_MCR_OUT1, UART_MSR_RI },
                { UART_MCR_OUT2, UART_MSR_DCD } };

  out (fixture, UART_MCR, UART_MCR_LOOP);
  g_assert_cmphex (in (fixture, UART_MSR), ==, UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      const guint8 delta = lines[i].msr >> 4;

      out (fixture, UART_MCR, UART_MCR_LOOP | lines[i].mcr);
      g_assert_cmphex (in (fixture, UART_MSR), ==, lines[i].msr | (lines[i].msr == UART_MSR_RI ? 0 : delta));
      g_assert_cmphex (in (fixture, UART_MSR), ==, lines[i].msr);
      out (fixture, UART_MCR, UART_MCR_LOOP);
      g_assert_cmphex (in (fixture, UART_MSR), ==, delta);
    }
}

static void
test_modem_change_interrupts (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_MCR, UART_MCR_LOOP);
  in (fixture, UART_MSR);
  out (fixture, UART_IER, UART_IER_MSI);
  g_assert_false (fixture->host.irq[IRQ]);
  out (fixture, UART_MCR, LOOPBACK_OUTPUTS);
  g_assert_true (fixture->host.irq[IRQ]);
  g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_MSI);
  in (fixture, UART_MSR);
  g_assert_false (fixture->host.irq[IRQ]);
}

static void
test_most_urgent_comes_first (FakeHostFixture *fixture, gconstpointer data)
{
  out (fixture, UART_MCR, UART_MCR_LOOP);
  out (fixture, UART_TX, '1');
  out (fixture, UART_TX, '2');
  out (fixture, UART_IER, 0x0f);
  g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_RLSI);
  in (fixture, UART_LSR);
  g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_RDI);
  in (fixture, UART_RX);
  g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_THRI);
  g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_MSI);
  g_assert_true (fixture->host.irq[IRQ]);
  in (fixture, UART_MSR);
  g_assert_cmphex (in (fixture, UART_IIR), ==, UART_IIR_NO_INT);
  g_assert_false (fixture->host.irq[IRQ]);
}

/* ---- hostile state ------------------------------------------------------------------------------ */

static void
test_refuses_impossible_state (FakeHostFixture *fixture, gconstpointer data)
{
  static const struct
  {
    gsize offset;
    guint32 value;
    const char *field;
  } fields[] = {
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, interrupt_enable), 0x10, "interrupt_enable" },
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, fifo_control), 0x02, "fifo_control" },
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, fifo_control), 0x40, "fifo_control" },
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, line_control), 0x100, "line_control" },
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, modem_control), 0x20, "modem_control" },
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, modem_delta), 0x10, "modem_delta" },
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, scratch), 0x100, "scratch" },
    { G_STRUCT_OFFSET (Openvmm__Devices__SerialState, divisor), 0x10000, "divisor" },
  };
  guint8 bytes[17] = { 0 };
  Openvmm__Devices__SerialState state = OPENVMM__DEVICES__SERIAL_STATE__INIT;

  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      Openvmm__Devices__SerialState bad = OPENVMM__DEVICES__SERIAL_STATE__INIT;

      G_STRUCT_MEMBER (guint32, &bad, fields[i].offset) = fields[i].value;
      fake_host_assert_refused (fixture->device, &bad.base, fields[i].field);
    }
  state.received = (ProtobufCBinaryData){ 2, bytes };
  fake_host_assert_refused (fixture->device, &state.base, "received");
  state.fifo_control = UART_FCR_ENABLE_FIFO;
  state.received.len = 17;
  fake_host_assert_refused (fixture->device, &state.base, "received");
}

int
main (int argc, char **argv)
{
  static const FakeHostCase cases[] = {
    { "/vmm/devices/serial/is-found-to-be-16550a", test_is_found_to_be_16550a },
    { "/vmm/devices/serial/enabling-raises-transmit-interrupt", test_enabling_raises_transmit_interrupt },
    { "/vmm/devices/serial/keeps-registers", test_keeps_registers },
    { "/vmm/devices/serial/sends-at-once", test_sends_at_once },
    { "/vmm/devices/serial/each-byte-sent-is-an-edge", test_each_byte_sent_is_an_edge },
    { "/vmm/devices/serial/mid-transmit-survives-restore", test_mid_transmit_survives_restore },
    { "/vmm/devices/serial/receives", test_receives },
    { "/vmm/devices/serial/tells-trigger-from-timeout", test_tells_trigger_from_timeout },
    { "/vmm/devices/serial/takes-no-more-than-fits", test_takes_no_more_than_fits },
    { "/vmm/devices/serial/clears-fifo", test_clears_fifo },
    { "/vmm/devices/serial/received-survives-restore", test_received_survives_restore },
    { "/vmm/devices/serial/loops-back", test_loops_back },
    { "/vmm/devices/serial/overruns-in-loopback", test_overruns_in_loopback },
    { "/vmm/devices/serial/loops-modem-lines", test_loops_modem_lines },
    { "/vmm/devices/serial/modem-change-interrupts", test_modem_change_interrupts },
    { "/vmm/devices/serial/most-urgent-comes-first", test_most_urgent_comes_first },
    { "/vmm/devices/serial/refuses-impossible-state", test_refuses_impossible_state },
  };

  g_test_init (&argc, &argv, NULL);
  fake_host_add_cases (&vmm_serial_type, cases, G_N_ELEMENTS (cases));
  return g_test_run ();
}
