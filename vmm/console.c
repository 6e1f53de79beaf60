/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All output goes into one ring. The log file and every client are readers of it, each with its own place in
 * the stream: writing a byte is the same small work however many readers there are, and a reader that is too
 * slow is moved on to the oldest byte still there. A thread, started with the first client, or the first byte for the
 * log, carries bytes between ring and readers; a console that nobody reads has none, unless it was given one ahead. The
 * ring is as large as what was ever written, up to its limit: most clones say little, and there may be thousands.
 *
 * Two locks: `lock` is a leaf and guards the data; `plug_lock` is held while the machine is told of input, and
 * is taken before any lock of a device.
 */

#include "config.h"
#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/console-thread.h"
#include "vmm/fd.h"

#define CONSOLE_RING_SIZE_MAX (256 * 1024u) /* bytes; what the slowest reader may be behind */
#define CONSOLE_RING_SIZE_MIN 1024u
#define CONSOLE_RING_GROWTH 4u
#define CONSOLE_HISTORY_SIZE (64 * 1024u) /* bytes; what a new client gets to see */
#define CONSOLE_INPUT_SIZE 4096u          /* bytes */
#define CONSOLE_INPUT_LOW (CONSOLE_INPUT_SIZE / 2)
#define CONSOLE_CLIENTS_MAX 16
#define CONSOLE_LOG_CHUNK 8192u /* bytes */

typedef struct
{
  int fd;
  guint64 position; /* of the next byte to send, counted from the first output ever */
  gboolean input_ended;
  gboolean output_ended;
} VmmConsoleClient;

struct _VmmConsole
{
  GMutex plug_lock;
  VmmConsoleInputFunc input_func;
  gpointer input_data;

  GMutex lock;
  GCond logged;
  VmmConsoleThread *thread;
  gboolean woken;
  gboolean stopping;
  gboolean tell_input;

  guint8 *ring;
  guint ring_size;
  guint64 head; /* output ever */

  int log_fd;
  guint64 log_position;

  VmmConsoleClient clients[CONSOLE_CLIENTS_MAX];
  guint n_clients;

  guint8 input[CONSOLE_INPUT_SIZE];
  guint input_start;
  guint input_length;
};

/* ---- the ring, under the lock --------------------------------------------------------------- */

/* What lies ahead of @position without a break, after moving it on to what is still there. */
static gsize
peek (VmmConsole *console, guint64 *position, const guint8 **data)
{
  guint offset;

  if (console->head - *position > console->ring_size)
    *position = console->head - console->ring_size;
  offset = *position % console->ring_size;
  *data = console->ring + offset;
  return MIN (console->head - *position, console->ring_size - offset);
}

/* before anything is written over, so that each byte keeps its place */
static void
grow (VmmConsole *console)
{
  if (console->head < console->ring_size || console->ring_size == CONSOLE_RING_SIZE_MAX)
    return;
  console->ring_size *= CONSOLE_RING_GROWTH;
  console->ring = g_realloc (console->ring, console->ring_size);
}

/* ---- the log, on the thread ----------------------------------------------------------------- */

static void
write_chunk (int fd, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      gssize n = write (fd, data, length);

      if (n < 0 && errno == EINTR)
        continue;
      /* a full or broken disk costs output, not the guest */
      if (n <= 0)
        return;
      data += n;
      length -= n;
    }
}

/* Takes and leaves with the lock held, but lets go of it while the disk works. */
static void
write_log (VmmConsole *console)
{
  const guint64 target = console->head;
  guint8 chunk[CONSOLE_LOG_CHUNK];

  while (console->log_fd >= 0 && console->log_position < target)
    {
      const guint8 *data;
      gsize length = MIN (peek (console, &console->log_position, &data), sizeof chunk);

      memcpy (chunk, data, length);
      g_mutex_unlock (&console->lock);
      write_chunk (console->log_fd, chunk, length);
      g_mutex_lock (&console->lock);
      console->log_position += length;
    }
  g_cond_broadcast (&console->logged);
}

/* ---- clients, on the thread and under the lock ------------------------------------------------ */

static gboolean
wants_input (const VmmConsole *console)
{
  return console->input_length <= CONSOLE_INPUT_LOW;
}

static void
send_to_client (VmmConsole *console, VmmConsoleClient *client)
{
  const guint8 *data;
  gsize length = peek (console, &client->position, &data);
  gssize n;

  if (length == 0)
    return;
  n = send (client->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n >= 0)
    client->position += n;
  else if (errno != EAGAIN && errno != EINTR)
    client->output_ended = TRUE;
}

