/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* table.h: aligned columns */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OvmCtlTable OvmCtlTable;

/** ovm_ctl_table_new: @headings are copied; their number is the number of columns. */
OvmCtlTable *ovm_ctl_table_new (const char *const *headings);
void ovm_ctl_table_free (OvmCtlTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OvmCtlTable, ovm_ctl_table_free)

/** ovm_ctl_table_add: @cells are copied and made printable; missing ones are empty, an empty one reads "-". */
void ovm_ctl_table_add (OvmCtlTable *table, const char *const *cells);

/** ovm_ctl_table_render: (transfer full): the lines, the headings first; no blanks at the ends of lines */
char *ovm_ctl_table_render (OvmCtlTable *table);

G_END_DECLS
