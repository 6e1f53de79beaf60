/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * state.bin is a list of named units, each a message together with the name of its type. Units are kept packed:
 * what is in one is the business of who saved it. On the way in they are slices of the file's bytes, so that
 * reading copies nothing. A message that is added, or was asked for, is kept as it is: what a machine saves in order to
 * go on from it is never packed, and what many are restored from is unpacked once.
 *
 * The messages of the container are written and read here, byte for byte as proto/saved_state.proto,
 * state_unit.proto and any.proto say: see wire-reader.c for why the generated decoder is not let near them.
 */

#include "config.h"
#include "vmm/saved-state.h"

#include "vmm/wire-reader.h"

#include <string.h>

#define TYPE_URL_PREFIX "type.googleapis.com/"

enum
{
  FIELD_STATE_UNITS = 1, /* of openvmm.SavedState */
  FIELD_UNIT_NAME = 1,   /* of state_unit.SavedStateUnit */
  FIELD_UNIT_STATE = 2,
  FIELD_ANY_TYPE_URL = 1, /* of google.protobuf.Any */
  FIELD_ANY_VALUE = 2,
};

typedef struct
{
  char *name;
  char *type_url;
  GBytes *value;             /* NULL for a message that is not packed yet */
  ProtobufCMessage *message; /* atomic; NULL for one that is not unpacked */
} Unit;

struct _VmmSavedState
{
  GPtrArray *units;    /* of Unit, in order */
  GHashTable *by_name; /* name of the unit, which owns it, to Unit */
};

static void
unit_free (gpointer data)
{
  Unit *unit = data;

  g_free (unit->name);
  g_free (unit->type_url);
  g_clear_pointer (&unit->value, g_bytes_unref);
  if (unit->message != NULL)
    protobuf_c_message_free_unpacked (unit->message, NULL);
  g_free (unit);
}

static void
unit_cleanup (Unit *unit)
{
  if (unit != NULL)
    unit_free (unit);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Unit, unit_cleanup)

VmmSavedState *
vmm_saved_state_new (void)
{
  VmmSavedState *state = g_new0 (VmmSavedState, 1);

  state->units = g_ptr_array_new_with_free_func (unit_free);
  state->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  return state;
}

void
vmm_saved_state_free (VmmSavedState *state)
{
  if (state == NULL)
    return;
  g_hash_table_unref (state->by_name);
  g_ptr_array_unref (state->units);
  g_free (state);
}

/* takes @unit */
static void
append (VmmSavedState *state, Unit *unit)
{
  g_ptr_array_add (state->units, unit);
  g_hash_table_insert (state->by_name, unit->name, unit);
}

static void
add (VmmSavedState *state,
     const char *name,
     const ProtobufCMessageDescriptor *type,
     GBytes *value,
     ProtobufCMessage *message)
{
  Unit *unit;

  g_return_if_fail (name != NULL && *name != '\0');
  g_return_if_fail (!g_hash_table_contains (state->by_name, name));

  unit = g_new0 (Unit, 1);
  unit->name = g_strdup (name);
  unit->type_url = g_strconcat (TYPE_URL_PREFIX, type->name, NULL);
  unit->value = value;
  unit->message = message;
  append (state, unit);
}

void
vmm_saved_state_add (VmmSavedState *state,
                     const char *name,
                     const ProtobufCMessageDescriptor *type,
                     GBytes *packed)
{
  add (state, name, type, g_bytes_ref (packed), NULL);
}

void
vmm_saved_state_add_message (VmmSavedState *state, const char *name, ProtobufCMessage *message)
{
  add (state, name, message->descriptor, NULL, message);
}

/* what was read has its bytes; what was added is not shared between threads yet */
static GBytes *
get_value (Unit *unit)
{
  gsize length;
  guint8 *packed;

  if (unit->value != NULL)
    return unit->value;
  length = protobuf_c_message_get_packed_size (unit->message);
  packed = g_malloc (length);
  protobuf_c_message_pack (unit->message, packed);
  unit->value = g_bytes_new_take (packed, length);
  return unit->value;
}

