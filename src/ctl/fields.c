/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/fields.h"

#include "src/ctl/size.h"
#include "src/ctl/text.h"

#include <glib/gi18n.h>

/* what gettext must find; the service sends them in English */
static const char *const words[] = {
  N_ ("stopped"), N_ ("running"), N_ ("paused"), N_ ("crashed"), N_ ("file"), N_ ("memfd"), N_ ("anonymous"),
};

static const char *
translate_word (const char *word)
{
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (g_str_equal (words[i], word))
        return _ (words[i]);
    }
  return word;
}

static char *
format_time (guint64 usec)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc ((gint64) (usec / G_USEC_PER_SEC));
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;

  return local != NULL ? g_date_time_format (local, "%Y-%m-%d %H:%M:%S %z") : g_strdup ("");
}

static char *
format_duration (guint64 usec)
{
  if (usec == 0)
    return g_strdup (""); /* before the first */
  if (usec < 1000)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " µs", usec);
  if (usec < G_USEC_PER_SEC)
    return g_strdup_printf ("%.2f ms", (double) usec / 1000);
  return g_strdup_printf ("%.2f s", (double) usec / G_USEC_PER_SEC);
}

static char *
format_number (OvmCtlFieldKind kind, guint64 number)
{
  switch (kind)
    {
    case OVM_CTL_FIELD_SIZE:
      return ovm_ctl_size_format (number);
    case OVM_CTL_FIELD_TIME:
      return format_time (number);
    case OVM_CTL_FIELD_DURATION:
      return format_duration (number);
    default:
      return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
    }
}

static char *
format_string (OvmCtlFieldKind kind, const char *text)
{
  if (kind == OVM_CTL_FIELD_OBJECT && g_str_equal (text, "/"))
    return g_strdup ("");
  return ovm_ctl_text_make_printable (kind == OVM_CTL_FIELD_WORD ? translate_word (text) : text);
}

static char *
format_list (GVariant *list)
{
  g_autofree const char **items = g_variant_get_strv (list, NULL);
  g_autofree char *text = g_strjoinv (" ", (char **) items);

  return ovm_ctl_text_make_printable (text);
}

char *
ovm_ctl_fields_format_value (OvmCtlFieldKind kind, GVariant *value)
{
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ||
      g_variant_is_of_type (value, G_VARIANT_TYPE_OBJECT_PATH))
    return format_string (kind, g_variant_get_string (value, NULL));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    return format_number (kind, g_variant_get_uint64 (value));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    return format_number (kind, g_variant_get_uint32 (value));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? _ ("yes") : _ ("no"));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return format_list (value);

  text = g_variant_print (value, FALSE);
  return ovm_ctl_text_make_printable (text);
}

static const OvmCtlField *
find_field (const OvmCtlField *fields, const char *key)
{
  for (; fields->key != NULL; fields++)
    {
      if (g_str_equal (fields->key, key))
        return fields;
    }
  return NULL;
}

static guint
get_label_width (const OvmCtlField *fields)
{
  guint width = 0;

  for (; fields->key != NULL; fields++)
    width = MAX (width, ovm_ctl_text_get_width (_ (fields->label)));
  return width;
}

static void
append_line (GString *out, const char *label, guint width, OvmCtlFieldKind kind, GVariant *value)
{
  g_autofree char *text = ovm_ctl_fields_format_value (kind, value);
  g_autofree char *heading = g_strdup_printf ("%s:", label);

  if (*text == '\0')
    return;
  ovm_ctl_text_append_padded (out, heading, width + 2);
  g_string_append_printf (out, "%s\n", text);
}

char *
ovm_ctl_fields_render (const OvmCtlField *fields, GVariant *values)
{
  GString *out = g_string_new (NULL);
  guint width = get_label_width (fields);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  for (const OvmCtlField *field = fields; field->key != NULL; field++)
    {
      g_autoptr (GVariant) found = g_variant_lookup_value (values, field->key, NULL);

      if (found != NULL)
        append_line (out, _ (field->label), width, field->kind, found);
    }

  g_variant_iter_init (&iter, values);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      if (find_field (fields, key) == NULL)
        append_line (out, key, width, OVM_CTL_FIELD_TEXT, value);
    }
  return g_string_free (out, FALSE);
}
