/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/fields.h"

#include <glib/gi18n.h>

static const OvmCtlField fields[] = {
  { "Name", N_ ("Name"), OVM_CTL_FIELD_TEXT },
  { "UUID", N_ ("UUID"), OVM_CTL_FIELD_TEXT },
  { "Description", N_ ("Description"), OVM_CTL_FIELD_TEXT },
  { "State", N_ ("State"), OVM_CTL_FIELD_WORD },
  { "StateReason", N_ ("Reason"), OVM_CTL_FIELD_TEXT },
  { "Driver", N_ ("Driver"), OVM_CTL_FIELD_TEXT },
  { "MemorySize", N_ ("Memory"), OVM_CTL_FIELD_SIZE },
  { "MemoryBacking", N_ ("Memory backing"), OVM_CTL_FIELD_WORD },
  { "MemoryFile", N_ ("Memory file"), OVM_CTL_FIELD_TEXT },
  { "VPCount", N_ ("Virtual processors"), OVM_CTL_FIELD_TEXT },
  { "Kernel", N_ ("Kernel"), OVM_CTL_FIELD_TEXT },
  { "Initrd", N_ ("Initial RAM disk"), OVM_CTL_FIELD_TEXT },
  { "CommandLine", N_ ("Command line"), OVM_CTL_FIELD_TEXT },
  { "ConsoleLog", N_ ("Console log"), OVM_CTL_FIELD_TEXT },
  { "CurrentSnapshot", N_ ("Current snapshot"), OVM_CTL_FIELD_OBJECT },
  { "CanSnapshot", N_ ("Can be saved"), OVM_CTL_FIELD_TEXT },
  { "SnapshotBlocker", N_ ("Cannot be saved"), OVM_CTL_FIELD_TEXT },
  { "LastDowntimeUSec", N_ ("Last save stopped it for"), OVM_CTL_FIELD_DURATION },
  { "Job", N_ ("Job"), OVM_CTL_FIELD_OBJECT },
  { "Path", N_ ("On the bus"), OVM_CTL_FIELD_TEXT },
  { NULL },
};

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (OvmDBusVM) vm = NULL;
  g_autoptr (GVariant) values = NULL;
  g_autofree char *text = NULL;

  if (!ovm_ctl_parse (ctl, args, NULL, 1, 1, &words))
    return ctl->status;

  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager != NULL)
    vm = ovm_ctl_client_get_vm (manager, words[0], &error);
  if (vm == NULL)
    return ovm_ctl_fail (ctl, error);

  values = g_variant_ref_sink (ovm_ctl_client_describe (G_DBUS_PROXY (vm)));
  if (ctl->json)
    ovm_ctl_print_json (values);
  else
    {
      text = ovm_ctl_fields_render (fields, values);
      g_print ("%s", text);
    }
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_show_command = {
  .name = "show",
  .arguments = N_ ("VM"),
  .summary = N_ ("Show all there is to know of a VM"),
  .help = N_ ("With --json the names are those of the properties on the bus, and sizes are in\n"
              "bytes.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl show web\n"
              "  openvmmctl show web --json | jq -r .State"),
  .run = run,
};
