/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/verb.h"

#include <glib/gi18n.h>

static gboolean
pause_vm (OvmDBusVM *vm, gpointer user_data, GError **error)
{
  return ovm_dbus_vm_call_pause_sync (vm, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, NULL, error);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  return ovm_ctl_verb_run_plain (ctl, args, pause_vm);
}

const OvmCtlCommand ovm_ctl_pause_command = {
  .name = "pause",
  .arguments = N_ ("VM…"),
  .summary = N_ ("Let VMs stand still"),
  .help = N_ ("The virtual processors stop and the guest's clocks stand still, until “resume”.\n"
              "A VM that is paused already stays so.\n"
              "\n"
              "Example:\n"
              "  openvmmctl pause web"),
  .run = run,
};
