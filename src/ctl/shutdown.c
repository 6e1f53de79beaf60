/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/verb.h"

#include <glib/gi18n.h>

static gboolean
shutdown_vm (OvmDBusVM *vm, gpointer user_data, GError **error)
{
  return ovm_dbus_vm_call_shutdown_sync (vm, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, NULL, error);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  return ovm_ctl_verb_run_plain (ctl, args, shutdown_vm);
}

const OvmCtlCommand ovm_ctl_shutdown_command = {
  .name = "shutdown",
  .arguments = N_ ("VM…"),
  .summary = N_ ("Ask guests to shut down"),
  .help = N_ ("Presses the power button. The guest decides what it does then; when it has\n"
              "switched itself off, the VM is stopped. “poweroff” does not ask.\n"
              "\n"
              "Example:\n"
              "  openvmmctl shutdown web"),
  .run = run,
};
