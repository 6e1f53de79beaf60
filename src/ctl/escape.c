/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/escape.h"

#include "src/ctl/status.h"

#include <glib/gi18n.h>
#include <string.h>

#define CONTROL_BIT 0x40

static gboolean
parse_control (char letter, int *key)
{
  char upper = g_ascii_toupper (letter);

  if (upper < '@' || upper > '_')
    return FALSE;
  *key = upper - CONTROL_BIT;
  return TRUE;
}

gboolean
ovm_ctl_escape_parse (const char *text, int *key, GError **error)
{
  gsize length = strlen (text);

  if (g_str_equal (text, "none"))
    {
      *key = OVM_CTL_ESCAPE_NONE;
      return TRUE;
    }

  if (length == 1 && g_ascii_isprint (text[0]))
    {
      *key = text[0];
      return TRUE;
    }

  if (length == 2 && text[0] == '^' && parse_control (text[1], key))
    return TRUE;

  g_set_error (error,
               OVM_CTL_ERROR,
               OVM_CTL_STATUS_USAGE,
               _ ("“%s” is not an escape key: write one character, or ^ and a character for Ctrl with it, such as "
                  "^], or none"),
               text);
  return FALSE;
}

char *
ovm_ctl_escape_format (int key)
{
  if (key == OVM_CTL_ESCAPE_NONE)
    return g_strdup ("none");
  if (key < ' ')
    return g_strdup_printf ("Ctrl-%c", key + CONTROL_BIT);
  return g_strdup_printf ("%c", key);
}
