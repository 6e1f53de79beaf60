/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* wire-reader.h: the fields of an encoded protobuf message, one after the other, without a copy (private) */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  VMM_WIRE_VARINT = 0, /* the values are those of the encoding */
  VMM_WIRE_FIXED64 = 1,
  VMM_WIRE_LENGTH = 2,
  VMM_WIRE_FIXED32 = 5,
} VmmWireType;

/**
 * VmmWireReader: on the caller's stack; the first two fields are set by vmm_wire_reader_init(), the others by
 * vmm_wire_reader_next().
 */
typedef struct
{
  const guint8 *next;
  const guint8 *end;

  guint32 field; /* number of the field */
  VmmWireType type;
  const guint8 *value; /* (transfer none): the bytes, of a VMM_WIRE_LENGTH field only */
  gsize length;
} VmmWireReader;

/** vmm_wire_reader_init: starts on @bytes, which are hostile and stay the caller's. */
void vmm_wire_reader_init (VmmWireReader *reader, gconstpointer bytes, gsize length);

/**
 * vmm_wire_reader_next:
 * @sound: (out): set to %FALSE if what follows is no field, or leaves the message; otherwise untouched
 *
 * Goes to the next field. Whatever the bytes are, this takes no memory and ends.
 *
 * Spec: Protocol Buffers Encoding, "Message Structure".
 *
 * Returns: %FALSE at the end, and where the bytes are not sound
 */
gboolean vmm_wire_reader_next (VmmWireReader *reader, gboolean *sound);

G_END_DECLS
