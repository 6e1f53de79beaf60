/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/terminal.h"

#include "src/ctl/status.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <termios.h>

struct _OvmCtlTerminal
{
  int fd;
  struct termios before;
};

OvmCtlTerminal *
ovm_ctl_terminal_new (int fd, GError **error)
{
  OvmCtlTerminal *terminal;
  struct termios before, raw;

  if (tcgetattr (fd, &before) != 0)
    {
      g_set_error (error,
                   OVM_CTL_ERROR,
                   OVM_CTL_STATUS_FAILED,
                   _ ("cannot read the settings of the terminal: %s"),
                   g_strerror (errno));
      return NULL;
    }

  terminal = g_new0 (OvmCtlTerminal, 1);
  terminal->fd = fd;
  terminal->before = before;

  raw = before;
  cfmakeraw (&raw);
  tcsetattr (fd, TCSADRAIN, &raw);
  return terminal;
}

void
ovm_ctl_terminal_free (OvmCtlTerminal *terminal)
{
  if (terminal == NULL)
    return;
  tcsetattr (terminal->fd, TCSADRAIN, &terminal->before);
  g_free (terminal);
}
