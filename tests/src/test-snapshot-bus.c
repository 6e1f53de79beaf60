/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/snapshot-bus.h"

#include "tests/src/bus.h"

static char *
make (Bus *bus, const char *name)
{
  return bus_save (bus, BUS_VM ("vm"), name);
}

static void
create_vm (Bus *bus)
{
  bus_create (bus, "vm", NULL);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
}

static void
test_properties (Bus *bus, gconstpointer data)
{
  g_autofree char *directory = bus_with_path (bus, "s", "'", "'");
  g_autofree char *vm_uuid = NULL;
  g_autofree char *snapshot = NULL;
  g_autofree char *uuid = NULL;

  create_vm (bus);
  snapshot = make (bus, "s");
  vm_uuid = bus_get (bus, BUS_VM ("vm"), "VM", "UUID");
  uuid = bus_get (bus, snapshot, "Snapshot", "UUID");
  g_strdelimit (uuid, "-", '_');
  g_assert_nonnull (strstr (uuid, snapshot + strlen ("/org/openvmm/snapshot/")));
  bus_assert_property (bus, snapshot, "Snapshot", "Directory", directory);
  bus_assert_property (bus, snapshot, "Snapshot", "VMName", "'vm'");
  bus_assert_property (bus, snapshot, "Snapshot", "VMUUID", vm_uuid);
  bus_assert_property (bus, snapshot, "Snapshot", "Parent", "'/'");
  bus_assert_property (bus, snapshot, "Snapshot", "ParentUUID", "''");
  bus_assert_property (bus, snapshot, "Snapshot", "MemorySize", "16777216");
  bus_assert_property (bus, snapshot, "Snapshot", "VPCount", "1");
  bus_assert_property (bus, snapshot, "Snapshot", "DowntimeUSec", "1000");
  bus_assert_property (bus, snapshot, "Snapshot", "Job", "'/'");
}

static void
test_describes (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;
  g_autofree char *long_text = g_strnfill (OVM_DESCRIPTION_LENGTH_MAX + 1, 'x');
  g_autofree char *too_long = g_strdup_printf ("('%s',)", long_text);
  g_autofree char *note = bus_path (bus, "s/description.txt");

  create_vm (bus);
  snapshot = make (bus, "s");
  bus_assert_property (bus, snapshot, "Snapshot", "Description", "''");
  bus_do (bus, snapshot, "Snapshot", "SetDescription", "('before the update',)");
  bus_assert_property (bus, snapshot, "Snapshot", "Description", "'before the update'");
  bus_wait_until (bus_find_signal (bus, "{'Description': <'before the update'>") != NULL);
  bus_assert_fails (bus, snapshot, "Snapshot", "SetDescription", too_long, OVM_ERROR_LIMIT_EXCEEDED);
  bus_assert_property (bus, snapshot, "Snapshot", "Description", "'before the update'");
  g_assert_true (g_file_test (note, G_FILE_TEST_EXISTS));
  bus_do (bus, snapshot, "Snapshot", "Delete", "(@a{sv} {},)");
  g_assert_false (g_file_test (note, G_FILE_TEST_EXISTS));
}

static void
test_parent_comes_and_goes (Bus *bus, gconstpointer data)
{
  g_autofree char *parent = NULL;
  g_autofree char *child = NULL;
  g_autofree char *quoted = NULL;
  g_autofree char *parent_uuid = NULL;

  create_vm (bus);
  parent = make (bus, "1");
  child = make (bus, "2");
  quoted = g_strdup_printf ("'%s'", parent);
  bus_assert_property (bus, child, "Snapshot", "Parent", quoted);
  parent_uuid = bus_get (bus, child, "Snapshot", "ParentUUID");
  bus_do (bus, parent, "Snapshot", "Delete", "(@a{sv} {},)");
  bus_assert_property (bus, child, "Snapshot", "Parent", "'/'");
  bus_assert_property (bus, child, "Snapshot", "ParentUUID", parent_uuid);
}

/* (transfer full): path of the incremental snapshot that is at @name now */
static char *
make_incremental (Bus *bus, const char *name)
{
  g_autofree char *arguments = bus_with_path (bus, name, "('", "', {'incremental': <true>})");
  g_autofree char *current = NULL;

  bus_do (bus, BUS_VM ("vm"), "VM", "SaveSnapshot", arguments);
  current = bus_get (bus, BUS_VM ("vm"), "VM", "CurrentSnapshot");
  return g_strndup (current + 1, strlen (current) - 2);
}

