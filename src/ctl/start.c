/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/verb.h"

#include <glib/gi18n.h>

static gboolean
start_vm (OvmDBusVM *vm, gpointer user_data, GError **error)
{
  const gboolean *paused = user_data;
  g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  if (*paused)
    g_variant_builder_add (&options, "{sv}", "paused", g_variant_new_boolean (TRUE));
  return ovm_dbus_vm_call_start_sync (vm,
                                      g_variant_builder_end (&options),
                                      G_DBUS_CALL_FLAGS_NONE,
                                      OVM_CTL_NO_TIMEOUT,
                                      NULL,
                                      error);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  gboolean paused = FALSE;
  g_auto (GStrv) names = NULL;
  const GOptionEntry entries[] = {
    { "paused", 0, 0, G_OPTION_ARG_NONE, &paused, N_ ("Stop before the first instruction"), NULL },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 1, G_MAXUINT, &names))
    return ctl->status;
  return ovm_ctl_verb_run (ctl, (const char *const *) names, start_vm, &paused);
}

const OvmCtlCommand ovm_ctl_start_command = {
  .name = "start",
  .arguments = N_ ("VM…"),
  .summary = N_ ("Boot VMs"),
  .help = N_ ("Examples:\n"
              "  openvmmctl start web\n"
              "  openvmmctl start --paused web && openvmmctl console web"),
  .run = run,
};
