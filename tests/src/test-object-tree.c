/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/object-tree.h"

#include "tests/src/bus.h"

#define SLOW "'test-delay-ms': <uint32 100>" /* enough for its jobs to be shown */

/* (transfer full): what GetManagedObjects tells */
static GVariant *
get_objects (Bus *bus)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_call_on (bus->connection,
                                            OVM_ROOT_PATH,
                                            "org.freedesktop.DBus.ObjectManager",
                                            "GetManagedObjects",
                                            NULL,
                                            &error);

  g_assert_no_error (error);
  return g_variant_get_child_value (reply, 0);
}

static char *
list_objects (Bus *bus)
{
  g_autoptr (GVariant) managed = get_objects (bus);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariantIter) objects = NULL;
  g_autoptr (GVariant) interfaces = NULL;
  const char *path;

  g_variant_get (managed, "a{oa{sa{sv}}}", &objects);
  while (g_variant_iter_loop (objects, "{&o@a{sa{sv}}}", &path, &interfaces))
    {
      g_autoptr (GVariant) first = g_variant_get_child_value (interfaces, 0);
      const char *interface;

      g_assert_cmpuint (g_variant_n_children (interfaces), ==, 1);
      g_variant_get (first, "{&s@a{sv}}", &interface, NULL);
      g_ptr_array_add (lines, g_strdup_printf ("%s %s", path, interface));
    }
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

static void
test_one_call_shows_all (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;
  g_autofree char *objects = NULL;
  g_autofree char *line = NULL;

  bus_create (bus, "vm", SLOW);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  line = g_strdup_printf ("%s org.openvmm.Snapshot", snapshot);
  objects = list_objects (bus);
  g_assert_nonnull (strstr (objects, "/org/openvmm/Manager org.openvmm.Manager"));
  g_assert_nonnull (strstr (objects, "/org/openvmm/vm/vm org.openvmm.VM"));
  g_assert_nonnull (strstr (objects, "/org/openvmm/job/1 org.openvmm.Job"));
  g_assert_nonnull (strstr (objects, "/org/openvmm/job/2 org.openvmm.Job"));
  g_assert_nonnull (strstr (objects, line));
}

/* as it goes over the bus: what stands for @path in GetManagedObjects */
static gsize
measure (Bus *bus, const char *path)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) objects = get_objects (bus);
  g_autoptr (GVariant) interfaces = g_variant_lookup_value (objects, path, NULL);
  g_autofree guchar *blob = NULL;
  gsize size;

  g_dbus_message_set_message_type (message, G_DBUS_MESSAGE_TYPE_METHOD_CALL);
  g_dbus_message_set_path (message, "/");
  g_dbus_message_set_member (message, "M");
  g_dbus_message_set_body (message, g_variant_new ("(o@a{sa{sv}})", path, interfaces));
  blob = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  return size;
}

static gsize
count_vm (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dict = g_variant_parse (NULL, "{'driver': <'test'>}", NULL, NULL, &error);
  g_autoptr (OvmVmConfig) config = ovm_vm_config_new (name, dict, &error);

  g_assert_no_error (error);
  return ovm_vm_config_get_bus_size (config);
}

static gsize
count_snapshot (const char *directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (OvmJobList) jobs = ovm_job_list_new ();
  g_autoptr (VmmSnapshot) opened = vmm_snapshot_open (directory, &error);
  g_autoptr (OvmSnapshot) snapshot = NULL;

  g_assert_no_error (error);
  snapshot = ovm_snapshot_new (opened, jobs);
  return ovm_snapshot_get_bus_size (snapshot);
}

/* what the lists count is as much as there can be, with the longest of names, paths and reasons */
static void
test_tells_no_more_than_is_counted (Bus *bus, gconstpointer data)
{
  g_autofree char *dashes = g_strnfill (OVM_NAME_LENGTH_MAX, '-');
  g_autofree char *name = g_strdup_printf ("n%s", dashes + 1);
  g_autofree char *path = ovm_name_vm_path (name);
  g_autofree char *file = g_strnfill (250, 'x');
  g_autofree char *directory = bus_path (bus, file);
  g_autofree char *restore = g_strdup_printf ("('%s', @a{sv} {})", directory);
  g_autofree char *again = bus_with_path (bus, "again", "('", "', {'wait': <false>})");
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  bus_create (bus, name, SLOW);
  g_assert_cmpuint (measure (bus, path), <=, count_vm (name));
  bus_vm (bus, path, "Start", "(@a{sv} {},)");
  first = bus_save (bus, path, "first");
  second = bus_save (bus, path, file);
  g_assert_cmpuint (measure (bus, second), <=, count_snapshot (directory));
  bus_vm (bus, path, "Restore", restore);
  bus_vm (bus, path, "SaveSnapshot", again);
  g_assert_cmpuint (measure (bus, path), <=, count_vm (name));
  g_assert_cmpuint (measure (bus, OVM_ROOT_PATH "/job/1"), <=, OVM_JOB_BUS_SIZE);
}

