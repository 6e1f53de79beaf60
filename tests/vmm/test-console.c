/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "vmm/fd.h"

#define PATIENCE_MS 20000 /* for what has to come */
#define QUIET_MS 200      /* for what must not come */

static VmmConsole *
new_console (const char *log_file)
{
  g_autoptr (GError) error = NULL;
  VmmConsole *console = vmm_console_new (log_file, &error);

  g_assert_no_error (error);
  g_assert_nonnull (console);
  return console;
}

static int
open_client (VmmConsole *console)
{
  g_autoptr (GError) error = NULL;
  int fd = vmm_console_open (console, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
write_string (VmmConsole *console, const char *text)
{
  for (; *text != '\0'; text++)
    vmm_console_write (console, *text);
}

static void
write_pattern (VmmConsole *console, guint length)
{
  for (guint i = 0; i < length; i++)
    vmm_console_write (console, i % 251);
}

/* Reads until @length bytes are there, or none came for too long. */
static GByteArray *
receive (int fd, gsize length)
{
  GByteArray *bytes = g_byte_array_new ();
  struct pollfd pollfd = { .fd = fd, .events = POLLIN };
  guint8 chunk[4096];

  while (bytes->len < length && poll (&pollfd, 1, PATIENCE_MS) > 0)
    {
      gssize n = read (fd, chunk, MIN (sizeof chunk, length - bytes->len));

      if (n <= 0)
        break;
      g_byte_array_append (bytes, chunk, n);
    }
  return bytes;
}

static void
assert_receives (int fd, const char *text)
{
  g_autoptr (GByteArray) bytes = receive (fd, strlen (text));

  g_assert_cmpmem (bytes->data, bytes->len, text, strlen (text));
}

/* ---- output --------------------------------------------------------------------------------- */

static void
test_sends_output_to_every_client (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int first = open_client (console);
  VMM_AUTO_FD int second = open_client (console);

  write_string (console, "hello");
  assert_receives (first, "hello");
  assert_receives (second, "hello");
}

static void
test_sends_history_to_new_client (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = -1;

  write_string (console, "before ");
  client = open_client (console);
  write_string (console, "after");
  assert_receives (client, "before after");
}

static void
test_limits_history (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  g_autoptr (GByteArray) bytes = NULL;
  VMM_AUTO_FD int client = -1;

  write_pattern (console, 700001);
  client = open_client (console);
  bytes = receive (client, 65536);
  g_assert_cmpuint (bytes->len, ==, 65536);
  for (guint i = 0; i < bytes->len; i++)
    g_assert_cmpuint (bytes->data[i], ==, (700001 - 65536 + i) % 251);
}

static void
test_slow_client_loses_oldest (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint length = 4 * 1024 * 1024;

  write_pattern (console, length);
  vmm_console_write (console, 255);
  do
    {
      g_autoptr (GByteArray) more = receive (client, 1);

      g_assert_cmpuint (more->len, ==, 1);
      g_byte_array_append (bytes, more->data, 1);
    }
  while (bytes->data[bytes->len - 1] != 255);
  g_assert_cmpuint (bytes->len, >, 65536);
  g_assert_cmpuint (bytes->len, <, length);
  for (guint i = 1; i <= 65536; i++)
    g_assert_cmpuint (bytes->data[bytes->len - 1 - i], ==, (length - i) % 251);
}

static void
test_client_that_went_makes_room (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  g_autoptr (GError) error = NULL;
  const gint64 end = g_get_monotonic_time () + PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  int fds[16];

  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = open_client (console);
  g_assert_cmpint (vmm_console_open (console, &error), ==, -1);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_LIMIT_EXCEEDED);

  /* the one in the middle, so that the others have to move up */
  close (fds[7]);
  do
    {
      g_clear_error (&error);
      g_usleep (1000);
      fds[7] = vmm_console_open (console, &error);
    }
  while (fds[7] < 0 && g_get_monotonic_time () < end);
  g_assert_no_error (error);

  write_string (console, "still here");
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      assert_receives (fds[i], "still here");
      close (fds[i]);
    }
}

static void
test_half_closed_client_gets_output (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);

  g_assert_cmpint (shutdown (client, SHUT_WR), ==, 0);
  for (guint i = 0; i < 5; i++)
    {
      g_usleep (5000);
      write_string (console, "tick");
      assert_receives (client, "tick");
    }
}

