/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options may stand before or after the command: the words before it are parsed here, in POSIX order, the rest by the
 * command itself, and both know the common options.
 */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/help.h"
#include "src/ctl/json.h"

#include <glib/gi18n.h>
#include <stdio.h>

typedef struct
{
  gboolean session;
  gboolean system;
  gboolean help;
  gboolean version;
} CommonOptions;

static void
add_common_options (GOptionContext *context, OvmCtl *ctl, CommonOptions *common)
{
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &common->session, N_ ("Use the service of your own session"), NULL },
    { "system", 0, 0, G_OPTION_ARG_NONE, &common->system, N_ ("Use the service of the system (default)"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, N_ ("Print JSON, for scripts"), NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &common->help, N_ ("Explain, and do nothing"), NULL },
    { NULL },
  };

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static gboolean
choose_bus (OvmCtl *ctl, const CommonOptions *common, GError **error)
{
  if (common->session && common->system)
    {
      g_set_error_literal (error,
                           OVM_CTL_ERROR,
                           OVM_CTL_STATUS_USAGE,
                           _ ("--session and --system exclude each other"));
      return FALSE;
    }

  if (common->session)
    ctl->bus_type = G_BUS_TYPE_SESSION;
  if (common->system)
    ctl->bus_type = G_BUS_TYPE_SYSTEM;
  return TRUE;
}

static gboolean
choose_default_bus (OvmCtl *ctl, GError **error)
{
  const char *bus = g_getenv ("OPENVMM_BUS");

  ctl->bus_type = G_BUS_TYPE_SYSTEM;
  if (bus == NULL || *bus == '\0' || g_str_equal (bus, "system"))
    return TRUE;

  ctl->bus_type = G_BUS_TYPE_SESSION;
  if (g_str_equal (bus, "session"))
    return TRUE;

  g_set_error (error,
               OVM_CTL_ERROR,
               OVM_CTL_STATUS_USAGE,
               _ ("the environment variable OPENVMM_BUS is “%s”; it may be “system” or “session”"),
               bus);
  return FALSE;
}

static const OvmCtlCommand *
find_command (const char *name, GError **error)
{
  for (guint i = 0; ovm_ctl_commands[i] != NULL; i++)
    {
      if (g_str_equal (ovm_ctl_commands[i]->name, name))
        return ovm_ctl_commands[i];
    }

  g_set_error (error,
               OVM_CTL_ERROR,
               OVM_CTL_STATUS_USAGE,
               _ ("there is no command “%s”; “openvmmctl --help” lists them"),
               name);
  return NULL;
}

static gboolean
check_word_count (const OvmCtlCommand *command, char **words, guint min, guint max, GError **error)
{
  guint count = g_strv_length (words);

  if (count < min)
    g_set_error (error,
                 OVM_CTL_ERROR,
                 OVM_CTL_STATUS_USAGE,
                 _ ("something is missing: it is “openvmmctl %s %s”"),
                 command->name,
                 _ (command->arguments));
  else if (count > max)
    g_set_error (error,
                 OVM_CTL_ERROR,
                 OVM_CTL_STATUS_USAGE,
                 _ ("“%s” is one word too many; “openvmmctl %s --help” explains"),
                 words[max],
                 command->name);
  return count >= min && count <= max;
}

static char **
make_argv (const char *const *args)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();

  g_strv_builder_add (argv, "openvmmctl");
  g_strv_builder_addv (argv, (const char **) args);
  return g_strv_builder_end (argv);
}

gboolean
ovm_ctl_parse (OvmCtl *ctl,
               const char *const *args,
               const GOptionEntry *entries,
               guint min,
               guint max,
               char ***words)
{
  g_autoptr (GOptionContext) context = ovm_ctl_help_new_context (ctl->command);
  g_auto (GStrv) argv = make_argv (args);
  g_auto (GStrv) rest = NULL;
  CommonOptions common = { 0 };
  GError *error = NULL;
  const GOptionEntry remaining[] = {
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
    { NULL },
  };

  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  add_common_options (context, ctl, &common);
  g_option_context_add_main_entries (context, remaining, NULL);

  ctl->status = OVM_CTL_STATUS_OK;
  if (!g_option_context_parse_strv (context, &argv, &error) || !choose_bus (ctl, &common, &error))
    {
      ctl->status = ovm_ctl_fail (ctl, error);
      return FALSE;
    }

  if (common.help)
    {
      ovm_ctl_help_print_command (context, ctl->command);
      return FALSE;
    }

  if (rest == NULL)
    rest = g_new0 (char *, 1);
  if (!check_word_count (ctl->command, rest, min, max, &error))
    {
      ctl->status = ovm_ctl_fail (ctl, error);
      return FALSE;
    }

  *words = g_steal_pointer (&rest);
  return TRUE;
}

