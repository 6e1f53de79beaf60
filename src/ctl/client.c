/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/client.h"

#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_NAME "org.openvmm.Manager"
#define ROOT_PATH "/org/openvmm"
#define MANAGER_PATH ROOT_PATH "/Manager"

static GDBusConnection *
connect_to_bus (OvmCtl *ctl, GError **error)
{
  g_autoptr (GError) local = NULL;
  GDBusConnection *bus = g_bus_get_sync (ctl->bus_type, NULL, &local);

  if (bus == NULL)
    {
      g_set_error (error,
                   OVM_CTL_ERROR,
                   OVM_CTL_STATUS_UNREACHABLE,
                   ctl->bus_type == G_BUS_TYPE_SESSION
                       ? _ ("cannot reach the session bus: %s")
                       : _ ("cannot reach the system bus: %s; --session asks the service of your session"),
                   local->message);
      return NULL;
    }

  g_dbus_connection_set_exit_on_close (bus, FALSE);
  return bus;
}

static gboolean
check_owner (OvmCtl *ctl, OvmDBusManager *manager, GError **error)
{
  g_autofree char *owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (manager));

  if (owner != NULL)
    return TRUE;

  g_set_error_literal (
      error,
      OVM_CTL_ERROR,
      OVM_CTL_STATUS_UNREACHABLE,
      ctl->bus_type == G_BUS_TYPE_SESSION
          ? _ ("openvmmd is not on the session bus; “openvmmd --session” starts it, and --system "
               "asks the service of the system")
          : _ ("openvmmd is not on the system bus; “systemctl start openvmmd” starts it, and "
               "--session asks the service of your session"));
  return FALSE;
}

OvmDBusManager *
ovm_ctl_client_get_manager (OvmCtl *ctl, GError **error)
{
  g_autoptr (GDBusConnection) bus = connect_to_bus (ctl, error);
  g_autoptr (OvmDBusManager) manager = NULL;

  if (bus == NULL)
    return NULL;

  manager =
      ovm_dbus_manager_proxy_new_sync (bus, G_DBUS_PROXY_FLAGS_NONE, SERVICE_NAME, MANAGER_PATH, NULL, error);
  if (manager == NULL || !check_owner (ctl, manager, error))
    return NULL;
  return g_steal_pointer (&manager);
}

OvmDBusVM *
ovm_ctl_client_get_vm_at (OvmDBusManager *manager, const char *path, GError **error)
{
  return ovm_dbus_vm_proxy_new_sync (g_dbus_proxy_get_connection (G_DBUS_PROXY (manager)),
                                     G_DBUS_PROXY_FLAGS_NONE,
                                     SERVICE_NAME,
                                     path,
                                     NULL,
                                     error);
}

OvmDBusVM *
ovm_ctl_client_get_vm (OvmDBusManager *manager, const char *name, GError **error)
{
  g_autofree char *path = NULL;

  if (!ovm_dbus_manager_call_get_vm_sync (manager, name, G_DBUS_CALL_FLAGS_NONE, -1, &path, NULL, error))
    return NULL;
  return ovm_ctl_client_get_vm_at (manager, path, error);
}

OvmDBusSnapshot *
ovm_ctl_client_get_snapshot_at (OvmDBusManager *manager, const char *path, GError **error)
{
  return ovm_dbus_snapshot_proxy_new_sync (g_dbus_proxy_get_connection (G_DBUS_PROXY (manager)),
                                           G_DBUS_PROXY_FLAGS_NONE,
                                           SERVICE_NAME,
                                           path,
                                           NULL,
                                           error);
}

OvmDBusSnapshot *
ovm_ctl_client_open_snapshot (OvmDBusManager *manager, const char *directory, GError **error)
{
  g_autofree char *path = NULL;

  if (!ovm_dbus_manager_call_open_snapshot_sync (
          manager, directory, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, &path, NULL, error))
    return NULL;
  return ovm_ctl_client_get_snapshot_at (manager, path, error);
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (g_dbus_proxy_get_object_path (*(GDBusProxy **) a),
                    g_dbus_proxy_get_object_path (*(GDBusProxy **) b));
}

