/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * COM1, a 16550A (National Semiconductor PC16550D data sheet, 1995).
 *
 * Bytes take no time here: what is written to THR is out at once, so that the transmitter is always empty, and
 * a receive FIFO below its trigger has always waited for longer than four characters take. So the interrupt is
 * a pure function of the state that is saved, and a restored guest is woken for whatever was pending.
 *
 * Input is taken from the console only while there is room for it: typing ahead never overruns.
 */

#include "vmm/vmm-device.h"

#include <linux/serial_reg.h>
#include <string.h>

#include "proto/devices/serial.pb-c.h"

#define FIFO_SIZE 16
#define DIVISOR_9600 12 /* what firmware leaves; a guest divides by it */

#define IER_BITS (UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | UART_IER_MSI)
#define FCR_BITS (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK)
#define MCR_BITS (UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT1 | UART_MCR_OUT2 | UART_MCR_LOOP)
/* the kernel's header does not have these */
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO_ENABLED 0xc0

typedef struct
{
  VmmDevice device;
  guint8 ier;
  guint8 fcr;
  guint8 lcr;
  guint8 mcr;
  guint8 msr_delta;
  guint8 scr;
  guint16 divisor;
  guint8 received[FIFO_SIZE]; /* oldest first */
  guint n_received;
  gboolean overrun;
  gboolean transmit_interrupt;
} VmmSerial;

static guint
capacity (const VmmSerial *serial)
{
  return (serial->fcr & UART_FCR_ENABLE_FIFO) ? FIFO_SIZE : 1;
}

static guint
trigger (const VmmSerial *serial)
{
  static const guint levels[] = { 1, 4, 8, 14 };

  return (serial->fcr & UART_FCR_ENABLE_FIFO) ? levels[serial->fcr >> 6] : 1;
}

/* ---- interrupts ----------------------------------------------------------------------------- */

/* IIR without its FIFO bits: the most urgent of what is pending and enabled; table 4 of the data sheet. */
static guint8
interrupt_id (const VmmSerial *serial)
{
  if ((serial->ier & UART_IER_RLSI) && serial->overrun)
    return UART_IIR_RLSI;
  if ((serial->ier & UART_IER_RDI) && serial->n_received > 0)
    return serial->n_received >= trigger (serial) ? UART_IIR_RDI : IIR_TIMEOUT;
  if ((serial->ier & UART_IER_THRI) && serial->transmit_interrupt)
    return UART_IIR_THRI;
  if ((serial->ier & UART_IER_MSI) && serial->msr_delta != 0)
    return UART_IIR_MSI;
  return UART_IIR_NO_INT;
}

static gboolean
serial_irq_line (VmmDevice *device)
{
  return interrupt_id ((VmmSerial *) device) != UART_IIR_NO_INT;
}

static void
update_irq (VmmSerial *serial)
{
  vmm_device_set_irq (&serial->device, serial_irq_line (&serial->device));
}

/* ---- receiving and sending --------------------------------------------------------------------- */

static void
pull_input (VmmSerial *serial)
{
  /* in loopback the receiver is cut off from the line */
  if (serial->mcr & UART_MCR_LOOP)
    return;
  while (serial->n_received < capacity (serial) &&
         vmm_device_console_read (&serial->device, &serial->received[serial->n_received]))
    serial->n_received++;
}

static guint8
read_rbr (VmmSerial *serial)
{
  guint8 byte = serial->received[0];

  if (serial->n_received == 0)
    return 0;
  serial->n_received--;
  memmove (serial->received, serial->received + 1, serial->n_received);
  pull_input (serial);
  return byte;
}

static void
loop_back (VmmSerial *serial, guint8 byte)
{
  if (serial->n_received < capacity (serial))
    {
      serial->received[serial->n_received++] = byte;
      return;
    }
  /* an overrun costs the new byte where there is a FIFO, the old one where there is a single register */
  serial->overrun = TRUE;
  if (!(serial->fcr & UART_FCR_ENABLE_FIFO))
    serial->received[0] = byte;
}

static void
write_thr (VmmSerial *serial, guint8 byte)
{
  if (serial->mcr & UART_MCR_LOOP)
    loop_back (serial, byte);
  else
    vmm_device_console_write (&serial->device, byte);
  serial->transmit_interrupt = TRUE;
}

/* ---- the modem lines -------------------------------------------------------------------------- */

