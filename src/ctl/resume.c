/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/verb.h"

#include <glib/gi18n.h>

static gboolean
resume_vm (OvmDBusVM *vm, gpointer user_data, GError **error)
{
  return ovm_dbus_vm_call_resume_sync (vm, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, NULL, error);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  return ovm_ctl_verb_run_plain (ctl, args, resume_vm);
}

const OvmCtlCommand ovm_ctl_resume_command = {
  .name = "resume",
  .arguments = N_ ("VM…"),
  .summary = N_ ("Let paused VMs run on"),
  .help = N_ ("A VM that runs already goes on.\n"
              "\n"
              "Example:\n"
              "  openvmmctl resume web"),
  .run = run,
};
