/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/object-tree.h"

#include "src/job-bus.h"
#include "src/manager-bus.h"
#include "src/name.h"
#include "src/snapshot-bus.h"
#include "src/vm-bus.h"

/*
 * GetManagedObjects tells all of every object in one message. dbus-daemon ends the connection of who sends one of more
 * than 32 MiB, and without the bus the service powers its VMs off: so each list has its share, and there is a rest.
 */
#define BUS_SIZE_MAX (28 * 1024 * 1024)
G_STATIC_ASSERT (OVM_VM_LIST_BUS_SIZE_MAX + OVM_SNAPSHOT_LIST_BUS_SIZE_MAX + OVM_JOB_LIST_BUS_SIZE_MAX <=
                 BUS_SIZE_MAX);

struct _OvmObjectTree
{
  GObject parent_instance;

  OvmManager *manager;
  GDBusObjectManagerServer *server;
};

G_DEFINE_FINAL_TYPE (OvmObjectTree, ovm_object_tree, G_TYPE_OBJECT)

static void
ovm_object_tree_dispose (GObject *object)
{
  OvmObjectTree *tree = OVM_OBJECT_TREE (object);

  g_clear_object (&tree->server);
  g_clear_object (&tree->manager);
  G_OBJECT_CLASS (ovm_object_tree_parent_class)->dispose (object);
}

static void
ovm_object_tree_class_init (OvmObjectTreeClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ovm_object_tree_dispose;
}

static void
ovm_object_tree_init (OvmObjectTree *tree)
{
  tree->server = g_dbus_object_manager_server_new (OVM_ROOT_PATH);
}

/* takes @skin */
static void
show (OvmObjectTree *tree, const char *path, gpointer skin)
{
  g_autoptr (GDBusInterfaceSkeleton) interface = G_DBUS_INTERFACE_SKELETON (skin);
  g_autoptr (GDBusObjectSkeleton) object = g_dbus_object_skeleton_new (path);

  g_dbus_object_skeleton_add_interface (object, interface);
  g_dbus_object_manager_server_export (tree->server, object);
}

static void
hide (OvmObjectTree *tree, const char *path)
{
  g_dbus_object_manager_server_unexport (tree->server, path);
}

static void
on_vm_added (OvmVmList *list, OvmVm *vm, OvmObjectTree *tree)
{
  show (tree, ovm_vm_get_path (vm), ovm_vm_bus_new (vm));
}

static void
on_vm_removed (OvmVmList *list, OvmVm *vm, OvmObjectTree *tree)
{
  hide (tree, ovm_vm_get_path (vm));
}

static void
on_snapshot_added (OvmSnapshotList *list, OvmSnapshot *snapshot, OvmObjectTree *tree)
{
  show (tree, ovm_snapshot_get_path (snapshot), ovm_snapshot_bus_new (snapshot, list));
}

static void
on_snapshot_removed (OvmSnapshotList *list, OvmSnapshot *snapshot, OvmObjectTree *tree)
{
  hide (tree, ovm_snapshot_get_path (snapshot));
}

static void
on_job_added (OvmJobList *list, OvmJob *job, OvmObjectTree *tree)
{
  show (tree, ovm_job_get_path (job), ovm_job_bus_new (job));
}

static void
on_job_removed (OvmJobList *list, OvmJob *job, OvmObjectTree *tree)
{
  hide (tree, ovm_job_get_path (job));
}

OvmObjectTree *
ovm_object_tree_new (OvmManager *manager, GDBusConnection *connection)
{
  OvmObjectTree *tree = g_object_new (OVM_TYPE_OBJECT_TREE, NULL);
  OvmVmList *vms = ovm_manager_get_vms (manager);
  OvmSnapshotList *snapshots = ovm_manager_get_snapshots (manager);
  OvmJobList *jobs = ovm_manager_get_jobs (manager);

  tree->manager = g_object_ref (manager);
  g_signal_connect_object (vms, "added", G_CALLBACK (on_vm_added), tree, 0);
  g_signal_connect_object (vms, "removed", G_CALLBACK (on_vm_removed), tree, 0);
  g_signal_connect_object (snapshots, "added", G_CALLBACK (on_snapshot_added), tree, 0);
  g_signal_connect_object (snapshots, "removed", G_CALLBACK (on_snapshot_removed), tree, 0);
  g_signal_connect_object (jobs, "added", G_CALLBACK (on_job_added), tree, 0);
  g_signal_connect_object (jobs, "removed", G_CALLBACK (on_job_removed), tree, 0);

  show (tree, OVM_MANAGER_PATH, ovm_manager_bus_new (manager));
  g_dbus_object_manager_server_set_connection (tree->server, connection);
  return tree;
}
