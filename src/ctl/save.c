/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/fields.h"
#include "src/ctl/job.h"

#include <glib/gi18n.h>

static char *
save (OvmDBusVM *vm, const char *directory, const char *description, gboolean incremental, GError **error)
{
  g_autofree char *label = g_strdup_printf (_ ("Saving %s"), ovm_dbus_vm_get_name (vm));
  const OvmCtlJobWatch watch = { .operation = "save",
                                 .object = g_dbus_proxy_get_object_path (G_DBUS_PROXY (vm)),
                                 .label = label };
  g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) reply = NULL;
  char *path = NULL;

  if (description != NULL)
    g_variant_builder_add (&options, "{sv}", "description", g_variant_new_string (description));
  if (incremental)
    g_variant_builder_add (&options, "{sv}", "incremental", g_variant_new_boolean (TRUE));
  reply = ovm_ctl_job_call (G_DBUS_PROXY (vm),
                            "SaveSnapshot",
                            g_variant_new ("(sa{sv})", directory, &options),
                            &watch,
                            error);
  if (reply != NULL)
    g_variant_get (reply, "(o)", &path);
  return path;
}

static void
print_result (OvmCtl *ctl, OvmDBusSnapshot *snapshot)
{
  g_autoptr (GVariant) downtime = NULL;
  g_autofree char *text = NULL;

  if (ctl->json)
    {
      ovm_ctl_print_json (ovm_ctl_client_describe (G_DBUS_PROXY (snapshot)));
      return;
    }

  downtime = g_variant_ref_sink (g_variant_new_uint64 (ovm_dbus_snapshot_get_downtime_usec (snapshot)));
  text = ovm_ctl_fields_format_value (OVM_CTL_FIELD_DURATION, downtime);
  g_print (_ ("Saved %s to %s; it stood still for %s.\n"),
           ovm_dbus_snapshot_get_vm_name (snapshot),
           ovm_dbus_snapshot_get_directory (snapshot),
           text);
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  g_autofree char *description = NULL;
  gboolean incremental = FALSE;
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (OvmDBusVM) vm = NULL;
  g_autoptr (OvmDBusSnapshot) snapshot = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *path = NULL;
  const GOptionEntry entries[] = {
    { "description", 'd', 0, G_OPTION_ARG_STRING, &description, N_ ("Words kept in the snapshot"), N_ ("TEXT") },
    { "incremental", 'i', 0, G_OPTION_ARG_NONE, &incremental, N_ ("Store only what has changed"), NULL },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 2, 2, &words))
    return ctl->status;

  directory = ovm_ctl_client_make_absolute (words[1]);
  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager != NULL)
    vm = ovm_ctl_client_get_vm (manager, words[0], &error);
  if (vm != NULL)
    path = save (vm, directory, description, incremental, &error);
  if (path != NULL)
    snapshot = ovm_ctl_client_get_snapshot_at (manager, path, &error);
  if (snapshot == NULL)
    return ovm_ctl_fail (ctl, error);

  print_result (ctl, snapshot);
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_save_command = {
  .name = "save",
  .arguments = N_ ("VM DIRECTORY"),
  .summary = N_ ("Make a snapshot of a VM"),
  .help = N_ ("The VM stands still for some milliseconds and runs on; when the command ends,\n"
              "the snapshot is whole and on disk. The directory must not exist, the one it\n"
              "lies in must, and openvmmd must be able to write there. A snapshot never\n"
              "changes. Ctrl-C gives up the save and leaves nothing behind.\n"
              "\n"
              "With --incremental it stores only what has changed since the snapshot that the\n"
              "VM was saved to or restored from last, and needs that one to be restored.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl save web /var/lib/openvmm/snapshots/web-1\n"
              "  openvmmctl save web before-upgrade --description 'before the upgrade'"),
  .run = run,
};
