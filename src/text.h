/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* text.h: text that clients are shown */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ovm_text_shorten:
 * @text: (nullable): UTF-8
 * @length_max: bytes; 3 at least
 *
 * Returns: (transfer full) (nullable): @text; if it has more than @length_max bytes, its beginning, with "…" after it
 */
char *ovm_text_shorten (const char *text, gsize length_max);

G_END_DECLS
