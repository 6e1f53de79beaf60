/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/manager-bus.h"

#include "tests/src/bus.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define UUID "0b3f1a52-77d4-4c0e-9c1e-2f6e0c7a9d11"

static void
manager (Bus *bus, const char *method, const char *arguments, const char *expected)
{
  g_autofree char *reply = bus_call (bus, OVM_MANAGER_PATH, "Manager", method, arguments);

  g_assert_cmpstr (reply, ==, expected);
}

#define assert_refused(bus, method, arguments, code)                                                         \
  bus_assert_fails (bus, OVM_MANAGER_PATH, "Manager", method, arguments, code)

static void
test_creates (Bus *bus, gconstpointer data)
{
  manager (bus, "CreateVM", "('b', {'driver': <'test'>})", "('/org/openvmm/vm/b',)");
  manager (bus, "CreateVM", "('0-a', {'driver': <'test'>})", "('/org/openvmm/vm/_30_2da',)");
  manager (bus, "GetVM", "('b',)", "('/org/openvmm/vm/b',)");
  manager (bus,
           "ListVMs",
           NULL,
           "([('0-a', '/org/openvmm/vm/_30_2da', 'stopped'), ('b', '/org/openvmm/vm/b', 'stopped')],)");
  assert_refused (bus, "GetVM", "('c',)", OVM_ERROR_NO_SUCH_VM);
}

static void
test_refuses_to_create (Bus *bus, gconstpointer data)
{
  static const struct
  {
    const char *arguments;
    OvmError code;
  } cases[] = {
    { "('a b', @a{sv} {})", OVM_ERROR_INVALID_NAME },
    { "('there', {'driver': <'test'>})", OVM_ERROR_NAME_IN_USE },
    { "('a', {'driver': <'test'>, 'uuid': <'" UUID "'>})", OVM_ERROR_UUID_IN_USE },
    { "('a', {'memory': <1>})", OVM_ERROR_UNKNOWN_KEY },
    { "('a', {'memory-size': <1>})", OVM_ERROR_INVALID_TYPE },
    { "('a', {'memory-size': <uint64 1>})", OVM_ERROR_INVALID_MEMORY_SIZE },
    { "('a', {'vp-count': <uint32 65>})", OVM_ERROR_INVALID_VP_COUNT },
    { "('a', {'kernel': <'k'>})", OVM_ERROR_INVALID_CONFIG },
    { "('a', {'driver': <'xen'>})", OVM_ERROR_NOT_SUPPORTED },
    { "('a', {'driver': <'kvm'>})", OVM_ERROR_INVALID_CONFIG },
    { "('a', {'driver': <'test'>, 'console-log': <'/nonexistent/log'>})", OVM_ERROR_INVALID_CONFIG },
  };
  g_autofree char *long_line = g_strnfill (2048, 'x');
  g_autofree char *long_arguments = g_strdup_printf ("('a', {'cmdline': <'%s'>})", long_line);

  bus_create (bus, "there", "'uuid': <'" UUID "'>");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (bus, "CreateVM", cases[i].arguments, cases[i].code);
  assert_refused (bus, "CreateVM", long_arguments, OVM_ERROR_INVALID_COMMAND_LINE);
  manager (bus, "ListVMs", NULL, "([('there', '/org/openvmm/vm/there', 'stopped')],)");
}

/* each error of the VMM comes through under its own name */
static void
test_every_error_name (Bus *bus, gconstpointer data)
{
  for (int code = 0; code <= VMM_ERROR_GUEST; code++)
    {
      OvmError ours = ovm_error_from_vmm ((VmmError) code);
      const char *name = ovm_error_get_name (ours) + strlen (OVM_ERROR_PREFIX);
      g_autofree char *arguments =
          g_strdup_printf ("('vm%d', {'driver': <'test'>, 'test-fail': <'start:%s'>})", code, name);
      g_autofree char *path = g_strdup_printf (BUS_VM ("vm%d"), code);

      bus_do (bus, OVM_MANAGER_PATH, "Manager", "CreateVM", arguments);
      bus_assert_fails (bus, path, "VM", "Start", "(@a{sv} {},)", ours);
    }
}

