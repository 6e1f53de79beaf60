/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/fields.h"
#include "src/ctl/table.h"

#include <glib/gi18n.h>

#define COLUMNS_MAX 8

static const OvmCtlField vm_columns[] = {
  { "Name", N_ ("NAME"), OVM_CTL_FIELD_TEXT },         { "State", N_ ("STATE"), OVM_CTL_FIELD_WORD },
  { "MemorySize", N_ ("MEMORY"), OVM_CTL_FIELD_SIZE }, { "VPCount", N_ ("VPS"), OVM_CTL_FIELD_TEXT },
  { "Driver", N_ ("DRIVER"), OVM_CTL_FIELD_TEXT },     { NULL },
};

static const OvmCtlField snapshot_columns[] = {
  { "Directory", N_ ("DIRECTORY"), OVM_CTL_FIELD_TEXT },
  { "VMName", N_ ("VM"), OVM_CTL_FIELD_TEXT },
  { "CreatedAt", N_ ("CREATED"), OVM_CTL_FIELD_TIME },
  { "MemorySize", N_ ("MEMORY"), OVM_CTL_FIELD_SIZE },
  { "SizeOnDisk", N_ ("ON DISK"), OVM_CTL_FIELD_SIZE },
  { "Description", N_ ("DESCRIPTION"), OVM_CTL_FIELD_TEXT },
  { NULL },
};

static void
print_json (GPtrArray *proxies)
{
  g_auto (GVariantBuilder) list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < proxies->len; i++)
    g_variant_builder_add_value (&list, ovm_ctl_client_describe (g_ptr_array_index (proxies, i)));
  ovm_ctl_print_json (g_variant_builder_end (&list));
}

static void
add_row (OvmCtlTable *table, const OvmCtlField *columns, GDBusProxy *proxy)
{
  g_auto (GStrv) cells = g_new0 (char *, COLUMNS_MAX + 1);

  for (guint i = 0; columns[i].key != NULL; i++)
    {
      g_autoptr (GVariant) value = g_dbus_proxy_get_cached_property (proxy, columns[i].key);

      cells[i] = value != NULL ? ovm_ctl_fields_format_value (columns[i].kind, value) : g_strdup ("");
    }
  ovm_ctl_table_add (table, (const char *const *) cells);
}

static void
print_table (const OvmCtlField *columns, GPtrArray *proxies)
{
  const char *headings[COLUMNS_MAX + 1] = { NULL };
  g_autoptr (OvmCtlTable) table = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; columns[i].key != NULL; i++)
    headings[i] = _ (columns[i].label);
  table = ovm_ctl_table_new (headings);
  for (guint i = 0; i < proxies->len; i++)
    add_row (table, columns, g_ptr_array_index (proxies, i));
  text = ovm_ctl_table_render (table);
  g_print ("%s", text);
}

static int
compare_creation (gconstpointer a, gconstpointer b)
{
  guint64 created_a = ovm_dbus_snapshot_get_created_at (*(OvmDBusSnapshot **) a);
  guint64 created_b = ovm_dbus_snapshot_get_created_at (*(OvmDBusSnapshot **) b);

  return (created_a > created_b) - (created_a < created_b);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ovm_dbus_vm_get_name (*(OvmDBusVM **) a), ovm_dbus_vm_get_name (*(OvmDBusVM **) b));
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  gboolean snapshots = FALSE;
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (GPtrArray) proxies = NULL;
  const GOptionEntry entries[] = {
    { "snapshots", 's', 0, G_OPTION_ARG_NONE, &snapshots, N_ ("List snapshots, not VMs"), NULL },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 0, 0, &words))
    return ctl->status;

  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager != NULL)
    proxies = ovm_ctl_client_list (manager, snapshots ? "org.openvmm.Snapshot" : "org.openvmm.VM", &error);
  if (proxies == NULL)
    return ovm_ctl_fail (ctl, error);

  g_ptr_array_sort (proxies, snapshots ? compare_creation : compare_names);
  if (ctl->json)
    print_json (proxies);
  else
    print_table (snapshots ? snapshot_columns : vm_columns, proxies);
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_list_command = {
  .name = "list",
  .arguments = "",
  .summary = N_ ("List the VMs, or the snapshots"),
  .help = N_ ("Snapshots are listed that openvmmd has made or restored since it started;\n"
              "“inspect” reads any other.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl list\n"
              "  openvmmctl list --snapshots\n"
              "  openvmmctl list --json | jq -r '.[] | select(.State == \"running\") | .Name'"),
  .run = run,
};
