/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One poll loop and a buffer in each direction. A script whose input the guest does not take waits; a person does not:
 * where there is an escape key, input beyond a full buffer is looked through for it and dropped.
 */

#include "config.h"
#include "src/ctl/relay.h"

#include "src/ctl/escape.h"
#include "src/ctl/status.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TO_GUEST_MAX 65536

typedef struct
{
  const OvmCtlRelay *relay;
  int signal_fd;
  guint8 to_guest[TO_GUEST_MAX];
  gsize to_guest_length;
  guint8 to_output[PIPE_BUF]; /* a write of this much to a pipe that polls writable does not block */
  gsize to_output_length;
  gboolean input_ended;
  gboolean guest_gone;
  gint64 deadline_usec; /* when to stop lingering; 0: not yet */
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

/* Returns: whether to go on */
static gboolean
take_signal (State *state)
{
  struct signalfd_siginfo info;

  if (read (state->signal_fd, &info, sizeof info) != sizeof info)
    return TRUE;
  if (info.ssi_signo != SIGCONT)
    return FALSE;
  if (state->relay->terminal != NULL)
    ovm_ctl_terminal_make_raw (state->relay->terminal);
  return TRUE;
}

static gboolean
wants_input (const State *state)
{
  if (state->input_ended)
    return FALSE;
  return state->to_guest_length < TO_GUEST_MAX || state->relay->escape_key != OVM_CTL_ESCAPE_NONE;
}

static int
get_timeout_msec (State *state)
{
  if (!state->input_ended || state->to_guest_length > 0)
    return -1;
  if (state->deadline_usec == 0)
    state->deadline_usec = g_get_monotonic_time () + state->relay->linger_msec * 1000;
  return (int) CLAMP ((state->deadline_usec - g_get_monotonic_time () + 999) / 1000, 0, G_MAXINT);
}

enum
{
  INPUT,
  SOCKET,
  OUTPUT,
  SIGNAL,
  N_FDS
};

static int
wait_for_something (State *state, struct pollfd fds[N_FDS])
{
  short socket_events = 0;

  if (state->to_guest_length > 0)
    socket_events |= POLLOUT;
  if (state->to_output_length == 0)
    socket_events |= POLLIN;

  /* a negative descriptor is not looked at */
  fds[INPUT] = (struct pollfd){ wants_input (state) ? state->relay->input_fd : -1, POLLIN, 0 };
  fds[SOCKET] = (struct pollfd){ socket_events != 0 ? state->relay->socket_fd : -1, socket_events, 0 };
  fds[OUTPUT] = (struct pollfd){ state->to_output_length > 0 ? state->relay->output_fd : -1, POLLOUT, 0 };
  fds[SIGNAL] = (struct pollfd){ state->signal_fd, POLLIN, 0 };
  return poll (fds, N_FDS, get_timeout_msec (state));
}

static OvmCtlRelayEnd
relay_until_end (State *state, GError **error)
{
  struct pollfd fds[N_FDS];

  while (!state->guest_gone || state->to_output_length > 0)
    {
      int ready = wait_for_something (state, fds);

      if (ready == 0)
        return OVM_CTL_RELAY_INPUT_ENDED;
      if (ready < 0 && errno != EINTR)
        {
          fail (_ ("cannot wait for the console"), error);
          return OVM_CTL_RELAY_FAILED;
        }

      if (fds[SIGNAL].revents != 0 && !take_signal (state))
        return OVM_CTL_RELAY_SIGNALLED;
      if (fds[INPUT].revents != 0 && !read_input (state))
        return OVM_CTL_RELAY_ESCAPED;
      if ((fds[SOCKET].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && state->to_output_length == 0)
        receive_from_guest (state);
      if (state->to_guest_length > 0 && !state->guest_gone)
        send_to_guest (state);
      if (fds[OUTPUT].revents != 0 && !write_output (state, error))
        return OVM_CTL_RELAY_FAILED;
    }
  return OVM_CTL_RELAY_GUEST_GONE;
}

static int
open_signals (sigset_t *before)
{
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGHUP);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGQUIT);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGCONT);
  pthread_sigmask (SIG_BLOCK, &signals, before);
  return signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

OvmCtlRelayEnd
ovm_ctl_relay_run (const OvmCtlRelay *relay, GError **error)
{
  g_autofree State *state = g_new0 (State, 1);
  OvmCtlRelayEnd end = OVM_CTL_RELAY_FAILED;
  sigset_t before;

  state->relay = relay;
  state->signal_fd = open_signals (&before);
  if (state->signal_fd >= 0)
    {
      end = relay_until_end (state, error);
      close (state->signal_fd);
    }
  else
    fail (_ ("cannot watch for signals"), error);

  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return end;
}