/* dbus-daemon would end the connection of a service that says more than it takes */
static void
test_one_call_shows_all_long_texts (Bus *bus, gconstpointer data)
{
  g_autofree char *description = g_strnfill (OVM_DESCRIPTION_LENGTH_MAX, 'd');
  g_autofree char *path = g_strnfill (OVM_PATH_LENGTH_MAX - 1, 'p');
  g_autofree char *config = g_strdup_printf ("'description': <'%s'>, 'kernel': <'/%s'>, 'initrd': <'/%s'>",
                                             description,
                                             path,
                                             path);
  g_autofree char *objects = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; error == NULL; i++)
    {
      g_autofree char *arguments = g_strdup_printf ("('vm%u', {" BUS_TEST_CONFIG ", %s})", i, config);
      g_autoptr (GVariant) reply = bus_try (bus, OVM_MANAGER_PATH, "Manager", "CreateVM", arguments, &error);
    }
  g_assert_error (error, OVM_ERROR, OVM_ERROR_LIMIT_EXCEEDED);
  objects = list_objects (bus);
  g_assert_nonnull (strstr (objects, BUS_VM ("vm500")));
}

static void
test_tells_who_comes_and_goes (Bus *bus, gconstpointer data)
{
  bus_create (bus, "vm", NULL);
  bus_wait_until (bus_find_signal (bus, "InterfacesAdded /org/openvmm ('/org/openvmm/vm/vm'") != NULL);
  bus_vm (bus, BUS_VM ("vm"), "Delete", "(@a{sv} {},)");
  bus_wait_until (bus_find_signal (bus, "InterfacesRemoved /org/openvmm ('/org/openvmm/vm/vm'") != NULL);
  g_assert_null (bus_get (bus, BUS_VM ("vm"), "VM", "Name"));
}

static void
describe_args (GString *text, GDBusArgInfo **args)
{
  for (guint i = 0; args != NULL && args[i] != NULL; i++)
    g_string_append_printf (text, " %s:%s", args[i]->name, args[i]->signature);
}

/* an interface in a few lines, without what only the code generator reads */
static char *
describe (GDBusInterfaceInfo *info)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; info->methods != NULL && info->methods[i] != NULL; i++)
    {
      g_string_append_printf (text, "method %s in", info->methods[i]->name);
      describe_args (text, info->methods[i]->in_args);
      g_string_append (text, " out");
      describe_args (text, info->methods[i]->out_args);
      g_string_append_c (text, '\n');
    }
  for (guint i = 0; info->signals != NULL && info->signals[i] != NULL; i++)
    {
      g_string_append_printf (text, "signal %s", info->signals[i]->name);
      describe_args (text, info->signals[i]->args);
      g_string_append_c (text, '\n');
    }
  for (guint i = 0; info->properties != NULL && info->properties[i] != NULL; i++)
    {
      const char *emits = g_dbus_annotation_info_lookup (info->properties[i]->annotations,
                                                         "org.freedesktop.DBus.Property.EmitsChangedSignal");

      g_string_append_printf (text,
                              "property %s:%s flags %u emits %s\n",
                              info->properties[i]->name,
                              info->properties[i]->signature,
                              info->properties[i]->flags,
                              emits != NULL ? emits : "true");
    }
  return g_string_free (text, FALSE);
}

/* what a client is shown is what dbus/ says */
static void
check_interface (Bus *bus, const char *path, const char *interface)
{
  g_autofree char *file = g_strdup_printf ("%s/%s.xml", g_getenv ("DBUS_XML"), interface);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      bus_call_on (bus->connection, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &error);
  g_autoptr (GDBusNodeInfo) shown = NULL;
  g_autoptr (GDBusNodeInfo) written = NULL;
  g_autofree char *shown_text = NULL;
  g_autofree char *written_text = NULL;
  const char *xml;

  g_assert_no_error (error);
  g_variant_get (reply, "(&s)", &xml);
  shown = g_dbus_node_info_new_for_xml (xml, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (file, &text, NULL, &error));
  written = g_dbus_node_info_new_for_xml (text, &error);
  g_assert_no_error (error);
  shown_text = describe (g_dbus_node_info_lookup_interface (shown, interface));
  written_text = describe (g_dbus_node_info_lookup_interface (written, interface));
  g_assert_cmpstr (shown_text, ==, written_text);
}

static void
test_introspection (Bus *bus, gconstpointer data)
{
  g_autofree char *snapshot = NULL;

  bus_create (bus, "vm", SLOW);
  bus_vm (bus, BUS_VM ("vm"), "Start", "(@a{sv} {},)");
  snapshot = bus_save (bus, BUS_VM ("vm"), "s");
  check_interface (bus, OVM_MANAGER_PATH, "org.openvmm.Manager");
  check_interface (bus, BUS_VM ("vm"), "org.openvmm.VM");
  check_interface (bus, snapshot, "org.openvmm.Snapshot");
  check_interface (bus, OVM_ROOT_PATH "/job/1", "org.openvmm.Job");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  bus_test_add ("/src/object-tree/one-call-shows-all", test_one_call_shows_all);
  bus_test_add ("/src/object-tree/tells-no-more-than-is-counted", test_tells_no_more_than_is_counted);
  bus_test_add ("/src/object-tree/one-call-shows-all-long-texts", test_one_call_shows_all_long_texts);
  bus_test_add ("/src/object-tree/tells-who-comes-and-goes", test_tells_who_comes_and_goes);
  bus_test_add ("/src/object-tree/introspection", test_introspection);
  return g_test_run ();
}
