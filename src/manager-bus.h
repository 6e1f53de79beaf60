/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* manager-bus.h: org.openvmm.Manager, the skin of OvmManager */

#pragma once

#include "dbus/openvmm-dbus.h"
#include "src/manager.h"

G_BEGIN_DECLS

#define OVM_TYPE_MANAGER_BUS (ovm_manager_bus_get_type ())
G_DECLARE_FINAL_TYPE (OvmManagerBus, ovm_manager_bus, OVM, MANAGER_BUS, OvmDBusManagerSkeleton)

OvmDBusManager *ovm_manager_bus_new (OvmManager *manager);

G_END_DECLS