static void
test_free_closes_clients (void)
{
  VmmConsole *console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);
  char byte;

  vmm_console_free (console);
  g_assert_cmpint (read (client, &byte, 1), ==, 0);
}

/* ---- input ---------------------------------------------------------------------------------- */

typedef struct
{
  GMutex lock;
  GCond cond;
  guint calls;
} Listener;

static void
listen_to (gpointer data)
{
  Listener *listener = data;

  g_mutex_lock (&listener->lock);
  listener->calls++;
  g_cond_signal (&listener->cond);
  g_mutex_unlock (&listener->lock);
}

static void
wait_for_call (Listener *listener)
{
  const gint64 end = g_get_monotonic_time () + PATIENCE_MS * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&listener->lock);
  while (listener->calls == 0)
    g_assert_true (g_cond_wait_until (&listener->cond, &listener->lock, end));
  g_mutex_unlock (&listener->lock);
}

static guint8
read_byte (VmmConsole *console)
{
  const gint64 end = g_get_monotonic_time () + PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  guint8 byte;

  while (!vmm_console_read (console, &byte))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_usleep (100);
    }
  return byte;
}

static void
test_tells_of_input (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);
  Listener listener = { 0 };
  guint8 byte;

  g_assert_false (vmm_console_read (console, &byte));
  vmm_console_plug (console, listen_to, &listener);
  g_assert_cmpint (write (client, "ab", 2), ==, 2);
  wait_for_call (&listener);
  g_assert_cmpint (read_byte (console), ==, 'a');
  g_assert_cmpint (read_byte (console), ==, 'b');
  g_assert_false (vmm_console_read (console, &byte));
  vmm_console_plug (console, NULL, NULL);
}

static void
test_tells_late_comer (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);
  Listener first = { 0 };
  Listener second = { 0 };

  vmm_console_plug (console, listen_to, &first);
  g_assert_cmpint (write (client, "x", 1), ==, 1);
  wait_for_call (&first);
  vmm_console_plug (console, NULL, NULL);
  vmm_console_plug (console, listen_to, &second);
  wait_for_call (&second);
  g_assert_cmpint (read_byte (console), ==, 'x');
  vmm_console_plug (console, NULL, NULL);
}

static void
test_unplugged_is_not_called (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);

  for (guint i = 0; i < 200; i++)
    {
      Listener *listener = g_new0 (Listener, 1);

      vmm_console_plug (console, listen_to, listener);
      g_assert_cmpint (write (client, "x", 1), ==, 1);
      if (i % 4 == 0)
        g_usleep (100);
      vmm_console_plug (console, NULL, NULL);
      /* a call that came now would be to memory that is gone */
      g_mutex_lock (&listener->lock);
      listener->calls = 0;
      g_mutex_unlock (&listener->lock);
      memset (listener, 0xff, sizeof *listener);
      g_free (listener);
    }
  for (guint i = 0; i < 200; i++)
    g_assert_cmpint (read_byte (console), ==, 'x');
}

static void
test_unplugs_only_its_own (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);
  Listener first = { 0 };
  Listener second = { 0 };

  vmm_console_plug (console, listen_to, &first);
  vmm_console_plug (console, listen_to, &second);
  vmm_console_unplug (console, &first);
  g_assert_cmpint (write (client, "x", 1), ==, 1);
  wait_for_call (&second);
  vmm_console_unplug (console, &second);
  second.calls = 0;
  g_assert_cmpint (write (client, "y", 1), ==, 1);
  g_assert_cmpint (read_byte (console), ==, 'x');
  g_assert_cmpint (read_byte (console), ==, 'y');
  g_assert_cmpuint (first.calls, ==, 0);
  g_assert_cmpuint (second.calls, ==, 0);
}

/* Writes the pattern until the other end takes no more. */
static guint
write_until_full (int fd, guint position)
{
  for (;;)
    {
      struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
      guint8 chunk[1000];
      gssize n;

      if (poll (&pollfd, 1, QUIET_MS) <= 0)
        return position;
      for (guint i = 0; i < sizeof chunk; i++)
        chunk[i] = (position + i) % 251;
      n = send (fd, chunk, sizeof chunk, MSG_DONTWAIT);
      if (n < 0)
        {
          g_assert_cmpint (errno, ==, EAGAIN);
          return position;
        }
      position += n;
      g_assert_cmpuint (position, <, 16 * 1024 * 1024);
    }
}

