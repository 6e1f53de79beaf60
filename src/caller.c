/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The call does not wait for the answer: it says who is to be named, not who may do what. */

#include "config.h"
#include "src/caller.h"

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (OvmJob) job = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  guint32 uid;

  if (reply == NULL)
    {
      g_debug ("the caller of %s has left: %s", ovm_job_get_path (job), error->message);
      return;
    }
  g_variant_get (reply, "(u)", &uid);
  ovm_job_set_uid (job, uid);
}

static void
ask (OvmJob *job, GDBusConnection *connection, const char *sender)
{
  g_dbus_connection_call (connection,
                          "org.freedesktop.DBus",
                          "/org/freedesktop/DBus",
                          "org.freedesktop.DBus",
                          "GetConnectionUnixUser",
                          g_variant_new ("(s)", sender),
                          G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          on_answer,
                          g_object_ref (job));
}

/* whom to ask about when the job is shown */
typedef struct
{
  GDBusConnection *connection;
  char *sender;
} Caller;

static void
caller_free (gpointer data, GClosure *closure)
{
  Caller *caller = data;

  g_object_unref (caller->connection);
  g_free (caller->sender);
  g_free (caller);
}

static void
on_shown (OvmJob *job, const Caller *caller)
{
  ask (job, caller->connection, caller->sender);
}

void
ovm_caller_note (GDBusMethodInvocation *invocation, OvmJob *job)
{
  GDBusConnection *connection = g_dbus_method_invocation_get_connection (invocation);
  const char *sender = g_dbus_method_invocation_get_sender (invocation);
  Caller *caller;

  if (ovm_job_get_shown (job))
    {
      ask (job, connection, sender);
      return;
    }
  caller = g_new0 (Caller, 1);
  caller->connection = g_object_ref (connection);
  caller->sender = g_strdup (sender);
  g_signal_connect_data (job, "shown", G_CALLBACK (on_shown), caller, caller_free, 0);
}
