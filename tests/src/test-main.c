/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/src/bus.h"

static void
test_second_one_is_refused (Bus *bus, gconstpointer data)
{
  g_autoptr (GSubprocess) second = bus_spawn (bus, NULL);
  g_autofree char *complaint = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (second, NULL, NULL, NULL, &complaint, &error));
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (second));
  g_assert_cmpint (g_subprocess_get_exit_status (second), ==, 1);
  g_assert_nonnull (strstr (complaint, OVM_BUS_NAME));
  g_assert_nonnull (strstr (complaint, "another openvmmd"));
  bus_create (bus, "vm", NULL); /* the first is well */
}

static void
test_ends_with_vms (Bus *bus, gconstpointer data)
{
  g_autofree char *arguments = bus_with_path (bus, "s", "('", "', {'wait': <false>})");
  g_autofree char *directory = bus_path (bus, "s");

  bus_create (bus, "runs", NULL);
  bus_vm (bus, BUS_VM ("runs"), "Start", "(@a{sv} {},)");
  bus_create (bus, "saves", "'test-delay-ms': <uint32 1000>");
  bus_vm (bus, BUS_VM ("saves"), "Start", "(@a{sv} {},)");
  bus_vm (bus, BUS_VM ("saves"), "SaveSnapshot", arguments);
  bus_stop (bus->service);
  g_clear_object (&bus->service);
  g_assert_false (bus_has_service (bus->connection));
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
}

static void
test_ends_with_the_bus (Bus *bus, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_test_dbus_stop (bus->daemon);
  g_subprocess_wait (bus->service, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (bus->service));
  g_assert_cmpint (g_subprocess_get_exit_status (bus->service), ==, 1);
  g_clear_object (&bus->service);
}

/* the first call starts it, from a file as data/ installs it */
static void
test_is_activated (void)
{
  g_autofree char *directory = scratch_new (NULL);
  g_autofree char *file =
      g_strdup_printf ("[D-BUS Service]\nName=%s\nExec=%s --session --state-directory %s\n",
                       OVM_BUS_NAME,
                       g_getenv ("OPENVMMD"),
                       directory);
  Bus bus;

  scratch_write (directory, "org.openvmm.Manager.service", file, strlen (file));
  bus_up (&bus, directory);
  g_assert_false (bus_has_service (bus.connection));
  bus_create (&bus, "vm", NULL);
  g_assert_true (bus_has_service (bus.connection));
  bus_tear_down (&bus, NULL);
  scratch_free (g_steal_pointer (&directory));
}

static char *
run (const char *argument, const char *other, int status)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess)
      process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE,
                                  &error,
                                  g_getenv ("OPENVMMD"),
                                  argument,
                                  other,
                                  NULL);
  char *output = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error));
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
  return output;
}

static void
test_command_line (void)
{
  g_autofree char *version = run ("--version", NULL, 0);
  g_autofree char *help = run ("--help", NULL, 0);
  g_autofree char *nonsense = run ("--nonsense", NULL, 1);
  g_autofree char *word = run ("word", NULL, 1);
  g_autofree char *both = run ("--session", "--system", 1);

  g_assert_cmpstr (version, ==, "openvmmd " PACKAGE_VERSION "\n");
  g_assert_nonnull (strstr (help, "--session"));
  g_assert_nonnull (strstr (help, "busctl --user call"));
  g_assert_nonnull (strstr (nonsense, "--nonsense"));
  g_assert_nonnull (strstr (word, "word"));
  g_assert_nonnull (strstr (both, "choose one"));
}

static int
listen_for_notifications (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpuint (g_strlcpy (address.sun_path, path, sizeof address.sun_path), <, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static gboolean
hears (int fd, GString *heard, const char *word)
{
  char buffer[512];
  gssize length;

  while ((length = recv (fd, buffer, sizeof buffer, 0)) > 0)
    g_string_append_len (heard, buffer, length);
  return strstr (heard->str, word) != NULL;
}

static void
test_tells_systemd (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *directory = g_dir_make_tmp ("notify-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "socket", NULL);
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  int fd = listen_for_notifications (path);
  Bus bus;

  bus_up (&bus, NULL);
  g_subprocess_launcher_setenv (launcher, "NOTIFY_SOCKET", path, TRUE);
  g_subprocess_launcher_setenv (launcher, "WATCHDOG_USEC", "100000", TRUE);
  g_subprocess_launcher_setenv (launcher,
                                "DBUS_SESSION_BUS_ADDRESS",
                                g_test_dbus_get_bus_address (bus.daemon),
                                TRUE);
  bus.service = g_subprocess_launcher_spawn (
      launcher, &error, g_getenv ("OPENVMMD"), "--session", "--state-directory", bus.directory, NULL);
  g_assert_no_error (error);
  bus_wait_until (hears (fd, heard, "READY=1"));
  g_assert_true (bus_has_service (bus.connection));
  bus_wait_until (hears (fd, heard, "WATCHDOG=1"));
  g_assert_null (strstr (heard->str, "STOPPING=1"));
  bus_tear_down (&bus, NULL);
  g_assert_true (hears (fd, heard, "STOPPING=1"));
  g_assert_cmpint (close (fd), ==, 0);
  scratch_free (g_steal_pointer (&directory));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_test_add ("/src/main/second-one-is-refused", test_second_one_is_refused);
  bus_test_add ("/src/main/ends-with-vms", test_ends_with_vms);
  bus_test_add ("/src/main/ends-with-the-bus", test_ends_with_the_bus);
  g_test_add_func ("/src/main/is-activated", test_is_activated);
  g_test_add_func ("/src/main/command-line", test_command_line);
  g_test_add_func ("/src/main/tells-systemd", test_tells_systemd);
  return g_test_run ();
}