static void
receive_from_client (VmmConsole *console, VmmConsoleClient *client)
{
  guint end = (console->input_start + console->input_length) % CONSOLE_INPUT_SIZE;
  guint room = CONSOLE_INPUT_SIZE - console->input_length;
  gssize n;

  n = recv (client->fd, console->input + end, MIN (room, CONSOLE_INPUT_SIZE - end), MSG_DONTWAIT);
  if (n > 0)
    {
      console->input_length += n;
      console->tell_input = TRUE;
    }
  else if (n == 0 || (errno != EAGAIN && errno != EINTR))
    client->input_ended = TRUE;
}

static short
client_events (const VmmConsole *console, const VmmConsoleClient *client)
{
  short events = 0;

  if (!client->input_ended && wants_input (console))
    events |= POLLIN;
  if (!client->output_ended && client->position < console->head)
    events |= POLLOUT;
  return events;
}

/* Every client in the order of the table; one whose end would be told over and over while its last input has
 * to wait for room is left out. */
static void
prepare_poll (const VmmConsole *console, struct pollfd *fds)
{
  for (guint i = 0; i < console->n_clients; i++)
    {
      const VmmConsoleClient *client = &console->clients[i];

      fds[i].events = client_events (console, client);
      fds[i].fd = fds[i].events != 0 || client->input_ended ? client->fd : -1;
      fds[i].revents = 0;
    }
}

static void
serve_clients (VmmConsole *console, const struct pollfd *fds, guint n_fds)
{
  const short gone = POLLHUP | POLLERR;

  for (guint i = 0; i < n_fds; i++)
    {
      VmmConsoleClient *client = &console->clients[i];

      if ((fds[i].events & POLLOUT) && (fds[i].revents & (POLLOUT | gone)))
        send_to_client (console, client);
      if ((fds[i].events & POLLIN) && (fds[i].revents & (POLLIN | gone)) && wants_input (console))
        receive_from_client (console, client);
      if (client->input_ended && (fds[i].revents & gone))
        client->output_ended = TRUE;
    }
}

static void
drop_ended_clients (VmmConsole *console)
{
  guint kept = 0;

  for (guint i = 0; i < console->n_clients; i++)
    {
      VmmConsoleClient *client = &console->clients[i];

      if (client->input_ended && client->output_ended)
        close (client->fd);
      else
        console->clients[kept++] = *client;
    }
  console->n_clients = kept;
}

/* ---- the thread ------------------------------------------------------------------------------- */

static void
tell_input (VmmConsole *console)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&console->plug_lock);

  if (console->input_func != NULL)
    console->input_func (console->input_data);
}

/* One round, with the lock held on both ends: wait for something to do, do it. */
static void
run_once (VmmConsole *console)
{
  struct pollfd fds[1 + CONSOLE_CLIENTS_MAX];
  guint n_clients = console->n_clients;

  fds[0] = (struct pollfd){ .fd = vmm_console_thread_get_fd (console->thread), .events = POLLIN };
  prepare_poll (console, fds + 1);

  g_mutex_unlock (&console->lock);
  if (poll (fds, 1 + n_clients, -1) < 0)
    for (guint i = 0; i <= n_clients; i++)
      fds[i].revents = 0;
  g_mutex_lock (&console->lock);

  console->woken = FALSE;
  vmm_console_thread_clear_wake (console->thread);
  /* clients that were added meanwhile stand behind these */
  serve_clients (console, fds + 1, n_clients);
  drop_ended_clients (console);
  write_log (console);

  if (console->tell_input)
    {
      console->tell_input = FALSE;
      g_mutex_unlock (&console->lock);
      tell_input (console);
      g_mutex_lock (&console->lock);
    }
}

static void
serve (gpointer data)
{
  VmmConsole *console = data;

  g_mutex_lock (&console->lock);
  while (!console->stopping)
    run_once (console);
  write_log (console);
  for (guint i = 0; i < console->n_clients; i++)
    send_to_client (console, &console->clients[i]);
  g_mutex_unlock (&console->lock);
}

static gboolean
start_thread (VmmConsole *console, GError **error)
{
  if (console->thread != NULL)
    return TRUE;
  console->thread = vmm_console_thread_new (error);
  if (console->thread != NULL)
    vmm_console_thread_assign (console->thread, serve, console);
  return console->thread != NULL;
}

static void
wake (VmmConsole *console)
{
  if (console->thread == NULL || console->woken)
    return;
  console->woken = TRUE;
  vmm_console_thread_wake (console->thread);
}

/* A thread that cannot be made now is made with the next byte; what it is for waits in the ring. */
static void
tell_readers (VmmConsole *console)
{
  if (console->thread == NULL && console->log_fd >= 0 && !start_thread (console, NULL))
    return;
  wake (console);
}

/* ---- the host's end ------------------------------------------------------------------------------ */