static void
test_holds_input_back (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  VMM_AUTO_FD int client = open_client (console);
  guint length;

  length = write_until_full (client, 0);
  for (guint i = 0; i < length; i++)
    g_assert_cmpuint (read_byte (console), ==, i % 251);
  g_assert_cmpuint (write_until_full (client, length), >, length);
}

static void
test_keeps_last_words (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  int client = open_client (console);
  guint length;

  length = write_until_full (client, 0);
  close (client);
  write_string (console, "nobody hears this");
  for (guint i = 0; i < length; i++)
    g_assert_cmpuint (read_byte (console), ==, i % 251);
}

/* ---- the log -------------------------------------------------------------------------------- */

typedef struct
{
  char *directory;
  char *path;
} LogFixture;

static void
set_up_log (LogFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("console-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->directory, "log", NULL);
}

static void
tear_down_log (LogFixture *fixture, gconstpointer data)
{
  g_remove (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->path);
  g_free (fixture->directory);
}

static void
assert_log (LogFixture *fixture, const char *expected)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (fixture->path, &contents, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (contents, ==, expected);
}

static void
test_makes_log (LogFixture *fixture, gconstpointer data)
{
  g_autoptr (VmmConsole) console = new_console (fixture->path);
  struct stat st;

  g_assert_cmpint (stat (fixture->path, &st), ==, 0);
  g_assert_cmpint (st.st_mode, ==, S_IFREG | 0600);
  write_string (console, "one\n");
  vmm_console_drain (console, PATIENCE_MS);
  assert_log (fixture, "one\n");
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* a clone that says nothing costs no thread */
static void
test_log_waits_for_the_first_byte (LogFixture *fixture, gconstpointer data)
{
  guint before = count_threads ();
  g_autoptr (VmmConsole) console = new_console (fixture->path);

  g_assert_cmpuint (count_threads (), ==, before);
  vmm_console_drain (console, PATIENCE_MS);
  write_string (console, "x");
  vmm_console_drain (console, PATIENCE_MS);
  assert_log (fixture, "x");
  g_assert_cmpuint (count_threads (), ==, before + 1);
}

/* a thread that was there before is enough, also for those who come later; a second one is not kept */
static void
test_uses_the_thread_it_was_given (LogFixture *fixture, gconstpointer data)
{
  g_autoptr (VmmConsole) console = new_console (fixture->path);
  guint before = count_threads ();
  VMM_AUTO_FD int client = -1;

  vmm_console_take_thread (console, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      VmmConsoleThread *thread = vmm_console_thread_new (&error);

      g_assert_no_error (error);
      vmm_console_take_thread (console, thread);
      g_assert_cmpuint (count_threads (), ==, before + 1);
    }
  write_string (console, "x");
  vmm_console_drain (console, PATIENCE_MS);
  assert_log (fixture, "x");
  client = open_client (console);
  assert_receives (client, "x");
  g_assert_cmpuint (count_threads (), ==, before + 1);
}

static void
test_appends_to_log (LogFixture *fixture, gconstpointer data)
{
  VmmConsole *console;

  g_assert_true (g_file_set_contents (fixture->path, "old ", -1, NULL));
  console = new_console (fixture->path);
  write_string (console, "new");
  vmm_console_free (console);
  assert_log (fixture, "old new");
}

static void
test_logs_everything_while_clients_sleep (LogFixture *fixture, gconstpointer data)
{
  g_autoptr (VmmConsole) console = new_console (fixture->path);
  VMM_AUTO_FD int client = open_client (console);
  g_autoptr (GMappedFile) file = NULL;
  const guint length = 2 * 1024 * 1024;

  g_assert_cmpint (client, >=, 0);
  for (guint i = 0; i < length; i++)
    {
      vmm_console_write (console, i % 251);
      if (i % 65536 == 0)
        vmm_console_drain (console, PATIENCE_MS);
    }
  vmm_console_drain (console, PATIENCE_MS);
  file = g_mapped_file_new (fixture->path, FALSE, NULL);
  g_assert_cmpuint (g_mapped_file_get_length (file), ==, length);
  for (guint i = 0; i < length; i++)
    g_assert_cmpuint ((guint8) g_mapped_file_get_contents (file)[i], ==, i % 251);
}

static void
assert_log_refused (const char *path, const char *word)
{
  g_autoptr (GError) error = NULL;
  VmmConsole *console = vmm_console_new (path, &error);

  g_assert_null (console);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, word));
}

