/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* job.h: calls that take their time, watched through the service's Job objects */

#pragma once

#include "src/ctl/ctl.h"

G_BEGIN_DECLS

/**
 * OvmCtlJobWatch:
 * @operation: what the Job says in Operation
 * @object: (nullable): path of an object the Job works on, or %NULL if it is not known
 * @label: what to show the user
 *
 * How to tell our own Job among others.
 */
typedef struct
{
  const char *operation;
  const char *object;
  const char *label;
} OvmCtlJobWatch;

/**
 * ovm_ctl_job_call:
 * @parameters: consumed if floating
 *
 * Calls a method without a time limit. Meanwhile progress stands on stderr, if that is a terminal. The first SIGINT or
 * SIGTERM asks the Job to stop, the second stops waiting.
 *
 * Errors: what the service says; %OVM_CTL_STATUS_CANCELLED after the second signal.
 * Returns: (transfer full): the reply
 */
GVariant *ovm_ctl_job_call (GDBusProxy *proxy,
                            const char *method,
                            GVariant *parameters,
                            const OvmCtlJobWatch *watch,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_ctl_job_is_watched:
 * @properties: a{sv} of a Job
 *
 * Returns: whether it is the Job that @watch means: same operation, same object if known, begun by @uid if known
 */
gboolean ovm_ctl_job_is_watched (const OvmCtlJobWatch *watch, GVariant *properties, guint32 uid);

G_END_DECLS
