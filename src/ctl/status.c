/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The service speaks English and gives each condition its own error name. The name is what a client may rely on,
 * so exit status and translation hang on it, in one table; the service's sentence follows as it came.
 */

#include "config.h"
#include "src/ctl/status.h"

#include "src/ctl/text.h"

#include <glib/gi18n.h>

#define OVM_ERROR_PREFIX "org.openvmm.Error."
#define DBUS_ERROR_PREFIX "org.freedesktop.DBus.Error."

typedef struct
{
  const char *name;
  OvmCtlStatus status;
  const char *meaning; /* %NULL: the service's own words are all there is to say */
} BusError;

static const BusError bus_errors[] = {
  { OVM_ERROR_PREFIX "Failed", OVM_CTL_STATUS_FAILED, NULL },
  { OVM_ERROR_PREFIX "NoSuchVM", OVM_CTL_STATUS_NOT_FOUND, N_ ("no such VM") },
  { OVM_ERROR_PREFIX "NoSuchSnapshot", OVM_CTL_STATUS_NOT_FOUND, N_ ("no such snapshot") },
  { OVM_ERROR_PREFIX "NoParent", OVM_CTL_STATUS_CONFLICT, N_ ("there is no snapshot to build on") },
  { OVM_ERROR_PREFIX "ParentMissing", OVM_CTL_STATUS_BAD_SNAPSHOT, N_ ("a snapshot under it is missing") },
  { OVM_ERROR_PREFIX "ParentChanged",
    OVM_CTL_STATUS_BAD_SNAPSHOT,
    N_ ("a snapshot under it is not what it was") },
  { OVM_ERROR_PREFIX "HasChildren", OVM_CTL_STATUS_CONFLICT, N_ ("other snapshots need it") },
  { OVM_ERROR_PREFIX "NameInUse", OVM_CTL_STATUS_CONFLICT, N_ ("the name is in use") },
  { OVM_ERROR_PREFIX "UUIDInUse", OVM_CTL_STATUS_CONFLICT, N_ ("the UUID is in use") },
  { OVM_ERROR_PREFIX "InvalidName", OVM_CTL_STATUS_USAGE, N_ ("not a name for a VM") },
  { OVM_ERROR_PREFIX "InvalidConfig", OVM_CTL_STATUS_USAGE, N_ ("the configuration is wrong") },
  { OVM_ERROR_PREFIX "UnknownKey", OVM_CTL_STATUS_USAGE, N_ ("openvmmd does not know this option") },
  { OVM_ERROR_PREFIX "InvalidType", OVM_CTL_STATUS_USAGE, N_ ("an option has a value of the wrong type") },
  { OVM_ERROR_PREFIX "InvalidMemorySize", OVM_CTL_STATUS_USAGE, N_ ("not a size that memory can have") },
  { OVM_ERROR_PREFIX "InvalidVPCount", OVM_CTL_STATUS_USAGE, N_ ("not a possible number of processors") },
  { OVM_ERROR_PREFIX "InvalidCommandLine", OVM_CTL_STATUS_USAGE, N_ ("not a possible kernel command line") },
  { OVM_ERROR_PREFIX "NoSuchFile", OVM_CTL_STATUS_NOT_FOUND, N_ ("no such file") },
  { OVM_ERROR_PREFIX "InvalidKernel", OVM_CTL_STATUS_USAGE, N_ ("not a kernel that can be booted") },
  { OVM_ERROR_PREFIX "InvalidInitrd", OVM_CTL_STATUS_USAGE, N_ ("not a usable initial RAM disk") },
  { OVM_ERROR_PREFIX "InvalidMemoryFile", OVM_CTL_STATUS_USAGE, N_ ("not a usable memory file") },
  { OVM_ERROR_PREFIX "MemoryFileInUse", OVM_CTL_STATUS_CONFLICT, N_ ("the memory file is in use") },
  { OVM_ERROR_PREFIX "InvalidState", OVM_CTL_STATUS_CONFLICT, N_ ("not possible in this state") },
  { OVM_ERROR_PREFIX "Busy", OVM_CTL_STATUS_CONFLICT, N_ ("busy with something else") },
  { OVM_ERROR_PREFIX "NotSupported", OVM_CTL_STATUS_FAILED, N_ ("not supported") },
  { OVM_ERROR_PREFIX "NotAuthorized", OVM_CTL_STATUS_NOT_AUTHORIZED, N_ ("not allowed") },
  { OVM_ERROR_PREFIX "NoHypervisor", OVM_CTL_STATUS_FAILED, N_ ("VMs cannot run here") },
  { OVM_ERROR_PREFIX "HypervisorDenied", OVM_CTL_STATUS_FAILED, N_ ("openvmmd may not use KVM") },
  { OVM_ERROR_PREFIX "Incompatible", OVM_CTL_STATUS_BAD_SNAPSHOT, N_ ("the snapshot does not fit") },
  { OVM_ERROR_PREFIX "Corrupt", OVM_CTL_STATUS_BAD_SNAPSHOT, N_ ("the snapshot is damaged") },
  { OVM_ERROR_PREFIX "Exists", OVM_CTL_STATUS_CONFLICT, N_ ("there is something there already") },
  { OVM_ERROR_PREFIX "NoSpace", OVM_CTL_STATUS_FAILED, N_ ("not enough space") },
  { OVM_ERROR_PREFIX "Cancelled", OVM_CTL_STATUS_CANCELLED, N_ ("cancelled") },
  { OVM_ERROR_PREFIX "TimedOut", OVM_CTL_STATUS_FAILED, N_ ("it took too long") },
  { OVM_ERROR_PREFIX "LimitExceeded", OVM_CTL_STATUS_FAILED, N_ ("a limit is reached") },
  { OVM_ERROR_PREFIX "HostError", OVM_CTL_STATUS_FAILED, N_ ("the host failed") },
  { OVM_ERROR_PREFIX "GuestError", OVM_CTL_STATUS_FAILED, N_ ("the guest failed") },
  { DBUS_ERROR_PREFIX "AccessDenied", OVM_CTL_STATUS_NOT_AUTHORIZED, N_ ("the bus does not allow it") },
  { DBUS_ERROR_PREFIX "AuthFailed", OVM_CTL_STATUS_NOT_AUTHORIZED, N_ ("the bus does not know you") },
  { DBUS_ERROR_PREFIX "InteractiveAuthorizationRequired",
    OVM_CTL_STATUS_NOT_AUTHORIZED,
    N_ ("not allowed without a password") },
  { DBUS_ERROR_PREFIX "ServiceUnknown", OVM_CTL_STATUS_UNREACHABLE, N_ ("openvmmd is not on the bus") },
  { DBUS_ERROR_PREFIX "NameHasNoOwner", OVM_CTL_STATUS_UNREACHABLE, N_ ("openvmmd is not on the bus") },
  { DBUS_ERROR_PREFIX "Disconnected", OVM_CTL_STATUS_UNREACHABLE, N_ ("the bus went away") },
  { DBUS_ERROR_PREFIX "NoReply", OVM_CTL_STATUS_UNREACHABLE, N_ ("openvmmd went away, or does not answer") },
  { DBUS_ERROR_PREFIX "UnknownObject", OVM_CTL_STATUS_NOT_FOUND, N_ ("it is gone") },
  { DBUS_ERROR_PREFIX "UnknownMethod", OVM_CTL_STATUS_FAILED, N_ ("openvmmd does not know how to") },
  { DBUS_ERROR_PREFIX "UnknownInterface", OVM_CTL_STATUS_FAILED, N_ ("openvmmd does not know how to") },
  { DBUS_ERROR_PREFIX "InvalidArgs", OVM_CTL_STATUS_USAGE, N_ ("a wrong argument") },
};

