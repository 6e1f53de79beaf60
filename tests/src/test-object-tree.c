/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/object-tree.h"

#include "tests/src/bus.h"

#define SLOW "'test-delay-ms': <uint32 100>" /* enough for its jobs to be shown */

static char *
list_objects (Bus *bus)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_call_on (bus->connection,
                                            OVM_ROOT_PATH,
                                            "org.freedesktop.DBus.ObjectManager",
                                            "GetManagedObjects",
                                            NULL,
                                            &error);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariantIter) objects = NULL;
  g_autoptr (GVariant) interfaces = NULL;
  const char *path;

  g_assert_no_error (error);
  g_variant_get (reply, "(a{oa{sa{sv}}})", &objects);
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
  bus_test_add ("/src/object-tree/tells-who-comes-and-goes", test_tells_who_comes_and_goes);
  bus_test_add ("/src/object-tree/introspection", test_introspection);
  return g_test_run ();
}