static gsize
varint_size (guint64 value)
{
  gsize size = 1;

  while ((value >>= 7) != 0)
    size++;
  return size;
}

/* all fields here have numbers below 16, so tags of one byte; one that is empty is left out, as proto3 wants it */
static gsize
field_size (gsize length)
{
  return length == 0 ? 0 : 1 + varint_size (length) + length;
}

static void
append_header (GByteArray *array, guint field, gsize length)
{
  guint8 header[11] = { (guint8) (field << 3 | VMM_WIRE_LENGTH) };
  guint n = 1;

  for (; length >= 0x80; length >>= 7)
    header[n++] = (guint8) (length | 0x80);
  header[n++] = (guint8) length;
  g_byte_array_append (array, header, n);
}

static void
append_field (GByteArray *array, guint field, gconstpointer bytes, gsize length)
{
  if (length == 0)
    return;
  append_header (array, field, length);
  g_byte_array_append (array, bytes, (guint) length);
}

static gsize
any_size (Unit *unit)
{
  return field_size (strlen (unit->type_url)) + field_size (g_bytes_get_size (get_value (unit)));
}

static gsize
unit_size (Unit *unit)
{
  return field_size (strlen (unit->name)) + field_size (any_size (unit));
}

gsize
vmm_saved_state_get_packed_size (VmmSavedState *state)
{
  gsize size = 0;

  for (guint i = 0; i < state->units->len; i++)
    size += field_size (unit_size (g_ptr_array_index (state->units, i)));
  return size;
}

gboolean
vmm_saved_state_check_limits (VmmSavedState *state, GError **error)
{
  gsize size = vmm_saved_state_get_packed_size (state);

  if (state->units->len > VMM_SAVED_STATE_UNITS_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "the state has %u units; a snapshot has room for %u",
                   state->units->len,
                   VMM_SAVED_STATE_UNITS_MAX);
      return FALSE;
    }
  for (guint i = 0; i < state->units->len; i++)
    {
      Unit *unit = g_ptr_array_index (state->units, i);

      if (g_bytes_get_size (get_value (unit)) > VMM_SAVED_STATE_UNIT_SIZE_MAX)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_LIMIT_EXCEEDED,
                       "the state of unit '%s' has %zu bytes; a unit has room for %u",
                       unit->name,
                       g_bytes_get_size (get_value (unit)),
                       VMM_SAVED_STATE_UNIT_SIZE_MAX);
          return FALSE;
        }
    }
  if (size > VMM_SAVED_STATE_SIZE_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "the state has %zu bytes; a snapshot has room for %u",
                   size,
                   VMM_SAVED_STATE_SIZE_MAX);
      return FALSE;
    }
  return TRUE;
}

GBytes *
vmm_saved_state_pack (VmmSavedState *state)
{
  GByteArray *array = g_byte_array_sized_new ((guint) vmm_saved_state_get_packed_size (state));

  for (guint i = 0; i < state->units->len; i++)
    {
      Unit *unit = g_ptr_array_index (state->units, i);
      GBytes *value = get_value (unit);

      append_header (array, FIELD_STATE_UNITS, unit_size (unit));
      append_field (array, FIELD_UNIT_NAME, unit->name, strlen (unit->name));
      append_header (array, FIELD_UNIT_STATE, any_size (unit));
      append_field (array, FIELD_ANY_TYPE_URL, unit->type_url, strlen (unit->type_url));
      append_field (array, FIELD_ANY_VALUE, g_bytes_get_data (value, NULL), g_bytes_get_size (value));
    }
  return g_byte_array_free_to_bytes (array);
}

static gboolean
set_corrupt (GError **error, guint unit, const char *what)
{
  g_set_error (error, VMM_ERROR, VMM_ERROR_CORRUPT, "state.bin, unit number %u: %s", unit, what);
  return FALSE;
}

static char *
take_string (const VmmWireReader *reader)
{
  if (reader->length == 0 || reader->length > VMM_SAVED_STATE_NAME_MAX ||
      !g_utf8_validate_len ((const char *) reader->value, reader->length, NULL))
    return NULL;
  return g_strndup ((const char *) reader->value, reader->length);
}

