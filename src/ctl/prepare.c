/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/job.h"

#include <glib/gi18n.h>

static gboolean
prepare (OvmDBusSnapshot *snapshot,
         const char *directory,
         guint count,
         const char *driver,
         const char *cpu,
         const char *memory,
         GError **error)
{
  g_autofree char *label = g_strdup_printf (_ ("Preparing clones of %s"), directory);
  const OvmCtlJobWatch watch = {
    .operation = "prepare",
    .object = g_dbus_proxy_get_object_path (G_DBUS_PROXY (snapshot)),
    .label = label,
  };
  g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) reply = NULL;

  if (driver != NULL)
    g_variant_builder_add (&options, "{sv}", "driver", g_variant_new_string (driver));
  if (cpu != NULL)
    g_variant_builder_add (&options, "{sv}", "cpu", g_variant_new_string (cpu));
  if (memory != NULL)
    g_variant_builder_add (&options, "{sv}", "memory", g_variant_new_string (memory));
  reply = ovm_ctl_job_call (G_DBUS_PROXY (snapshot),
                            "Prepare",
                            g_variant_new ("(ua{sv})", count, &options),
                            &watch,
                            error);
  return reply != NULL;
}

static gboolean
parse_count (const char *word, guint *count, GError **error)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (word, 10, 0, G_MAXUINT32, &value, NULL))
    {
      g_set_error (error,
                   OVM_CTL_ERROR,
                   OVM_CTL_STATUS_USAGE,
                   _ ("“%s” is not a number of clones; it must be a whole number, 0 for none"),
                   word);
      return FALSE;
    }
  *count = (guint) value;
  return TRUE;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  g_autofree char *driver = NULL;
  g_autofree char *cpu = NULL;
  g_autofree char *memory = NULL;
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (OvmDBusSnapshot) snapshot = NULL;
  g_autofree char *directory = NULL;
  guint count;
  const GOptionEntry entries[] = {
    { "driver", 0, 0, G_OPTION_ARG_STRING, &driver, N_ ("For VMs of this driver"), N_ ("NAME") },
    { "cpu",
      0,
      0,
      G_OPTION_ARG_STRING,
      &cpu,
      N_ ("Which processors will do: exact (default) or superset, any with its features"),
      N_ ("POLICY") },
    { "memory",
      0,
      0,
      G_OPTION_ARG_STRING,
      &memory,
      N_ ("When their RAM is read: lazy (default), working-set or populate, as for “restore”"),
      N_ ("WHEN") },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 2, 2, &words))
    return ctl->status;
  if (!parse_count (words[1], &count, &error))
    return ovm_ctl_fail (ctl, error);

  directory = ovm_ctl_client_make_absolute (words[0]);
  manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager != NULL)
    snapshot = ovm_ctl_client_open_snapshot (manager, directory, &error);
  if (snapshot == NULL || !prepare (snapshot, directory, count, driver, cpu, memory, &error))
    return ovm_ctl_fail (ctl, error);
  if (ctl->json)
    ovm_ctl_print_json (g_variant_new_parsed ("{'Directory': <%s>, 'Prepared': <%u>}", directory, count));
  return OVM_CTL_STATUS_OK;
}

const OvmCtlCommand ovm_ctl_prepare_command = {
  .name = "prepare",
  .arguments = N_ ("DIRECTORY COUNT"),
  .summary = N_ ("Keep clones of a snapshot ready"),
  .help = N_ ("Keeps COUNT virtual machines built from the snapshot, so that “restore” of it only has\n"
              "to name one and let it run. For each that is taken another is built. 0 lets all go.\n"
              "Each takes about 0.8 MiB of the host’s memory. Ctrl-C stops the work.\n"
              "\n"
              "Example:\n"
              "  openvmmctl prepare /var/lib/openvmm/snapshots/web-1 4"),
  .run = run,
};
