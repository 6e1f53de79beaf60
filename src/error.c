/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The names stand here and nowhere else. GDBus sends an error of this domain under its name, and gives a client
 * that links this file the code back.
 */

#include "config.h"
#include "src/error.h"

static const GDBusErrorEntry names[] = {
  { OVM_ERROR_FAILED, OVM_ERROR_PREFIX "Failed" },
  { OVM_ERROR_NO_SUCH_VM, OVM_ERROR_PREFIX "NoSuchVM" },
  { OVM_ERROR_NO_SUCH_SNAPSHOT, OVM_ERROR_PREFIX "NoSuchSnapshot" },
  { OVM_ERROR_NO_PARENT, OVM_ERROR_PREFIX "NoParent" },
  { OVM_ERROR_PARENT_MISSING, OVM_ERROR_PREFIX "ParentMissing" },
  { OVM_ERROR_PARENT_CHANGED, OVM_ERROR_PREFIX "ParentChanged" },
  { OVM_ERROR_HAS_CHILDREN, OVM_ERROR_PREFIX "HasChildren" },
  { OVM_ERROR_NAME_IN_USE, OVM_ERROR_PREFIX "NameInUse" },
  { OVM_ERROR_UUID_IN_USE, OVM_ERROR_PREFIX "UUIDInUse" },
  { OVM_ERROR_INVALID_NAME, OVM_ERROR_PREFIX "InvalidName" },
  { OVM_ERROR_INVALID_CONFIG, OVM_ERROR_PREFIX "InvalidConfig" },
  { OVM_ERROR_UNKNOWN_KEY, OVM_ERROR_PREFIX "UnknownKey" },
  { OVM_ERROR_INVALID_TYPE, OVM_ERROR_PREFIX "InvalidType" },
  { OVM_ERROR_INVALID_MEMORY_SIZE, OVM_ERROR_PREFIX "InvalidMemorySize" },
  { OVM_ERROR_INVALID_VP_COUNT, OVM_ERROR_PREFIX "InvalidVPCount" },
  { OVM_ERROR_INVALID_COMMAND_LINE, OVM_ERROR_PREFIX "InvalidCommandLine" },
  { OVM_ERROR_NO_SUCH_FILE, OVM_ERROR_PREFIX "NoSuchFile" },
  { OVM_ERROR_INVALID_KERNEL, OVM_ERROR_PREFIX "InvalidKernel" },
  { OVM_ERROR_INVALID_INITRD, OVM_ERROR_PREFIX "InvalidInitrd" },
  { OVM_ERROR_INVALID_MEMORY_FILE, OVM_ERROR_PREFIX "InvalidMemoryFile" },
  { OVM_ERROR_MEMORY_FILE_IN_USE, OVM_ERROR_PREFIX "MemoryFileInUse" },
  { OVM_ERROR_INVALID_STATE, OVM_ERROR_PREFIX "InvalidState" },
  { OVM_ERROR_BUSY, OVM_ERROR_PREFIX "Busy" },
  { OVM_ERROR_NOT_SUPPORTED, OVM_ERROR_PREFIX "NotSupported" },
  { OVM_ERROR_NOT_AUTHORIZED, OVM_ERROR_PREFIX "NotAuthorized" },
  { OVM_ERROR_NO_HYPERVISOR, OVM_ERROR_PREFIX "NoHypervisor" },
  { OVM_ERROR_HYPERVISOR_DENIED, OVM_ERROR_PREFIX "HypervisorDenied" },
  { OVM_ERROR_INCOMPATIBLE, OVM_ERROR_PREFIX "Incompatible" },
  { OVM_ERROR_CORRUPT, OVM_ERROR_PREFIX "Corrupt" },
  { OVM_ERROR_EXISTS, OVM_ERROR_PREFIX "Exists" },
  { OVM_ERROR_NO_SPACE, OVM_ERROR_PREFIX "NoSpace" },
  { OVM_ERROR_CANCELLED, OVM_ERROR_PREFIX "Cancelled" },
  { OVM_ERROR_TIMED_OUT, OVM_ERROR_PREFIX "TimedOut" },
  { OVM_ERROR_LIMIT_EXCEEDED, OVM_ERROR_PREFIX "LimitExceeded" },
  { OVM_ERROR_HOST_ERROR, OVM_ERROR_PREFIX "HostError" },
  { OVM_ERROR_GUEST_ERROR, OVM_ERROR_PREFIX "GuestError" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (names) == OVM_ERROR_COUNT);

GQuark
ovm_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain ("ovm-error-quark", &quark, names, G_N_ELEMENTS (names));
  return (GQuark) quark;
}

