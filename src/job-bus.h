/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* job-bus.h: org.openvmm.Job, the skin of OvmJob */

#pragma once

#include "dbus/openvmm-dbus.h"
#include "src/job.h"

G_BEGIN_DECLS

#define OVM_TYPE_JOB_BUS (ovm_job_bus_get_type ())
G_DECLARE_FINAL_TYPE (OvmJobBus, ovm_job_bus, OVM, JOB_BUS, OvmDBusJobSkeleton)

OvmDBusJob *ovm_job_bus_new (OvmJob *job);

G_END_DECLS