static OvmCtlStatus
run_command (OvmCtl *ctl, const char *const *args)
{
  const char *const help_args[] = { "--help", NULL };
  GError *error = NULL;
  gboolean explain = g_str_equal (args[0], "help");

  if (explain && args[1] == NULL)
    {
      ovm_ctl_help_print ();
      return OVM_CTL_STATUS_OK;
    }

  ctl->command = find_command (args[explain ? 1 : 0], &error);
  if (ctl->command == NULL)
    return ovm_ctl_fail (ctl, error);
  return ctl->command->run (ctl, explain ? help_args : args + 1);
}

static OvmCtlStatus
check_output (OvmCtl *ctl, OvmCtlStatus status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;

  return ovm_ctl_fail (ctl,
                       g_error_new_literal (OVM_CTL_ERROR,
                                            OVM_CTL_STATUS_FAILED,
                                            _ ("not all of the output could be written")));
}

/* the bus carries UTF-8 only */
static gboolean
check_encoding (const char *const *argv, GError **error)
{
  for (guint i = 0; argv[i] != NULL; i++)
    {
      if (!g_utf8_validate (argv[i], -1, NULL))
        {
          g_autofree char *shown = g_utf8_make_valid (argv[i], -1);

          g_set_error (error, OVM_CTL_ERROR, OVM_CTL_STATUS_USAGE, _ ("“%s” is not written in UTF-8"), shown);
          return FALSE;
        }
    }
  return TRUE;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) words = make_argv (argv + 1);
  CommonOptions common = { 0 };
  GError *error = NULL;
  const GOptionEntry version[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &common.version, N_ ("Print the version"), NULL },
    { NULL },
  };

  g_option_context_set_strict_posix (context, TRUE);
  add_common_options (context, ctl, &common);
  g_option_context_add_main_entries (context, version, GETTEXT_PACKAGE);
  if (!check_encoding (argv, &error) || !choose_default_bus (ctl, &error) ||
      !g_option_context_parse_strv (context, &words, &error) || !choose_bus (ctl, &common, &error))
    return ovm_ctl_fail (ctl, error);

  if (common.version)
    {
      g_print ("openvmmctl %s\n", PACKAGE_VERSION);
      return OVM_CTL_STATUS_OK;
    }

  if (common.help)
    {
      ovm_ctl_help_print ();
      return OVM_CTL_STATUS_OK;
    }

  if (words[1] == NULL)
    return ovm_ctl_fail (
        ctl,
        g_error_new_literal (OVM_CTL_ERROR,
                             OVM_CTL_STATUS_USAGE,
                             _ ("what shall be done? “openvmmctl --help” lists the commands")));
  return run_command (ctl, (const char *const *) words + 1);
}

OvmCtlStatus
ovm_ctl_main (const char *const *argv)
{
  OvmCtl ctl = { 0 };
  OvmCtlStatus status = run (&ctl, argv);

  return check_output (&ctl, status);
}

/* JSON is UTF-8 in every locale, and g_print() would convert it; check_output() sees what was not written */
static void
write_json (FILE *file, GVariant *value)
{
  g_autofree char *json = ovm_ctl_json_from_variant (value);

  (void) fprintf (file, "%s\n", json);
}

OvmCtlStatus
ovm_ctl_fail (OvmCtl *ctl, GError *error)
{
  g_autoptr (GError) owned = error;
  g_autofree char *text = ovm_ctl_status_describe (error);
  OvmCtlStatus status = ovm_ctl_status_from_error (error);

  if (ctl->json)
    {
      g_autofree char *name = ovm_ctl_status_get_error_name (error);
      g_autoptr (GVariant) object = NULL;

      g_dbus_error_strip_remote_error (owned);
      object = g_variant_ref_sink (g_variant_new_parsed ("{'Error': <%s>, 'Message': <%s>, 'Status': <%i>}",
                                                         name,
                                                         owned->message,
                                                         (int) status));
      write_json (stderr, object);
    }
  else
    g_printerr ("openvmmctl: %s\n", text);
  return status;
}

void
ovm_ctl_print_json (GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);

  write_json (stdout, owned);
}
