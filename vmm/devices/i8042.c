/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The PC's keyboard controller with nothing plugged in. Guests pull the reset line of the machine with it; and
 * whoever probes for a keyboard gets answers at once where silence would cost him half a second each.
 */

#include "vmm/vmm-device.h"

#include "proto/devices/i8042.pb-c.h"

enum
{
  REGION_DATA,    /* port 0x60 */
  REGION_COMMAND, /* port 0x64 */
};

/* status register */
#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM 0x04
#define STATUS_UNLOCKED 0x10

/* command byte */
#define COMMAND_BYTE_SYSTEM 0x04
#define COMMAND_BYTE_KEYBOARD_OFF 0x10
#define COMMAND_BYTE_MOUSE_OFF 0x20
#define COMMAND_BYTE_TRANSLATE 0x40
#define COMMAND_BYTE_RESET                                                                                   \
  (COMMAND_BYTE_SYSTEM | COMMAND_BYTE_KEYBOARD_OFF | COMMAND_BYTE_MOUSE_OFF | COMMAND_BYTE_TRANSLATE)

/* output port */
#define OUTPUT_PORT_NO_RESET 0x01
#define OUTPUT_PORT_A20 0x02

/* commands */
#define READ_COMMAND_BYTE 0x20
#define WRITE_COMMAND_BYTE 0x60
#define MOUSE_OFF 0xa7
#define MOUSE_ON 0xa8
#define TEST_MOUSE 0xa9
#define TEST_CONTROLLER 0xaa
#define TEST_KEYBOARD 0xab
#define KEYBOARD_OFF 0xad
#define KEYBOARD_ON 0xae
#define READ_INPUT_PORT 0xc0
#define READ_OUTPUT_PORT 0xd0
#define WRITE_OUTPUT_PORT 0xd1
#define WRITE_KEYBOARD_OUTPUT 0xd2
#define WRITE_MOUSE_OUTPUT 0xd3
#define WRITE_MOUSE 0xd4
#define A20_OFF 0xdd
#define A20_ON 0xdf
#define PULSE_OUTPUT_PORT 0xf0 /* to 0xff: pulls the lines low whose bits are zero */

/* answers */
#define TEST_PASSED 0x55
#define CLOCK_STUCK_LOW 0x01 /* as an empty socket looks */
#define INPUT_PORT_UNLOCKED 0x80

typedef struct
{
  VmmDevice device;
  guint8 command_byte;
  guint8 output_port;
  guint8 pending_command;
  guint8 output;
  gboolean output_full;
} VmmI8042;

static void
answer (VmmI8042 *i8042, guint8 byte)
{
  i8042->output = byte;
  i8042->output_full = TRUE;
}

static guint8
read_status (const VmmI8042 *i8042)
{
  guint8 status = STATUS_UNLOCKED;

  if (i8042->command_byte & COMMAND_BYTE_SYSTEM)
    status |= STATUS_SYSTEM;
  if (i8042->output_full)
    status |= STATUS_OUTPUT_FULL;
  return status;
}

static guint64
i8042_read (VmmDevice *device, guint region, guint64 offset, guint size)
{
  VmmI8042 *i8042 = (VmmI8042 *) device;

  if (region == REGION_COMMAND)
    return read_status (i8042);
  i8042->output_full = FALSE;
  return i8042->output;
}

static void
write_output_port (VmmI8042 *i8042, guint8 value)
{
  i8042->output_port = value;
  if (!(value & OUTPUT_PORT_NO_RESET))
    vmm_device_reset_machine (&i8042->device);
}

