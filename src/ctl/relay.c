/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A source for all descriptors, and a buffer in each direction. A script whose input the guest does not take waits;
 * a person does not: where there is an escape key, input beyond a full buffer is looked through for it and dropped.
 */

#include "config.h"
#include "src/ctl/relay.h"

#include "src/ctl/escape.h"
#include "src/ctl/status.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TO_GUEST_MAX 65536

enum
{
  INPUT,
  SOCKET,
  OUTPUT,
  N_PORTS
};

typedef GSource Watch; /* destroyed, not only let go, at the end of its scope */

typedef struct
{
  const OvmCtlRelay *relay;
  GSource *ports;
  gpointer tags[N_PORTS]; /* of those that are watched */
  guint8 to_guest[TO_GUEST_MAX];
  gsize to_guest_length;
  guint8 to_output[PIPE_BUF]; /* a write of this much to a pipe that polls writable does not block */
  gsize to_output_length;
  gboolean input_ended;
  gboolean guest_gone;
  gint64 deadline_usec; /* when to stop lingering; 0: not yet */
  gboolean finished;
  OvmCtlRelayEnd end;
  GError *error;
} State;

static gboolean
fail (const char *what, GError **error)
{
  g_set_error (error, OVM_CTL_ERROR, OVM_CTL_STATUS_FAILED, "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static gboolean
should_retry (void)
{
  return errno == EAGAIN || errno == EINTR;
}

/* Returns: whether to go on, that is, whether the escape key was not among the bytes */
static gboolean
take_input (State *state, const guint8 *bytes, gsize length)
{
  const guint8 *escape = NULL;

  if (state->relay->escape_key != OVM_CTL_ESCAPE_NONE)
    escape = memchr (bytes, state->relay->escape_key, length);
  if (escape != NULL)
    length = (gsize) (escape - bytes);

  length = MIN (length, TO_GUEST_MAX - state->to_guest_length);
  memcpy (state->to_guest + state->to_guest_length, bytes, length);
  state->to_guest_length += length;
  return escape == NULL;
}

/* Returns: as take_input() */
static gboolean
read_input (State *state)
{
  guint8 bytes[4096];
  gsize room = TO_GUEST_MAX - state->to_guest_length;
  gboolean drop = state->relay->escape_key != OVM_CTL_ESCAPE_NONE;
  gssize length = read (state->relay->input_fd, bytes, drop ? sizeof bytes : MIN (room, sizeof bytes));

  if (length > 0)
    return take_input (state, bytes, (gsize) length);

  /* a terminal that hung up reads EIO */
  if (length == 0 || !should_retry ())
    state->input_ended = TRUE;
  return TRUE;
}

static void
send_to_guest (State *state)
{
  gssize sent =
      send (state->relay->socket_fd, state->to_guest, state->to_guest_length, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (sent < 0)
    {
      state->guest_gone = state->guest_gone || !should_retry ();
      return;
    }
  state->to_guest_length -= (gsize) sent;
  memmove (state->to_guest, state->to_guest + sent, state->to_guest_length);
}

static void
receive_from_guest (State *state)
{
  gssize length = recv (state->relay->socket_fd, state->to_output, sizeof state->to_output, MSG_DONTWAIT);

  if (length > 0)
    state->to_output_length = (gsize) length;
  else if (length == 0 || !should_retry ())
    state->guest_gone = TRUE;
}

static gboolean
write_output (State *state, GError **error)
{
  gssize written = write (state->relay->output_fd, state->to_output, state->to_output_length);

  if (written < 0)
    return should_retry () || fail (_ ("cannot write the output of the guest"), error);
  state->to_output_length -= (gsize) written;
  memmove (state->to_output, state->to_output + written, state->to_output_length);
  return TRUE;
}

static gboolean
wants_input (const State *state)
{
  if (state->input_ended)
    return FALSE;
  return state->to_guest_length < TO_GUEST_MAX || state->relay->escape_key != OVM_CTL_ESCAPE_NONE;
}

static GIOCondition
get_wanted (const State *state, guint port)
{
  GIOCondition wanted = 0;

  switch (port)
    {
    case INPUT:
      return wants_input (state) ? G_IO_IN : 0;
    case OUTPUT:
      return state->to_output_length > 0 ? G_IO_OUT : 0;
    default:
      if (state->to_guest_length > 0)
        wanted |= G_IO_OUT;
      if (state->to_output_length == 0)
        wanted |= G_IO_IN;
      return wanted;
    }
}

/* a descriptor that hung up is reported even if nothing is wanted of it, so it is only there while something is */
static void
watch_ports (State *state)
{
  const int fds[N_PORTS] = { state->relay->input_fd, state->relay->socket_fd, state->relay->output_fd };

  for (guint port = 0; port < N_PORTS; port++)
    {
      GIOCondition wanted = get_wanted (state, port);

      if (state->tags[port] != NULL)
        g_source_remove_unix_fd (state->ports, state->tags[port]);
      state->tags[port] = wanted != 0 ? g_source_add_unix_fd (state->ports, fds[port], wanted) : NULL;
    }
}

static void
watch_time (State *state)
{
  if (!state->input_ended || state->to_guest_length > 0 || state->deadline_usec != 0)
    return;
  state->deadline_usec = g_get_monotonic_time () + state->relay->linger_msec * 1000;
  g_source_set_ready_time (state->ports, state->deadline_usec);
}

static GIOCondition
get_ready (State *state, guint port)
{
  return state->tags[port] != NULL ? g_source_query_unix_fd (state->ports, state->tags[port]) : 0;
}

static void
finish (State *state, OvmCtlRelayEnd end)
{
  if (!state->finished)
    state->end = end;
  state->finished = TRUE;
}

static gboolean
dispatch_ports (GSource *source, GSourceFunc callback, gpointer user_data)
{
  State *state = user_data;

  if (get_ready (state, INPUT) != 0 && !read_input (state))
    finish (state, OVM_CTL_RELAY_ESCAPED);
  if (get_ready (state, SOCKET) != 0 && state->to_output_length == 0)
    receive_from_guest (state);
  if (state->to_guest_length > 0 && !state->guest_gone)
    send_to_guest (state);
  if (get_ready (state, OUTPUT) != 0 && !write_output (state, &state->error))
    finish (state, OVM_CTL_RELAY_FAILED);
  if (state->guest_gone && state->to_output_length == 0)
    finish (state, OVM_CTL_RELAY_GUEST_GONE);
  if (state->deadline_usec != 0 && g_get_monotonic_time () >= state->deadline_usec)
    finish (state, OVM_CTL_RELAY_INPUT_ENDED);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (gpointer user_data)
{
  finish (user_data, OVM_CTL_RELAY_SIGNALLED);
  return G_SOURCE_CONTINUE;
}

static GSource *
watch_signal (State *state, GMainContext *context, int number)
{
  GSource *source = g_unix_signal_source_new (number);

  g_source_set_callback (source, on_signal, state, NULL);
  g_source_attach (source, context);
  return source;
}

static void
destroy_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Watch, destroy_source)

OvmCtlRelayEnd
ovm_ctl_relay_run (const OvmCtlRelay *relay, GError **error)
{
  static GSourceFuncs ports_funcs = { .dispatch = dispatch_ports };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autofree State *state = g_new0 (State, 1);
  g_autoptr (Watch) ports = g_source_new (&ports_funcs, sizeof (GSource));
  g_autoptr (Watch) hangup = watch_signal (state, context, SIGHUP);
  g_autoptr (Watch) interrupt = watch_signal (state, context, SIGINT);
  g_autoptr (Watch) terminate = watch_signal (state, context, SIGTERM);

  state->relay = relay;
  state->ports = ports;
  g_source_set_callback (ports, NULL, state, NULL);
  g_source_attach (ports, context);

  while (!state->finished)
    {
      watch_ports (state);
      watch_time (state);
      g_main_context_iteration (context, TRUE);
    }

  if (state->error != NULL)
    g_propagate_error (error, state->error);
  return state->end;
}
