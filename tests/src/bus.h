/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bus.h: openvmmd on a bus of its own, for tests */

#pragma once

#include <gio/gunixfdlist.h>
#include <signal.h>
#include <sys/prctl.h>

#include "src/error.h"
#include "src/name.h"
#include "tests/vmm/scratch.h"

#define BUS_PATIENCE_SEC 30
#define BUS_VM(name) OVM_ROOT_PATH "/vm/" name
#define BUS_TEST_CONFIG "'driver': <'test'>, 'memory-size': <uint64 16777216>"

typedef struct
{
  GTestDBus *daemon;
  GDBusConnection *connection;
  GSubprocess *service;
  char *directory;
  guint subscription;
  GPtrArray *signals; /* texts: "MEMBER PATH ARGUMENTS" */
} Bus;

static inline gboolean
bus_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

#define bus_wait_until(condition)                                                                            \
  do                                                                                                         \
    {                                                                                                        \
      gint64 deadline_ = g_get_monotonic_time () + BUS_PATIENCE_SEC * G_USEC_PER_SEC;                        \
      guint tick_ = g_timeout_add (5, bus_tick, NULL);                                                       \
      while (!(condition) && g_get_monotonic_time () < deadline_)                                            \
        g_main_context_iteration (NULL, TRUE);                                                               \
      g_source_remove (tick_);                                                                               \
      g_assert_true (condition);                                                                             \
    }                                                                                                        \
  while (0)

static inline void
bus_on_signal (GDBusConnection *connection,
               const char *sender,
               const char *path,
               const char *interface,
               const char *member,
               GVariant *parameters,
               gpointer user_data)
{
  Bus *bus = user_data;
  g_autofree char *arguments = g_variant_print (parameters, FALSE);

  g_ptr_array_add (bus->signals, g_strdup_printf ("%s %s %s", member, path, arguments));
}

/** bus_connect: (transfer full): one more client. */
static inline GDBusConnection *
bus_connect (Bus *bus)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection =
      g_dbus_connection_new_for_address_sync (g_test_dbus_get_bus_address (bus->daemon),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL,
                                              NULL,
                                              &error);

  g_assert_no_error (error);
  return connection;
}

/** bus_call_on: (transfer full): @arguments in GVariant's text format, a tuple; NULL for none. */
static inline GVariant *
bus_call_on (GDBusConnection *connection,
             const char *path,
             const char *interface,
             const char *method,
             const char *arguments,
             GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (GVariant) parameters = NULL;

  if (arguments != NULL)
    parameters = g_variant_ref_sink (g_variant_parse (NULL, arguments, NULL, NULL, &parse_error));
  g_assert_no_error (parse_error);
  return g_dbus_connection_call_sync (connection,
                                      OVM_BUS_NAME,
                                      path,
                                      interface,
                                      method,
                                      parameters,
                                      NULL,
                                      G_DBUS_CALL_FLAGS_NONE,
                                      G_MAXINT,
                                      NULL,
                                      error);
}

/** bus_try: the same on @bus, of one of our interfaces. */
static inline GVariant *
bus_try (Bus *bus,
         const char *path,
         const char *interface,
         const char *method,
         const char *arguments,
         GError **error)
{
  g_autofree char *whole = g_strconcat ("org.openvmm.", interface, NULL);

  return bus_call_on (bus->connection, path, whole, method, arguments, error);
}

/** bus_call: (transfer full): what must not fail, printed without types. */
static inline char *
bus_call (Bus *bus, const char *path, const char *interface, const char *method, const char *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_try (bus, path, interface, method, arguments, &error);

  g_assert_no_error (error);
  return g_variant_print (reply, FALSE);
}

static inline void
bus_do (Bus *bus, const char *path, const char *interface, const char *method, const char *arguments)
{
  g_free (bus_call (bus, path, interface, method, arguments));
}

static inline void
bus_vm (Bus *bus, const char *path, const char *method, const char *arguments)
{
  bus_do (bus, path, "VM", method, arguments);
}

#define bus_assert_fails(bus, path, interface, method, arguments, code)                                      \
  do                                                                                                         \
    {                                                                                                        \
      g_autoptr (GError) error_ = NULL;                                                                      \
      g_autoptr (GVariant) reply_ = bus_try (bus, path, interface, method, arguments, &error_);              \
      g_assert_null (reply_);                                                                                \
      g_assert_error (error_, OVM_ERROR, (int) (code));                                                      \
    }                                                                                                        \
  while (0)

/** bus_get: (transfer full): a property, printed without its type; NULL if it is not there. */
static inline char *
bus_get (Bus *bus, const char *path, const char *interface, const char *property)
{
  g_autofree char *arguments = g_strdup_printf ("('org.openvmm.%s', '%s')", interface, property);
  g_autoptr (GVariant)
      reply = bus_call_on (bus->connection, path, "org.freedesktop.DBus.Properties", "Get", arguments, NULL);
  g_autoptr (GVariant) value = NULL;

  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(v)", &value);
  return g_variant_print (value, FALSE);
}

#define bus_assert_property(bus, path, interface, property, expected)                                        \
  do                                                                                                         \
    {                                                                                                        \
      g_autofree char *value_ = bus_get (bus, path, interface, property);                                    \
      g_assert_cmpstr (value_, ==, expected);                                                                \
    }                                                                                                        \
  while (0)

/** bus_create: a VM of the test driver, with @more (nullable) in its configuration. */
static inline void
bus_create (Bus *bus, const char *name, const char *more)
{
  g_autofree char *arguments = g_strdup_printf ("('%s', {" BUS_TEST_CONFIG "%s%s})",
                                                name,
                                                more != NULL ? ", " : "",
                                                more != NULL ? more : "");

  bus_do (bus, OVM_MANAGER_PATH, "Manager", "CreateVM", arguments);
}

