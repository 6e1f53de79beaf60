/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/progress.h"

#include "src/ctl/size.h"
#include "src/ctl/text.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_CELLS 20
#define COLUMNS_DEFAULT 80

static void
append_bar (GString *line, double fraction)
{
  guint filled = (guint) (CLAMP (fraction, 0.0, 1.0) * BAR_CELLS);

  g_string_append (line, " [");
  for (guint i = 0; i < BAR_CELLS; i++)
    g_string_append_c (line, i < filled ? '=' : ' ');
  g_string_append_printf (line, "] %3u %%", (guint) (CLAMP (fraction, 0.0, 1.0) * 100));
}

static void
append_amounts (GString *line, const OvmCtlProgress *progress)
{
  g_autofree char *done = ovm_ctl_size_format (progress->done_bytes);
  g_autofree char *total = ovm_ctl_size_format (progress->total_bytes);
  g_autofree char *left = NULL;

  if (progress->total_bytes == 0)
    return;

  g_string_append (line, "  ");
  /* Translators: two sizes, such as "10 MiB of 512 MiB" */
  g_string_append_printf (line, _ ("%s of %s"), done, total);
  if (progress->left_seconds >= 0)
    {
      left = g_strdup_printf ("%" G_GINT64_FORMAT, progress->left_seconds);
      g_string_append_printf (line, _ (", %s s left"), left);
    }
}

char *
ovm_ctl_progress_format (const OvmCtlProgress *progress, guint columns)
{
  g_autoptr (GString) line = g_string_new (progress->label);
  g_autofree char *printable = NULL;

  if (progress->known)
    {
      append_bar (line, progress->fraction);
      append_amounts (line, progress);
    }
  else
    g_string_append (line, " …");

  printable = ovm_ctl_text_make_printable (line->str);
  while (ovm_ctl_text_get_width (printable) > columns)
    *g_utf8_find_prev_char (printable, printable + strlen (printable)) = '\0';
  return g_steal_pointer (&printable);
}

static guint
get_terminal_columns (void)
{
  struct winsize size;

  if (ioctl (STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
    return COLUMNS_DEFAULT;
  return size.ws_col;
}

void
ovm_ctl_progress_show (const OvmCtlProgress *progress)
{
  g_autofree char *line = NULL;

  if (!isatty (STDERR_FILENO))
    return;

  /* the last column stays free: some terminals wrap as soon as it is written */
  line = ovm_ctl_progress_format (progress, get_terminal_columns () - 1);
  g_printerr ("\r%s\033[K", line);
}

void
ovm_ctl_progress_clear (void)
{
  if (isatty (STDERR_FILENO))
    g_printerr ("\r\033[K");
}