GPtrArray *
ovm_ctl_client_list (OvmDBusManager *manager, const char *interface, GError **error)
{
  g_autoptr (GPtrArray) proxies = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GDBusObjectManager)
      objects = ovm_dbus_object_manager_client_new_sync (g_dbus_proxy_get_connection (G_DBUS_PROXY (manager)),
                                                         G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE,
                                                         SERVICE_NAME,
                                                         ROOT_PATH,
                                                         NULL,
                                                         error);
  g_autolist (GDBusObject) list = NULL;

  if (objects == NULL)
    return NULL;

  list = g_dbus_object_manager_get_objects (objects);
  for (GList *l = list; l != NULL; l = l->next)
    {
      GDBusInterface *found = g_dbus_object_get_interface (l->data, interface);

      if (found != NULL)
        g_ptr_array_add (proxies, found);
    }
  g_ptr_array_sort (proxies, compare_paths);
  return g_steal_pointer (&proxies);
}

GVariant *
ovm_ctl_client_describe (GDBusProxy *proxy)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_auto (GStrv) names = g_dbus_proxy_get_cached_property_names (proxy);

  g_variant_builder_add (&builder,
                         "{sv}",
                         "Path",
                         g_variant_new_object_path (g_dbus_proxy_get_object_path (proxy)));
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autoptr (GVariant) value = g_dbus_proxy_get_cached_property (proxy, names[i]);

      if (value != NULL)
        g_variant_builder_add (&builder, "{sv}", names[i], value);
    }
  return g_variant_builder_end (&builder);
}

char *
ovm_ctl_client_get_vm_path (const char *name)
{
  GString *path = g_string_new (ROOT_PATH "/vm/");

  for (const char *p = name; *p != '\0'; p++)
    {
      if (g_ascii_isalpha (*p) || (g_ascii_isdigit (*p) && p != name))
        g_string_append_c (path, *p);
      else
        g_string_append_printf (path, "_%02x", (guchar) *p);
    }
  return g_string_free (path, FALSE);
}

/* how much of @path its last component ".." ends; 0 if it has none */
static gsize
measure_parents (const char *path)
{
  gsize length = 0;

  for (const char *p = strstr (path, ".."); p != NULL; p = strstr (p + 1, ".."))
    {
      if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
        length = (gsize) (p - path) + 2;
    }
  return length;
}

/* (transfer full): up to its last ".." @path is what the kernel makes of it, if that is there */
static char *
resolve_parents (const char *path)
{
  gsize length = measure_parents (path);
  g_autofree char *parents = g_strndup (path, length);
  g_autofree char *resolved = length > 0 ? realpath (parents, NULL) : NULL;

  return resolved != NULL ? g_build_filename (resolved, path + length, NULL) : g_strdup (path);
}

char *
ovm_ctl_client_make_absolute (const char *path)
{
  g_autofree char *current = g_get_current_dir ();
  g_autofree char *resolved = resolve_parents (path);
  g_autofree char *whole = NULL;
  g_autofree char *absolute = NULL;

  if (*path == '\0')
    return g_strdup ("");

  whole = g_path_is_absolute (resolved) ? g_strdup (resolved) : g_build_filename (current, resolved, NULL);
  absolute = g_utf8_make_valid (whole, -1); /* the bus carries nothing else */
  if (measure_parents (absolute) > 0)
    return g_steal_pointer (&absolute);
  return g_canonicalize_filename (absolute + strspn (absolute, "/") - 1, "/");
}

OvmDBusSnapshot *
ovm_ctl_client_find_snapshot (OvmDBusManager *manager, const char *word, GError **error)
{
  g_autoptr (GPtrArray) snapshots = ovm_ctl_client_list (manager, "org.openvmm.Snapshot", error);
  g_autofree char *directory = ovm_ctl_client_make_absolute (word);

  if (snapshots == NULL)
    return NULL;
  for (guint i = 0; i < snapshots->len; i++)
    {
      OvmDBusSnapshot *snapshot = g_ptr_array_index (snapshots, i);

      if (g_strcmp0 (ovm_dbus_snapshot_get_directory (snapshot), directory) == 0 ||
          g_strcmp0 (ovm_dbus_snapshot_get_uuid (snapshot), word) == 0)
        return g_object_ref (snapshot);
    }
  g_set_error (error,
               OVM_CTL_ERROR,
               OVM_CTL_STATUS_NOT_FOUND,
               _ ("openvmmd knows no snapshot “%s”; “openvmmctl list --snapshots” lists those it knows"),
               word);
  return NULL;
}
