/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/bench-service.h"

#include <gio/gunixfdlist.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NAME "org.openvmm.Manager"
#define MANAGER_PATH "/org/openvmm/Manager"
#define PATIENCE_MS (120 * 1000)

struct _BenchService
{
  GTestDBus *bus;
  GSubprocess *process;
  GDBusConnection *connection;
};

static gboolean
has_owner (GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (connection,
                                                            "org.freedesktop.DBus",
                                                            "/org/freedesktop/DBus",
                                                            "org.freedesktop.DBus",
                                                            "NameHasOwner",
                                                            g_variant_new ("(s)", NAME),
                                                            NULL,
                                                            G_DBUS_CALL_FLAGS_NONE,
                                                            -1,
                                                            NULL,
                                                            &error);
  gboolean owned = FALSE;

  bench_check (error, "the bus");
  g_variant_get (reply, "(b)", &owned);
  return owned;
}

BenchService *
bench_service_new (const Bench *bench)
{
  BenchService *self = g_new0 (BenchService, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *state = bench_path (bench, "state");
  double deadline = bench_now_ms () + PATIENCE_MS;

  self->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (self->bus);
  self->process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_NONE, &error, bench->openvmmd, "--session", "--state-directory", state, NULL);
  bench_check (error, bench->openvmmd);
  self->connection =
      g_dbus_connection_new_for_address_sync (g_test_dbus_get_bus_address (self->bus),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL,
                                              NULL,
                                              &error);
  bench_check (error, "the bus");
  while (!has_owner (self->connection))
    {
      if (bench_now_ms () > deadline)
        bench_die ("%s does not come up", bench->openvmmd);
      g_usleep (2000);
    }
  return self;
}

void
bench_service_free (BenchService *self)
{
  if (self == NULL)
    return;
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
  g_object_unref (self->connection);
  g_subprocess_send_signal (self->process, SIGTERM);
  (void) g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->process);
  g_test_dbus_down (self->bus);
  g_object_unref (self->bus);
  g_free (self);
}

static GVariant *
call (BenchService *self,
      const char *path,
      const char *interface,
      const char *method,
      GVariant *arguments,
      GUnixFDList **fds)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply = g_dbus_connection_call_with_unix_fd_list_sync (self->connection,
                                                                   NAME,
                                                                   path,
                                                                   interface,
                                                                   method,
                                                                   arguments,
                                                                   NULL,
                                                                   G_DBUS_CALL_FLAGS_NONE,
                                                                   PATIENCE_MS,
                                                                   NULL,
                                                                   fds,
                                                                   NULL,
                                                                   &error);

  bench_check (error, method);
  return reply;
}

GVariant *
bench_service_call (BenchService *self,
                    const char *path,
                    const char *interface,
                    const char *method,
                    GVariant *arguments)
{
  return call (self, path, interface, method, arguments, NULL);
}

/* a call of RestoreVM: the arguments, floating */
static GVariant *
restore_arguments (const char *name, const char *directory, const char *log)
{
  GVariantDict options;

  g_variant_dict_init (&options, NULL);
  g_variant_dict_insert (&options, "paused", "b", FALSE);
  if (log != NULL)
    g_variant_dict_insert (&options, "console-log", "s", log);
  return g_variant_new ("(ss@a{sv})", name, directory, g_variant_dict_end (&options));
}

char *
bench_service_restore (BenchService *self, const char *name, const char *directory, const char *log)
{
  g_autoptr (GVariant) reply = bench_service_call (self,
                                                   MANAGER_PATH,
                                                   "org.openvmm.Manager",
                                                   "RestoreVM",
                                                   restore_arguments (name, directory, log));
  char *vm;

  g_variant_get (reply, "(o)", &vm);
  return vm;
}

/* RestoreVM called for many, some calls under way at once */
typedef struct
{
  BenchService *service;
  const char *directory;
  guint left;
  guint under_way;
  GPtrArray *vms;
} Restores;

static void restore_next (Restores *restores);

static void
on_restored (GObject *connection, GAsyncResult *result, gpointer user_data)
{
  Restores *restores = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (connection), result, &error);
  char *vm;

  bench_check (error, "RestoreVM");
  g_variant_get (reply, "(o)", &vm);
  g_ptr_array_add (restores->vms, vm);
  restores->under_way--;
  if (restores->left > 0)
    restore_next (restores);
}

static void
restore_next (Restores *restores)
{
  g_autofree char *name = g_strdup_printf ("many%u", --restores->left);

  restores->under_way++;
  g_dbus_connection_call (restores->service->connection,
                          NAME,
                          MANAGER_PATH,
                          "org.openvmm.Manager",
                          "RestoreVM",
                          restore_arguments (name, restores->directory, NULL),
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          PATIENCE_MS,
                          NULL,
                          on_restored,
                          restores);
}

GPtrArray *
bench_service_restore_many (BenchService *self, const char *directory, guint n, guint at_once)
{
  Restores restores = { self, directory, n, 0, g_ptr_array_new_with_free_func (g_free) };

  while (restores.left > 0 && restores.under_way < at_once)
    restore_next (&restores);
  while (restores.under_way > 0)
    g_main_context_iteration (NULL, TRUE);
  return restores.vms;
}

void
bench_service_prepare (BenchService *self, const char *directory, guint count)
{
  g_autoptr (GVariant) reply = bench_service_call (self,
                                                   MANAGER_PATH,
                                                   "org.openvmm.Manager",
                                                   "OpenSnapshot",
                                                   g_variant_new ("(s)", directory));
  const char *snapshot;

  g_variant_get (reply, "(&o)", &snapshot);
  g_variant_unref (bench_service_call (self,
                                       snapshot,
                                       "org.openvmm.Snapshot",
                                       "Prepare",
                                       g_variant_new ("(ua{sv})", count, NULL)));
}

void
bench_service_call_vm (BenchService *self, const char *vm, const char *method, GVariant *arguments)
{
  g_variant_unref (bench_service_call (self, vm, "org.openvmm.VM", method, arguments));
}

void
bench_service_delete (BenchService *self, const char *vm)
{
  GVariantDict options;

  g_variant_dict_init (&options, NULL);
  g_variant_dict_insert (&options, "force", "b", TRUE);
  bench_service_call_vm (self, vm, "Delete", g_variant_new ("(@a{sv})", g_variant_dict_end (&options)));
}

int
bench_service_open_console (BenchService *self, const char *vm)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = call (self, vm, "org.openvmm.VM", "OpenConsole", NULL, &fds);
  int fd = g_unix_fd_list_get (fds, 0, &error);

  bench_check (error, "OpenConsole");
  return fd;
}

static gboolean
is_guest_ram (const char *line)
{
  return strstr (line, "memory.bin") != NULL || strstr (line, "/state/ram/") != NULL;
}

guint64
bench_service_get_memory_kib (BenchService *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/smaps", g_subprocess_get_identifier (self->process));
  FILE *file = fopen (path, "re");
  char line[1024];
  gboolean counts = FALSE;
  guint64 total = 0;
  gulong kib;

  if (file == NULL)
    bench_die ("cannot read %s", path);
  while (fgets (line, sizeof line, file) != NULL)
    if (g_ascii_isxdigit (line[0]) && !g_ascii_isupper (line[0]))
      counts = !is_guest_ram (line);
    else if (counts && sscanf (line, "Pss: %lu", &kib) == 1)
      total += kib;
  fclose (file);
  return total;
}
