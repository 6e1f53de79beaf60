/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* json.h: what scripts read */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ovm_ctl_json_from_variant:
 *
 * Booleans, numbers, strings, arrays and tuples become what they are called in JSON; dictionaries become objects,
 * their keys sorted, keys that are not strings printed as GVariant text; a variant becomes what it holds; nothing,
 * NaN and the infinities become null. Integers are written in full, also those that do not fit a double.
 *
 * Returns: (transfer full): one line of RFC 8259 JSON in UTF-8, without a newline; control characters are
 * escaped
 */
char *ovm_ctl_json_from_variant (GVariant *value);

G_END_DECLS