static void
test_restores (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;
  g_autofree char *plain = bus_with_path (bus, "s", "('new', '", "', {'driver': <'test'>})");
  g_autofree char *paused = bus_with_path (
      bus, "s", "('waits', '", "', {'driver': <'test'>, 'paused': <true>, 'verify-memory': <true>})");
  g_autofree char *same = bus_with_path (bus, "s", "('same', '", "', {'driver': <'test'>, 'uuid': <'same'>})");

  bus_create (bus, "vm", "'description': <'d'>, 'vp-count': <uint32 2>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  manager (bus, "RestoreVM", plain, "('/org/openvmm/vm/new',)");
  bus_assert_property (bus, BUS_VM ("new"), "VM", "State", "'running'");
  bus_assert_property (bus, BUS_VM ("new"), "VM", "VPCount", "2");
  bus_assert_property (bus, BUS_VM ("new"), "VM", "Description", "'d'");
  manager (bus, "RestoreVM", paused, "('/org/openvmm/vm/waits',)");
  bus_assert_property (bus, BUS_VM ("waits"), "VM", "State", "'paused'");
  assert_refused (bus, "RestoreVM", same, OVM_ERROR_UUID_IN_USE);
  assert_refused (bus, "RestoreVM", "('x', '/nonexistent', {'driver': <'test'>})", OVM_ERROR_NO_SUCH_SNAPSHOT);
  assert_refused (bus, "RestoreVM", "('x', 'relative', {'driver': <'test'>})", OVM_ERROR_INVALID_CONFIG);
  assert_refused (bus, "RestoreVM", "('x', '/s', {'memory-file': <'/m'>})", OVM_ERROR_UNKNOWN_KEY);
}

static void
test_restore_need_not_be_waited_for (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;
  g_autofree char *arguments = bus_with_path (
      bus, "s", "('new', '", "', {'driver': <'test'>, 'wait': <false>, 'test-delay-ms': <uint32 300>})");
  g_autofree char *job = NULL;

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  manager (bus, "RestoreVM", arguments, "('/org/openvmm/vm/new',)");
  bus_assert_property (bus, BUS_VM ("new"), "VM", "State", "'stopped'");
  job = bus_get (bus, BUS_VM ("new"), "VM", "Job");
  g_assert_cmpstr (job, !=, "'/'");
  bus_wait_until (bus_find_signal (bus, "StateChanged " BUS_VM ("new")) != NULL);
  bus_assert_property (bus, BUS_VM ("new"), "VM", "State", "'running'");
}

static void
test_inspects_and_verifies (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;
  g_autofree char *directory = bus_with_path (bus, "s", "('", "',)");
  g_autofree char *verify = bus_with_path (bus, "s", "('", "', @a{sv} {})");
  g_autofree char *background = bus_with_path (bus, "s", "('", "', {'wait': <false>})");
  g_autofree char *info = NULL;

  bus_create (bus, "vm", "'cmdline': <'quiet'>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  info = bus_call (bus, OVM_MANAGER_PATH, "Manager", "InspectSnapshot", directory);
  g_assert_nonnull (strstr (info, "'vm-name': <'vm'>"));
  g_assert_nonnull (strstr (info, "'cmdline': <'quiet'>"));
  g_assert_nonnull (strstr (info, "'vm-state': <'running'>"));
  g_assert_nonnull (strstr (info, "'memory-size': <uint64 16777216>"));
  g_assert_nonnull (strstr (info, "'cpu-model': <''>")); /* VMs that pretend have none */
  g_assert_nonnull (strstr (info, "'cpu-features': <"));
  manager (bus, "VerifySnapshot", verify, "()");
  manager (bus, "VerifySnapshot", background, "()");
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/4 (true, '', '')") != NULL);
  assert_refused (bus, "VerifySnapshot", "('/nonexistent', @a{sv} {})", OVM_ERROR_NO_SUCH_SNAPSHOT);
  assert_refused (bus, "VerifySnapshot", "('/s', {'memory': <true>})", OVM_ERROR_UNKNOWN_KEY);
  assert_refused (bus, "InspectSnapshot", "('s',)", OVM_ERROR_INVALID_CONFIG);
}

static void
assert_directory (Bus *bus, const char *snapshot)
{
  g_autofree char *directory = bus_with_path (bus, "s", "'", "'");

  bus_assert_property (bus, snapshot, "Snapshot", "Directory", directory);
}

/* one snapshot has one object, however its path is spelled */
static void
test_spellings_of_a_directory (Bus *bus, gconstpointer data)
{
  g_autofree char *open = bus_with_path (bus, "s", "('/", "//',)");
  g_autofree char *verify = bus_with_path (bus, "s/", "('", "', @a{sv} {})");
  g_autofree char *restore = bus_with_path (bus, "s/", "('new', '", "', {'driver': <'test'>})");
  g_autofree char *told = bus_with_path (bus, "s", "'directory': <'", "'>");
  g_autofree char *saved = NULL;
  g_autofree char *opened = NULL;
  g_autofree char *same = NULL;
  g_autofree char *info = NULL;

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  saved = bus_save (bus, BUS_VM ("vm"), "s/");
  assert_directory (bus, saved);
  same = g_strdup_printf ("('%s',)", saved);
  manager (bus, "OpenSnapshot", open, same);
  assert_directory (bus, saved);
  info = bus_call (bus, OVM_MANAGER_PATH, "Manager", "InspectSnapshot", open);
  g_assert_nonnull (strstr (info, told));
  manager (bus, "VerifySnapshot", verify, "()");
  bus_vm (bus, BUS_VM ("vm"), "Restore", verify);
  manager (bus, "RestoreVM", restore, "('/org/openvmm/vm/new',)");
  opened = bus_get (bus, BUS_VM ("new"), "VM", "CurrentSnapshot");
  g_assert_nonnull (strstr (opened, saved));
  assert_directory (bus, saved);
}

/* behind a symbolic link the text does not say which directory it is */
static void
test_refuses_dots_in_a_directory (Bus *bus, gconstpointer data)
{
  static const char *const names[] = { "s/../s", "s/./", ".." };

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  g_free (bus_save (bus, BUS_VM ("vm"), "s"));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = bus_path (bus, names[i]);
      g_autofree char *alone = g_strdup_printf ("('%s',)", path);
      g_autofree char *with_options = g_strdup_printf ("('%s', @a{sv} {})", path);
      g_autofree char *with_name = g_strdup_printf ("('new', '%s', {'driver': <'test'>})", path);

      assert_refused (bus, "OpenSnapshot", alone, OVM_ERROR_INVALID_CONFIG);
      assert_refused (bus, "InspectSnapshot", alone, OVM_ERROR_INVALID_CONFIG);
      assert_refused (bus, "VerifySnapshot", with_options, OVM_ERROR_INVALID_CONFIG);
      assert_refused (bus, "RestoreVM", with_name, OVM_ERROR_INVALID_CONFIG);
      bus_assert_fails (bus, BUS_VM ("vm"), "VM", "SaveSnapshot", with_options, OVM_ERROR_INVALID_CONFIG);
      bus_assert_fails (bus, BUS_VM ("vm"), "VM", "Restore", with_options, OVM_ERROR_INVALID_CONFIG);
    }
}

/* changes one bit of a file, or back */
static void
flip (Bus *bus, const char *name, off_t offset)
{
  g_autofree char *path = bus_path (bus, name);
  guint8 byte;
  int fd;

  g_assert_cmpint (chmod (path, 0600), ==, 0);
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (pread (fd, &byte, 1, offset), ==, 1);
  byte ^= 1;
  g_assert_cmpint (pwrite (fd, &byte, 1, offset), ==, 1);
  g_assert_cmpint (close (fd), ==, 0);
}

static void
test_refuses_damage (Bus *bus, gconstpointer data)
{
  static const struct
  {
    const char *name;
    off_t offset;
    gboolean only_if_checked;
  } places[] = {
    { "s/manifest.bin", 0, FALSE },    { "s/manifest.bin", 200, FALSE },   { "s/memory.bin", 0, TRUE },
    { "s/memory.bin", 5000000, TRUE }, { "s/memory.bin", 16777215, TRUE },
  };
  g_autofree char *snapshot = NULL;
  g_autofree char *plain = bus_with_path (bus, "s", "('new', '", "', {'driver': <'test'>})");
  g_autofree char *checked =
      bus_with_path (bus, "s", "('checked', '", "', {'driver': <'test'>, 'verify-memory': <true>})");
  g_autofree char *in_place = bus_with_path (bus, "s", "('", "', {'verify-memory': <true>})");
  g_autofree char *verify = bus_with_path (bus, "s", "('", "', {'chain': <false>})");

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      flip (bus, places[i].name, places[i].offset);
      assert_refused (bus, "VerifySnapshot", verify, OVM_ERROR_CORRUPT);
      assert_refused (bus, "RestoreVM", checked, OVM_ERROR_CORRUPT);
      bus_assert_fails (bus, BUS_VM ("vm"), "VM", "Restore", in_place, OVM_ERROR_CORRUPT);
      if (!places[i].only_if_checked)
        assert_refused (bus, "RestoreVM", plain, OVM_ERROR_CORRUPT);
      bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
      flip (bus, places[i].name, places[i].offset);
    }
  manager (bus, "VerifySnapshot", verify, "()");
  manager (bus, "RestoreVM", checked, "('/org/openvmm/vm/checked',)");
}

