/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/job.h"

#include <glib/gi18n.h>

typedef struct
{
  char *name;
  char *in_place;
  gboolean paused;
  gboolean running;
  gboolean verify_memory;
  char *clock;
  char *memory;
  char *cpu;
  char *uuid;
  char *description;
  char *driver;
  char *console_log;
} Choices;

static void
choices_clear (Choices *choices)
{
  g_free (choices->name);
  g_free (choices->in_place);
  g_free (choices->clock);
  g_free (choices->memory);
  g_free (choices->cpu);
  g_free (choices->uuid);
  g_free (choices->description);
  g_free (choices->driver);
  g_free (choices->console_log);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Choices, choices_clear)

static gboolean
check_choices (const Choices *choices, GError **error)
{
  const char *message = NULL;

  if (choices->name != NULL && choices->in_place != NULL)
    message = _ ("--name and --in-place exclude each other");
  else if (choices->paused && choices->running)
    message = _ ("--paused and --running exclude each other");
  else if (choices->in_place != NULL && (choices->uuid != NULL || choices->description != NULL ||
                                         choices->driver != NULL || choices->console_log != NULL))
    message = _ ("--uuid, --description, --driver and --console-log are for a new VM, not for --in-place");

  if (message != NULL)
    g_set_error_literal (error, OVM_CTL_ERROR, OVM_CTL_STATUS_USAGE, message);
  return message == NULL;
}

static void
add_string (GVariantBuilder *options, const char *key, const char *value)
{
  if (value != NULL)
    g_variant_builder_add (options, "{sv}", key, g_variant_new_string (value));
}

static GVariant *
make_options (const Choices *choices)
{
  g_auto (GVariantBuilder) options = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autofree char *console_log = choices->console_log != NULL
                                     ? ovm_ctl_client_make_absolute (choices->console_log)
                                     : NULL;

  if (choices->paused || choices->running)
    g_variant_builder_add (&options, "{sv}", "paused", g_variant_new_boolean (choices->paused));
  if (choices->verify_memory)
    g_variant_builder_add (&options, "{sv}", "verify-memory", g_variant_new_boolean (TRUE));
  add_string (&options, "clock", choices->clock);
  add_string (&options, "memory", choices->memory);
  add_string (&options, "cpu", choices->cpu);
  add_string (&options, "uuid", choices->uuid);
  add_string (&options, "description", choices->description);
  add_string (&options, "driver", choices->driver);
  add_string (&options, "console-log", console_log);
  return g_variant_builder_end (&options);
}

static char *
get_saved_name (OvmDBusManager *manager, const char *directory, GError **error)
{
  g_autoptr (GVariant) info = NULL;
  char *name = NULL;

  if (!ovm_dbus_manager_call_inspect_snapshot_sync (
          manager, directory, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, &info, NULL, error))
    return NULL;

  if (!g_variant_lookup (info, "vm-name", "s", &name))
    g_set_error (error,
                 OVM_CTL_ERROR,
                 OVM_CTL_STATUS_FAILED,
                 _ ("%s does not say what the VM was called; give the new one a name with --name"),
                 directory);
  return name;
}

static char *
restore_new (OvmDBusManager *manager,
             const char *name,
             const char *directory,
             const Choices *choices,
             GError **error)
{
  g_autofree char *label = g_strdup_printf (_ ("Restoring %s"), name);
  g_autofree char *expected_path = ovm_ctl_client_get_vm_path (name);
  const OvmCtlJobWatch watch = { .operation = "restore-vm", .object = expected_path, .label = label };
  g_autoptr (GVariant)
      reply = ovm_ctl_job_call (G_DBUS_PROXY (manager),
                                "RestoreVM",
                                g_variant_new ("(ss@a{sv})", name, directory, make_options (choices)),
                                &watch,
                                error);
  char *path = NULL;

  if (reply != NULL)
    g_variant_get (reply, "(o)", &path);
  return path;
}

static char *
restore_in_place (OvmDBusManager *manager, const char *directory, const Choices *choices, GError **error)
{
  g_autoptr (OvmDBusVM) vm = ovm_ctl_client_get_vm (manager, choices->in_place, error);
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *label = g_strdup_printf (_ ("Restoring %s"), choices->in_place);
  OvmCtlJobWatch watch = { .operation = "restore", .label = label };

  if (vm == NULL)
    return NULL;

  watch.object = g_dbus_proxy_get_object_path (G_DBUS_PROXY (vm));
  reply = ovm_ctl_job_call (G_DBUS_PROXY (vm),
                            "Restore",
                            g_variant_new ("(s@a{sv})", directory, make_options (choices)),
                            &watch,
                            error);
  return reply != NULL ? g_strdup (watch.object) : NULL;
}

