/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/src/ctl/fixture.h"

#include <glib/gstdio.h>

#define SERVICE_NAME "org.openvmm.Manager"
#define WAIT_SECONDS 20

static const char *
get_program (const char *variable)
{
  const char *path = g_getenv (variable);

  if (path == NULL)
    g_error ("%s must be the path of a program; run the tests with “meson test”", variable);
  return path;
}

static gboolean
has_owner (GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (connection,
                                                            "org.freedesktop.DBus",
                                                            "/org/freedesktop/DBus",
                                                            "org.freedesktop.DBus",
                                                            "NameHasOwner",
                                                            g_variant_new ("(s)", SERVICE_NAME),
                                                            NULL,
                                                            G_DBUS_CALL_FLAGS_NONE,
                                                            -1,
                                                            NULL,
                                                            &error);
  gboolean owned = FALSE;

  g_assert_no_error (error);
  g_variant_get (reply, "(b)", &owned);
  return owned;
}

static void
wait_for_service (OvmCtlFixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection)
      connection = g_dbus_connection_new_for_address_sync (g_test_dbus_get_bus_address (f->bus),
                                                           G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                               G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                                           NULL,
                                                           NULL,
                                                           &error);
  gint64 deadline = g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC;

  g_assert_no_error (error);
  while (!has_owner (connection))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (2000);
    }
  g_dbus_connection_close_sync (connection, NULL, NULL);
}

void
ovm_ctl_fixture_set_up_bus (OvmCtlFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->bus);
  f->directory = g_dir_make_tmp ("openvmmctl-XXXXXX", &error);
  g_assert_no_error (error);
}

void
ovm_ctl_fixture_set_up (OvmCtlFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autofree char *state = NULL;
  g_autofree char *cache = NULL;

  ovm_ctl_fixture_set_up_bus (f, data);
  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE); /* takes the environment as it is now */
  state = ovm_ctl_fixture_path (f, "state");
  cache = ovm_ctl_fixture_path (f, "cache");
  g_subprocess_launcher_setenv (launcher, "CACHE_DIRECTORY", cache, TRUE);
  f->service = g_subprocess_launcher_spawn (
      launcher, &error, get_program ("OPENVMMD"), "--session", "--state-directory", state, NULL);
  g_assert_no_error (error);
  wait_for_service (f);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_tree (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
ovm_ctl_fixture_tear_down (OvmCtlFixture *f, gconstpointer data)
{
  if (f->service != NULL)
    {
      g_subprocess_send_signal (f->service, SIGTERM);
      g_assert_true (g_subprocess_wait (f->service, NULL, NULL));
      g_assert_true (g_subprocess_get_if_exited (f->service));
      g_assert_cmpint (g_subprocess_get_exit_status (f->service), ==, 0);
    }
  g_clear_object (&f->service);
  g_test_dbus_down (f->bus);
  g_clear_object (&f->bus);
  remove_tree (f->directory);
  g_clear_pointer (&f->directory, g_free);
  g_clear_pointer (&f->out, g_free);
  g_clear_pointer (&f->err, g_free);
}

int
ovm_ctl_fixture_main (int argc, char **argv, void (*add) (void))
{
  g_test_init (&argc, &argv, NULL);
  add ();
  return g_test_run ();
}

GSubprocessLauncher *
ovm_ctl_fixture_make_launcher (OvmCtlFixture *f, GSubprocessFlags flags)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (flags);

  g_subprocess_launcher_setenv (launcher, "OPENVMM_BUS", "session", TRUE);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_setenv (launcher, "LANGUAGE", f->language != NULL ? f->language : "en", TRUE);
  g_subprocess_launcher_setenv (launcher, "TZ", "UTC", TRUE);
  g_subprocess_launcher_set_cwd (launcher, f->directory);
  return launcher;
}

GSubprocess *
ovm_ctl_fixture_spawn (OvmCtlFixture *f, GSubprocessLauncher *launcher, const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *whole = g_strdup_printf ("%s %s", get_program ("OPENVMMCTL"), line);
  g_auto (GStrv) argv = NULL;
  GSubprocess *process;

  g_shell_parse_argv (whole, NULL, &argv, &error);
  g_assert_no_error (error);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv, &error);
  g_assert_no_error (error);
  return process;
}

int
ovm_ctl_fixture_run (OvmCtlFixture *f, const char *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher =
      ovm_ctl_fixture_make_launcher (f, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = ovm_ctl_fixture_spawn (f, launcher, line);

  g_clear_pointer (&f->out, g_free);
  g_clear_pointer (&f->err, g_free);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &f->out, &f->err, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  return g_subprocess_get_exit_status (process);
}

void
ovm_ctl_fixture_must (OvmCtlFixture *f, const char *line)
{
  int status = ovm_ctl_fixture_run (f, line);

  g_assert_cmpstr (f->err, ==, "");
  g_assert_cmpint (status, ==, 0);
}

void
ovm_ctl_fixture_fails (OvmCtlFixture *f, const char *line, int status, const char *message)
{
  int found = ovm_ctl_fixture_run (f, line);

  if (!g_str_has_prefix (f->err, message))
    g_assert_cmpstr (f->err, ==, message);
  g_assert_cmpint (found, ==, status);
  g_assert_cmpstr (f->out, ==, "");
}

void
ovm_ctl_fixture_create (OvmCtlFixture *f, const char *name, const char *options)
{
  g_autofree char *line = g_strdup_printf ("create %s --driver test --kernel vmlinuz --memory 16M %s",
                                           name,
                                           options);

  ovm_ctl_fixture_must (f, line);
}

void
ovm_ctl_fixture_assert_state (OvmCtlFixture *f, const char *name, const char *state)
{
  g_autofree char *line = g_strdup_printf ("show %s --json", name);
  g_autofree char *expected = g_strdup_printf ("\"State\":\"%s\"", state);

  ovm_ctl_fixture_must (f, line);
  ovm_ctl_assert_contains (f->out, expected);
}

char *
ovm_ctl_fixture_path (OvmCtlFixture *f, const char *name)
{
  return g_build_filename (f->directory, name, NULL);
}
