/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* relay.h: bytes between a person or script and a guest */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  OVM_CTL_RELAY_ESCAPED,     /* the escape key */
  OVM_CTL_RELAY_INPUT_ENDED, /* nothing more to read from the input */
  OVM_CTL_RELAY_GUEST_GONE,  /* the socket was closed from the other side */
  OVM_CTL_RELAY_SIGNALLED,   /* SIGHUP, SIGINT or SIGTERM */
  OVM_CTL_RELAY_FAILED,      /* the error says why */
} OvmCtlRelayEnd;

/**
 * OvmCtlRelay:
 * @input_fd: read from
 * @output_fd: written to
 * @socket_fd: the guest's serial port
 * @escape_key: the byte that ends the relay, or %OVM_CTL_ESCAPE_NONE; it is not sent
 * @linger_msec: how long output is still passed on after the input has ended
 */
typedef struct
{
  int input_fd;
  int output_fd;
  int socket_fd;
  int escape_key;
  gint64 linger_msec;
} OvmCtlRelay;

/**
 * ovm_ctl_relay_run:
 *
 * Passes bytes on in both directions until one of the ends comes. A guest that does not read holds up neither
 * its own output nor the escape key. Signals are taken up while it runs and left as they were found.
 */
OvmCtlRelayEnd ovm_ctl_relay_run (const OvmCtlRelay *relay, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
