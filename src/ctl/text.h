/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* text.h: strings on a terminal */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** ovm_ctl_text_get_width: columns that @text takes; wide characters take two, combining ones none. */
guint ovm_ctl_text_get_width (const char *text);

/**
 * ovm_ctl_text_make_printable:
 *
 * Names and descriptions are other people's words: none of them may move the cursor or set colours. Control
 * characters become \xNN, bytes that are not UTF-8 become U+FFFD.
 *
 * Returns: (transfer full)
 */
char *ovm_ctl_text_make_printable (const char *text);

/** ovm_ctl_text_append_padded: appends @text and blanks up to @width columns. */
void ovm_ctl_text_append_padded (GString *out, const char *text, guint width);

G_END_DECLS
