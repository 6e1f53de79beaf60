/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/snapshot-bus.h"

#include "src/caller.h"
#include "src/name.h"
#include "src/options.h"

struct _OvmSnapshotBus
{
  OvmDBusSnapshotSkeleton parent_instance;

  OvmSnapshot *snapshot;
  OvmSnapshotList *list;
};

static void ovm_snapshot_bus_iface_init (OvmDBusSnapshotIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (OvmSnapshotBus,
                               ovm_snapshot_bus,
                               OVM_DBUS_TYPE_SNAPSHOT_SKELETON,
                               G_IMPLEMENT_INTERFACE (OVM_DBUS_TYPE_SNAPSHOT, ovm_snapshot_bus_iface_init))

static const OvmOption wait_options[] = {
  { "wait", "b", 0, FALSE },
  { NULL },
};

static const OvmOption verify_options[] = {
  { "chain", "b", 0, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

static const OvmOption delete_options[] = {
  { "consolidate-children", "b", 0, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

typedef struct
{
  OvmSnapshotBus *skin;
  GDBusMethodInvocation *invocation;
} Call;

static void
reply (GDBusInterfaceSkeleton *skin, GDBusMethodInvocation *invocation, const GError *error)
{
  g_dbus_interface_skeleton_flush (skin);
  if (error != NULL)
    g_dbus_method_invocation_return_gerror (invocation, error);
  else
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
on_done (OvmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  g_autofree Call *call = user_data;
  g_autoptr (OvmSnapshotBus) skin = call->skin;

  reply (G_DBUS_INTERFACE_SKELETON (skin), call->invocation, error);
}

typedef gboolean (*Begin) (OvmSnapshot *snapshot, OvmSnapshotDone done, gpointer user_data, GError **error);

static Call *
call_new (OvmSnapshotBus *skin, GDBusMethodInvocation *invocation)
{
  Call *call = g_new0 (Call, 1);

  call->skin = g_object_ref (skin);
  call->invocation = invocation;
  return call;
}

/* @call was given to the operation; nobody has it if that was not begun, or is not to be waited for */
static void
after_begin (Call *call, gboolean begun, gboolean waits, const GError *error)
{
  if (begun)
    ovm_caller_note (call->invocation, ovm_snapshot_get_job (call->skin->snapshot));
  if (begun && waits)
    return;
  reply (G_DBUS_INTERFACE_SKELETON (call->skin), call->invocation, error);
  g_object_unref (call->skin);
  g_free (call);
}

static gboolean
handle (OvmDBusSnapshot *object,
        GDBusMethodInvocation *invocation,
        GVariant *options,
        const OvmOption *known,
        Begin begin)
{
  OvmSnapshotBus *skin = OVM_SNAPSHOT_BUS (object);
  gboolean waits = ovm_options_get_boolean (options, "wait", TRUE);
  Call *call = call_new (skin, invocation);
  g_autoptr (GError) error = NULL;
  gboolean begun = ovm_options_check (options, known, NULL, &error) &&
                   begin (skin->snapshot, waits ? on_done : NULL, call, &error);

  after_begin (call, begun, waits, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
handle_verify (OvmDBusSnapshot *object, GDBusMethodInvocation *invocation, GVariant *options)
{
  gboolean chain = ovm_options_get_boolean (options, "chain", TRUE);

  return handle (object,
                 invocation,
                 options,
                 verify_options,
                 chain ? ovm_snapshot_begin_verify : ovm_snapshot_begin_verify_alone);
}

static gboolean
handle_consolidate (OvmDBusSnapshot *object, GDBusMethodInvocation *invocation, GVariant *options)
{
  return handle (object, invocation, options, wait_options, ovm_snapshot_begin_consolidate);
}

static gboolean
handle_delete (OvmDBusSnapshot *object, GDBusMethodInvocation *invocation, GVariant *options)
{
  OvmSnapshotBus *skin = OVM_SNAPSHOT_BUS (object);
  gboolean waits = ovm_options_get_boolean (options, "wait", TRUE);
  gboolean consolidates = ovm_options_get_boolean (options, "consolidate-children", FALSE);
  Call *call = call_new (skin, invocation);
  g_autoptr (GError) error = NULL;
  gboolean begun = ovm_options_check (options, delete_options, NULL, &error) &&
                   ovm_snapshot_list_begin_delete (skin->list,
                                                   skin->snapshot,
                                                   consolidates,
                                                   waits ? on_done : NULL,
                                                   call,
                                                   &error);

  after_begin (call, begun, waits, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
handle_prepare (OvmDBusSnapshot *object, GDBusMethodInvocation *invocation, guint count, GVariant *options)
{
  OvmSnapshotBus *skin = OVM_SNAPSHOT_BUS (object);
  gboolean waits = ovm_options_get_boolean (options, "wait", TRUE);
  Call *call = call_new (skin, invocation);
  g_autoptr (GError) error = NULL;
  gboolean begun = ovm_snapshot_list_begin_prepare (
      skin->list, skin->snapshot, count, options, waits ? on_done : NULL, call, &error);

  after_begin (call, begun, waits, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
handle_set_description (OvmDBusSnapshot *object, GDBusMethodInvocation *invocation, const char *description)
{
  OvmSnapshotBus *skin = OVM_SNAPSHOT_BUS (object);
  Call *call = call_new (skin, invocation);
  g_autoptr (GError) error = NULL;
  gboolean begun = ovm_snapshot_begin_describe (skin->snapshot, description, on_done, call, &error);

  after_begin (call, begun, TRUE, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
ovm_snapshot_bus_iface_init (OvmDBusSnapshotIface *iface)
{
  iface->handle_prepare = handle_prepare;
  iface->handle_verify = handle_verify;
  iface->handle_consolidate = handle_consolidate;
  iface->handle_delete = handle_delete;
  iface->handle_set_description = handle_set_description;
}

static void
ovm_snapshot_bus_dispose (GObject *object)
{
  OvmSnapshotBus *skin = OVM_SNAPSHOT_BUS (object);

  g_clear_object (&skin->snapshot);
  g_clear_object (&skin->list);
  G_OBJECT_CLASS (ovm_snapshot_bus_parent_class)->dispose (object);
}

static void
ovm_snapshot_bus_class_init (OvmSnapshotBusClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ovm_snapshot_bus_dispose;
}

static void
ovm_snapshot_bus_init (OvmSnapshotBus *skin)
{
}

static void
update (OvmSnapshotBus *skin)
{
  OvmDBusSnapshot *bus = OVM_DBUS_SNAPSHOT (skin);
  OvmJob *job = ovm_snapshot_get_job (skin->snapshot);
  const OvmSnapshotInfo *info = ovm_snapshot_get_info (skin->snapshot);

  ovm_dbus_snapshot_set_job (bus, job != NULL ? ovm_job_get_path (job) : OVM_NO_PATH);
  ovm_dbus_snapshot_set_prepared (bus, ovm_prepared_get_ready (ovm_snapshot_get_prepared (skin->snapshot)));
  ovm_dbus_snapshot_set_parent (bus, ovm_snapshot_list_get_path (skin->list, info->parent_uuid));
  ovm_dbus_snapshot_set_incremental (bus, info->incremental);
  ovm_dbus_snapshot_set_size_on_disk (bus, info->size_on_disk);
  ovm_dbus_snapshot_set_description (bus, info->description);
}

OvmDBusSnapshot *
ovm_snapshot_bus_new (OvmSnapshot *snapshot, OvmSnapshotList *list)
{
  OvmSnapshotBus *skin = g_object_new (OVM_TYPE_SNAPSHOT_BUS, NULL);
  OvmDBusSnapshot *bus = OVM_DBUS_SNAPSHOT (skin);
  const OvmSnapshotInfo *info = ovm_snapshot_get_info (snapshot);

  skin->snapshot = g_object_ref (snapshot);
  skin->list = g_object_ref (list);
  ovm_dbus_snapshot_set_directory (bus, info->directory);
  ovm_dbus_snapshot_set_uuid (bus, info->uuid);
  ovm_dbus_snapshot_set_parent_uuid (bus, info->parent_uuid);
  ovm_dbus_snapshot_set_vm_name (bus, info->vm_name);
  ovm_dbus_snapshot_set_vm_uuid (bus, info->vm_uuid);
  ovm_dbus_snapshot_set_created_at (bus, info->created_at_usec);
  ovm_dbus_snapshot_set_downtime_usec (bus, info->downtime_usec);
  ovm_dbus_snapshot_set_memory_size (bus, info->memory_size);
  ovm_dbus_snapshot_set_vp_count (bus, info->vp_count);
  update (skin);
  g_signal_connect_object (snapshot, "changed", G_CALLBACK (update), skin, G_CONNECT_SWAPPED);
  return bus;
}
