/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/driver.h"

#include <sys/socket.h>

#include "tests/src/model.h"

static const OvmDriver *const driver = &ovm_driver_test;
static gboolean no_threads;

/* the linker puts these in the place of GLib's, of what this program is made of */
GThread *__real_g_thread_try_new (const char *name, GThreadFunc run, gpointer data, GError **error);
GThread *__wrap_g_thread_try_new (const char *name, GThreadFunc run, gpointer data, GError **error);

GThread *
__wrap_g_thread_try_new (const char *name, GThreadFunc run, gpointer data, GError **error)
{
  if (!no_threads)
    return __real_g_thread_try_new (name, run, data, error);
  g_set_error_literal (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN, "there are none");
  return NULL;
}

typedef struct
{
  GMutex lock;
  GCond cond;
  guint count;
  OvmDriverEvent last;
} Events;

static void
on_event (OvmDriverEvent event, const char *reason, gpointer user_data)
{
  Events *events = user_data;

  g_mutex_lock (&events->lock);
  events->count++;
  events->last = event;
  g_cond_broadcast (&events->cond);
  g_mutex_unlock (&events->lock);
}

static OvmDriverVm *
define (const char *options, Events *events, GError **error)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GVariant) dict = model_dict (options);

  config->name = g_strdup ("vm");
  config->memory_size = VMM_MEMORY_SIZE_MIN;
  return driver->define (config, NULL, dict, on_event, events, error);
}

static OvmDriverVm *
must_define (const char *options, Events *events)
{
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = define (options, events, &error);

  g_assert_no_error (error);
  return vm;
}

static void
start (OvmDriverVm *vm)
{
  OvmDriverTask task = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (driver->start (vm, FALSE, &task, &error));
  g_assert_no_error (error);
}

static void
test_is_always_there (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (driver->probe (&error));
  g_assert_no_error (error);
}

static void
test_refuses_options (void)
{
  static const char *const options[] = {
    "{'test-fail': <'save'>}",        "{'test-fail': <'save:Nonsense'>}", "{'test-guest': <'sleep:1'>}",
    "{'test-guest': <'crash:soon'>}", "{'test-guest': <'crash'>}",        "{'test-guest': <'crash:60001'>}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (define (options[i], NULL, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
    }
}

