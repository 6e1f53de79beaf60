/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* options.h: dictionaries of type a{sv} whose keys are known */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * OvmOption:
 * @key: name of the key; %NULL ends a table
 * @type: its type, as D-Bus writes it
 * @length_max: of a string, in bytes; 0 if it is checked elsewhere
 * @path: whether it must be an absolute path
 */
typedef struct
{
  const char *key;
  const char *type;
  gsize length_max;
  gboolean path;
} OvmOption;

#define OVM_PATH_LENGTH_MAX 4095
#define OVM_DESCRIPTION_LENGTH_MAX 4096

/**
 * ovm_options_check:
 * @options: a{sv}
 * @known: table of the keys that may be there
 * @more: (nullable): another table
 *
 * Errors: %OVM_ERROR_UNKNOWN_KEY, %OVM_ERROR_INVALID_TYPE, %OVM_ERROR_LIMIT_EXCEEDED (length),
 * %OVM_ERROR_INVALID_CONFIG (a relative path, a key given twice).
 */
gboolean ovm_options_check (GVariant *options, const OvmOption *known, const OvmOption *more, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** ovm_options_check_path: that @path is absolute, and not too long; @what names it in the message. */
gboolean ovm_options_check_path (const char *what, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_options_dup_directory:
 *
 * A snapshot is known by its path, so each directory has one spelling: repeated and trailing slashes are taken away.
 * What "." and ".." stand for only the kernel can tell, so a path with them is refused.
 *
 * Returns: (transfer full) (nullable): %NULL with @error set as by ovm_options_check_path(), or with
 * %OVM_ERROR_INVALID_CONFIG
 */
char *ovm_options_dup_directory (const char *what, const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_options_get_boolean: @fallback if @key is not there. @options was checked. */
gboolean ovm_options_get_boolean (GVariant *options, const char *key, gboolean fallback);

/** ovm_options_dup_string: %NULL if @key is not there. @options was checked. */
char *ovm_options_dup_string (GVariant *options, const char *key);

/** ovm_options_list_keys: the keys of both tables, in order. */
char **ovm_options_list_keys (const OvmOption *known, const OvmOption *more);

G_END_DECLS
