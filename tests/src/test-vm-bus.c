/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/vm-bus.h"

#include <poll.h>
#include <sys/socket.h>

#include "tests/src/bus.h"

#define NO_WORD "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* operations as methods; %s is a path for those that take one */
static const struct
{
  OvmOperation operation;
  const char *method;
  const char *arguments; /* with @D for a new directory and @S for a snapshot */
} methods[] = {
  { OVM_OPERATION_START, "Start", "(@a{sv} {},)" },
  { OVM_OPERATION_START_PAUSED, "Start", "({'paused': <true>},)" },
  { OVM_OPERATION_PAUSE, "Pause", NULL },
  { OVM_OPERATION_RESUME, "Resume", NULL },
  { OVM_OPERATION_SHUTDOWN, "Shutdown", NULL },
  { OVM_OPERATION_POWER_OFF, "PowerOff", NULL },
  { OVM_OPERATION_RESET, "Reset", NULL },
  { OVM_OPERATION_DELETE, "Delete", "(@a{sv} {},)" },
  { OVM_OPERATION_DELETE_FORCED, "Delete", "({'force': <true>},)" },
  { OVM_OPERATION_SAVE, "SaveSnapshot", "('@D', @a{sv} {})" },
  { OVM_OPERATION_RESTORE, "Restore", "('@S', {'paused': <false>})" },
  { OVM_OPERATION_RESTORE_PAUSED, "Restore", "('@S', {'paused': <true>})" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (methods) == OVM_OPERATION_OPEN_CONSOLE);

static char *
fill_in (Bus *bus, const char *arguments)
{
  static guint serial; /* names of snapshots */
  g_autofree char *name = g_strdup_printf ("new-%u", serial++);
  g_autofree char *new = bus_path (bus, name);
  g_autofree char *snapshot = bus_path (bus, "s");
  GString *filled;

  if (arguments == NULL)
    return NULL;
  filled = g_string_new (arguments);
  g_string_replace (filled, "@D", new, 0);
  g_string_replace (filled, "@S", snapshot, 0);
  return g_string_free (filled, FALSE);
}

static void
bring_to (Bus *bus, const char *path, OvmState state)
{
  if (state == OVM_STATE_STOPPED)
    return;
  bus_vm (bus, path, "Start", state == OVM_STATE_PAUSED ? "({'paused': <true>},)" : "(@a{sv} {},)");
  for (;;)
    {
      g_autofree char *now = bus_get (bus, path, "VM", "State");

      if (strstr (now, ovm_state_to_string (state)) != NULL)
        return;
      g_usleep (1000);
    }
}

static void
check_cell (Bus *bus, guint index, OvmState state)
{
  g_autofree char *arguments = fill_in (bus, methods[index].arguments);
  gboolean crashes = state == OVM_STATE_CRASHED;
  OvmState next = state;
  gboolean allowed = ovm_state_next (state, methods[index].operation, &next, NULL);
  g_autofree char *value = NULL;

  bus_create (bus, "cell", crashes ? "'test-guest': <'crash:0'>" : "'test-deaf': <true>");
  bring_to (bus, BUS_VM ("cell"), state);
  if (allowed)
    bus_vm (bus, BUS_VM ("cell"), methods[index].method, arguments);
  else
    bus_assert_fails (bus, BUS_VM ("cell"), "VM", methods[index].method, arguments, OVM_ERROR_INVALID_STATE);
  value = bus_get (bus, BUS_VM ("cell"), "VM", "State");
  if (value == NULL)
    {
      g_assert_true (allowed && g_str_equal (methods[index].method, "Delete"));
      return;
    }
  if (!crashes || next != OVM_STATE_RUNNING)
    g_assert_nonnull (strstr (value, ovm_state_to_string (next)));
  bus_vm (bus, BUS_VM ("cell"), "Delete", "({'force': <true>},)");
}

static void
test_every_method_in_every_state (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;

  bus_create (bus, "source", NULL);
  bus_vm (bus, BUS_VM ("source"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("source"), "s");
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    for (int state = 0; state < OVM_STATE_COUNT; state++)
      check_cell (bus, i, (OvmState) state);
}

static void
test_refuses_options (Bus *bus, gconstpointer data)
{
  static const struct
  {
    const char *method;
    const char *arguments;
    OvmError code;
  } cases[] = {
    { "Start", "({'fast': <true>},)", OVM_ERROR_UNKNOWN_KEY },
    { "Start", "({'paused': <1>},)", OVM_ERROR_INVALID_TYPE },
    { "Delete", "({'wait': <true>},)", OVM_ERROR_UNKNOWN_KEY },
    { "SaveSnapshot", "('/s', {'live': <true>})", OVM_ERROR_UNKNOWN_KEY },
    { "SaveSnapshot", "('s', @a{sv} {})", OVM_ERROR_INVALID_CONFIG },
    { "Restore", "('/s', {'uuid': <'same'>})", OVM_ERROR_UNKNOWN_KEY },
    { "Restore", "('/s', {'memory': <'eager'>})", OVM_ERROR_INVALID_CONFIG },
    { "Restore", "('/s', {'memory': <true>})", OVM_ERROR_INVALID_TYPE },
    { "Restore", "('/s', {'cpu': <'other'>})", OVM_ERROR_INVALID_CONFIG },
    { "Restore", "('', @a{sv} {})", OVM_ERROR_INVALID_CONFIG },
    /* what is no word is not given back in the message */
    { "Restore", "('/s', {'clock': <'" NO_WORD "'>})", OVM_ERROR_LIMIT_EXCEEDED },
    { "Restore", "('/s', {'cpu': <'" NO_WORD "'>})", OVM_ERROR_LIMIT_EXCEEDED },
    { "Restore", "('/s', {'memory': <'" NO_WORD "'>})", OVM_ERROR_LIMIT_EXCEEDED },
    { "Restore", "('/nonexistent', @a{sv} {})", OVM_ERROR_NO_SUCH_SNAPSHOT },
  };

  bus_create (bus, "vm", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    bus_assert_fails (bus, BUS_VM ("vm"), "VM", cases[i].method, cases[i].arguments, cases[i].code);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'stopped'");
}

static void
test_restores_with_options (Bus *bus, gconstpointer data)
{
  g_autofree char *populate =
      bus_with_path (bus, "s", "('", "', {'memory': <'populate'>, 'paused': <true>, 'cpu': <'superset'>})");
  g_autofree char *lazy = bus_with_path (bus, "s", "('", "', {'memory': <'lazy'>, 'paused': <false>})");
  g_autofree char *snapshot = NULL;

  bus_create (bus, "vm", "'test-fail': <'populate:HostError'>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  bus_assert_fails (bus, BUS_VM ("vm"), "VM", "Restore", populate, OVM_ERROR_HOST_ERROR);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
  bus_vm (bus, BUS_VM ("vm"), "Restore", lazy);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
}

/* made by RestoreVM or Restore, kept with others of its kind, and deleted with its snapshot */
static void
test_working_set (Bus *bus, gconstpointer data)
{
  g_autofree char *in_place = bus_with_path (bus, "s", "('", "', {'memory': <'working-set'>})");
  g_autofree char *new_vm =
      bus_with_path (bus, "s", "('new', '", "', {'driver': <'test'>, 'memory': <'working-set'>})");
  g_autofree char *records = bus_path (bus, "working-sets");
  g_autofree char *snapshot = NULL;
  g_autofree char *quoted = NULL;
  g_autofree char *list = NULL;
  g_autofree char *record = NULL;

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  bus_do (bus, OVM_MANAGER_PATH, "Manager", "RestoreVM", new_vm);
  list = scratch_list (records);
  quoted = g_strdup_printf ("'%s'", list);
  bus_assert_property (bus, snapshot, "Snapshot", "UUID", quoted);
  record = g_build_filename (records, list, NULL);
  g_assert_cmpint (unlink (record), ==, 0);
  bus_vm (bus, BUS_VM ("vm"), "Restore", in_place);
  scratch_assert_list (records, list);
  bus_do (bus, snapshot, "Snapshot", "Delete", "(@a{sv} {},)");
  scratch_assert_list (records, "");
}

/* whatever is in its place */
static void
test_working_set_that_cannot_be (Bus *bus, gconstpointer data)
{
  g_autofree char *restore = bus_with_path (bus, "s", "('", "', {'memory': <'working-set'>})");
  g_autofree char *snapshot = NULL;

  scratch_write (bus->directory, "working-sets", "a file", 6);
  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  bus_vm (bus, BUS_VM ("vm"), "Restore", restore);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
  bus_do (bus, snapshot, "Snapshot", "Delete", "(@a{sv} {},)");
}

static void
test_existing_directory (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;
  g_autofree char *again = bus_with_path (bus, "s", "('", "', @a{sv} {})");
  g_autofree char *orphan = bus_with_path (bus, "none/s", "('", "', @a{sv} {})");

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  bus_assert_fails (bus, BUS_VM ("vm"), "VM", "SaveSnapshot", again, OVM_ERROR_EXISTS);
  bus_assert_fails (bus, BUS_VM ("vm"), "VM", "SaveSnapshot", orphan, OVM_ERROR_NO_SUCH_FILE);
}

static void
test_steps_are_told (Bus *bus, gconstpointer data)
{
  g_autofree char *steps = NULL;

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "({'paused': <true>},)");
  bus_vm (bus, BUS_VM ("vm"), "Resume", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Resume", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Reset", NULL);
  bus_vm (bus, BUS_VM ("vm"), "PowerOff", NULL);
  steps = bus_join_signals (bus, "StateChanged");
  g_assert_cmpstr (steps,
                   ==,
                   "('stopped', 'paused', 'started, paused')\n"
                   "('paused', 'running', 'resumed')\n"
                   "('running', 'running', 'reset')\n"
                   "('running', 'stopped', 'powered off')\n");
}

/* What a client keeps is right when it has its answer: messages of a connection come in order. */
static void
test_properties_come_before_the_reply (Bus *bus, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OvmDBusVM) proxy = NULL;

  bus_create (bus, "vm", NULL);
  proxy = ovm_dbus_vm_proxy_new_sync (bus->connection,
                                      G_DBUS_PROXY_FLAGS_NONE,
                                      OVM_BUS_NAME,
                                      BUS_VM ("vm"),
                                      NULL,
                                      &error);
  g_assert_no_error (error);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  for (int i = 0; i < 50; i++)
    {
      g_assert_true (ovm_dbus_vm_call_pause_sync (proxy, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error));
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_cmpstr (ovm_dbus_vm_get_state (proxy), ==, "paused");
      g_assert_true (ovm_dbus_vm_call_resume_sync (proxy, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error));
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_cmpstr (ovm_dbus_vm_get_state (proxy), ==, "running");
    }
}

static void
test_busy (Bus *bus, gconstpointer data)
{
  g_autofree char *background = bus_with_path (bus, "s", "('", "', {'wait': <false>})");
  g_autofree char *reply = NULL;
  g_autofree char *job = NULL;

  bus_create (bus, "vm", "'test-delay-ms': <uint32 300>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  reply = bus_call (bus, BUS_VM ("vm"), "VM", "SaveSnapshot", background);
  g_assert_cmpstr (reply, ==, "('/',)");
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "Job", "'/org/openvmm/job/2'");
  bus_assert_fails (bus, BUS_VM ("vm"), "VM", "Pause", NULL, OVM_ERROR_BUSY);
  bus_assert_fails (bus, BUS_VM ("vm"), "VM", "Delete", "({'force': <true>},)", OVM_ERROR_BUSY);
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/2 (true, '', '')") != NULL);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "Job", "'/'");
  bus_vm (bus, BUS_VM ("vm"), "Pause", NULL);
}

/* the tools give up after 25 s: what takes longer need not be waited for */
static void
test_long_save_with_busctl (Bus *bus, gconstpointer data)
{
  g_autofree char *path = bus_path (bus, "s");
  g_autofree char *address = g_strconcat ("--address=", g_test_dbus_get_bus_address (bus->daemon), NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) busctl = NULL;
  gint64 begin_usec = g_get_monotonic_time ();

  bus_create (bus, "vm", "'test-delay-ms': <uint32 1500>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  begin_usec = g_get_monotonic_time ();
  busctl = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                             &error,
                             "busctl",
                             address,
                             "call",
                             OVM_BUS_NAME,
                             BUS_VM ("vm"),
                             "org.openvmm.VM",
                             "SaveSnapshot",
                             "sa{sv}",
                             path,
                             "1",
                             "wait",
                             "b",
                             "false",
                             NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (busctl, NULL, &error));
  g_assert_cmpint (g_get_monotonic_time () - begin_usec, <, 1200 * 1000);
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/2 (true, '', '')") != NULL);
}

static void
test_console (Bus *bus, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GUnixFDList) descriptors = NULL;
  g_autoptr (GVariant) reply = NULL;
  struct pollfd readable = { .events = POLLIN };
  char byte;

  bus_create (bus, "vm", NULL);
  reply = g_dbus_connection_call_with_unix_fd_list_sync (bus->connection,
                                                         OVM_BUS_NAME,
                                                         BUS_VM ("vm"),
                                                         "org.openvmm.VM",
                                                         "OpenConsole",
                                                         NULL,
                                                         G_VARIANT_TYPE ("(h)"),
                                                         G_DBUS_CALL_FLAGS_NONE,
                                                         -1,
                                                         NULL,
                                                         &descriptors,
                                                         NULL,
                                                         &error);
  g_assert_no_error (error);
  readable.fd = g_unix_fd_list_get (descriptors, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpint (poll (&readable, 1, 10 * 1000), ==, 1);
  g_assert_cmpint (recv (readable.fd, &byte, 1, 0), ==, 1);
  g_assert_cmpint (byte, ==, 't');
  g_assert_cmpint (close (readable.fd), ==, 0);
}

static void
test_console_fails (Bus *bus, gconstpointer data)
{
  bus_create (bus, "vm", "'test-fail': <'open_console:LimitExceeded'>");
  bus_assert_fails (bus, BUS_VM ("vm"), "VM", "OpenConsole", NULL, OVM_ERROR_LIMIT_EXCEEDED);
}

static void
test_properties (Bus *bus, gconstpointer data)
{
  static const struct
  {
    const char *property;
    const char *value;
  } cases[] = {
    { "Name", "'vm'" },
    { "UUID", "'0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d11'" },
    { "Description", "'d'" },
    { "Driver", "'test'" },
    { "State", "'stopped'" },
    { "StateReason", "'defined'" },
    { "MemorySize", "16777216" },
    { "VPCount", "3" },
    { "MemoryBacking", "'memfd'" },
    { "MemoryFile", "''" },
    { "Kernel", "'/k'" },
    { "Initrd", "'/i'" },
    { "CommandLine", "'quiet'" },
    { "ConsoleLog", "''" },
    { "CurrentSnapshot", "'/'" },
    { "CanSnapshot", "false" },
    { "LastDowntimeUSec", "0" },
    { "Job", "'/'" },
  };
  g_autofree char *snapshot = NULL;
  g_autofree char *quoted = NULL;

  bus_create (bus,
              "vm",
              "'uuid': <'0B3F1A52-77D4-4C0E-9C1E-2F6E0C7A9D11'>, 'description': <'d'>, 'vp-count': <uint32 3>,"
              " 'memory-backing': <'memfd'>, 'kernel': <'/k'>, 'initrd': <'/i'>, 'cmdline': <'quiet'>");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    bus_assert_property (bus, BUS_VM ("vm"), "VM", cases[i].property, cases[i].value);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "CanSnapshot", "true");
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "SnapshotBlocker", "''");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  quoted = g_strdup_printf ("'%s'", snapshot);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "CurrentSnapshot", quoted);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "LastDowntimeUSec", "1000");
}

