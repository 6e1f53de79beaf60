/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client by sd-bus, as busctl is: it writes to the bus and reads from it on the calling thread. GDBus does both on a
 * thread of its own, and what that takes is not the service's.
 */

#include "config.h"
#include "tests/bench/bench-service.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME "org.openvmm.Manager"
#define MANAGER_PATH "/org/openvmm/Manager"
#define PATIENCE_MS (120 * 1000)
#define PATIENCE_USEC (PATIENCE_MS * 1000ull)

struct _BenchService
{
  GTestDBus *bus;
  GSubprocess *process;
  sd_bus *connection;

  /* RestoreVM */
  GPtrArray *vms; /* that came */
  guint under_way;
};

static void
check (int result, const char *what)
{
  if (result < 0)
    bench_die ("%s: %s", what, g_strerror (-result));
}

static gboolean
has_owner (sd_bus *connection)
{
  return sd_bus_get_name_creds (connection, NAME, 0, NULL) >= 0;
}

static sd_bus *
connect_to (const char *address)
{
  sd_bus *connection = NULL;

  check (sd_bus_new (&connection), "a connection");
  check (sd_bus_set_address (connection, address), address);
  check (sd_bus_set_bus_client (connection, TRUE), "a connection");
  check (sd_bus_start (connection), address);
  check (sd_bus_set_method_call_timeout (connection, PATIENCE_USEC), "a connection");
  return connection;
}

BenchService *
bench_service_new (const Bench *bench)
{
  BenchService *self = g_new0 (BenchService, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *state = bench_path (bench, "state");
  double deadline = bench_now_ms () + PATIENCE_MS;

  self->vms = g_ptr_array_new_with_free_func (g_free);
  self->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (self->bus);
  self->process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_NONE, &error, bench->openvmmd, "--session", "--state-directory", state, NULL);
  bench_check (error, bench->openvmmd);
  self->connection = connect_to (g_test_dbus_get_bus_address (self->bus));
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
  sd_bus_flush_close_unref (self->connection);
  g_subprocess_send_signal (self->process, SIGTERM);
  (void) g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->process);
  g_test_dbus_down (self->bus);
  g_object_unref (self->bus);
  g_ptr_array_unref (self->vms);
  g_free (self);
}

/* Returns: the reply (transfer full) */
static sd_bus_message *
call (BenchService *self,
      const char *path,
      const char *interface,
      const char *method,
      const char *types,
      va_list arguments)
{
  sd_bus_message *message = NULL, *reply = NULL;
  sd_bus_error error = SD_BUS_ERROR_NULL;

  check (sd_bus_message_new_method_call (self->connection, &message, NAME, path, interface, method), method);
  if (types != NULL)
    check (sd_bus_message_appendv (message, types, arguments), method);
  if (sd_bus_call (self->connection, message, PATIENCE_USEC, &error, &reply) < 0)
    bench_die ("%s: %s", method, error.message);
  sd_bus_message_unref (message);
  return reply;
}

static sd_bus_message *
call_for_reply (BenchService *self,
                const char *path,
                const char *interface,
                const char *method,
                const char *types,
                ...)
{
  va_list arguments;
  sd_bus_message *reply;

  va_start (arguments, types);
  reply = call (self, path, interface, method, types, arguments);
  va_end (arguments);
  return reply;
}

void
bench_service_call (BenchService *self,
                    const char *path,
                    const char *interface,
                    const char *method,
                    const char *types,
                    ...)
{
  va_list arguments;

  va_start (arguments, types);
  sd_bus_message_unref (call (self, path, interface, method, types, arguments));
  va_end (arguments);
}

static int
on_restored (sd_bus_message *reply, void *user_data, sd_bus_error *unused)
{
  BenchService *self = user_data;
  const sd_bus_error *error = sd_bus_message_get_error (reply);
  const char *vm;

  if (error != NULL)
    bench_die ("RestoreVM: %s", error->message);
  check (sd_bus_message_read (reply, "o", &vm), "RestoreVM");
  g_ptr_array_add (self->vms, g_strdup (vm));
  self->under_way--;
  return 0;
}

void
bench_service_begin_restore (BenchService *self, const char *name, const char *directory, const char *log)
{
  sd_bus_message *message = NULL;

  check (sd_bus_message_new_method_call (
             self->connection, &message, NAME, MANAGER_PATH, "org.openvmm.Manager", "RestoreVM"),
         "RestoreVM");
  if (log != NULL)
    check (sd_bus_message_append (
               message, "ssa{sv}", name, directory, 2, "paused", "b", FALSE, "console-log", "s", log),
           "RestoreVM");
  else
    check (sd_bus_message_append (message, "ssa{sv}", name, directory, 1, "paused", "b", FALSE), "RestoreVM");
  self->under_way++;
  check (sd_bus_call_async (self->connection, NULL, message, on_restored, self, PATIENCE_USEC), "RestoreVM");
  sd_bus_message_unref (message);
}

/* until no more than @count calls are under way */
static void
wait_for_restores (BenchService *self, guint count)
{
  while (self->under_way > count)
    {
      int done = sd_bus_process (self->connection, NULL);

      check (done, "the bus");
      if (done == 0)
        check (sd_bus_wait (self->connection, PATIENCE_USEC), "the bus");
    }
}

char *
bench_service_end_restore (BenchService *self)
{
  wait_for_restores (self, 0);
  return g_ptr_array_steal_index (self->vms, self->vms->len - 1);
}

GPtrArray *
bench_service_restore_many (BenchService *self, const char *directory, guint n, guint at_once)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("many%u", i);

      wait_for_restores (self, at_once - 1);
      bench_service_begin_restore (self, name, directory, NULL);
    }
  wait_for_restores (self, 0);
  return g_ptr_array_ref (self->vms);
}

void
bench_service_prepare (BenchService *self, const char *directory, guint count)
{
  sd_bus_message *reply =
      call_for_reply (self, MANAGER_PATH, "org.openvmm.Manager", "OpenSnapshot", "s", directory);
  const char *snapshot;

  check (sd_bus_message_read (reply, "o", &snapshot), "OpenSnapshot");
  bench_service_call (self, snapshot, "org.openvmm.Snapshot", "Prepare", "ua{sv}", count, 0);
  sd_bus_message_unref (reply);
}

void
bench_service_delete (BenchService *self, const char *vm)
{
  bench_service_call_vm (self, vm, "Delete", "a{sv}", 1, "force", "b", TRUE);
}

int
bench_service_open_console (BenchService *self, const char *vm)
{
  sd_bus_message *reply = call_for_reply (self, vm, "org.openvmm.VM", "OpenConsole", NULL);
  int fd, copy;

  check (sd_bus_message_read (reply, "h", &fd), "OpenConsole");
  copy = fcntl (fd, F_DUPFD_CLOEXEC, 0); /* the message's own goes with it */
  if (copy < 0)
    bench_die ("OpenConsole: %s", g_strerror (errno));
  sd_bus_message_unref (reply);
  return copy;
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