const char *
ovm_error_get_name (OvmError code)
{
  g_return_val_if_fail ((guint) code < OVM_ERROR_COUNT, names[0].dbus_error_name);
  return names[code].dbus_error_name;
}

/* no default: the compiler names a code that was forgotten */
OvmError
ovm_error_from_vmm (VmmError code)
{
  switch (code)
    {
    case VMM_ERROR_FAILED:
    case VMM_ERROR_BAD_ADDRESS:
      return OVM_ERROR_FAILED;
    case VMM_ERROR_INVALID_CONFIG:
      return OVM_ERROR_INVALID_CONFIG;
    case VMM_ERROR_INVALID_MEMORY_SIZE:
      return OVM_ERROR_INVALID_MEMORY_SIZE;
    case VMM_ERROR_INVALID_VP_COUNT:
      return OVM_ERROR_INVALID_VP_COUNT;
    case VMM_ERROR_INVALID_CMDLINE:
      return OVM_ERROR_INVALID_COMMAND_LINE;
    case VMM_ERROR_NO_SUCH_FILE:
      return OVM_ERROR_NO_SUCH_FILE;
    case VMM_ERROR_INVALID_KERNEL:
      return OVM_ERROR_INVALID_KERNEL;
    case VMM_ERROR_INVALID_INITRD:
      return OVM_ERROR_INVALID_INITRD;
    case VMM_ERROR_INVALID_MEMORY_FILE:
      return OVM_ERROR_INVALID_MEMORY_FILE;
    case VMM_ERROR_MEMORY_FILE_IN_USE:
      return OVM_ERROR_MEMORY_FILE_IN_USE;
    case VMM_ERROR_INVALID_STATE:
      return OVM_ERROR_INVALID_STATE;
    case VMM_ERROR_NOT_SUPPORTED:
      return OVM_ERROR_NOT_SUPPORTED;
    case VMM_ERROR_NO_HYPERVISOR:
      return OVM_ERROR_NO_HYPERVISOR;
    case VMM_ERROR_HYPERVISOR_DENIED:
      return OVM_ERROR_HYPERVISOR_DENIED;
    case VMM_ERROR_NO_SUCH_SNAPSHOT:
      return OVM_ERROR_NO_SUCH_SNAPSHOT;
    case VMM_ERROR_NO_PARENT:
      return OVM_ERROR_NO_PARENT;
    case VMM_ERROR_PARENT_MISSING:
      return OVM_ERROR_PARENT_MISSING;
    case VMM_ERROR_PARENT_CHANGED:
      return OVM_ERROR_PARENT_CHANGED;
    case VMM_ERROR_EXISTS:
      return OVM_ERROR_EXISTS;
    case VMM_ERROR_INCOMPATIBLE:
      return OVM_ERROR_INCOMPATIBLE;
    case VMM_ERROR_CORRUPT:
      return OVM_ERROR_CORRUPT;
    case VMM_ERROR_NO_SPACE:
      return OVM_ERROR_NO_SPACE;
    case VMM_ERROR_NOT_AUTHORIZED:
      return OVM_ERROR_NOT_AUTHORIZED;
    case VMM_ERROR_CANCELLED:
      return OVM_ERROR_CANCELLED;
    case VMM_ERROR_TIMED_OUT:
      return OVM_ERROR_TIMED_OUT;
    case VMM_ERROR_LIMIT_EXCEEDED:
      return OVM_ERROR_LIMIT_EXCEEDED;
    case VMM_ERROR_HOST:
      return OVM_ERROR_HOST_ERROR;
    case VMM_ERROR_GUEST:
      return OVM_ERROR_GUEST_ERROR;
    }
  return OVM_ERROR_FAILED;
}

GError *
ovm_error_translate (const GError *error)
{
  OvmError code = OVM_ERROR_FAILED;

  if (error->domain == OVM_ERROR)
    return g_error_copy (error);
  if (error->domain == VMM_ERROR)
    code = ovm_error_from_vmm ((VmmError) error->code);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    code = OVM_ERROR_CANCELLED;
  return g_error_new_literal (OVM_ERROR, (int) code, error->message);
}

void
ovm_error_propagate (GError **dest, GError *error)
{
  g_autoptr (GError) raw = error;

  g_propagate_error (dest, ovm_error_translate (raw));
}
