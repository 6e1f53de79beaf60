/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/verb.h"

#include <glib/gi18n.h>

static gboolean
delete_vm (OvmDBusVM *vm, gpointer user_data, GError **error)
{
  const gboolean *force = user_data;
  g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  if (*force)
    g_variant_builder_add (&options, "{sv}", "force", g_variant_new_boolean (TRUE));
  return ovm_dbus_vm_call_delete_sync (vm,
                                       g_variant_builder_end (&options),
                                       G_DBUS_CALL_FLAGS_NONE,
                                       OVM_CTL_NO_TIMEOUT,
                                       NULL,
                                       error);
}

static gboolean
delete_snapshot (OvmDBusManager *manager, const char *word, gboolean consolidates, GError **error)
{
  g_autoptr (OvmDBusSnapshot) snapshot = ovm_ctl_client_find_snapshot (manager, word, error);
  g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  if (consolidates)
    g_variant_builder_add (&options, "{sv}", "consolidate-children", g_variant_new_boolean (TRUE));

  return snapshot != NULL && ovm_dbus_snapshot_call_delete_sync (snapshot,
                                                                 g_variant_builder_end (&options),
                                                                 G_DBUS_CALL_FLAGS_NONE,
                                                                 OVM_CTL_NO_TIMEOUT,
                                                                 NULL,
                                                                 error);
}

static OvmCtlStatus
delete_snapshots (OvmCtl *ctl, const char *const *words, gboolean consolidates)
{
  GError *error = NULL;
  g_autoptr (OvmDBusManager) manager = ovm_ctl_client_get_manager (ctl, &error);
  g_auto (GVariantBuilder) results = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  OvmCtlStatus status = OVM_CTL_STATUS_OK;

  if (manager == NULL)
    return ovm_ctl_fail (ctl, error);

  for (guint i = 0; words[i] != NULL; i++)
    {
      OvmCtlStatus failure = OVM_CTL_STATUS_OK;

      if (delete_snapshot (manager, words[i], consolidates, &error))
        g_variant_builder_add_parsed (&results, "{'Snapshot': <%s>}", words[i]);
      else
        failure = ovm_ctl_fail (ctl, g_steal_pointer (&error));
      status = status == OVM_CTL_STATUS_OK ? failure : status;
    }

  if (ctl->json)
    ovm_ctl_print_json (g_variant_builder_end (&results));
  return status;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  gboolean force = FALSE;
  gboolean snapshot = FALSE;
  gboolean consolidates = FALSE;
  g_auto (GStrv) words = NULL;
  const GOptionEntry entries[] = {
    { "force", 'f', 0, G_OPTION_ARG_NONE, &force, N_ ("Power the VM off first"), NULL },
    { "snapshot", 's', 0, G_OPTION_ARG_NONE, &snapshot, N_ ("Delete snapshots, not VMs"), NULL },
    { "consolidate-children",
      0,
      0,
      G_OPTION_ARG_NONE,
      &consolidates,
      N_ ("Make complete what needs them"),
      NULL },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 1, G_MAXUINT, &words))
    return ctl->status;
  if (force && snapshot)
    return ovm_ctl_fail (ctl,
                         g_error_new_literal (OVM_CTL_ERROR,
                                              OVM_CTL_STATUS_USAGE,
                                              _ ("--force and --snapshot exclude each other")));
  if (snapshot)
    return delete_snapshots (ctl, (const char *const *) words, consolidates);
  return ovm_ctl_verb_run (ctl, (const char *const *) words, delete_vm, &force);
}

const OvmCtlCommand ovm_ctl_delete_command = {
  .name = "delete",
  .arguments = N_ ("VM…"),
  .summary = N_ ("Forget VMs, or delete snapshots"),
  .help = N_ ("Forgets stopped VMs. Their snapshots, memory files and console logs stay. With\n"
              "--snapshot the words are directories or UUIDs of snapshots; each directory is\n"
              "removed with the files of the snapshot in it. One that incremental ones need\n"
              "stays, unless --consolidate-children makes those complete first.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl delete web\n"
              "  openvmmctl delete --force web db\n"
              "  openvmmctl delete --snapshot /var/lib/openvmm/snapshots/web-1"),
  .run = run,
};