static void
test_tells_all_damage (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;
  g_autofree char *state = bus_path (bus, "s/state.bin");
  g_autofree char *verify = bus_with_path (bus, "s", "('", "', @a{sv} {})");
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  g_assert_cmpint (unlink (state), ==, 0);
  flip (bus, "s/memory.bin", 0);
  flip (bus, "s/memory.bin", 9000000);
  reply = bus_try (bus, OVM_MANAGER_PATH, "Manager", "VerifySnapshot", verify, &error);
  g_assert_null (reply);
  g_assert_error (error, OVM_ERROR, OVM_ERROR_CORRUPT);
  lines = g_strsplit (error->message, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_nonnull (strstr (lines[1], "s/state.bin' is missing"));
  g_assert_nonnull (strstr (lines[2], "s/memory.bin' is damaged in bytes 0 to 4194303: "));
  g_assert_nonnull (strstr (lines[3], "s/memory.bin' is damaged in bytes 8388608 to 12582911: "));
}

static void
test_tells_of_itself (Bus *bus, gconstpointer data)
{
  g_autofree char *capabilities = bus_get (bus, OVM_MANAGER_PATH, "Manager", "Capabilities");

  bus_assert_property (bus, OVM_MANAGER_PATH, "Manager", "Version", "'" PACKAGE_VERSION "'");
  bus_assert_property (bus, OVM_MANAGER_PATH, "Manager", "Drivers", "['kvm', 'test']");
  bus_assert_property (bus, OVM_MANAGER_PATH, "Manager", "DefaultDriver", "'kvm'");
  g_assert_nonnull (strstr (capabilities, "'driver.test': <{"));
  g_assert_nonnull (strstr (capabilities, "'max-vp-count': <uint32 64>"));
}

/* a client that leaves in mid-call: the work is done, and the service lives */
static void
test_vanishing_client (Bus *bus, gconstpointer data)
{
  g_autoptr (GDBusConnection) client = bus_connect (bus);
  g_autofree char *arguments = bus_with_path (bus, "s", "('", "', @a{sv} {})");
  g_autofree char *manifest = bus_path (bus, "s/manifest.bin");
  g_autoptr (GVariant) parameters = g_variant_ref_sink (g_variant_parse (NULL, arguments, NULL, NULL, NULL));

  bus_create (bus, "vm", "'test-delay-ms': <uint32 300>");
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  g_dbus_connection_call (client,
                          OVM_BUS_NAME,
                          BUS_VM ("vm"),
                          "org.openvmm.VM",
                          "SaveSnapshot",
                          parameters,
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          NULL,
                          NULL);
  g_assert_true (g_dbus_connection_flush_sync (client, NULL, NULL));
  bus_wait_until (bus_find_signal (bus, "InterfacesAdded /org/openvmm ('/org/openvmm/job/2'") != NULL);
  g_assert_true (g_dbus_connection_close_sync (client, NULL, NULL));
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/2 (true, '', '')") != NULL);
  g_assert_true (g_file_test (manifest, G_FILE_TEST_EXISTS));
  bus_vm (bus, BUS_VM ("vm"), "Pause", NULL);
}

static char *
run_tool (const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess)
      process = g_subprocess_newv (argv,
                                   G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE,
                                   &error);
  char *output = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error));
  g_assert_no_error (error);
  return output;
}
#define run(...) run_tool ((const char *const[]){ __VA_ARGS__, NULL })

