/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/size.h"

#include <glib/gi18n.h>

typedef struct
{
  char *kernel;
  char *initrd;
  char *cmdline;
  char *memory;
  int vps;
  char *memory_file;
  char *backing;
  char *console_log;
  char *driver;
  char *uuid;
  char *description;
  char **options;
  gboolean start;
} Choices;

static void
choices_clear (Choices *choices)
{
  g_free (choices->kernel);
  g_free (choices->initrd);
  g_free (choices->cmdline);
  g_free (choices->memory);
  g_free (choices->memory_file);
  g_free (choices->backing);
  g_free (choices->console_log);
  g_free (choices->driver);
  g_free (choices->uuid);
  g_free (choices->description);
  g_strfreev (choices->options);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Choices, choices_clear)

static void
add_string (GVariantBuilder *config, const char *key, const char *value)
{
  if (value != NULL)
    g_variant_builder_add (config, "{sv}", key, g_variant_new_string (value));
}

static void
add_path (GVariantBuilder *config, const char *key, const char *value)
{
  g_autofree char *path = value != NULL ? ovm_ctl_client_make_absolute (value) : NULL;

  add_string (config, key, path);
}

static gboolean
add_numbers (GVariantBuilder *config, const Choices *choices, GError **error)
{
  guint64 bytes;

  if (choices->memory != NULL)
    {
      if (!ovm_ctl_size_parse (choices->memory, &bytes, error))
        return FALSE;
      g_variant_builder_add (config, "{sv}", "memory-size", g_variant_new_uint64 (bytes));
    }

  if (choices->vps < -1)
    {
      g_set_error (error,
                   OVM_CTL_ERROR,
                   OVM_CTL_STATUS_USAGE,
                   _ ("%d is not a number of virtual processors"),
                   choices->vps);
      return FALSE;
    }
  if (choices->vps != -1)
    g_variant_builder_add (config, "{sv}", "vp-count", g_variant_new_uint32 ((guint32) choices->vps));
  return TRUE;
}

/* so that this program need not be as new as the service */
static gboolean
add_option (GVariantBuilder *config, const char *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, "=", 2);
  g_autoptr (GVariant) value = NULL;

  if (g_strv_length (words) == 2 && *words[0] != '\0')
    value = g_variant_parse (NULL, words[1], NULL, NULL, NULL);
  if (value == NULL)
    {
      g_set_error (error,
                   OVM_CTL_ERROR,
                   OVM_CTL_STATUS_USAGE,
                   _ ("“%s” is not KEY=VALUE with a value such as 'text', true or uint32 5"),
                   text);
      return FALSE;
    }

  g_variant_builder_add (config, "{sv}", words[0], value);
  return TRUE;
}

static gboolean
add_options (GVariantBuilder *config, char **options, GError **error)
{
  for (guint i = 0; options != NULL && options[i] != NULL; i++)
    {
      if (!add_option (config, options[i], error))
        return FALSE;
    }
  return TRUE;
}

static GVariant *
make_config (const Choices *choices, GError **error)
{
  g_auto (GVariantBuilder) config = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  if (!add_numbers (&config, choices, error) || !add_options (&config, choices->options, error))
    return NULL;

  add_path (&config, "kernel", choices->kernel);
  add_path (&config, "initrd", choices->initrd);
  add_string (&config, "cmdline", choices->cmdline);
  add_path (&config, "memory-file", choices->memory_file);
  add_string (&config, "memory-backing", choices->backing);
  add_path (&config, "console-log", choices->console_log);
  add_string (&config, "driver", choices->driver);
  add_string (&config, "uuid", choices->uuid);
  add_string (&config, "description", choices->description);
  return g_variant_ref_sink (g_variant_builder_end (&config));
}

static char *
create (OvmDBusManager *manager, const char *name, GVariant *config, GError **error)
{
  char *path = NULL;

  if (!ovm_dbus_manager_call_create_vm_sync (
          manager, name, config, G_DBUS_CALL_FLAGS_NONE, OVM_CTL_NO_TIMEOUT, &path, NULL, error))
    return NULL;
  return path;
}

static gboolean
start (OvmDBusManager *manager, const char *path, GError **error)
{
  g_autoptr (OvmDBusVM) vm = ovm_ctl_client_get_vm_at (manager, path, error);

  return vm != NULL && ovm_dbus_vm_call_start_sync (vm,
                                                    g_variant_new ("a{sv}", NULL),
                                                    G_DBUS_CALL_FLAGS_NONE,
                                                    OVM_CTL_NO_TIMEOUT,
                                                    NULL,
                                                    error);
}

