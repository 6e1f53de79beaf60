/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot-bus.h: org.openvmm.Snapshot, the skin of OvmSnapshot */

#pragma once

#include "dbus/openvmm-dbus.h"
#include "src/snapshot-list.h"

G_BEGIN_DECLS

#define OVM_TYPE_SNAPSHOT_BUS (ovm_snapshot_bus_get_type ())
G_DECLARE_FINAL_TYPE (OvmSnapshotBus, ovm_snapshot_bus, OVM, SNAPSHOT_BUS, OvmDBusSnapshotSkeleton)

/** ovm_snapshot_bus_new: @list is where the parent is looked for. */
OvmDBusSnapshot *ovm_snapshot_bus_new (OvmSnapshot *snapshot, OvmSnapshotList *list);

G_END_DECLS