static const struct
{
  OvmCtlStatus status;
  const char *name;
} own_errors[] = {
  { OVM_CTL_STATUS_FAILED, "org.openvmm.Ctl.Error.Failed" },
  { OVM_CTL_STATUS_USAGE, "org.openvmm.Ctl.Error.Usage" },
  { OVM_CTL_STATUS_NOT_FOUND, "org.openvmm.Ctl.Error.NotFound" },
  { OVM_CTL_STATUS_UNREACHABLE, "org.openvmm.Ctl.Error.Unreachable" },
  { OVM_CTL_STATUS_CANCELLED, "org.openvmm.Ctl.Error.Cancelled" },
};

G_DEFINE_QUARK (ovm - ctl - error - quark, ovm_ctl_error)

static const BusError *
find_bus_error (const GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);

  for (gsize i = 0; name != NULL && i < G_N_ELEMENTS (bus_errors); i++)
    {
      if (g_str_equal (bus_errors[i].name, name))
        return &bus_errors[i];
    }
  return NULL;
}

static gboolean
is_activation_failure (const GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);

  return name != NULL && (g_str_has_prefix (name, DBUS_ERROR_PREFIX "Spawn.") ||
                          g_str_has_prefix (name, "org.freedesktop.systemd1."));
}

OvmCtlStatus
ovm_ctl_status_from_error (const GError *error)
{
  const BusError *known = find_bus_error (error);

  if (known != NULL)
    return known->status;
  if (error->domain == OVM_CTL_ERROR && error->code > OVM_CTL_STATUS_OK)
    return (OvmCtlStatus) error->code;
  if (error->domain == G_OPTION_ERROR)
    return OVM_CTL_STATUS_USAGE;
  if (is_activation_failure (error) || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return OVM_CTL_STATUS_UNREACHABLE;
  return OVM_CTL_STATUS_FAILED;
}

char *
ovm_ctl_status_get_error_name (const GError *error)
{
  OvmCtlStatus status = ovm_ctl_status_from_error (error);
  char *name = g_dbus_error_get_remote_error (error);

  for (gsize i = 0; name == NULL && i < G_N_ELEMENTS (own_errors); i++)
    {
      if (own_errors[i].status == status)
        name = g_strdup (own_errors[i].name);
    }
  return name != NULL ? name : g_strdup (own_errors[0].name);
}

static const char *
find_meaning (const GError *error)
{
  const BusError *known = find_bus_error (error);

  if (known != NULL)
    return known->meaning;
  return is_activation_failure (error) ? N_ ("openvmmd could not be started") : NULL;
}

/* the service may have more to say than goes on one line */
static char *
make_printable (const char *message)
{
  g_auto (GStrv) lines = g_strsplit (message, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *line = ovm_ctl_text_make_printable (lines[i]);

      g_free (lines[i]);
      lines[i] = line;
    }
  return g_strjoinv ("\n  ", lines);
}

char *
ovm_ctl_status_describe (const GError *error)
{
  g_autoptr (GError) local = g_error_copy (error);
  const char *meaning = find_meaning (error);
  g_autofree char *detail = NULL;

  g_dbus_error_strip_remote_error (local);
  detail = make_printable (local->message);
  g_strchomp (detail);
  if (meaning == NULL)
    return g_steal_pointer (&detail);
  /* Translators: what kind of error it is, then the details, which come in English from the service */
  return g_strdup_printf (_ ("%s: %s"), _ (meaning), detail);
}

const char *
ovm_ctl_status_get_bus_error (guint index)
{
  return index < G_N_ELEMENTS (bus_errors) ? bus_errors[index].name : NULL;
}