static void
test_refuses_what_is_no_file (LogFixture *fixture, gconstpointer data)
{
  g_autofree char *below = g_build_filename (fixture->path, "log", NULL);
  VMM_AUTO_FD int reader = -1;

  assert_log_refused (below, g_strerror (ENOENT));
  assert_log_refused (fixture->directory, g_strerror (EISDIR));
  assert_log_refused ("/dev/null", "not a regular file");
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_log_refused (fixture->path, g_strerror (ENXIO));
  reader = open (fixture->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  assert_log_refused (fixture->path, "not a regular file");
}

static void
test_full_disk_drops_output (LogFixture *fixture, gconstpointer data)
{
  g_autoptr (VmmConsole) console = new_console (fixture->path);
  VMM_AUTO_FD int client = open_client (console);
  struct rlimit before;
  struct rlimit full;
  struct stat st;

  /* a limit on sizes of files fails a write just as a full disk does */
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  full = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &full), ==, 0);
  write_string (console, "abcdef");
  vmm_console_drain (console, PATIENCE_MS);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);

  assert_receives (client, "abcdef");
  g_assert_cmpint (stat (fixture->path, &st), ==, 0);
  g_assert_cmpint (st.st_size, <=, 3);
  write_string (console, "there is room again");
  vmm_console_drain (console, PATIENCE_MS);
  assert_receives (client, "there is room again");
  g_assert_cmpint (stat (fixture->path, &st), ==, 0);
  g_assert_cmpint (st.st_size, >=, (int) strlen ("there is room again"));
}

static void
test_drain_without_log_returns (void)
{
  g_autoptr (VmmConsole) console = new_console (NULL);
  const gint64 start = g_get_monotonic_time ();

  write_string (console, "x");
  vmm_console_drain (console, PATIENCE_MS);
  g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE_MS * G_TIME_SPAN_MILLISECOND / 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/console/sends-output-to-every-client", test_sends_output_to_every_client);
  g_test_add_func ("/vmm/console/sends-history-to-new-client", test_sends_history_to_new_client);
  g_test_add_func ("/vmm/console/limits-history", test_limits_history);
  g_test_add_func ("/vmm/console/slow-client-loses-oldest", test_slow_client_loses_oldest);
  g_test_add_func ("/vmm/console/client-that-went-makes-room", test_client_that_went_makes_room);
  g_test_add_func ("/vmm/console/half-closed-client-gets-output", test_half_closed_client_gets_output);
  g_test_add_func ("/vmm/console/free-closes-clients", test_free_closes_clients);
  g_test_add_func ("/vmm/console/tells-of-input", test_tells_of_input);
  g_test_add_func ("/vmm/console/tells-late-comer", test_tells_late_comer);
  g_test_add_func ("/vmm/console/unplugged-is-not-called", test_unplugged_is_not_called);
  g_test_add_func ("/vmm/console/unplugs-only-its-own", test_unplugs_only_its_own);
  g_test_add_func ("/vmm/console/holds-input-back", test_holds_input_back);
  g_test_add_func ("/vmm/console/keeps-last-words", test_keeps_last_words);
  g_test_add ("/vmm/console/makes-log", LogFixture, NULL, set_up_log, test_makes_log, tear_down_log);
  g_test_add ("/vmm/console/log-waits-for-the-first-byte",
              LogFixture,
              NULL,
              set_up_log,
              test_log_waits_for_the_first_byte,
              tear_down_log);
  g_test_add ("/vmm/console/uses-the-thread-it-was-given",
              LogFixture,
              NULL,
              set_up_log,
              test_uses_the_thread_it_was_given,
              tear_down_log);
  g_test_add ("/vmm/console/appends-to-log", LogFixture, NULL, set_up_log, test_appends_to_log, tear_down_log);
  g_test_add ("/vmm/console/logs-everything-while-clients-sleep",
              LogFixture,
              NULL,
              set_up_log,
              test_logs_everything_while_clients_sleep,
              tear_down_log);
  g_test_add ("/vmm/console/refuses-what-is-no-file",
              LogFixture,
              NULL,
              set_up_log,
              test_refuses_what_is_no_file,
              tear_down_log);
  g_test_add ("/vmm/console/full-disk-drops-output",
              LogFixture,
              NULL,
              set_up_log,
              test_full_disk_drops_output,
              tear_down_log);
  g_test_add_func ("/vmm/console/drain-without-log-returns", test_drain_without_log_returns);
  return g_test_run ();
}