static OvmCtlStatus
run_with (OvmCtl *ctl, const char *name, const Choices *choices)
{
  GError *error = NULL;
  g_autoptr (GVariant) config = make_config (choices, &error);
  g_autoptr (OvmDBusManager) manager = NULL;
  g_autoptr (OvmDBusVM) vm = NULL;
  g_autofree char *path = NULL;

  if (config != NULL)
    manager = ovm_ctl_client_get_manager (ctl, &error);
  if (manager != NULL)
    path = create (manager, name, config, &error);
  if (path != NULL && (!choices->start || start (manager, path, &error)))
    vm = ovm_ctl_client_get_vm_at (manager, path, &error);
  if (vm == NULL)
    return ovm_ctl_fail (ctl, error);

  if (ctl->json)
    ovm_ctl_print_json (ovm_ctl_client_describe (G_DBUS_PROXY (vm)));
  return OVM_CTL_STATUS_OK;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  g_auto (Choices) choices = { .vps = -1 };
  g_auto (GStrv) words = NULL;
  const GOptionEntry entries[] = {
    { "kernel",
      'k',
      0,
      G_OPTION_ARG_FILENAME,
      &choices.kernel,
      N_ ("Kernel: a bzImage, or an ELF with a PVH note"),
      N_ ("FILE") },
    { "initrd", 'i', 0, G_OPTION_ARG_FILENAME, &choices.initrd, N_ ("Initial RAM disk"), N_ ("FILE") },
    { "cmdline", 'c', 0, G_OPTION_ARG_STRING, &choices.cmdline, N_ ("Kernel command line"), N_ ("TEXT") },
    { "memory", 'm', 0, G_OPTION_ARG_STRING, &choices.memory, N_ ("Guest memory (default: 512M)"), N_ ("SIZE") },
    { "vps",
      'p',
      0,
      G_OPTION_ARG_INT,
      &choices.vps,
      N_ ("Virtual processors, 1 to 64 (default: 1)"),
      N_ ("NUMBER") },
    { "backing",
      'b',
      0,
      G_OPTION_ARG_STRING,
      &choices.backing,
      N_ ("What memory is made of: file (default), memfd or anonymous"),
      N_ ("KIND") },
    { "memory-file",
      'f',
      0,
      G_OPTION_ARG_FILENAME,
      &choices.memory_file,
      N_ ("File that is the memory (default: one without a name)"),
      N_ ("FILE") },
    { "console-log",
      'l',
      0,
      G_OPTION_ARG_FILENAME,
      &choices.console_log,
      N_ ("File that guest output is appended to"),
      N_ ("FILE") },
    { "driver", 0, 0, G_OPTION_ARG_STRING, &choices.driver, N_ ("What runs it"), N_ ("DRIVER") },
    { "uuid",
      0,
      0,
      G_OPTION_ARG_STRING,
      &choices.uuid,
      N_ ("UUID of the VM (default: a new one)"),
      N_ ("UUID") },
    { "description", 'd', 0, G_OPTION_ARG_STRING, &choices.description, N_ ("Words about the VM"), N_ ("TEXT") },
    { "option",
      'o',
      0,
      G_OPTION_ARG_STRING_ARRAY,
      &choices.options,
      N_ ("Another key of the configuration, its value as GVariant text"),
      N_ ("KEY=VALUE") },
    { "start", 's', 0, G_OPTION_ARG_NONE, &choices.start, N_ ("Boot it at once"), NULL },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 1, 1, &words))
    return ctl->status;
  return run_with (ctl, words[0], &choices);
}

const OvmCtlCommand ovm_ctl_create_command = {
  .name = "create",
  .arguments = N_ ("NAME"),
  .summary = N_ ("Define a VM"),
  .help = N_ ("The VM is stopped then, unless --start is given. A name has 1 to 64 of A-Z a-z\n"
              "0-9 . _ - and begins with a letter or a digit. A SIZE is a number of bytes, or\n"
              "one with K, M, G or T behind it: 512M, 2GiB. The files are opened by openvmmd,\n"
              "with its rights.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl create web --kernel vmlinuz --initrd initrd.img --cmdline 'console=ttyS0'\n"
              "  openvmmctl create db -k vmlinuz -m 4G -p 2 --memory-file db.ram --start"),
  .run = run,
};
