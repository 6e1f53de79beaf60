/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* message.h: numbers in protobuf messages by their names, so that a test can go through all that a message has */

#pragma once

#include <string.h>

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

G_BEGIN_DECLS

/** MessageLimit: the largest valid value of a field. */
typedef struct
{
  const char *field;
  guint64 max;
} MessageLimit;

static inline const ProtobufCFieldDescriptor *
message_field (gpointer message, const char *name)
{
  const ProtobufCMessage *base = message;
  const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name (base->descriptor,
                                                                                           name);

  g_assert_nonnull (field);
  return field;
}

/** message_set: sets field @name, which is one number, to @value. */
static inline void
message_set (gpointer message, const char *name, guint64 value)
{
  const ProtobufCFieldDescriptor *field = message_field (message, name);
  gpointer where = (guint8 *) message + field->offset;

  g_assert_cmpint (field->label, !=, PROTOBUF_C_LABEL_REPEATED);
  if (field->type == PROTOBUF_C_TYPE_UINT32)
    *(guint32 *) where = value;
  else if (field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_SINT64)
    *(guint64 *) where = value;
  else
    {
      g_assert_cmpint (field->type, ==, PROTOBUF_C_TYPE_BOOL);
      *(protobuf_c_boolean *) where = value != 0;
    }
}

static inline guint64
message_find_limit (const MessageLimit *limits, const ProtobufCFieldDescriptor *field)
{
  if (field->type == PROTOBUF_C_TYPE_BOOL)
    return 1;
  for (; limits->field != NULL; limits++)
    if (g_str_equal (limits->field, field->name))
      return limits->max;
  return G_MAXUINT64;
}

/**
 * message_fill:
 * @limits: ends with an entry without a name; a field that is not in it takes any value
 *
 * Gives each field that is a number a value of its own. Those of one bit have a pattern of their own over rounds 0 to
 * 4, so that two of them that are mixed up show.
 */
static inline void
message_fill (gpointer message, const MessageLimit *limits, guint round)
{
  const ProtobufCMessage *base = message;

  for (guint i = 0; i < base->descriptor->n_fields; i++)
    {
      const ProtobufCFieldDescriptor *field = &base->descriptor->fields[i];
      guint64 max = message_find_limit (limits, field);
      guint64 value = field->id * 7 + round * 13 + 3;

      if (field->label == PROTOBUF_C_LABEL_REPEATED || field->type == PROTOBUF_C_TYPE_MESSAGE)
        continue;
      if (max == 1)
        value = field->id >> round & 1;
      else if (max < G_MAXUINT64)
        value %= max + 1;
      message_set (message, field->name, value);
    }
}

static inline GBytes *
message_pack (gpointer message)
{
  gsize length = protobuf_c_message_get_packed_size (message);
  guint8 *packed = g_malloc (length);

  protobuf_c_message_pack (message, packed);
  return g_bytes_new_take (packed, length);
}

/** message_copy: (transfer full): of what is on the stack, or belongs to another. */
static inline gpointer
message_copy (gconstpointer message)
{
  g_autoptr (GBytes) packed = message_pack ((gpointer) message);
  const ProtobufCMessage *base = message;
  gsize length;
  const guint8 *bytes = g_bytes_get_data (packed, &length);

  return protobuf_c_message_unpack (base->descriptor, NULL, length, bytes);
}

/** message_assert_equal: the two are of the same type; @what is for the report. */
static inline void
message_assert_equal (gpointer one, gpointer other, const char *what)
{
  g_autoptr (GBytes) a = message_pack (one);
  g_autoptr (GBytes) b = message_pack (other);

  if (!g_bytes_equal (a, b))
    g_test_message ("%s:", what);
  g_assert_cmpmem (g_bytes_get_data (a, NULL),
                   g_bytes_get_size (a),
                   g_bytes_get_data (b, NULL),
                   g_bytes_get_size (b));
}

G_END_DECLS