/* MSR bits 4 to 7: a peer that is always there, or in loopback our own outputs. */
static guint8
modem_lines (const VmmSerial *serial)
{
  guint8 lines = 0;

  if (!(serial->mcr & UART_MCR_LOOP))
    return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
  if (serial->mcr & UART_MCR_RTS)
    lines |= UART_MSR_CTS;
  if (serial->mcr & UART_MCR_DTR)
    lines |= UART_MSR_DSR;
  if (serial->mcr & UART_MCR_OUT1)
    lines |= UART_MSR_RI;
  if (serial->mcr & UART_MCR_OUT2)
    lines |= UART_MSR_DCD;
  return lines;
}

static void
write_mcr (VmmSerial *serial, guint8 value)
{
  const guint8 before = modem_lines (serial);
  guint8 changed;

  serial->mcr = value & MCR_BITS;
  changed = before ^ modem_lines (serial);
  /* of the ring indicator only the end counts */
  if (!(before & UART_MSR_RI))
    changed &= ~UART_MSR_RI;
  serial->msr_delta |= changed >> 4;
  pull_input (serial);
}

static guint8
read_msr (VmmSerial *serial)
{
  const guint8 value = modem_lines (serial) | serial->msr_delta;

  serial->msr_delta = 0;
  return value;
}

/* ---- the other registers ------------------------------------------------------------------------ */

static void
write_ier (VmmSerial *serial, guint8 value)
{
  const guint8 before = serial->ier;

  serial->ier = value & IER_BITS;
  /* drivers rely on being told that the transmitter is empty as soon as they ask; Linux tests for it */
  if (serial->ier & ~before & UART_IER_THRI)
    serial->transmit_interrupt = TRUE;
}

static guint8
read_iir (VmmSerial *serial)
{
  const guint8 id = interrupt_id (serial);

  if (id == UART_IIR_THRI)
    serial->transmit_interrupt = FALSE;
  return id | ((serial->fcr & UART_FCR_ENABLE_FIFO) ? IIR_FIFO_ENABLED : 0);
}

static void
write_fcr (VmmSerial *serial, guint8 value)
{
  const gboolean toggled = ((value ^ serial->fcr) & UART_FCR_ENABLE_FIFO) != 0;

  if (toggled || ((value & UART_FCR_ENABLE_FIFO) && (value & UART_FCR_CLEAR_RCVR)))
    serial->n_received = 0;
  serial->fcr = (value & UART_FCR_ENABLE_FIFO) ? value & FCR_BITS : 0;
  pull_input (serial);
}

static guint8
read_lsr (VmmSerial *serial)
{
  guint8 value = UART_LSR_THRE | UART_LSR_TEMT;

  if (serial->n_received > 0)
    value |= UART_LSR_DR;
  if (serial->overrun)
    value |= UART_LSR_OE;
  serial->overrun = FALSE;
  return value;
}

static guint64
serial_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  VmmSerial *serial = (VmmSerial *) device;
  const gboolean divisor_latch = (serial->lcr & UART_LCR_DLAB) != 0;
  guint8 value = 0;

  switch (offset)
    {
    case UART_RX:
      value = divisor_latch ? serial->divisor & 0xff : read_rbr (serial);
      break;
    case UART_IER:
      value = divisor_latch ? serial->divisor >> 8 : serial->ier;
      break;
    case UART_IIR:
      value = read_iir (serial);
      break;
    case UART_LCR:
      value = serial->lcr;
      break;
    case UART_MCR:
      value = serial->mcr;
      break;
    case UART_LSR:
      value = read_lsr (serial);
      break;
    case UART_MSR:
      value = read_msr (serial);
      break;
    case UART_SCR:
      value = serial->scr;
      break;
    }
  update_irq (serial);
  return value;
}

static void
serial_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value)
{
  VmmSerial *serial = (VmmSerial *) device;
  const gboolean divisor_latch = (serial->lcr & UART_LCR_DLAB) != 0;

  switch (offset)
    {
    case UART_TX:
      if (divisor_latch)
        serial->divisor = (serial->divisor & 0xff00) | value;
      else
        write_thr (serial, value);
      break;
    case UART_IER:
      if (divisor_latch)
        serial->divisor = (serial->divisor & 0x00ff) | (value << 8);
      else
        write_ier (serial, value);
      break;
    case UART_FCR:
      write_fcr (serial, value);
      break;
    case UART_LCR:
      serial->lcr = value;
      break;
    case UART_MCR:
      write_mcr (serial, value);
      break;
    case UART_SCR:
      serial->scr = value;
      break;
    }
  update_irq (serial);
}

