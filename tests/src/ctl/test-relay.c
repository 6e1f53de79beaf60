/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/relay.h"

#include "src/ctl/escape.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  int input;  /* what the person types goes in here */
  int output; /* what the person sees comes out here */
  int guest;
  OvmCtlRelay relay;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  int input[2], output[2], guest[2];

  g_assert_no_errno (pipe (input));
  g_assert_no_errno (pipe (output));
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM, 0, guest));
  f->input = input[1];
  f->output = output[0];
  f->guest = guest[0];
  f->relay = (OvmCtlRelay){
    .input_fd = input[0], .output_fd = output[1], .socket_fd = guest[1], .escape_key = OVM_CTL_ESCAPE_DEFAULT
  };
}

static void
close_if_open (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_if_open (&f->input);
  close_if_open (&f->output);
  close_if_open (&f->guest);
  close_if_open (&f->relay.input_fd);
  close_if_open (&f->relay.output_fd);
  close_if_open (&f->relay.socket_fd);
}

static void
put (int fd, const char *text)
{
  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize) strlen (text));
}

static void
assert_comes (int fd, const char *expected)
{
  char text[256];
  gssize length = read (fd, text, sizeof text - 1);

  g_assert_cmpint (length, >=, 0);
  text[length] = '\0';
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_ends (Fixture *f, OvmCtlRelayEnd expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ovm_ctl_relay_run (&f->relay, &error), ==, expected);
  g_assert_no_error (error);
}

static gpointer
type_escape_after_echo (gpointer user_data)
{
  Fixture *f = user_data;

  assert_comes (f->guest, "ls\n");
  put (f->input, "\x1dnot sent");
  return NULL;
}

static void
test_ends_at_the_escape_key (Fixture *f, gconstpointer data)
{
  GThread *typist = g_thread_new ("typist", type_escape_after_echo, f);

  put (f->input, "ls\n");
  assert_ends (f, OVM_CTL_RELAY_ESCAPED);
  g_thread_join (typist);

  close_if_open (&f->relay.socket_fd);
  assert_comes (f->guest, "");
}

static void
test_sends_the_key_where_there_is_none (Fixture *f, gconstpointer data)
{
  f->relay.escape_key = OVM_CTL_ESCAPE_NONE;
  put (f->input,
       "a\x1d"
       "b");
  close_if_open (&f->input);
  assert_ends (f, OVM_CTL_RELAY_INPUT_ENDED);
  assert_comes (f->guest,
                "a\x1d"
                "b");
}

static void
test_passes_output_on_before_the_guest_is_gone (Fixture *f, gconstpointer data)
{
  put (f->guest, "login: ");
  close_if_open (&f->guest);
  assert_ends (f, OVM_CTL_RELAY_GUEST_GONE);
  assert_comes (f->output, "login: ");
}

static gpointer
answer (gpointer user_data)
{
  Fixture *f = user_data;

  assert_comes (f->guest, "uptime\n");
  g_usleep (20000);
  put (f->guest, "1 day\n");
  return NULL;
}

static void
test_lingers_after_the_input (Fixture *f, gconstpointer data)
{
  GThread *guest = g_thread_new ("guest", answer, f);

  f->relay.linger_msec = 1000;
  put (f->input, "uptime\n");
  close_if_open (&f->input);
  assert_ends (f, OVM_CTL_RELAY_INPUT_ENDED);
  g_thread_join (guest);
  assert_comes (f->output, "1 day\n");
}

static gpointer
read_slowly (gpointer user_data)
{
  Fixture *f = user_data;
  char bytes[65536];
  gsize total = 0;
  gssize length;

  while ((length = read (f->guest, bytes, sizeof bytes)) > 0)
    total += (gsize) length;
  return GSIZE_TO_POINTER (total);
}

static gpointer
type_a_lot (gpointer user_data)
{
  Fixture *f = user_data;
  g_autofree char *text = g_strnfill (3 * 1024 * 1024, 'x');

  put (f->input, text);
  close_if_open (&f->input);
  return NULL;
}

static void
test_loses_nothing_of_a_script (Fixture *f, gconstpointer data)
{
  GThread *guest = g_thread_new ("guest", read_slowly, f);
  GThread *typist = g_thread_new ("typist", type_a_lot, f);

  f->relay.escape_key = OVM_CTL_ESCAPE_NONE;
  assert_ends (f, OVM_CTL_RELAY_INPUT_ENDED);
  g_thread_join (typist);
  close_if_open (&f->relay.socket_fd);
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (guest)), ==, 3 * 1024 * 1024);
}

static gpointer
type_a_lot_and_escape (gpointer user_data)
{
  Fixture *f = user_data;
  g_autofree char *text = g_strnfill (1024 * 1024, 'x');

  put (f->input, text);
  put (f->input, "\x1d");
  return NULL;
}

static void
test_sees_the_key_while_the_guest_does_not_read (Fixture *f, gconstpointer data)
{
  GThread *typist = g_thread_new ("typist", type_a_lot_and_escape, f);

  assert_ends (f, OVM_CTL_RELAY_ESCAPED);
  g_thread_join (typist);
}

static gpointer
send_signal (gpointer user_data)
{
  g_usleep (20000);
  kill (getpid (), GPOINTER_TO_INT (user_data));
  return NULL;
}

static void
test_ends_by_signal (Fixture *f, gconstpointer data)
{
  static const int signals[] = { SIGHUP, SIGINT, SIGTERM };

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      GThread *killer = g_thread_new ("killer", send_signal, GINT_TO_POINTER (signals[i]));

      assert_ends (f, OVM_CTL_RELAY_SIGNALLED);
      g_thread_join (killer);
    }
}

static void
test_says_when_output_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  signal (SIGPIPE, SIG_IGN);
  close_if_open (&f->output);
  put (f->guest, "x");
  g_assert_cmpint (ovm_ctl_relay_run (&f->relay, &error), ==, OVM_CTL_RELAY_FAILED);
  g_assert_nonnull (error);
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/src/ctl/relay/ends-at-the-escape-key", test_ends_at_the_escape_key);
  add ("/src/ctl/relay/sends-the-key-where-there-is-none", test_sends_the_key_where_there_is_none);
  add ("/src/ctl/relay/passes-output-on-before-the-guest-is-gone",
       test_passes_output_on_before_the_guest_is_gone);
  add ("/src/ctl/relay/lingers-after-the-input", test_lingers_after_the_input);
  add ("/src/ctl/relay/loses-nothing-of-a-script", test_loses_nothing_of_a_script);
  add ("/src/ctl/relay/sees-the-key-while-the-guest-does-not-read",
       test_sees_the_key_while_the_guest_does_not_read);
  add ("/src/ctl/relay/ends-by-signal", test_ends_by_signal);
  add ("/src/ctl/relay/says-when-output-fails", test_says_when_output_fails);
  return g_test_run ();
}