/* a parent with two branches, each incremental */
static void
test_tree (Bus *bus, gconstpointer data)
{
  g_autofree char *back = bus_with_path (bus, "base", "('", "', @a{sv} {})");
  g_autofree char *base = NULL;
  g_autofree char *one = NULL;
  g_autofree char *two = NULL;
  g_autofree char *quoted = NULL;

  create_vm (bus);
  bus_assert_fails (bus,
                    BUS_VM ("vm"),
                    "VM",
                    "SaveSnapshot",
                    "('/nonexistent/x', {'incremental': <true>})",
                    OVM_ERROR_NO_PARENT);
  base = make (bus, "base");
  quoted = g_strdup_printf ("'%s'", base);
  one = make_incremental (bus, "one");
  bus_do (bus, BUS_VM ("vm"), "VM", "Restore", back);
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "CurrentSnapshot", quoted);
  two = make_incremental (bus, "two");
  bus_assert_property (bus, one, "Snapshot", "Parent", quoted);
  bus_assert_property (bus, two, "Snapshot", "Parent", quoted);
  bus_assert_property (bus, base, "Snapshot", "Incremental", "false");
  bus_assert_property (bus, two, "Snapshot", "Incremental", "true");

  bus_assert_fails (bus, base, "Snapshot", "Delete", "(@a{sv} {},)", OVM_ERROR_HAS_CHILDREN);
  bus_do (bus, one, "Snapshot", "Consolidate", "(@a{sv} {},)");
  bus_assert_property (bus, one, "Snapshot", "Incremental", "false");
  bus_assert_property (bus, one, "Snapshot", "Parent", quoted);
  bus_assert_fails (bus, base, "Snapshot", "Delete", "(@a{sv} {},)", OVM_ERROR_HAS_CHILDREN);
  bus_do (bus, base, "Snapshot", "Delete", "({'consolidate-children': <true>},)");
  bus_assert_property (bus, two, "Snapshot", "Incremental", "false");
  bus_assert_property (bus, two, "Snapshot", "Parent", "'/'");
  bus_do (bus, two, "Snapshot", "Verify", "(@a{sv} {},)");
}

static void
test_deletes (Bus *bus, gconstpointer data)
{
  g_autofree char *directory = bus_path (bus, "s");
  g_autofree char *snapshot = NULL;

  create_vm (bus);
  snapshot = make (bus, "s");
  bus_do (bus, snapshot, "Snapshot", "Delete", "(@a{sv} {},)");
  g_assert_false (g_file_test (directory, G_FILE_TEST_EXISTS));
  g_assert_null (bus_get (bus, snapshot, "Snapshot", "UUID"));
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "CurrentSnapshot", "'/'");
  bus_assert_property (bus, BUS_VM ("vm"), "VM", "State", "'running'");
}

static void
test_verifies (Bus *bus, gconstpointer data)
{
  g_autofree char *memory = bus_path (bus, "s/memory.bin");
  g_autofree char *snapshot = NULL;
  int fd;

  create_vm (bus);
  snapshot = make (bus, "s");
  bus_do (bus, snapshot, "Snapshot", "Verify", "(@a{sv} {},)");
  bus_assert_fails (bus, snapshot, "Snapshot", "Verify", "({'deep': <true>},)", OVM_ERROR_UNKNOWN_KEY);

  g_assert_cmpint (chmod (memory, 0600), ==, 0);
  fd = open (memory, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "x", 1, 4711), ==, 1);
  g_assert_cmpint (close (fd), ==, 0);
  bus_assert_fails (bus, snapshot, "Snapshot", "Verify", "(@a{sv} {},)", OVM_ERROR_CORRUPT);
  bus_assert_fails (bus, snapshot, "Snapshot", "Verify", "({'chain': <false>},)", OVM_ERROR_CORRUPT);
  bus_assert_fails (bus, snapshot, "Snapshot", "Verify", "({'chain': <'yes'>},)", OVM_ERROR_INVALID_TYPE);
}

static void
test_need_not_be_waited_for (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;

  create_vm (bus);
  snapshot = make (bus, "s");
  bus_do (bus, snapshot, "Snapshot", "Verify", "({'wait': <false>},)");
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/3 (true, '', '')") != NULL);
  bus_do (bus, snapshot, "Snapshot", "Delete", "({'wait': <false>},)");
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/4 (true, '', '')") != NULL);
  g_assert_null (bus_get (bus, snapshot, "Snapshot", "UUID"));
}

