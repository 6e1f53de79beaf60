/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/job.h"

#include <glib/gi18n.h>

static gboolean
consolidate (OvmDBusSnapshot *snapshot, GError **error)
{
  g_autofree char *label = g_strdup_printf (_ ("Consolidating %s"),
                                            ovm_dbus_snapshot_get_directory (snapshot));
  const OvmCtlJobWatch watch = { .operation = "consolidate",
                                 .object = g_dbus_proxy_get_object_path (G_DBUS_PROXY (snapshot)),
                                 .label = label };
  g_autoptr (GVariant) reply = ovm_ctl_job_call (G_DBUS_PROXY (snapshot),
                                                 "Consolidate",
                                                 g_variant_new ("(a{sv})", NULL),
                                                 &watch,
                                                 error);

  return reply != NULL;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (OvmDBusSnapshot) snapshot = NULL;

  if (!ovm_ctl_parse (ctl, args, NULL, 1, 1, &words))
    return ctl->status;

  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager != NULL)
    snapshot = ovm_ctl_client_find_snapshot (manager, words[0], &error);
  if (snapshot == NULL || !consolidate (snapshot, &error))
    return ovm_ctl_fail (ctl, error);

  if (ctl->json)
    ovm_ctl_print_json (g_variant_new_parsed ("{'Snapshot': <%s>}", words[0]));
  else
    g_print (_ ("%s is complete.\n"), ovm_dbus_snapshot_get_directory (snapshot));
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_consolidate_command = {
  .name = "consolidate",
  .arguments = N_ ("SNAPSHOT"),
  .summary = N_ ("Make an incremental snapshot complete"),
  .help = N_ ("The word is the directory or the UUID of a snapshot that openvmmd knows. It\n"
              "needs no other snapshot afterwards. What runs from it is not disturbed. Ctrl-C\n"
              "stops the work and leaves the snapshot as it is.\n"
              "\n"
              "Example:\n"
              "  openvmmctl consolidate /var/lib/openvmm/snapshots/web-2"),
  .run = run,
};