/** bus_path: (transfer full): of @name in the directory of the test. */
static inline char *
bus_path (Bus *bus, const char *name)
{
  return g_build_filename (bus->directory, name, NULL);
}

/** bus_with_path: (transfer full): @format with the path of @name in it. */
static inline char *
bus_with_path (Bus *bus, const char *name, const char *before, const char *after)
{
  g_autofree char *path = bus_path (bus, name);

  return g_strconcat (before, path, after, NULL);
}

/** bus_save: (transfer full): object path of a snapshot of the VM at @vm. */
static inline char *
bus_save (Bus *bus, const char *vm, const char *name)
{
  g_autofree char *arguments = bus_with_path (bus, name, "('", "', @a{sv} {})");
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_try (bus, vm, "VM", "SaveSnapshot", arguments, &error);
  char *snapshot = NULL;

  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &snapshot);
  return snapshot;
}

/** bus_find_signal: (nullable): the first signal whose text has @words in it. */
static inline const char *
bus_find_signal (Bus *bus, const char *words)
{
  for (guint i = 0; i < bus->signals->len; i++)
    if (strstr (bus->signals->pdata[i], words) != NULL)
      return bus->signals->pdata[i];
  return NULL;
}

/** bus_join_signals: (transfer full): arguments of the signals named @member that came so far, a line each. */
static inline char *
bus_join_signals (Bus *bus, const char *member)
{
  g_autofree char *prefix = g_strconcat (member, " ", NULL);
  GString *joined = g_string_new (NULL);

  while (g_main_context_iteration (NULL, FALSE))
    ;
  for (guint i = 0; i < bus->signals->len; i++)
    if (g_str_has_prefix (bus->signals->pdata[i], prefix))
      {
        g_auto (GStrv) words = g_strsplit (bus->signals->pdata[i], " ", 3);

        g_string_append_printf (joined, "%s\n", words[2]);
      }
  return g_string_free (joined, FALSE);
}

static inline gboolean
bus_has_service (GDBusConnection *connection)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (connection,
                                                            "org.freedesktop.DBus",
                                                            "/org/freedesktop/DBus",
                                                            "org.freedesktop.DBus",
                                                            "NameHasOwner",
                                                            g_variant_new ("(s)", OVM_BUS_NAME),
                                                            NULL,
                                                            G_DBUS_CALL_FLAGS_NONE,
                                                            -1,
                                                            NULL,
                                                            NULL);
  gboolean has = FALSE;

  g_assert_nonnull (reply);
  g_variant_get (reply, "(b)", &has);
  return has;
}

/* so that a test that crashes leaves nothing behind that holds its output open */
static inline void
bus_die_with_parent (gpointer user_data)
{
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/** bus_spawn: (transfer full): openvmmd with one more option, on this bus. */
static inline GSubprocess *
bus_spawn (Bus *bus, const char *option)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_subprocess_launcher_setenv (launcher,
                                "DBUS_SESSION_BUS_ADDRESS",
                                g_test_dbus_get_bus_address (bus->daemon),
                                TRUE);
  g_subprocess_launcher_setenv (launcher, "CACHE_DIRECTORY", bus->directory, TRUE);
  process = g_subprocess_launcher_spawn (launcher,
                                         &error,
                                         g_getenv ("OPENVMMD"),
                                         "--session",
                                         "--state-directory",
                                         bus->directory,
                                         option,
                                         NULL);
  g_assert_no_error (error);
  return process;
}

/** bus_up: a bus without the service; @service_directory (nullable) has activation files. */
static inline void
bus_up (Bus *bus, const char *service_directory)
{
  memset (bus, 0, sizeof *bus);
  bus->directory = scratch_new (NULL);
  bus->signals = g_ptr_array_new_with_free_func (g_free);
  bus->daemon = g_test_dbus_new (G_TEST_DBUS_NONE);
  if (service_directory != NULL)
    g_test_dbus_add_service_dir (bus->daemon, service_directory);
  g_test_dbus_up (bus->daemon);
  bus->connection = bus_connect (bus);
  (void) ovm_error_quark (); /* so that GDBus knows our names */
  bus->subscription = g_dbus_connection_signal_subscribe (bus->connection,
                                                          OVM_BUS_NAME,
                                                          NULL,
                                                          NULL,
                                                          NULL,
                                                          NULL,
                                                          G_DBUS_SIGNAL_FLAGS_NONE,
                                                          bus_on_signal,
                                                          bus,
                                                          NULL);
}

/** bus_down: @process (nullable) must end well when told to. */
static inline void
bus_stop (GSubprocess *process)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_send_signal (process, SIGTERM);
  g_subprocess_wait (process, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
}

static inline void
bus_set_up (Bus *bus, gconstpointer data)
{
  bus_up (bus, NULL);
  bus->service = bus_spawn (bus, NULL);
  bus_wait_until (bus_has_service (bus->connection));
}

static inline void
bus_tear_down (Bus *bus, gconstpointer data)
{
  if (bus->service != NULL)
    bus_stop (bus->service);
  g_clear_object (&bus->service);
  g_dbus_connection_signal_unsubscribe (bus->connection, bus->subscription);
  if (!g_dbus_connection_is_closed (bus->connection))
    g_assert_true (g_dbus_connection_close_sync (bus->connection, NULL, NULL));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&bus->connection);
  g_test_dbus_down (bus->daemon);
  g_clear_object (&bus->daemon);
  g_ptr_array_unref (bus->signals);
  scratch_free (bus->directory);
}

#define bus_test_add(path, function) g_test_add (path, Bus, NULL, bus_set_up, function, bus_tear_down)
