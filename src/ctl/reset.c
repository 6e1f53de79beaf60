/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/verb.h"

#include <glib/gi18n.h>

static gboolean
reset_vm (OvmDBusVM *vm, gpointer user_data, GError **error)
{
  return ovm_dbus_vm_call_reset_sync (vm, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, NULL, error);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  return ovm_ctl_verb_run_plain (ctl, args, reset_vm);
}

const OvmCtlCommand ovm_ctl_reset_command = {
  .name = "reset",
  .arguments = N_ ("VM…"),
  .summary = N_ ("Boot VMs anew, without asking the guest"),
  .help = N_ ("As “poweroff” and “start”, but consoles stay connected.\n"
              "\n"
              "Example:\n"
              "  openvmmctl reset web"),
  .run = run,
};