static void
test_no_property_can_be_set (Bus *bus, gconstpointer data)
{
  GDBusInterfaceInfo *info = ovm_dbus_vm_interface_info ();

  bus_create (bus, "vm", NULL);
  for (guint i = 0; info->properties[i] != NULL; i++)
    {
      g_autofree char *arguments = g_strdup_printf ("('org.openvmm.VM', '%s', <'x'>)",
                                                    info->properties[i]->name);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = bus_call_on (bus->connection,
                                                BUS_VM ("vm"),
                                                "org.freedesktop.DBus.Properties",
                                                "Set",
                                                arguments,
                                                &error);

      g_assert_null (reply);
      g_assert_nonnull (error);
      g_assert_cmpint (info->properties[i]->flags, ==, G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_test_add ("/src/vm-bus/every-method-in-every-state", test_every_method_in_every_state);
  bus_test_add ("/src/vm-bus/refuses-options", test_refuses_options);
  bus_test_add ("/src/vm-bus/restores-with-options", test_restores_with_options);
  bus_test_add ("/src/vm-bus/working-set", test_working_set);
  bus_test_add ("/src/vm-bus/working-set-that-cannot-be", test_working_set_that_cannot_be);
  bus_test_add ("/src/vm-bus/existing-directory", test_existing_directory);
  bus_test_add ("/src/vm-bus/steps-are-told", test_steps_are_told);
  bus_test_add ("/src/vm-bus/properties-come-before-the-reply", test_properties_come_before_the_reply);
  bus_test_add ("/src/vm-bus/busy", test_busy);
  bus_test_add ("/src/vm-bus/long-save-with-busctl", test_long_save_with_busctl);
  bus_test_add ("/src/vm-bus/console", test_console);
  bus_test_add ("/src/vm-bus/console-fails", test_console_fails);
  bus_test_add ("/src/vm-bus/properties", test_properties);
  bus_test_add ("/src/vm-bus/no-property-can-be-set", test_no_property_can_be_set);
  return g_test_run ();
}