static void
test_fails_as_told (void)
{
  OvmDriverTask task = { 0 };
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = must_define ("{'test-fail': <'start:InvalidKernel'>}", NULL);

  g_assert_false (driver->start (vm, FALSE, &task, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_KERNEL);
  g_assert_cmpint (driver->get_state (vm, NULL), ==, OVM_STATE_STOPPED);
  driver->undefine (vm);
}

static void
note_progress (guint64 done_bytes, guint64 total_bytes, gpointer user_data)
{
  guint *steps = user_data;

  g_assert_cmpuint (done_bytes, <=, total_bytes);
  (*steps)++;
}

static void
test_takes_its_time (void)
{
  guint steps = 0;
  OvmDriverTask task = { .progress = note_progress, .progress_data = &steps };
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = must_define ("{'test-delay-ms': <uint32 60>}", NULL);
  gint64 begin_usec = g_get_monotonic_time ();

  g_assert_true (driver->start (vm, TRUE, &task, &error));
  g_assert_cmpint (g_get_monotonic_time () - begin_usec, >=, 60 * 1000);
  g_assert_cmpuint (steps, >, 1);
  g_assert_cmpint (driver->get_state (vm, NULL), ==, OVM_STATE_PAUSED);
  driver->undefine (vm);
}

static void
check_guest (const char *options, OvmDriverEvent event, OvmState state)
{
  Events events = { 0 };
  g_autofree char *reason = NULL;
  OvmDriverVm *vm = must_define (options, &events);

  start (vm);
  g_mutex_lock (&events.lock);
  while (events.count == 0)
    g_cond_wait (&events.cond, &events.lock);
  g_mutex_unlock (&events.lock);
  g_assert_cmpint (events.last, ==, event);
  g_assert_cmpint (driver->get_state (vm, &reason), ==, state);
  g_assert_nonnull (reason);
  driver->undefine (vm);
  g_assert_cmpuint (events.count, ==, 1);
}

static void
test_guest_acts (void)
{
  check_guest ("{'test-guest': <'power-off:10'>}", OVM_DRIVER_EVENT_POWER_OFF, OVM_STATE_STOPPED);
  check_guest ("{'test-guest': <'reboot:10'>}", OVM_DRIVER_EVENT_REBOOT, OVM_STATE_RUNNING);
  check_guest ("{'test-guest': <'crash:0'>}", OVM_DRIVER_EVENT_CRASH, OVM_STATE_CRASHED);
}

/* the guest of a VM that was stopped or paused keeps still */
static void
test_stopped_guest_does_not_act (void)
{
  Events events = { 0 };
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = must_define ("{'test-guest': <'crash:30'>}", &events);

  start (vm);
  g_assert_true (driver->stop (vm, &error));
  start (vm);
  g_assert_true (driver->pause (vm, &error));
  g_usleep (60 * 1000);
  g_assert_cmpint (driver->get_state (vm, NULL), ==, OVM_STATE_PAUSED);
  driver->undefine (vm);
  g_assert_cmpuint (events.count, ==, 0);
}

static void
test_shutdown_is_for_the_guest_to_do (void)
{
  Events events = { 0 };
  g_autoptr (GError) error = NULL;
  OvmDriverVm *polite = must_define ("{}", &events);
  OvmDriverVm *deaf = must_define ("{'test-deaf': <true>}", &events);

  start (polite);
  start (deaf);
  g_assert_true (driver->shutdown (polite, &error));
  g_assert_true (driver->shutdown (deaf, &error));
  g_assert_cmpint (driver->get_state (polite, NULL), ==, OVM_STATE_STOPPED);
  g_assert_cmpint (driver->get_state (deaf, NULL), ==, OVM_STATE_RUNNING);
  g_assert_cmpuint (events.count, ==, 1);
  driver->undefine (polite);
  driver->undefine (deaf);
}

static void
read_all (int fd, char *buffer, gsize length)
{
  for (gsize done = 0; done < length;)
    {
      gssize got = recv (fd, buffer + done, length - done, 0);

      g_assert_cmpint (got, >, 0);
      done += (gsize) got;
    }
}

static void
test_console_echoes (void)
{
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = must_define ("{}", NULL);
  char buffer[32] = { 0 };
  int fd = driver->open_console (vm, &error);

  g_assert_no_error (error);
  read_all (fd, buffer, strlen ("test console\r\n"));
  g_assert_cmpstr (buffer, ==, "test console\r\n");
  g_assert_cmpint (send (fd, "abc", 3, MSG_NOSIGNAL), ==, 3);
  read_all (fd, buffer, 3);
  g_assert_cmpmem (buffer, 3, "abc", 3);
  g_assert_cmpint (close (fd), ==, 0);
  driver->undefine (vm);
}

/* be it that it reads nothing, and its echo is stuck */
static void
test_consoles_end_with_the_vm (void)
{
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = must_define ("{}", NULL);
  int fd = driver->open_console (vm, &error);
  char buffer[4096] = { 0 };
  gssize length;

  g_assert_no_error (error);
  while (send (fd, buffer, sizeof buffer, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
    ;
  driver->undefine (vm);
  do
    length = recv (fd, buffer, sizeof buffer, 0);
  while (length > 0);
  g_assert_cmpint (length, <=, 0);
  g_assert_cmpint (close (fd), ==, 0);
}

static void
test_limits_consoles (void)
{
  g_autoptr (GError) error = NULL;
  OvmDriverVm *vm = must_define ("{}", NULL);
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  int fd;

  while ((fd = driver->open_console (vm, &error)) >= 0)
    g_array_append_val (fds, fd);
  g_assert_error (error, VMM_ERROR, VMM_ERROR_LIMIT_EXCEEDED);
  g_assert_cmpuint (fds->len, ==, 16);
  for (guint i = 0; i < fds->len; i++)
    g_assert_cmpint (close (g_array_index (fds, int, i)), ==, 0);
  driver->undefine (vm);
}

static void
test_no_thread_is_an_error (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) console_error = NULL;
  OvmDriverTask task = { 0 };
  OvmDriverVm *vm = must_define ("{'test-guest': <'crash:0'>}", NULL);

  no_threads = TRUE;
  g_assert_false (driver->start (vm, FALSE, &task, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_cmpint (driver->get_state (vm, NULL), ==, OVM_STATE_STOPPED);
  g_assert_cmpint (driver->open_console (vm, &console_error), ==, -1);
  g_assert_error (console_error, VMM_ERROR, VMM_ERROR_HOST);
  no_threads = FALSE;
  driver->undefine (vm);
}

static void
test_refuses_a_fifo_as_log (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GVariant) options = model_dict ("{}");
  g_autoptr (GError) error = NULL;
  char *directory = scratch_new (NULL);
  g_autofree char *log = g_build_filename (directory, "log", NULL);
  VMM_AUTO_FD int reader = -1;

  g_assert_no_errno (mkfifo (log, 0600));
  g_assert_null (driver->define (config, log, options, on_event, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
  g_clear_error (&error);
  reader = open (log, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  g_assert_null (driver->define (config, log, options, on_event, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_CONFIG);
  g_assert_nonnull (strstr (error->message, "regular"));
  scratch_free (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/driver-test/is-always-there", test_is_always_there);
  g_test_add_func ("/src/driver-test/refuses-options", test_refuses_options);
  g_test_add_func ("/src/driver-test/fails-as-told", test_fails_as_told);
  g_test_add_func ("/src/driver-test/takes-its-time", test_takes_its_time);
  g_test_add_func ("/src/driver-test/guest-acts", test_guest_acts);
  g_test_add_func ("/src/driver-test/stopped-guest-does-not-act", test_stopped_guest_does_not_act);
  g_test_add_func ("/src/driver-test/shutdown-is-for-the-guest-to-do", test_shutdown_is_for_the_guest_to_do);
  g_test_add_func ("/src/driver-test/console-echoes", test_console_echoes);
  g_test_add_func ("/src/driver-test/consoles-end-with-the-vm", test_consoles_end_with_the_vm);
  g_test_add_func ("/src/driver-test/limits-consoles", test_limits_consoles);
  g_test_add_func ("/src/driver-test/no-thread-is-an-error", test_no_thread_is_an_error);
  g_test_add_func ("/src/driver-test/refuses-a-fifo-as-log", test_refuses_a_fifo_as_log);
  return g_test_run ();
}
