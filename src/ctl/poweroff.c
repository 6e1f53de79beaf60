/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/verb.h"

#include <glib/gi18n.h>

static gboolean
poweroff_vm (OvmDBusVM *vm, gpointer user_data, GError **error)
{
  return ovm_dbus_vm_call_power_off_sync (vm, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, NULL, error);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  return ovm_ctl_verb_run_plain (ctl, args, poweroff_vm);
}

const OvmCtlCommand ovm_ctl_poweroff_command = {
  .name = "poweroff",
  .arguments = N_ ("VM…"),
  .summary = N_ ("Pull the plug of VMs"),
  .help = N_ ("The guest is not asked and may lose what it has not written. “shutdown” asks\n"
              "it.\n"
              "\n"
              "Example:\n"
              "  openvmmctl poweroff web"),
  .run = run,
};
