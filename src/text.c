/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/text.h"

#include <string.h>

#define ELLIPSIS "…"

char *
ovm_text_shorten (const char *text, gsize length_max)
{
  const char *end;

  if (text == NULL || strlen (text) <= length_max)
    return g_strdup (text);
  end = text + length_max - strlen (ELLIPSIS);
  while (end > text && ((guchar) *end & 0xc0) == 0x80) /* within a character */
    end--;
  return g_strdup_printf ("%.*s" ELLIPSIS, (int) (end - text), text);
}
