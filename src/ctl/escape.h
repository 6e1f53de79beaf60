/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* escape.h: the key that leaves the console */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define OVM_CTL_ESCAPE_NONE (-1)
#define OVM_CTL_ESCAPE_DEFAULT 0x1d /* Ctrl-], as telnet has it */

/**
 * ovm_ctl_escape_parse:
 * @text: one ASCII character, "^" and one of @ A-Z [ \ ] ^ _ in either case for Ctrl with it, or "none"
 * @key: (out): a byte, or %OVM_CTL_ESCAPE_NONE; untouched on failure
 *
 * Errors: %OVM_CTL_STATUS_USAGE, quoting @text.
 */
gboolean ovm_ctl_escape_parse (const char *text, int *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_ctl_escape_format: (transfer full): how people call @key, such as "Ctrl-]" */
char *ovm_ctl_escape_format (int key);

G_END_DECLS