static GBytes *
slice (GBytes *bytes, const VmmWireReader *reader)
{
  return g_bytes_new_from_bytes (bytes,
                                 (gsize) (reader->value - (const guint8 *) g_bytes_get_data (bytes, NULL)),
                                 reader->length);
}

/* the Any in @outer; @number counts units from 1, for messages */
static gboolean
read_any (Unit *unit, const VmmWireReader *outer, GBytes *bytes, guint number, GError **error)
{
  gboolean sound = TRUE;
  VmmWireReader reader;

  vmm_wire_reader_init (&reader, outer->value, outer->length);
  while (vmm_wire_reader_next (&reader, &sound))
    {
      if (reader.type != VMM_WIRE_LENGTH)
        continue;
      if (reader.field == FIELD_ANY_TYPE_URL)
        {
          g_free (unit->type_url);
          unit->type_url = take_string (&reader);
        }
      else if (reader.field == FIELD_ANY_VALUE)
        {
          g_clear_pointer (&unit->value, g_bytes_unref);
          unit->value = slice (bytes, &reader);
        }
    }
  if (!sound)
    return set_corrupt (error, number, "its state is not a sound message");
  if (unit->type_url == NULL || !g_str_has_prefix (unit->type_url, TYPE_URL_PREFIX))
    return set_corrupt (error, number, "its state does not tell its type");
  return TRUE;
}

static Unit *
read_unit (const VmmWireReader *outer, GBytes *bytes, guint number, GError **error)
{
  g_autoptr (Unit) unit = g_new0 (Unit, 1);
  gboolean sound = TRUE;
  VmmWireReader reader;

  vmm_wire_reader_init (&reader, outer->value, outer->length);
  while (vmm_wire_reader_next (&reader, &sound))
    {
      if (reader.type != VMM_WIRE_LENGTH)
        continue;
      if (reader.field == FIELD_UNIT_NAME)
        {
          g_free (unit->name);
          unit->name = take_string (&reader);
        }
      else if (reader.field == FIELD_UNIT_STATE && !read_any (unit, &reader, bytes, number, error))
        return NULL;
    }
  if (!sound)
    set_corrupt (error, number, "not a sound message");
  else if (unit->name == NULL)
    set_corrupt (error, number, "it has no name, or one that is too long or not UTF-8");
  else if (unit->type_url == NULL)
    set_corrupt (error, number, "it has no state");
  else
    {
      if (unit->value == NULL)
        unit->value = g_bytes_new_static ("", 0);
      return g_steal_pointer (&unit);
    }
  return NULL;
}

static gboolean
read_units (VmmSavedState *state, GBytes *bytes, GError **error)
{
  gboolean sound = TRUE;
  VmmWireReader reader;
  Unit *unit;

  vmm_wire_reader_init (&reader, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  while (vmm_wire_reader_next (&reader, &sound))
    {
      if (reader.field != FIELD_STATE_UNITS || reader.type != VMM_WIRE_LENGTH)
        continue;
      if (state->units->len == VMM_SAVED_STATE_UNITS_MAX)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_LIMIT_EXCEEDED,
                       "state.bin has more than %u units",
                       VMM_SAVED_STATE_UNITS_MAX);
          return FALSE;
        }
      unit = read_unit (&reader, bytes, state->units->len + 1, error);
      if (unit == NULL)
        return FALSE;
      if (g_hash_table_contains (state->by_name, unit->name))
        {
          g_set_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE, "state.bin has unit '%s' twice", unit->name);
          unit_free (unit);
          return FALSE;
        }
      append (state, unit);
    }
  if (!sound)
    return set_corrupt (error, state->units->len + 1, "the file ends inside of it, or it is damaged");
  return TRUE;
}

VmmSavedState *
vmm_saved_state_unpack (GBytes *bytes, GError **error)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();

  if (g_bytes_get_size (bytes) > VMM_SAVED_STATE_SIZE_MAX)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "state.bin has %zu bytes; %u are the most that is read",
                   g_bytes_get_size (bytes),
                   VMM_SAVED_STATE_SIZE_MAX);
      return NULL;
    }
  if (!read_units (state, bytes, error) || !vmm_saved_state_check_limits (state, error))
    return NULL;
  return g_steal_pointer (&state);
}