static void
test_busctl (Bus *bus, gconstpointer data)
{
  g_autofree char *address = g_strconcat ("--address=", g_test_dbus_get_bus_address (bus->daemon), NULL);
  g_autofree char *created = run ("busctl",
                                  address,
                                  "call",
                                  OVM_BUS_NAME,
                                  OVM_MANAGER_PATH,
                                  "org.openvmm.Manager",
                                  "CreateVM",
                                  "sa{sv}",
                                  "vm",
                                  "2",
                                  "driver",
                                  "s",
                                  "test",
                                  "memory-size",
                                  "t",
                                  "16777216");
  g_autofree char *started =
      run ("busctl", address, "call", OVM_BUS_NAME, BUS_VM ("vm"), "org.openvmm.VM", "Start", "a{sv}", "0");
  g_autofree char *state =
      run ("busctl", address, "get-property", OVM_BUS_NAME, BUS_VM ("vm"), "org.openvmm.VM", "State");
  g_autofree char *set = run ("busctl",
                              address,
                              "set-property",
                              OVM_BUS_NAME,
                              BUS_VM ("vm"),
                              "org.openvmm.VM",
                              "State",
                              "s",
                              "paused");
  g_autofree char *tree = run ("busctl", address, "--list", "tree", OVM_BUS_NAME);

  g_assert_cmpstr (created, ==, "o \"/org/openvmm/vm/vm\"\n");
  g_assert_cmpstr (started, ==, "");
  g_assert_cmpstr (state, ==, "s \"running\"\n");
  g_assert_nonnull (strstr (set, "not writable"));
  g_assert_nonnull (strstr (tree, "/org/openvmm/vm/vm\n"));
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
}

