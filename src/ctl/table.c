/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/table.h"

#include "src/ctl/text.h"

#define COLUMN_GAP 2

struct _OvmCtlTable
{
  guint columns;
  GPtrArray *rows; /* of char **, the headings first */
};

OvmCtlTable *
ovm_ctl_table_new (const char *const *headings)
{
  OvmCtlTable *table = g_new0 (OvmCtlTable, 1);

  table->columns = g_strv_length ((char **) headings);
  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  g_ptr_array_add (table->rows, g_strdupv ((char **) headings));
  return table;
}

void
ovm_ctl_table_free (OvmCtlTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->rows);
  g_free (table);
}

void
ovm_ctl_table_add (OvmCtlTable *table, const char *const *cells)
{
  char **row = g_new0 (char *, table->columns + 1);
  gboolean ended = FALSE;

  for (guint i = 0; i < table->columns; i++)
    {
      ended = ended || cells[i] == NULL;
      row[i] = ended || *cells[i] == '\0' ? g_strdup ("-") : ovm_ctl_text_make_printable (cells[i]);
    }
  g_ptr_array_add (table->rows, row);
}

static guint
get_column_width (OvmCtlTable *table, guint column)
{
  guint width = 0;

  for (guint i = 0; i < table->rows->len; i++)
    {
      char **row = g_ptr_array_index (table->rows, i);

      width = MAX (width, ovm_ctl_text_get_width (row[column]));
    }
  return width;
}

char *
ovm_ctl_table_render (OvmCtlTable *table)
{
  g_autofree guint *widths = g_new0 (guint, table->columns);
  GString *out = g_string_new (NULL);

  for (guint i = 0; i + 1 < table->columns; i++)
    widths[i] = get_column_width (table, i) + COLUMN_GAP;

  for (guint i = 0; i < table->rows->len; i++)
    {
      char **row = g_ptr_array_index (table->rows, i);

      for (guint j = 0; j < table->columns; j++)
        ovm_ctl_text_append_padded (out, row[j], widths[j]);
      g_string_append_c (out, '\n');
    }
  return g_string_free (out, FALSE);
}
