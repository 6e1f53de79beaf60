/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/job.h"

#include <glib/gi18n.h>

static gboolean
verify (OvmDBusManager *manager, const char *directory, gboolean alone, GError **error)
{
  g_autofree char *label = g_strdup_printf (_ ("Reading %s"), directory);
  const OvmCtlJobWatch watch = { .operation = "verify", .object = NULL, .label = label };
  g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) reply = NULL;

  if (alone)
    g_variant_builder_add (&options, "{sv}", "chain", g_variant_new_boolean (FALSE));
  reply = ovm_ctl_job_call (G_DBUS_PROXY (manager),
                            "VerifySnapshot",
                            g_variant_new ("(sa{sv})", directory, &options),
                            &watch,
                            error);
  return reply != NULL;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  gboolean alone = FALSE;
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autofree char *directory = NULL;
  const GOptionEntry entries[] = {
    { "no-chain", 0, 0, G_OPTION_ARG_NONE, &alone, N_ ("Not those that an incremental one lies over"), NULL },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 1, 1, &words))
    return ctl->status;

  directory = ovm_ctl_client_make_absolute (words[0]);
  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager == NULL || !verify (manager, directory, alone, &error))
    return ovm_ctl_fail (ctl, error);

  if (ctl->json)
    ovm_ctl_print_json (g_variant_new_parsed ("{'Directory': <%s>, 'Verified': <true>}", directory));
  else
    g_print (_ ("%s is as it was saved.\n"), directory);
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_verify_command = {
  .name = "verify",
  .arguments = N_ ("DIRECTORY"),
  .summary = N_ ("Read every byte of a snapshot and check it"),
  .help = N_ ("Exit status 7 means that the snapshot is damaged; the message has a line for\n"
              "each damaged place. Of an incremental snapshot those that it lies over are\n"
              "verified, too. Ctrl-C stops the work.\n"
              "\n"
              "Example:\n"
              "  openvmmctl verify /var/lib/openvmm/snapshots/web-1"),
  .run = run,
};