static void
write_command (VmmI8042 *i8042, guint8 command)
{
  i8042->pending_command = 0;
  switch (command)
    {
    case WRITE_COMMAND_BYTE:
    case WRITE_OUTPUT_PORT:
    case WRITE_KEYBOARD_OUTPUT:
    case WRITE_MOUSE_OUTPUT:
    case WRITE_MOUSE:
      i8042->pending_command = command;
      break;
    case READ_COMMAND_BYTE:
      answer (i8042, i8042->command_byte);
      break;
    case MOUSE_OFF:
      i8042->command_byte |= COMMAND_BYTE_MOUSE_OFF;
      break;
    case MOUSE_ON:
      i8042->command_byte &= ~COMMAND_BYTE_MOUSE_OFF;
      break;
    case KEYBOARD_OFF:
      i8042->command_byte |= COMMAND_BYTE_KEYBOARD_OFF;
      break;
    case KEYBOARD_ON:
      i8042->command_byte &= ~COMMAND_BYTE_KEYBOARD_OFF;
      break;
    case TEST_CONTROLLER:
      i8042->command_byte |= COMMAND_BYTE_SYSTEM;
      answer (i8042, TEST_PASSED);
      break;
    case TEST_KEYBOARD:
    case TEST_MOUSE:
      answer (i8042, CLOCK_STUCK_LOW);
      break;
    case READ_INPUT_PORT:
      answer (i8042, INPUT_PORT_UNLOCKED);
      break;
    case READ_OUTPUT_PORT:
      answer (i8042, i8042->output_port);
      break;
    case A20_OFF:
      i8042->output_port &= ~OUTPUT_PORT_A20;
      break;
    case A20_ON:
      i8042->output_port |= OUTPUT_PORT_A20;
      break;
    default:
      if (command >= PULSE_OUTPUT_PORT && !(command & OUTPUT_PORT_NO_RESET))
        vmm_device_reset_machine (&i8042->device);
    }
}

/* A parameter if a command waits for one; else it is for the keyboard, which is not there. */
static void
write_data (VmmI8042 *i8042, guint8 value)
{
  const guint8 command = i8042->pending_command;

  i8042->pending_command = 0;
  switch (command)
    {
    case WRITE_COMMAND_BYTE:
      i8042->command_byte = value;
      break;
    case WRITE_OUTPUT_PORT:
      write_output_port (i8042, value);
      break;
    case WRITE_KEYBOARD_OUTPUT:
    case WRITE_MOUSE_OUTPUT:
      /* the latter comes back without the mark of a mouse: there is no port for one */
      answer (i8042, value);
      break;
    }
}

static void
i8042_write (VmmDevice *device, guint region, guint64 offset, guint size, guint64 value)
{
  VmmI8042 *i8042 = (VmmI8042 *) device;

  if (region == REGION_COMMAND)
    write_command (i8042, value);
  else
    write_data (i8042, value);
}

static void
i8042_reset (VmmDevice *device)
{
  VmmI8042 *i8042 = (VmmI8042 *) device;

  i8042->command_byte = COMMAND_BYTE_RESET;
  i8042->output_port = OUTPUT_PORT_NO_RESET | OUTPUT_PORT_A20;
  i8042->pending_command = 0;
  i8042->output = 0;
  i8042->output_full = FALSE;
}

static void
i8042_save (VmmDevice *device, ProtobufCMessage *message)
{
  const VmmI8042 *i8042 = (const VmmI8042 *) device;
  Openvmm__Devices__I8042State *state = (Openvmm__Devices__I8042State *) message;

  state->command_byte = i8042->command_byte;
  state->output_port = i8042->output_port;
  state->pending_command = i8042->pending_command;
  state->output = i8042->output;
  state->output_full = i8042->output_full;
}

static gboolean
i8042_load (VmmDevice *device, const ProtobufCMessage *message, GError **error)
{
  VmmI8042 *i8042 = (VmmI8042 *) device;
  const Openvmm__Devices__I8042State *state = (const Openvmm__Devices__I8042State *) message;

  if (!vmm_device_check_bits (device, "command_byte", state->command_byte, 0xff, error) ||
      !vmm_device_check_bits (device, "output_port", state->output_port, 0xff, error) ||
      !vmm_device_check_bits (device, "pending_command", state->pending_command, 0xff, error) ||
      !vmm_device_check_bits (device, "output", state->output, 0xff, error))
    return FALSE;
  i8042->command_byte = state->command_byte;
  i8042->output_port = state->output_port;
  i8042->pending_command = state->pending_command;
  i8042->output = state->output;
  i8042->output_full = state->output_full;
  return TRUE;
}

const VmmDeviceType vmm_i8042_type = {
  .name = "i8042",
  .instance_size = sizeof (VmmI8042),
  .state = &openvmm__devices__i8042_state__descriptor,
  .regions = { [REGION_DATA] = { VMM_SPACE_PIO, 0x60, 1 }, [REGION_COMMAND] = { VMM_SPACE_PIO, 0x64, 1 } },
  .access_max = 1,
  .reset = i8042_reset,
  .read = i8042_read,
  .write = i8042_write,
  .save = i8042_save,
  .load = i8042_load,
};
