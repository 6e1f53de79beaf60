/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fields.h: a dictionary as a list of labelled lines */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  OVM_CTL_FIELD_TEXT,     /* as it is */
  OVM_CTL_FIELD_WORD,     /* one of a few words, such as a state; translated */
  OVM_CTL_FIELD_SIZE,     /* bytes */
  OVM_CTL_FIELD_TIME,     /* microseconds since 1970 */
  OVM_CTL_FIELD_DURATION, /* microseconds */
  OVM_CTL_FIELD_OBJECT,   /* an object path, "/" for none */
} OvmCtlFieldKind;

typedef struct
{
  const char *key;
  const char *label; /* translatable */
  OvmCtlFieldKind kind;
} OvmCtlField;

/** ovm_ctl_fields_format_value: (transfer full): @value for people; empty for nothing */
char *ovm_ctl_fields_format_value (OvmCtlFieldKind kind, GVariant *value);

/**
 * ovm_ctl_fields_render:
 * @fields: what to show first and how; ended by a %NULL key
 * @values: a{sv}
 *
 * Keys that @fields does not list come last under their own names, so that a newer service can be read, too. Empty
 * values are left out.
 *
 * Returns: (transfer full): lines
 */
char *ovm_ctl_fields_render (const OvmCtlField *fields, GVariant *values);

G_END_DECLS