static void
test_prepares (Bus *bus, gconstpointer data)
{
  g_autofree char *directory = bus_path (bus, "s");
  g_autofree char *restore =
      g_strdup_printf ("('clone', '%s', {'driver': <'test'>, 'description': <'taken'>})", directory);
  g_autofree char *snapshot = NULL;

  create_vm (bus);
  snapshot = make (bus, "s");
  bus_assert_property (bus, snapshot, "Snapshot", "Prepared", "0");
  bus_do (bus, snapshot, "Snapshot", "Prepare", "(uint32 2, {'driver': <'test'>})");
  bus_assert_property (bus, snapshot, "Snapshot", "Prepared", "2");
  bus_do (bus, OVM_MANAGER_PATH, "Manager", "RestoreVM", restore);
  bus_assert_property (bus, BUS_VM ("clone"), "VM", "State", "'running'");
  bus_assert_property (bus, BUS_VM ("clone"), "VM", "Description", "'taken'");
  bus_do (bus, snapshot, "Snapshot", "Prepare", "(uint32 2, {'driver': <'test'>})");
  bus_assert_property (bus, snapshot, "Snapshot", "Prepared", "2");
  bus_do (bus, snapshot, "Snapshot", "Prepare", "(uint32 0, {'driver': <'test'>, 'wait': <false>})");
  bus_wait_until (bus_find_signal (bus, "Completed /org/openvmm/job/5 (true, '', '')") != NULL);
  bus_assert_property (bus, snapshot, "Snapshot", "Prepared", "0");
}

static void
test_prepares_memory (Bus *bus, gconstpointer data)
{
  g_autofree char *records = bus_path (bus, "working-sets");
  g_autofree char *snapshot = NULL;

  create_vm (bus);
  snapshot = make (bus, "s");
  bus_do (bus, snapshot, "Snapshot", "Prepare", "(uint32 1, {'driver': <'test'>, 'memory': <'lazy'>})");
  g_assert_false (g_file_test (records, G_FILE_TEST_EXISTS));
  /* the one that waits is built anew */
  bus_do (bus, snapshot, "Snapshot", "Prepare", "(uint32 1, {'driver': <'test'>, 'memory': <'working-set'>})");
  bus_assert_property (bus, snapshot, "Snapshot", "Prepared", "1");
  g_assert_true (g_file_test (records, G_FILE_TEST_IS_DIR));
  bus_do (bus, snapshot, "Snapshot", "Prepare", "(uint32 2, {'driver': <'test'>, 'memory': <'populate'>})");
  bus_assert_property (bus, snapshot, "Snapshot", "Prepared", "2");
}

static void
test_refuses_to_prepare (Bus *bus, gconstpointer data)
{
  static const struct
  {
    const char *arguments;
    OvmError error;
  } cases[] = {
    { "(uint32 1, {'driver': <'qemu'>})", OVM_ERROR_NOT_SUPPORTED },
    { "(uint32 1, {'name': <'x'>, 'driver': <'test'>})", OVM_ERROR_UNKNOWN_KEY },
    { "(uint32 1, {'memory': <'eager'>, 'driver': <'test'>})", OVM_ERROR_INVALID_CONFIG },
    { "(uint32 1, {'memory': <'populate'>, 'driver': <'test'>, 'test-fail': <'populate:HostError'>})",
      OVM_ERROR_HOST_ERROR },
    { "(uint32 1, {'wait': <'x'>, 'driver': <'test'>})", OVM_ERROR_INVALID_TYPE },
    { "(uint32 1025, {'driver': <'test'>})", OVM_ERROR_LIMIT_EXCEEDED },
    { "(uint32 4294967295, {'driver': <'test'>})", OVM_ERROR_LIMIT_EXCEEDED },
    { "(uint32 1022, {'driver': <'test'>})", OVM_ERROR_LIMIT_EXCEEDED },
    { "(uint32 1, {'driver': <'test'>, 'test-fail': <'prepare:NoSpace'>})", OVM_ERROR_NO_SPACE },
  };
  g_autofree char *other = NULL;
  g_autofree char *snapshot = NULL;

  create_vm (bus);
  other = make (bus, "1");
  snapshot = make (bus, "2");
  bus_do (bus, other, "Snapshot", "Prepare", "(uint32 3, {'driver': <'test'>})");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    bus_assert_fails (bus, snapshot, "Snapshot", "Prepare", cases[i].arguments, cases[i].error);
  bus_assert_property (bus, snapshot, "Snapshot", "Prepared", "0");
  bus_assert_property (bus, other, "Snapshot", "Prepared", "3");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_test_add ("/src/snapshot-bus/properties", test_properties);
  bus_test_add ("/src/snapshot-bus/describes", test_describes);
  bus_test_add ("/src/snapshot-bus/parent-comes-and-goes", test_parent_comes_and_goes);
  bus_test_add ("/src/snapshot-bus/tree", test_tree);
  bus_test_add ("/src/snapshot-bus/deletes", test_deletes);
  bus_test_add ("/src/snapshot-bus/verifies", test_verifies);
  bus_test_add ("/src/snapshot-bus/need-not-be-waited-for", test_need_not_be_waited_for);
  bus_test_add ("/src/snapshot-bus/prepares", test_prepares);
  bus_test_add ("/src/snapshot-bus/prepares-memory", test_prepares_memory);
  bus_test_add ("/src/snapshot-bus/refuses-to-prepare", test_refuses_to_prepare);
  return g_test_run ();
}
