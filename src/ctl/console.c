/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/ctl.h"

#include "src/ctl/client.h"
#include "src/ctl/escape.h"
#include "src/ctl/relay.h"
#include "src/ctl/terminal.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>
#include <unistd.h>

#define LINGER_SECONDS_MAX 86400.0

static int
open_console (OvmDBusVM *vm, GError **error)
{
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) handle = NULL;

  if (!ovm_dbus_vm_call_open_console_sync (vm, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &handle, &fds, NULL, error))
    return -1;
  return g_unix_fd_list_get (fds, g_variant_get_handle (handle), error);
}

static OvmCtlStatus
report_end (OvmCtlRelayEnd end, const char *name, gboolean talk)
{
  if (talk && end == OVM_CTL_RELAY_GUEST_GONE)
    g_printerr (_ ("\n%s has closed its console.\n"), name);
  else if (talk)
    g_printerr (_ ("\nLeft the console of %s.\n"), name);
  return end == OVM_CTL_RELAY_SIGNALLED ? OVM_CTL_STATUS_CANCELLED : OVM_CTL_STATUS_OK;
}

static OvmCtlStatus
talk_to (OvmCtl *ctl, const char *name, OvmCtlRelay *relay)
{
  gboolean is_terminal = isatty (relay->input_fd);
  g_autofree char *key = ovm_ctl_escape_format (relay->escape_key);
  GError *error = NULL;
  OvmCtlRelayEnd end = OVM_CTL_RELAY_FAILED;
  g_autoptr (OvmCtlTerminal) terminal = NULL;

  if (is_terminal)
    {
      if (relay->escape_key != OVM_CTL_ESCAPE_NONE)
        g_printerr (_ ("Connected to %s. %s leaves.\n"), name, key);
      else
        g_printerr (_ ("Connected to %s. There is no key to leave.\n"), name);
      terminal = ovm_ctl_terminal_new (relay->input_fd, &error);
    }
  else
    relay->escape_key = OVM_CTL_ESCAPE_NONE;

  if (error == NULL)
    end = ovm_ctl_relay_run (relay, &error);
  g_clear_pointer (&terminal, ovm_ctl_terminal_free);
  if (end == OVM_CTL_RELAY_FAILED)
    return ovm_ctl_fail (ctl, error);
  return report_end (end, name, is_terminal);
}

static OvmCtlStatus
run_with (OvmCtl *ctl, const char *name, int escape_key, double linger_seconds)
{
  GError *error = NULL;
  g_autoptr (OvmDBusManager) manager = ovm_ctl_client_get_manager (ctl, &error);
  g_autoptr (OvmDBusVM) vm = manager != NULL ? ovm_ctl_client_get_vm (manager, name, &error) : NULL;
  OvmCtlRelay relay = {
    .input_fd = STDIN_FILENO,
    .output_fd = STDOUT_FILENO,
    .socket_fd = vm != NULL ? open_console (vm, &error) : -1,
    .escape_key = escape_key,
    .linger_msec = (gint64) (linger_seconds * 1000),
  };
  OvmCtlStatus status;

  if (relay.socket_fd < 0)
    return ovm_ctl_fail (ctl, error);

  status = talk_to (ctl, name, &relay);
  close (relay.socket_fd);
  return status;
}

static OvmCtlStatus
run (OvmCtl *ctl, const char *const *args)
{
  g_autofree char *escape = NULL;
  double linger_seconds = 1;
  int escape_key = OVM_CTL_ESCAPE_DEFAULT;
  GError *error = NULL;
  g_auto (GStrv) words = NULL;
  const GOptionEntry entries[] = {
    { "escape",
      'e',
      0,
      G_OPTION_ARG_STRING,
      &escape,
      N_ ("Key that leaves, or “none” (default: ^])"),
      N_ ("KEY") },
    { "linger",
      0,
      0,
      G_OPTION_ARG_DOUBLE,
      &linger_seconds,
      N_ ("How long to go on printing after the end of the input (default: 1)"),
      N_ ("SECONDS") },
    { NULL },
  };

  if (!ovm_ctl_parse (ctl, args, entries, 1, 1, &words))
    return ctl->status;

  if (escape != NULL && !ovm_ctl_escape_parse (escape, &escape_key, &error))
    return ovm_ctl_fail (ctl, error);
  if (!(linger_seconds >= 0 && linger_seconds <= LINGER_SECONDS_MAX))
    return ovm_ctl_fail (ctl,
                         g_error_new (OVM_CTL_ERROR,
                                      OVM_CTL_STATUS_USAGE,
                                      _ ("--linger takes 0 to %.0f seconds"),
                                      LINGER_SECONDS_MAX));
  return run_with (ctl, words[0], escape_key, linger_seconds);
}

const OvmCtlCommand ovm_ctl_console_command = {
  .name = "console",
  .arguments = N_ ("VM"),
  .summary = N_ ("Connect to a guest's serial port"),
  .help = N_ ("Every key goes to the guest, but for the one that leaves, Ctrl-]. What the\n"
              "guest wrote last comes first. Several people can be connected at once; a reboot\n"
              "of the guest disconnects nobody. If the input is not a terminal, there is no\n"
              "escape key, and the console is left when the input ends.\n"
              "\n"
              "Examples:\n"
              "  openvmmctl console web\n"
              "  openvmmctl console web --escape ^A\n"
              "  echo uptime | openvmmctl console web --linger 3\n"
              "  openvmmctl console web </dev/null          (prints what the guest wrote last)"),
  .run = run,
};
