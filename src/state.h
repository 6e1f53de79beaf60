/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* state.h: the life of a VM, as one table */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  OVM_STATE_STOPPED,
  OVM_STATE_RUNNING,
  OVM_STATE_PAUSED,
  OVM_STATE_CRASHED,
} OvmState;

#define OVM_STATE_COUNT (OVM_STATE_CRASHED + 1)

/** OvmOperation: what is done to a VM, or, from OVM_OPERATION_GUEST_POWER_OFF on, what the VM does by itself. */
typedef enum
{
  OVM_OPERATION_START,
  OVM_OPERATION_START_PAUSED,
  OVM_OPERATION_PAUSE,
  OVM_OPERATION_RESUME,
  OVM_OPERATION_SHUTDOWN,
  OVM_OPERATION_POWER_OFF,
  OVM_OPERATION_RESET,
  OVM_OPERATION_DELETE,
  OVM_OPERATION_DELETE_FORCED,
  OVM_OPERATION_SAVE,
  OVM_OPERATION_RESTORE,
  OVM_OPERATION_RESTORE_PAUSED,
  OVM_OPERATION_OPEN_CONSOLE,
  OVM_OPERATION_GUEST_POWER_OFF,
  OVM_OPERATION_GUEST_REBOOT,
  OVM_OPERATION_GUEST_CRASH,
} OvmOperation;

#define OVM_OPERATION_COUNT (OVM_OPERATION_GUEST_CRASH + 1)

/** ovm_state_to_string: as on the bus. */
const char *ovm_state_to_string (OvmState state);

/** ovm_operation_to_string: what is done, for messages: "cannot <this> a stopped VM". */
const char *ovm_operation_to_string (OvmOperation operation);

/**
 * ovm_state_next:
 * @next: (out) (optional): the state after @operation was done in @state
 *
 * Errors: %OVM_ERROR_INVALID_STATE, saying in which states @operation is allowed.
 *
 * Returns: whether @operation is allowed in @state
 */
gboolean ovm_state_next (OvmState state, OvmOperation operation, OvmState *next, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