static char *
restore (OvmDBusManager *manager, const char *directory, const Choices *choices, GError **error)
{
  g_autofree char *name = g_strdup (choices->name);

  if (choices->in_place != NULL)
    return restore_in_place (manager, directory, choices, error);

  if (name == NULL)
    name = get_saved_name (manager, directory, error);
  return name != NULL ? restore_new (manager, name, directory, choices, error) : NULL;
}

static OvmCtlStatus
run_with (OvmCtl *ctl, const char *word, const Choices *choices)
{
  GError *error = NULL;
  g_autofree char *directory = ovm_ctl_client_make_absolute (word);
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (OvmDBusVM) vm = NULL;
  g_autofree char *path = NULL;

  if (check_choices (choices, &error))
    manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager != NULL)
    path = restore (manager, directory, choices, &error);
  if (path != NULL)
    vm = ovm_ctl_client_get_vm_at (manager, path, &error);
  if (vm == NULL)
    return ovm_ctl_fail (ctl, error);

  if (ctl->json)
    ovm_ctl_print_json (ovm_ctl_client_describe (G_DBUS_PROXY (vm)));
  else
    g_print (_ ("Restored %s from %s.\n"), ovm_dbus_vm_get_name (vm), directory);
  return OVM_CTL_STATUS_OK;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  g_auto (Choices) choices = { 0 };
  g_auto (GStrv) words = NULL;
  const GOptionEntry entries[] = {
    { "name",
      'n',
      0,
      G_OPTION_ARG_STRING,
      &choices.name,
      N_ ("Name of the new VM (default: the saved one)"),
      N_ ("NAME") },
    { "in-place",
      'i',
      0,
      G_OPTION_ARG_STRING,
      &choices.in_place,
      N_ ("Put this VM back to the snapshot"),
      N_ ("VM") },
    { "paused", 0, 0, G_OPTION_ARG_NONE, &choices.paused, N_ ("Do not let it run yet"), NULL },
    { "running",
      0,
      0,
      G_OPTION_ARG_NONE,
      &choices.running,
      N_ ("Let it run, even if it was saved paused"),
      NULL },
    { "verify-memory",
      0,
      0,
      G_OPTION_ARG_NONE,
      &choices.verify_memory,
      N_ ("Check all of the memory first"),
      NULL },
    { "memory",
      0,
      0,
      G_OPTION_ARG_STRING,
      &choices.memory,
      N_ ("When its RAM is read: lazy (default), or before it runs: working-set, what is used first, or "
          "populate, all"),
      N_ ("WHEN") },
    { "clock",
      0,
      0,
      G_OPTION_ARG_STRING,
      &choices.clock,
      N_ ("Whether its clocks continue (default) or catch-up with the host"),
      N_ ("POLICY") },
    { "cpu",
      0,
      0,
      G_OPTION_ARG_STRING,
      &choices.cpu,
      N_ ("Which processors will do: exact (default) or superset, any with its features"),
      N_ ("POLICY") },
    { "uuid",
      0,
      0,
      G_OPTION_ARG_STRING,
      &choices.uuid,
      N_ ("UUID of the new VM, or “same” (default: a new one)"),
      N_ ("UUID") },
    { "description",
      'd',
      0,
      G_OPTION_ARG_STRING,
      &choices.description,
      N_ ("Words about the new VM"),
      N_ ("TEXT") },
    { "driver", 0, 0, G_OPTION_ARG_STRING, &choices.driver, N_ ("What runs it"), N_ ("DRIVER") },
    { "console-log",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &choices.console_log,
      N_ ("File that guest output is appended to"),
      N_ ("FILE") },
    { NULL },
  };

  return ovm_ctl_parse (ctl, args, entries, 1, 1, &words) ? run_with (ctl, words[0], &choices) : ctl->status;
}

const OvmCtlCommand ovm_ctl_restore_command = {
  .name = "restore",
  .arguments = N_ ("DIRECTORY"),
  .summary = N_ ("Make a VM out of a snapshot, or put one back to it"),
  .help = N_ ("Makes a new VM that carries on where the snapshot was taken; any number can be\n"
              "made of one snapshot, and the snapshot is only read. With --in-place an\n"
              "existing VM is put back; if that fails, it goes on as it was. Ctrl-C gives up.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl restore /var/lib/openvmm/snapshots/web-1 --name web-again\n"
              "  openvmmctl restore web-1 --name test --paused\n"
              "  openvmmctl restore web-1 --in-place web"),
  .run = run,
};
