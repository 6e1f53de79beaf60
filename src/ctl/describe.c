/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"

#include <glib/gi18n.h>

static gboolean
describe (OvmDBusManager *manager, const char *directory, const char *text, GError **error)
{
  g_autoptr (OvmDBusSnapshot) snapshot = ovm_ctl_client_open_snapshot (manager, directory, error);

  return snapshot != NULL && ovm_dbus_snapshot_call_set_description_sync (snapshot,
                                                                          text,
                                                                          G_DBUS_CALL_FLAGS_NONE,
                                                                          OVM_CTL_NO_TIMEOUT,
                                                                          NULL,
                                                                          error);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autofree char *directory = NULL;

  if (!ovm_ctl_parse (ctl, args, NULL, 2, 2, &words))
    return ctl->status;

  directory = ovm_ctl_client_make_absolute (words[0]);
  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager == NULL || !describe (manager, directory, words[1], &error))
    return ovm_ctl_fail (ctl, error);
  if (ctl->json)
    ovm_ctl_print_json (
        g_variant_new_parsed ("{'Directory': <%s>, 'Description': <%s>}", directory, words[1]));
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_describe_command = {
  .name = "describe",
  .arguments = N_ ("DIRECTORY TEXT"),
  .summary = N_ ("Say something else of a snapshot"),
  .help = N_ ("TEXT takes the place of the description that was given when it was saved. The\n"
              "files that make up the snapshot are not touched. An empty TEXT leaves none.\n"
              "\n"
              "Example:\n"
              "  openvmmctl describe /var/lib/openvmm/snapshots/web-1 'before the update'"),
  .run = run,
};
