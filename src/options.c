/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/options.h"

#include "src/error.h"

static const OvmOption *
find_option (const OvmOption *table, const char *key)
{
  for (const OvmOption *option = table; option != NULL && option->key != NULL; option++)
    if (g_str_equal (option->key, key))
      return option;
  return NULL;
}

static void
append_keys (GPtrArray *keys, const OvmOption *table)
{
  for (const OvmOption *option = table; option != NULL && option->key != NULL; option++)
    g_ptr_array_add (keys, g_strdup (option->key));
}

char **
ovm_options_list_keys (const OvmOption *known, const OvmOption *more)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();

  append_keys (keys, known);
  append_keys (keys, more);
  g_ptr_array_add (keys, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&keys), FALSE);
}

static void
set_unknown_key (const char *key, const OvmOption *known, const OvmOption *more, GError **error)
{
  g_auto (GStrv) keys = ovm_options_list_keys (known, more);
  g_autofree char *list = g_strjoinv (", ", keys);

  g_set_error (error, OVM_ERROR, OVM_ERROR_UNKNOWN_KEY, "unknown key '%.64s'; known are: %s", key, list);
}

gboolean
ovm_options_check_path (const char *what, const char *path, GError **error)
{
  gsize length = strlen (path);

  if (length > OVM_PATH_LENGTH_MAX)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_LIMIT_EXCEEDED,
                   "%s is a path of %zu bytes; the limit is %d",
                   what,
                   length,
                   OVM_PATH_LENGTH_MAX);
      return FALSE;
    }
  if (path[0] != '/')
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_INVALID_CONFIG,
                   "%s is '%s'; it must be an absolute path, beginning with '/'",
                   what,
                   path);
      return FALSE;
    }
  return TRUE;
}

char *
ovm_options_dup_directory (const char *what, const char *path, GError **error)
{
  g_auto (GStrv) components = NULL;

  if (!ovm_options_check_path (what, path, error))
    return NULL;
  components = g_strsplit (path, "/", -1);
  if (g_strv_contains ((const char *const *) components, ".") ||
      g_strv_contains ((const char *const *) components, ".."))
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_INVALID_CONFIG,
                   "%s is '%s'; give the path of the same directory without '.' and '..' in it",
                   what,
                   path);
      return NULL;
    }
  /* GLib keeps two slashes in front, for systems on which they mean something */
  return g_canonicalize_filename (path + strspn (path, "/") - 1, "/");
}

static gboolean
check_string (const OvmOption *option, const char *value, GError **error)
{
  if (option->path)
    return ovm_options_check_path (option->key, value, error);
  if (option->length_max > 0 && strlen (value) > option->length_max)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_LIMIT_EXCEEDED,
                   "%s has %zu bytes; the limit is %zu",
                   option->key,
                   strlen (value),
                   option->length_max);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_value (const OvmOption *option, GVariant *value, GError **error)
{
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE (option->type)))
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_INVALID_TYPE,
                   "%s has type '%s'; it must be '%s'",
                   option->key,
                   g_variant_get_type_string (value),
                   option->type);
      return FALSE;
    }
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return check_string (option, g_variant_get_string (value, NULL), error);
  return TRUE;
}

gboolean
ovm_options_check (GVariant *options, const OvmOption *known, const OvmOption *more, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantIter iter;
  const char *key;
  GVariant *child;

  g_variant_iter_init (&iter, options);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &child))
    {
      g_autoptr (GVariant) value = child;
      const OvmOption *option = find_option (known, key);

      if (option == NULL)
        option = find_option (more, key);
      if (option == NULL)
        {
          set_unknown_key (key, known, more, error);
          return FALSE;
        }
      if (!g_hash_table_add (seen, (gpointer) option->key))
        {
          g_set_error (error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG, "key '%s' is given twice", key);
          return FALSE;
        }
      if (!check_value (option, value, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ovm_options_get_boolean (GVariant *options, const char *key, gboolean fallback)
{
  gboolean value = fallback;

  g_variant_lookup (options, key, "b", &value);
  return value;
}

char *
ovm_options_dup_string (GVariant *options, const char *key)
{
  char *value = NULL;

  g_variant_lookup (options, key, "s", &value);
  return value;
}
