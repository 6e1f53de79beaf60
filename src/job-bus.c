/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/job-bus.h"

struct _OvmJobBus
{
  OvmDBusJobSkeleton parent_instance;

  OvmJob *job;
};

static void ovm_job_bus_iface_init (OvmDBusJobIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (OvmJobBus,
                               ovm_job_bus,
                               OVM_DBUS_TYPE_JOB_SKELETON,
                               G_IMPLEMENT_INTERFACE (OVM_DBUS_TYPE_JOB, ovm_job_bus_iface_init))

static gboolean
handle_cancel (OvmDBusJob *object, GDBusMethodInvocation *invocation)
{
  OvmJobBus *skin = OVM_JOB_BUS (object);
  g_autoptr (GError) error = NULL;

  if (ovm_job_cancel (skin->job, &error))
    ovm_dbus_job_complete_cancel (object, invocation);
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
ovm_job_bus_iface_init (OvmDBusJobIface *iface)
{
  iface->handle_cancel = handle_cancel;
}

static void
ovm_job_bus_dispose (GObject *object)
{
  g_clear_object (&OVM_JOB_BUS (object)->job);
  G_OBJECT_CLASS (ovm_job_bus_parent_class)->dispose (object);
}

static void
ovm_job_bus_class_init (OvmJobBusClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ovm_job_bus_dispose;
}

static void
ovm_job_bus_init (OvmJobBus *skin)
{
}

static void
update (OvmJobBus *skin)
{
  OvmDBusJob *bus = OVM_DBUS_JOB (skin);
  OvmJob *job = skin->job;
  guint64 done = ovm_job_get_bytes_done (job);
  guint64 total = ovm_job_get_bytes_total (job);
  gboolean succeeded = ovm_job_get_state (job) == OVM_JOB_SUCCEEDED;

  ovm_dbus_job_set_state (bus, ovm_job_state_to_string (ovm_job_get_state (job)));
  ovm_dbus_job_set_error (bus, ovm_job_get_error_name (job));
  ovm_dbus_job_set_message (bus, ovm_job_get_message (job));
  ovm_dbus_job_set_result (bus, ovm_job_get_result (job));
  ovm_dbus_job_set_bytes_done (bus, done);
  ovm_dbus_job_set_bytes_total (bus, total);
  ovm_dbus_job_set_progress_valid (bus, total > 0 || succeeded);
  ovm_dbus_job_set_progress (bus, succeeded ? 1.0 : total > 0 ? (double) done / (double) total : 0.0);
  ovm_dbus_job_set_expected_end_time (bus, (guint64) ovm_job_get_expected_end_usec (job));
  ovm_dbus_job_set_started_by_uid (bus, ovm_job_get_uid (job));
}

static void
on_completed (OvmJob *job, gboolean success, const char *error, const char *message, OvmJobBus *skin)
{
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (skin));
  ovm_dbus_job_emit_completed (OVM_DBUS_JOB (skin), success, error, message);
}

OvmDBusJob *
ovm_job_bus_new (OvmJob *job)
{
  OvmJobBus *skin = g_object_new (OVM_TYPE_JOB_BUS, NULL);
  OvmDBusJob *bus = OVM_DBUS_JOB (skin);

  skin->job = g_object_ref (job);
  ovm_dbus_job_set_operation (bus, ovm_job_get_operation (job));
  ovm_dbus_job_set_objects (bus, ovm_job_get_objects (job));
  ovm_dbus_job_set_cancelable (bus, ovm_job_get_cancelable (job));
  ovm_dbus_job_set_start_time (bus, (guint64) ovm_job_get_start_usec (job));
  update (skin);
  g_signal_connect_object (job, "changed", G_CALLBACK (update), skin, G_CONNECT_SWAPPED);
  g_signal_connect_object (job, "completed", G_CALLBACK (on_completed), skin, 0);
  return bus;
}
