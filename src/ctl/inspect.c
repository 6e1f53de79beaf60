/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/fields.h"

#include <glib/gi18n.h>

static const OvmCtlField fields[] = {
  { "directory", N_ ("Directory"), OVM_CTL_FIELD_TEXT },
  { "uuid", N_ ("UUID"), OVM_CTL_FIELD_TEXT },
  { "parent-uuid", N_ ("Parent"), OVM_CTL_FIELD_TEXT },
  { "description", N_ ("Description"), OVM_CTL_FIELD_TEXT },
  { "created-at", N_ ("Created"), OVM_CTL_FIELD_TIME },
  { "downtime-usec", N_ ("The save stopped the VM for"), OVM_CTL_FIELD_DURATION },
  { "size-on-disk", N_ ("Size on disk"), OVM_CTL_FIELD_SIZE },
  { "version", N_ ("Saved by version"), OVM_CTL_FIELD_TEXT },
  { "incremental", N_ ("Incremental"), OVM_CTL_FIELD_TEXT },
  { "chain-length", N_ ("Snapshots in its chain"), OVM_CTL_FIELD_TEXT },
  { "architecture", N_ ("Architecture"), OVM_CTL_FIELD_TEXT },
  { "cpu-model", N_ ("Processor"), OVM_CTL_FIELD_TEXT },
  { "vm-name", N_ ("VM"), OVM_CTL_FIELD_TEXT },
  { "vm-uuid", N_ ("UUID of the VM"), OVM_CTL_FIELD_TEXT },
  { "vm-state", N_ ("State of the VM"), OVM_CTL_FIELD_WORD },
  { "memory-size", N_ ("Memory"), OVM_CTL_FIELD_SIZE },
  { "memory-backing", N_ ("Memory backing"), OVM_CTL_FIELD_WORD },
  { "vp-count", N_ ("Virtual processors"), OVM_CTL_FIELD_TEXT },
  { "kernel", N_ ("Kernel"), OVM_CTL_FIELD_TEXT },
  { "initrd", N_ ("Initial RAM disk"), OVM_CTL_FIELD_TEXT },
  { "cmdline", N_ ("Command line"), OVM_CTL_FIELD_TEXT },
  { "cpu-features", N_ ("Processor features"), OVM_CTL_FIELD_TEXT },
  { NULL },
};

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (GVariant) info = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *text = NULL;

  if (!ovm_ctl_parse (ctl, args, NULL, 1, 1, &words))
    return ctl->status;

  directory = ovm_ctl_client_make_absolute (words[0]);
  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager == NULL ||
      !ovm_dbus_manager_call_inspect_snapshot_sync (
          manager, directory, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, &info, NULL, &error))
    return ovm_ctl_fail (ctl, error);

  if (ctl->json)
    ovm_ctl_print_json (info);
  else
    {
      text = ovm_ctl_fields_render (fields, info);
      g_print ("%s", text);
    }
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_inspect_command = {
  .name = "inspect",
  .arguments = N_ ("DIRECTORY"),
  .summary = N_ ("Show what a snapshot says of itself"),
  .help = N_ ("Reads and checks all of a snapshot but the guest's memory; “verify” reads that,\n"
              "too.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl inspect /var/lib/openvmm/snapshots/web-1\n"
              "  openvmmctl inspect web-1 --json | jq '.[\"memory-size\"]'"),
  .run = run,
};
