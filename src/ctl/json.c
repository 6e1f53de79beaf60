/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A printer only, so that no dependency is taken for it: what we print is what came over the bus, and that
 * is a GVariant already.
 */

#include "config.h"
#include "src/ctl/json.h"

#include <math.h>

static void append_value (GString *out, GVariant *value);

static void
append_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '"' || c == '\\')
        g_string_append_printf (out, "\\%c", (char) c);
      else if (g_unichar_iscntrl (c))
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_unichar (out, c);
    }
  g_string_append_c (out, '"');
}

static void
append_double (GString *out, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (out, isfinite (number) ? g_ascii_dtostr (text, sizeof text, number) : "null");
}

static void
append_list (GString *out, GVariant *list)
{
  g_string_append_c (out, '[');
  for (gsize i = 0; i < g_variant_n_children (list); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (list, i);

      if (i > 0)
        g_string_append_c (out, ',');
      append_value (out, child);
    }
  g_string_append_c (out, ']');
}

static char *
get_key (GVariant *entry)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);

  if (g_variant_is_of_type (key, G_VARIANT_TYPE_STRING) ||
      g_variant_is_of_type (key, G_VARIANT_TYPE_OBJECT_PATH) ||
      g_variant_is_of_type (key, G_VARIANT_TYPE_SIGNATURE))
    return g_variant_dup_string (key, NULL);
  return g_variant_print (key, FALSE);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  g_autofree char *key_a = get_key (*(GVariant **) a);
  g_autofree char *key_b = get_key (*(GVariant **) b);

  return g_strcmp0 (key_a, key_b);
}

static void
append_dictionary (GString *out, GVariant *dictionary)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);

  for (gsize i = 0; i < g_variant_n_children (dictionary); i++)
    g_ptr_array_add (entries, g_variant_get_child_value (dictionary, i));
  g_ptr_array_sort (entries, compare_entries);

  g_string_append_c (out, '{');
  for (guint i = 0; i < entries->len; i++)
    {
      GVariant *entry = g_ptr_array_index (entries, i);
      g_autofree char *key = get_key (entry);
      g_autoptr (GVariant) child = g_variant_get_child_value (entry, 1);

      if (i > 0)
        g_string_append_c (out, ',');
      append_string (out, key);
      g_string_append_c (out, ':');
      append_value (out, child);
    }
  g_string_append_c (out, '}');
}

static void
append_array (GString *out, GVariant *array)
{
  if (g_variant_is_of_type (array, G_VARIANT_TYPE_DICTIONARY))
    append_dictionary (out, array);
  else
    append_list (out, array);
}

static void
append_inner (GString *out, GVariant *box)
{
  g_autoptr (GVariant) inner = g_variant_n_children (box) > 0 ? g_variant_get_child_value (box, 0) : NULL;

  if (inner == NULL)
    g_string_append (out, "null");
  else
    append_value (out, inner);
}

static void
append_integer (GString *out, GVariant *number)
{
  g_autofree char *text = g_variant_print (number, FALSE);

  /* GVariant's text form writes bytes in hexadecimal */
  if (g_variant_is_of_type (number, G_VARIANT_TYPE_BYTE))
    g_string_append_printf (out, "%u", g_variant_get_byte (number));
  else
    g_string_append (out, text);
}

static void
append_value (GString *out, GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      g_string_append (out, g_variant_get_boolean (value) ? "true" : "false");
      break;
    case G_VARIANT_CLASS_DOUBLE:
      append_double (out, g_variant_get_double (value));
      break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      append_string (out, g_variant_get_string (value, NULL));
      break;
    case G_VARIANT_CLASS_ARRAY:
      append_array (out, value);
      break;
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      append_list (out, value);
      break;
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE:
      append_inner (out, value);
      break;
    default:
      append_integer (out, value);
      break;
    }
}

char *
ovm_ctl_json_from_variant (GVariant *value)
{
  GString *out = g_string_new (NULL);

  append_value (out, value);
  return g_string_free (out, FALSE);
}