const char **
vmm_saved_state_get_names (VmmSavedState *state)
{
  const char **names = g_new0 (const char *, state->units->len + 1);

  for (guint i = 0; i < state->units->len; i++)
    names[i] = ((const Unit *) g_ptr_array_index (state->units, i))->name;
  return names;
}

static Unit *
find_unit (VmmSavedState *state, const char *name, const ProtobufCMessageDescriptor *type, GError **error)
{
  Unit *unit = g_hash_table_lookup (state->by_name, name);

  if (unit == NULL)
    {
      g_set_error (error, VMM_ERROR, VMM_ERROR_INCOMPATIBLE, "the snapshot has no unit '%s'", name);
      return NULL;
    }
  if (strcmp (unit->type_url + strlen (TYPE_URL_PREFIX), type->name) != 0)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INCOMPATIBLE,
                   "unit '%s' of the snapshot is of type '%s', expected '%s'",
                   name,
                   unit->type_url + strlen (TYPE_URL_PREFIX),
                   type->name);
      return NULL;
    }
  return unit;
}

GBytes *
vmm_saved_state_lookup (VmmSavedState *state,
                        const char *name,
                        const ProtobufCMessageDescriptor *type,
                        GError **error)
{
  Unit *unit = find_unit (state, name, type, error);

  return unit != NULL ? g_bytes_ref (get_value (unit)) : NULL;
}

/* the first one that is done stays */
static const ProtobufCMessage *
unpack (Unit *unit, const ProtobufCMessageDescriptor *type, GError **error)
{
  gsize length;
  const guint8 *bytes = g_bytes_get_data (unit->value, &length);
  ProtobufCMessage *message = protobuf_c_message_unpack (type, NULL, length, bytes);

  if (message == NULL)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_CORRUPT,
                   "the state of unit '%s' is not a sound %s of %zu bytes",
                   unit->name,
                   type->name,
                   length);
      return NULL;
    }
  if (!g_atomic_pointer_compare_and_exchange (&unit->message, NULL, message))
    protobuf_c_message_free_unpacked (message, NULL);
  return g_atomic_pointer_get (&unit->message);
}

const ProtobufCMessage *
vmm_saved_state_lookup_message (VmmSavedState *state,
                                const char *name,
                                const ProtobufCMessageDescriptor *type,
                                GError **error)
{
  Unit *unit = find_unit (state, name, type, error);
  const ProtobufCMessage *message;

  if (unit == NULL)
    return NULL;
  message = g_atomic_pointer_get (&unit->message);
  return message != NULL ? message : unpack (unit, type, error);
}

static void
append_name (GString **list, const char *name)
{
  if (*list == NULL)
    *list = g_string_new (name);
  else
    g_string_append_printf (*list, ", %s", name);
}

gboolean
vmm_saved_state_check_names (VmmSavedState *state, const char *const *expected, GError **error)
{
  GString *missing = NULL;
  GString *surplus = NULL;
  gboolean same;

  for (guint i = 0; expected[i] != NULL; i++)
    {
      if (!g_hash_table_contains (state->by_name, expected[i]))
        append_name (&missing, expected[i]);
    }
  for (guint i = 0; i < state->units->len; i++)
    {
      const Unit *unit = g_ptr_array_index (state->units, i);

      if (!g_strv_contains (expected, unit->name))
        append_name (&surplus, unit->name);
    }

  same = missing == NULL && surplus == NULL;
  if (!same)
    g_set_error (
        error,
        VMM_ERROR,
        VMM_ERROR_INCOMPATIBLE,
        "snapshot and machine do not have the same units: only in the snapshot: %s; only in the machine: %s",
        surplus != NULL ? surplus->str : "none",
        missing != NULL ? missing->str : "none");
  if (missing != NULL)
    g_string_free (missing, TRUE);
  if (surplus != NULL)
    g_string_free (surplus, TRUE);
  return same;
}