static void
serial_input (VmmDevice *device)
{
  VmmSerial *serial = (VmmSerial *) device;

  pull_input (serial);
  update_irq (serial);
}

/* ---- life -------------------------------------------------------------------------------------- */

static void
serial_reset (VmmDevice *device)
{
  VmmSerial *serial = (VmmSerial *) device;

  serial->ier = 0;
  serial->fcr = 0;
  serial->lcr = 0;
  serial->mcr = 0;
  serial->msr_delta = 0;
  serial->scr = 0;
  serial->divisor = DIVISOR_9600;
  serial->n_received = 0;
  serial->overrun = FALSE;
  serial->transmit_interrupt = FALSE;
  update_irq (serial);
}

static void
serial_save (VmmDevice *device, ProtobufCMessage *message)
{
  const VmmSerial *serial = (const VmmSerial *) device;
  Openvmm__Devices__SerialState *state = (Openvmm__Devices__SerialState *) message;

  state->interrupt_enable = serial->ier;
  state->fifo_control = serial->fcr;
  state->line_control = serial->lcr;
  state->modem_control = serial->mcr;
  state->modem_delta = serial->msr_delta;
  state->scratch = serial->scr;
  state->divisor = serial->divisor;
  state->received.data = g_memdup2 (serial->received, serial->n_received);
  state->received.len = serial->n_received;
  state->overrun = serial->overrun;
  state->transmit_interrupt = serial->transmit_interrupt;
}

static gboolean
check_state (VmmDevice *device, const Openvmm__Devices__SerialState *state, GError **error)
{
  const gboolean fifo = (state->fifo_control & UART_FCR_ENABLE_FIFO) != 0;

  return vmm_device_check_bits (device, "interrupt_enable", state->interrupt_enable, IER_BITS, error) &&
         vmm_device_check_bits (device, "fifo_control", state->fifo_control, fifo ? FCR_BITS : 0, error) &&
         vmm_device_check_bits (device, "line_control", state->line_control, 0xff, error) &&
         vmm_device_check_bits (device, "modem_control", state->modem_control, MCR_BITS, error) &&
         vmm_device_check_bits (device, "modem_delta", state->modem_delta, UART_MSR_ANY_DELTA, error) &&
         vmm_device_check_bits (device, "scratch", state->scratch, 0xff, error) &&
         vmm_device_check_bits (device, "divisor", state->divisor, 0xffff, error) &&
         vmm_device_check_range (device,
                                 "received (bytes)",
                                 state->received.len,
                                 0,
                                 fifo ? FIFO_SIZE : 1,
                                 error);
}

static gboolean
serial_load (VmmDevice *device, const ProtobufCMessage *message, GError **error)
{
  VmmSerial *serial = (VmmSerial *) device;
  const Openvmm__Devices__SerialState *state = (const Openvmm__Devices__SerialState *) message;

  if (!check_state (device, state, error))
    return FALSE;
  serial->ier = state->interrupt_enable;
  serial->fcr = state->fifo_control;
  serial->lcr = state->line_control;
  serial->mcr = state->modem_control;
  serial->msr_delta = state->modem_delta;
  serial->scr = state->scratch;
  serial->divisor = state->divisor;
  serial->n_received = state->received.len;
  if (serial->n_received > 0)
    memcpy (serial->received, state->received.data, serial->n_received);
  serial->overrun = state->overrun;
  serial->transmit_interrupt = state->transmit_interrupt;
  return TRUE;
}

const VmmDeviceType vmm_serial_type = {
  .name = "serial",
  .instance_size = sizeof (VmmSerial),
  .state = &openvmm__devices__serial_state__descriptor,
  .regions = { { VMM_SPACE_PIO, 0x3f8, 8 } },
  .irq = 4,
  .acpi_name = "COM1",
  .acpi_hid = "PNP0501",
  .access_max = 1,
  .reset = serial_reset,
  .read = serial_read,
  .write = serial_write,
  .input = serial_input,
  .save = serial_save,
  .load = serial_load,
  .irq_line = serial_irq_line,
};
