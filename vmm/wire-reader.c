/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The generated decoder allocates for every field it meets, so 256 MiB of two-byte fields would cost gigabytes.
 * The outer layers of state.bin are therefore read with this, which allocates nothing.
 */

#include "config.h"
#include "vmm/wire-reader.h"

#define FIELD_NUMBER_MAX ((1u << 29) - 1)

void
vmm_wire_reader_init (VmmWireReader *reader, gconstpointer bytes, gsize length)
{
  const guint8 *start = length > 0 ? bytes : (gconstpointer) "";

  *reader = (VmmWireReader){ .next = start, .end = start + length };
}

static gboolean
read_varint (VmmWireReader *reader, guint64 *value)
{
  guint64 result = 0;

  for (guint shift = 0; shift < 64 && reader->next < reader->end; shift += 7)
    {
      guint8 byte = *reader->next++;

      /* the tenth byte has room for one bit */
      if (shift == 63 && byte > 1)
        return FALSE;
      result |= (guint64) (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        {
          *value = result;
          return TRUE;
        }
    }
  return FALSE;
}

static gboolean
skip (VmmWireReader *reader, guint64 length)
{
  if (length > (guint64) (reader->end - reader->next))
    return FALSE;
  reader->value = reader->next;
  reader->length = (gsize) length;
  reader->next += length;
  return TRUE;
}

static gboolean
read_field (VmmWireReader *reader)
{
  guint64 tag;
  guint64 number;

  if (!read_varint (reader, &tag) || (tag >> 3) == 0 || (tag >> 3) > FIELD_NUMBER_MAX)
    return FALSE;
  reader->field = (guint32) (tag >> 3);
  reader->type = tag & 7;
  switch (tag & 7)
    {
    case VMM_WIRE_VARINT:
      return read_varint (reader, &number);
    case VMM_WIRE_FIXED64:
      return skip (reader, 8);
    case VMM_WIRE_LENGTH:
      return read_varint (reader, &number) && skip (reader, number);
    case VMM_WIRE_FIXED32:
      return skip (reader, 4);
    default:
      return FALSE;
    }
}

gboolean
vmm_wire_reader_next (VmmWireReader *reader, gboolean *sound)
{
  reader->value = NULL;
  reader->length = 0;
  if (reader->next == reader->end)
    return FALSE;
  if (read_field (reader))
    return TRUE;
  *sound = FALSE;
  return FALSE;
}