static int
open_log (const char *path, GError **error)
{
  /* without O_NONBLOCK a FIFO would hold us up here, before it can be refused */
  VMM_AUTO_FD int fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  struct stat st;

  if (fd < 0 || fstat (fd, &st) < 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "console log %s cannot be opened: %s; name a file in a directory that exists "
                   "and may be written to",
                   path,
                   g_strerror (errno));
      return -1;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "console log %s is not a regular file (its mode is 0%o); name a regular file, or "
                   "one that does not exist yet",
                   path,
                   st.st_mode);
      return -1;
    }
  return vmm_fd_steal (&fd);
}

VmmConsole *
vmm_console_new (const char *log_file, GError **error)
{
  g_autoptr (VmmConsole) console = g_new0 (VmmConsole, 1);

  g_mutex_init (&console->plug_lock);
  g_mutex_init (&console->lock);
  g_cond_init (&console->logged);
  console->log_fd = -1;
  console->ring_size = CONSOLE_RING_SIZE_MIN;
  console->ring = g_malloc (console->ring_size);

  if (log_file == NULL)
    return g_steal_pointer (&console);
  console->log_fd = open_log (log_file, error);
  return console->log_fd >= 0 ? g_steal_pointer (&console) : NULL;
}

int
vmm_console_open (VmmConsole *console, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&console->lock);
  int pair[2];

  if (console->n_clients == CONSOLE_CLIENTS_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "the console has %u clients already, which is the most there may be; close one",
                   console->n_clients);
      return -1;
    }
  if (!start_thread (console, error))
    return -1;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_HOST,
                   "console: cannot make a pair of sockets: %s",
                   g_strerror (errno));
      return -1;
    }
  console->clients[console->n_clients++] = (VmmConsoleClient){
    .fd = pair[0],
    .position = console->head - MIN (console->head, CONSOLE_HISTORY_SIZE),
  };
  wake (console);
  return pair[1];
}

/* what no thread could be made for */
static void
flush_log (VmmConsole *console)
{
  g_mutex_lock (&console->lock);
  write_log (console);
  g_mutex_unlock (&console->lock);
}

static void
stop_thread (VmmConsole *console)
{
  g_mutex_lock (&console->lock);
  console->stopping = TRUE;
  g_mutex_unlock (&console->lock);
  vmm_console_thread_free (console->thread);
}

void
vmm_console_free (VmmConsole *console)
{
  if (console == NULL)
    return;
  if (console->thread != NULL)
    stop_thread (console);
  else
    flush_log (console);
  for (guint i = 0; i < console->n_clients; i++)
    close (console->clients[i].fd);
  if (console->log_fd >= 0)
    close (console->log_fd);
  g_free (console->ring);
  g_cond_clear (&console->logged);
  g_mutex_clear (&console->lock);
  g_mutex_clear (&console->plug_lock);
  g_free (console);
}

/* ---- the machine's end --------------------------------------------------------------------------- */

void
vmm_console_take_thread (VmmConsole *console, VmmConsoleThread *thread)
{
  g_autoptr (VmmConsoleThread) spare = thread;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&console->lock);

  if (console->thread != NULL || spare == NULL)
    return;
  console->thread = g_steal_pointer (&spare);
  vmm_console_thread_assign (console->thread, serve, console);
}

void
vmm_console_plug (VmmConsole *console, VmmConsoleInputFunc input, gpointer user_data)
{
  g_mutex_lock (&console->plug_lock);
  console->input_func = input;
  console->input_data = user_data;
  g_mutex_unlock (&console->plug_lock);

  g_mutex_lock (&console->lock);
  if (input != NULL && console->input_length > 0)
    {
      /* typed while nothing was plugged in */
      console->tell_input = TRUE;
      wake (console);
    }
  g_mutex_unlock (&console->lock);
}

void
vmm_console_unplug (VmmConsole *console, gpointer user_data)
{
  g_mutex_lock (&console->plug_lock);
  if (console->input_data == user_data)
    {
      console->input_func = NULL;
      console->input_data = NULL;
    }
  g_mutex_unlock (&console->plug_lock);
}

void
vmm_console_write (VmmConsole *console, guint8 byte)
{
  g_mutex_lock (&console->lock);
  grow (console);
  console->ring[console->head++ % console->ring_size] = byte;
  tell_readers (console);
  g_mutex_unlock (&console->lock);
}

gboolean
vmm_console_read (VmmConsole *console, guint8 *byte)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&console->lock);

  if (console->input_length == 0)
    return FALSE;
  *byte = console->input[console->input_start];
  console->input_start = (console->input_start + 1) % CONSOLE_INPUT_SIZE;
  console->input_length--;
  if (console->input_length == CONSOLE_INPUT_LOW)
    wake (console);
  return TRUE;
}

void
vmm_console_drain (VmmConsole *console, guint timeout_ms)
{
  const gint64 end = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&console->lock);
  const guint64 target = console->head;

  while (console->log_fd >= 0 && console->log_position < target)
    if (!g_cond_wait_until (&console->logged, &console->lock, end))
      return;
}
