/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/help.h"

#include "src/ctl/text.h"

#include <glib/gi18n.h>

#define COMMAND_COLUMN 12

GOptionContext *
ovm_ctl_help_new_context (const OvmCtlCommand *command)
{
  GOptionContext *context = g_option_context_new (*command->arguments != '\0' ? _ (command->arguments) : NULL);

  g_option_context_set_summary (context, _ (command->summary));
  if (command->help != NULL)
    g_option_context_set_description (context, _ (command->help));
  return context;
}

void
ovm_ctl_help_print_command (GOptionContext *context, const OvmCtlCommand *command)
{
  g_autofree char *program = g_strdup_printf ("openvmmctl %s", command->name);
  g_autofree char *before = g_strdup (g_get_prgname ());
  g_autofree char *help = NULL;

  /* GOption writes the usage line with the name of the program */
  g_set_prgname (program);
  help = g_option_context_get_help (context, TRUE, NULL);
  g_set_prgname (before);
  g_print ("%s", help);
}

void
ovm_ctl_help_print (void)
{
  g_autoptr (GString) commands = g_string_new (NULL);

  for (guint i = 0; ovm_ctl_commands[i] != NULL; i++)
    {
      g_string_append (commands, "  ");
      ovm_ctl_text_append_padded (commands, ovm_ctl_commands[i]->name, COMMAND_COLUMN);
      g_string_append_printf (commands, "%s\n", _ (ovm_ctl_commands[i]->summary));
    }

  g_print (_ ("Usage:\n"
              "  openvmmctl [OPTION…] COMMAND [ARGUMENT…]\n"
              "\n"
              "Runs virtual machines (VMs) and makes snapshots of them, through the service openvmmd.\n"
              "\n"
              "Commands:\n"));
  g_print ("%s", commands->str);
  g_print (_ ("\n"
              "Options, before or after the command:\n"
              "  --session   Use the service of your own session\n"
              "  --system    Use the service of the system (default)\n"
              "  --json      Print JSON, for scripts\n"
              "  -h, --help  Explain, and do nothing; after a command, explain that command\n"
              "  --version   Print the version\n"
              "\n"
              "Environment:\n"
              "  OPENVMM_BUS=session makes --session the default.\n"
              "\n"
              "Exit status:\n"
              "  0  done\n"
              "  1  it went wrong\n"
              "  2  the command line, or a value in it, is wrong\n"
              "  3  no such VM, snapshot or file\n"
              "  4  not allowed\n"
              "  5  the service cannot be reached\n"
              "  6  not in this state, busy, or the name is taken\n"
              "  7  the snapshot is damaged or does not fit this host\n"
              "  130  cancelled with Ctrl-C\n"
              "\n"
              "A first session:\n"
              "  openvmmctl create web --kernel vmlinuz --initrd initrd.img \\\n"
              "      --cmdline 'console=ttyS0' --memory 512M\n"
              "  openvmmctl start web\n"
              "  openvmmctl console web              (Ctrl-] leaves it)\n"
              "  openvmmctl save web /var/lib/openvmm/snapshots/web-1\n"
              "  openvmmctl restore /var/lib/openvmm/snapshots/web-1 --name web-again\n"
              "  openvmmctl list\n"
              "\n"
              "“openvmmctl COMMAND --help” explains a command; openvmmctl(1) explains all of them.\n"));
}
