/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* error.h: every error the bus can show, one name a condition */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

#define OVM_ERROR (ovm_error_quark ())
GQuark ovm_error_quark (void);

typedef enum
{
  OVM_ERROR_FAILED,
  OVM_ERROR_NO_SUCH_VM,
  OVM_ERROR_NO_SUCH_SNAPSHOT,
  OVM_ERROR_NO_PARENT,
  OVM_ERROR_PARENT_MISSING,
  OVM_ERROR_PARENT_CHANGED,
  OVM_ERROR_HAS_CHILDREN,
  OVM_ERROR_NAME_IN_USE,
  OVM_ERROR_UUID_IN_USE,
  OVM_ERROR_INVALID_NAME,
  OVM_ERROR_INVALID_CONFIG,
  OVM_ERROR_UNKNOWN_KEY,
  OVM_ERROR_INVALID_TYPE,
  OVM_ERROR_INVALID_MEMORY_SIZE,
  OVM_ERROR_INVALID_VP_COUNT,
  OVM_ERROR_INVALID_COMMAND_LINE,
  OVM_ERROR_NO_SUCH_FILE,
  OVM_ERROR_INVALID_KERNEL,
  OVM_ERROR_INVALID_INITRD,
  OVM_ERROR_INVALID_MEMORY_FILE,
  OVM_ERROR_MEMORY_FILE_IN_USE,
  OVM_ERROR_INVALID_STATE,
  OVM_ERROR_BUSY,
  OVM_ERROR_NOT_SUPPORTED,
  OVM_ERROR_NOT_AUTHORIZED,
  OVM_ERROR_NO_HYPERVISOR,
  OVM_ERROR_HYPERVISOR_DENIED,
  OVM_ERROR_INCOMPATIBLE,
  OVM_ERROR_CORRUPT,
  OVM_ERROR_EXISTS,
  OVM_ERROR_NO_SPACE,
  OVM_ERROR_CANCELLED,
  OVM_ERROR_TIMED_OUT,
  OVM_ERROR_LIMIT_EXCEEDED,
  OVM_ERROR_HOST_ERROR,
  OVM_ERROR_GUEST_ERROR,
} OvmError;

#define OVM_ERROR_COUNT (OVM_ERROR_GUEST_ERROR + 1)
#define OVM_ERROR_PREFIX "org.openvmm.Error."

/** ovm_error_get_name: the bus name of @code, whole. */
const char *ovm_error_get_name (OvmError code);

/** ovm_error_from_vmm: which of ours an error of the VMM is. */
OvmError ovm_error_from_vmm (VmmError code);

/**
 * ovm_error_translate:
 * @error: of any domain
 *
 * Returns: (transfer full): @error in OVM_ERROR, with the same message; what no table knows is OVM_ERROR_FAILED
 */
GError *ovm_error_translate (const GError *error);

/** ovm_error_propagate: as g_propagate_error(), with @error translated. */
void ovm_error_propagate (GError **dest, GError *error);

G_END_DECLS
