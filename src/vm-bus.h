/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vm-bus.h: org.openvmm.VM, the skin of OvmVm */

#pragma once

#include "dbus/openvmm-dbus.h"
#include "src/vm.h"

G_BEGIN_DECLS

#define OVM_TYPE_VM_BUS (ovm_vm_bus_get_type ())
G_DECLARE_FINAL_TYPE (OvmVmBus, ovm_vm_bus, OVM, VM_BUS, OvmDBusVMSkeleton)

OvmDBusVM *ovm_vm_bus_new (OvmVm *vm);

G_END_DECLS
