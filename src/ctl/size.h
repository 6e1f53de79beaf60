/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* size.h: amounts of memory as people write and read them */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ovm_ctl_size_parse:
 * @text: a whole number, then nothing (bytes) or one of K M G T, also as KiB MiB GiB TiB, in either case
 * @bytes: (out): untouched on failure
 *
 * All units are powers of 1024. "MB" is refused rather than guessed at.
 *
 * Errors: %OVM_CTL_STATUS_USAGE, quoting @text.
 */
gboolean ovm_ctl_size_parse (const char *text, guint64 *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_ctl_size_format:
 *
 * "512 MiB" where that is exact, else with one digit after the point.
 *
 * Returns: (transfer full): what ovm_ctl_size_parse() would call @bytes, for people
 */
char *ovm_ctl_size_format (guint64 bytes);

G_END_DECLS
