/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The reply comes when the work is done, so the Job is not needed to know how that ends. It is found by its
 * appearance on the bus: subscribed to before the call is sent, it cannot be missed.
 */

#include "config.h"
#include "src/ctl/job.h"

#include "src/ctl/progress.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <unistd.h>

#define JOB_INTERFACE "org.openvmm.Job"
#define ROOT_PATH "/org/openvmm"
#define UID_UNKNOWN G_MAXUINT32

typedef struct
{
  GMainLoop *loop;
  GCancellable *patience; /* how long to wait: until the second signal */
  GDBusConnection *bus;
  const char *service;
  const OvmCtlJobWatch *watch;
  char *path; /* of the Job; %NULL until it was seen */
  GVariantDict *properties;
  guint signals; /* SIGINT and SIGTERM so far */
  GVariant *reply;
  GError *error;
} Call;

static gboolean
works_on (GVariant *properties, const char *object)
{
  g_autofree const char **objects = NULL;

  if (object == NULL)
    return TRUE;
  return g_variant_lookup (properties, "Objects", "^a&o", &objects) && g_strv_contains (objects, object);
}

gboolean
ovm_ctl_job_is_watched (const OvmCtlJobWatch *watch, GVariant *properties, guint32 uid)
{
  const char *operation = NULL;
  guint32 started_by = UID_UNKNOWN;

  if (!g_variant_lookup (properties, "Operation", "&s", &operation) ||
      !g_str_equal (operation, watch->operation))
    return FALSE;

  g_variant_lookup (properties, "StartedByUID", "u", &started_by);
  return (started_by == UID_UNKNOWN || started_by == uid) && works_on (properties, watch->object);
}

static void
show_progress (Call *call)
{
  OvmCtlProgress progress = { .label = call->watch->label, .left_seconds = -1 };
  guint64 end_usec = 0;

  if (call->signals > 0)
    progress.label = _ ("Cancelling");
  g_variant_dict_lookup (call->properties, "ProgressValid", "b", &progress.known);
  g_variant_dict_lookup (call->properties, "Progress", "d", &progress.fraction);
  g_variant_dict_lookup (call->properties, "BytesDone", "t", &progress.done_bytes);
  g_variant_dict_lookup (call->properties, "BytesTotal", "t", &progress.total_bytes);
  if (g_variant_dict_lookup (call->properties, "ExpectedEndTime", "t", &end_usec) && end_usec > 0)
    progress.left_seconds = MAX ((gint64) end_usec - g_get_real_time (), 0) / G_USEC_PER_SEC;
  ovm_ctl_progress_show (&progress);
}

static void
take_properties (Call *call, GVariant *properties)
{
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    g_variant_dict_insert_value (call->properties, name, value);
  show_progress (call);
}

static void
cancel (Call *call)
{
  g_dbus_connection_call (call->bus,
                          call->service,
                          call->path,
                          JOB_INTERFACE,
                          "Cancel",
                          NULL,
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          NULL,
                          NULL);
}

static void
on_interfaces_added (GDBusConnection *bus,
                     const char *sender,
                     const char *root,
                     const char *interface,
                     const char *signal,
                     GVariant *parameters,
                     gpointer user_data)
{
  Call *call = user_data;
  const char *path;
  g_autoptr (GVariant) interfaces = NULL;
  g_autoptr (GVariant) properties = NULL;

  g_variant_get (parameters, "(&o@a{sa{sv}})", &path, &interfaces);
  properties = g_variant_lookup_value (interfaces, JOB_INTERFACE, G_VARIANT_TYPE_VARDICT);
  if (call->path != NULL || properties == NULL || !ovm_ctl_job_is_watched (call->watch, properties, getuid ()))
    return;

  call->path = g_strdup (path);
  take_properties (call, properties);
  if (call->signals > 0)
    cancel (call);
}

static void
on_properties_changed (GDBusConnection *bus,
                       const char *sender,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  Call *call = user_data;
  g_autoptr (GVariant) changed = NULL;

  if (g_strcmp0 (path, call->path) != 0)
    return;
  g_variant_get (parameters, "(&s@a{sv}as)", NULL, &changed, NULL);
  take_properties (call, changed);
}

static gboolean
on_signal (gpointer user_data)
{
  Call *call = user_data;

  call->signals++;
  if (call->signals > 1)
    g_cancellable_cancel (call->patience);
  else if (call->path != NULL)
    cancel (call);
  show_progress (call);
  return G_SOURCE_CONTINUE;
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;

  call->reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &call->error);
  if (g_error_matches (call->error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&call->error);
      g_set_error_literal (&call->error,
                           OVM_CTL_ERROR,
                           OVM_CTL_STATUS_CANCELLED,
                           _ ("not waiting any longer; openvmmd may still be at it"));
    }
  g_main_loop_quit (call->loop);
}

static guint
subscribe (Call *call,
           const char *interface,
           const char *signal,
           const char *path,
           GDBusSignalCallback callback)
{
  const char *first_argument = path == NULL ? JOB_INTERFACE : NULL;

  return g_dbus_connection_signal_subscribe (call->bus,
                                             call->service,
                                             interface,
                                             signal,
                                             path,
                                             first_argument,
                                             G_DBUS_SIGNAL_FLAGS_NONE,
                                             callback,
                                             call,
                                             NULL);
}

static void
send_and_wait (Call *call, GDBusProxy *proxy, const char *method, GVariant *parameters)
{
  guint added = subscribe (call,
                           "org.freedesktop.DBus.ObjectManager",
                           "InterfacesAdded",
                           ROOT_PATH,
                           on_interfaces_added);
  guint changed =
      subscribe (call, "org.freedesktop.DBus.Properties", "PropertiesChanged", NULL, on_properties_changed);
  guint interrupt = g_unix_signal_add (SIGINT, on_signal, call);
  guint terminate = g_unix_signal_add (SIGTERM, on_signal, call);

  g_dbus_proxy_call (
      proxy, method, parameters, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, call->patience, on_reply, call);
  g_main_loop_run (call->loop);

  g_source_remove (terminate);
  g_source_remove (interrupt);
  g_dbus_connection_signal_unsubscribe (call->bus, changed);
  g_dbus_connection_signal_unsubscribe (call->bus, added);
}

GVariant *
ovm_ctl_job_call (GDBusProxy *proxy,
                  const char *method,
                  GVariant *parameters,
                  const OvmCtlJobWatch *watch,
                  GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) patience = g_cancellable_new ();
  g_autoptr (GVariantDict) properties = g_variant_dict_new (NULL);
  Call call = {
    .loop = loop,
    .patience = patience,
    .bus = g_dbus_proxy_get_connection (proxy),
    .service = g_dbus_proxy_get_name (proxy),
    .watch = watch,
    .properties = properties,
  };

  send_and_wait (&call, proxy, method, parameters);
  ovm_ctl_progress_clear ();

  g_free (call.path);
  if (call.error != NULL)
    g_propagate_error (error, call.error);
  return call.reply;
}
