/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/size.h"

#include "src/ctl/status.h"

#include <glib/gi18n.h>
#include <string.h>

static const char unit_letters[] = "KMGTPE";

static gboolean
parse_unit (const char *suffix, guint *shift)
{
  const char *letter;

  *shift = 0;
  if (*suffix == '\0')
    return TRUE;

  letter = strchr (unit_letters, g_ascii_toupper (*suffix));
  if (letter == NULL)
    return FALSE;

  *shift = 10 * (guint) (letter - unit_letters + 1);
  return suffix[1] == '\0' || g_ascii_strcasecmp (suffix + 1, "iB") == 0;
}

gboolean
ovm_ctl_size_parse (const char *text, guint64 *bytes, GError **error)
{
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  const char *suffix = text + digits;
  guint64 value;
  guint shift;

  while (*suffix == ' ')
    suffix++;

  if (digits == 0 || !parse_unit (suffix, &shift))
    {
      g_set_error (error,
                   OVM_CTL_ERROR,
                   OVM_CTL_STATUS_USAGE,
                   _ ("“%s” is not a size: write a whole number of bytes, or one with K, M, G or T behind "
                      "it (powers of 1024), such as 512M or 2GiB"),
                   text);
      return FALSE;
    }

  if (!g_ascii_string_to_unsigned (number, 10, 0, G_MAXUINT64 >> shift, &value, NULL))
    {
      g_set_error (error,
                   OVM_CTL_ERROR,
                   OVM_CTL_STATUS_USAGE,
                   _ ("the size “%s” is more than a number of bytes can be"),
                   text);
      return FALSE;
    }

  *bytes = value << shift;
  return TRUE;
}

char *
ovm_ctl_size_format (guint64 bytes)
{
  guint unit = 0;

  while (unit < strlen (unit_letters) && (bytes >> (10 * (unit + 1))) > 0)
    unit++;

  if (unit == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " B", bytes);

  if ((bytes & ((G_GUINT64_CONSTANT (1) << (10 * unit)) - 1)) == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " %ciB", bytes >> (10 * unit), unit_letters[unit - 1]);

  return g_strdup_printf ("%.1f %ciB",
                          (double) bytes / (double) (G_GUINT64_CONSTANT (1) << (10 * unit)),
                          unit_letters[unit - 1]);
}