static void
test_gdbus (Bus *bus, gconstpointer data)
{
  const char *address = g_test_dbus_get_bus_address (bus->daemon);
  g_autofree char *created = run ("gdbus",
                                  "call",
                                  "--address",
                                  address,
                                  "--dest",
                                  OVM_BUS_NAME,
                                  "--object-path",
                                  OVM_MANAGER_PATH,
                                  "--method",
                                  "org.openvmm.Manager.CreateVM",
                                  "vm",
                                  "{'driver': <'test'>}");
  g_autofree char *refused = run ("gdbus",
                                  "call",
                                  "--address",
                                  address,
                                  "--dest",
                                  OVM_BUS_NAME,
                                  "--object-path",
                                  BUS_VM ("vm"),
                                  "--method",
                                  "org.openvmm.VM.Pause");

  g_assert_cmpstr (created, ==, "(objectpath '/org/openvmm/vm/vm',)\n");
  g_assert_nonnull (strstr (refused, "org.openvmm.Error.InvalidState"));
}

static void
test_opens_a_snapshot (Bus *bus, gconstpointer data)
{
  g_autofree char *from = bus_path (bus, "s");
  g_autofree char *to = bus_path (bus, "moved");
  g_autofree char *argument = g_strdup_printf ("('%s',)", to);
  g_autofree char *quoted = g_strdup_printf ("'%s'", to);
  g_autofree char *snapshot = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *reply = NULL;

  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  g_assert_cmpint (rename (from, to), ==, 0);
  reply = bus_call (bus, OVM_MANAGER_PATH, "Manager", "OpenSnapshot", argument);
  expected = g_strdup_printf ("('%s',)", snapshot);
  g_assert_cmpstr (reply, ==, expected);
  bus_assert_property (bus, snapshot, "Snapshot", "Directory", quoted);
  assert_refused (bus, "OpenSnapshot", "('s',)", OVM_ERROR_INVALID_CONFIG);
  assert_refused (bus, "OpenSnapshot", "('/nowhere',)", OVM_ERROR_NO_SUCH_SNAPSHOT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_test_add ("/src/manager-bus/creates", test_creates);
  bus_test_add ("/src/manager-bus/refuses-to-create", test_refuses_to_create);
  bus_test_add ("/src/manager-bus/every-error-name", test_every_error_name);
  bus_test_add ("/src/manager-bus/restores", test_restores);
  bus_test_add ("/src/manager-bus/restore-need-not-be-waited-for", test_restore_need_not_be_waited_for);
  bus_test_add ("/src/manager-bus/inspects-and-verifies", test_inspects_and_verifies);
  bus_test_add ("/src/manager-bus/spellings-of-a-directory", test_spellings_of_a_directory);
  bus_test_add ("/src/manager-bus/refuses-dots-in-a-directory", test_refuses_dots_in_a_directory);
  bus_test_add ("/src/manager-bus/refuses-damage", test_refuses_damage);
  bus_test_add ("/src/manager-bus/tells-all-damage", test_tells_all_damage);
  bus_test_add ("/src/manager-bus/tells-of-itself", test_tells_of_itself);
  bus_test_add ("/src/manager-bus/vanishing-client", test_vanishing_client);
  bus_test_add ("/src/manager-bus/busctl", test_busctl);
  bus_test_add ("/src/manager-bus/gdbus", test_gdbus);
  bus_test_add ("/src/manager-bus/opens-a-snapshot", test_opens_a_snapshot);
  return g_test_run ();
}
