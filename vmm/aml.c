/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A block's length stands before its content and takes one to four bytes that count themselves, so it is inserted when
 * the block ends. Blocks end innermost first, which keeps the start offsets of those still open right.
 */

#include "config.h"
#include "vmm/aml.h"

#include <string.h>

enum
{
  AML_ZERO_OP = 0x00,
  AML_ONE_OP = 0x01,
  AML_NAME_OP = 0x08,
  AML_BYTE_PREFIX = 0x0a,
  AML_WORD_PREFIX = 0x0b,
  AML_DWORD_PREFIX = 0x0c,
  AML_STRING_PREFIX = 0x0d,
  AML_QWORD_PREFIX = 0x0e,
  AML_SCOPE_OP = 0x10,
  AML_BUFFER_OP = 0x11,
  AML_PACKAGE_OP = 0x12,
  AML_METHOD_OP = 0x14,
  AML_EXT_OP_PREFIX = 0x5b,
  AML_ARG0_OP = 0x68,
  AML_DEVICE_OP = 0x82, /* after the prefix */
  AML_NOTIFY_OP = 0x86,
  AML_LEQUAL_OP = 0x93,
  AML_IF_OP = 0xa0,
};

enum
{
  RESOURCE_IRQ_NO_FLAGS = 0x22, /* two bytes follow: ISA edge, active high, exclusive */
  RESOURCE_IRQ = 0x23,          /* three */
  RESOURCE_IO = 0x47,
  RESOURCE_END_TAG = 0x79,
  RESOURCE_MEMORY32_FIXED = 0x86,
  RESOURCE_EXTENDED_INTERRUPT = 0x89,
};

#define ISA_IRQ_COUNT 16
#define NAME_SEGMENT_LENGTH 4
#define AML_ARGUMENTS_MAX 7u
#define AML_METHOD_SERIALIZED (1u << 3)

typedef struct
{
  guint start; /* offset of the content, where the length is to be inserted */
  gboolean resources;
} AmlBlock;

struct _VmmAml
{
  GByteArray *bytes;
  GArray *open; /* of AmlBlock */
};

VmmAml *
vmm_aml_new (void)
{
  VmmAml *aml = g_new0 (VmmAml, 1);

  aml->bytes = g_byte_array_new ();
  aml->open = g_array_new (FALSE, FALSE, sizeof (AmlBlock));
  return aml;
}

void
vmm_aml_free (VmmAml *aml)
{
  if (aml == NULL)
    return;
  g_byte_array_unref (aml->bytes);
  g_array_unref (aml->open);
  g_free (aml);
}

GByteArray *
vmm_aml_steal (VmmAml *aml)
{
  GByteArray *bytes = aml->bytes;

  g_return_val_if_fail (aml->open->len == 0, NULL);
  aml->bytes = g_byte_array_new ();
  return bytes;
}

static void
put_u8 (GByteArray *bytes, guint8 value)
{
  g_byte_array_append (bytes, &value, 1);
}

static void
put_u16 (GByteArray *bytes, guint16 value)
{
  guint16 little = GUINT16_TO_LE (value);

  g_byte_array_append (bytes, (const guint8 *) &little, sizeof little);
}

static void
put_u32 (GByteArray *bytes, guint32 value)
{
  guint32 little = GUINT32_TO_LE (value);

  g_byte_array_append (bytes, (const guint8 *) &little, sizeof little);
}

static void
put_u64 (GByteArray *bytes, guint64 value)
{
  guint64 little = GUINT64_TO_LE (value);

  g_byte_array_append (bytes, (const guint8 *) &little, sizeof little);
}

static void
put_integer (GByteArray *bytes, guint64 value)
{
  if (value <= 1)
    {
      put_u8 (bytes, value == 0 ? AML_ZERO_OP : AML_ONE_OP);
    }
  else if (value <= G_MAXUINT8)
    {
      put_u8 (bytes, AML_BYTE_PREFIX);
      put_u8 (bytes, (guint8) value);
    }
  else if (value <= G_MAXUINT16)
    {
      put_u8 (bytes, AML_WORD_PREFIX);
      put_u16 (bytes, (guint16) value);
    }
  else if (value <= G_MAXUINT32)
    {
      put_u8 (bytes, AML_DWORD_PREFIX);
      put_u32 (bytes, (guint32) value);
    }
  else
    {
      put_u8 (bytes, AML_QWORD_PREFIX);
      put_u64 (bytes, value);
    }
}

static void
put_path (GByteArray *bytes, const char *path)
{
  static const char padding[] = "____";
  gsize length;

  if (*path == '\\')
    put_u8 (bytes, (guint8) *path++);
  length = strlen (path);
  g_return_if_fail (length >= 1 && length <= NAME_SEGMENT_LENGTH);
  g_byte_array_append (bytes, (const guint8 *) path, (guint) length);
  g_byte_array_append (bytes, (const guint8 *) padding, (guint) (NAME_SEGMENT_LENGTH - length));
}

static void
insert (GByteArray *bytes, guint offset, const guint8 *data, guint length)
{
  guint tail = bytes->len - offset;

  g_byte_array_set_size (bytes, bytes->len + length);
  memmove (bytes->data + offset + length, bytes->data + offset, tail);
  memcpy (bytes->data + offset, data, length);
}

static guint
encode_package_length (guint32 content, guint8 encoded[4])
{
  guint extra = content + 1 < 1u << 6 ? 0 : content + 2 < 1u << 12 ? 1 : content + 3 < 1u << 20 ? 2 : 3;
  guint32 total = content + 1 + extra;

  if (extra == 0)
    {
      encoded[0] = (guint8) total;
      return 1;
    }
  encoded[0] = (guint8) (extra << 6 | (total & 0xf));
  for (guint i = 0; i < extra; i++)
    encoded[1 + i] = (guint8) (total >> (4 + 8 * i));
  return 1 + extra;
}

static void
open_block (VmmAml *aml, gboolean resources)
{
  AmlBlock block = { .start = aml->bytes->len, .resources = resources };

  g_array_append_val (aml->open, block);
}

void
vmm_aml_begin_scope (VmmAml *aml, const char *path)
{
  put_u8 (aml->bytes, AML_SCOPE_OP);
  open_block (aml, FALSE);
  put_path (aml->bytes, path);
}

void
vmm_aml_begin_device (VmmAml *aml, const char *name)
{
  put_u8 (aml->bytes, AML_EXT_OP_PREFIX);
  put_u8 (aml->bytes, AML_DEVICE_OP);
  open_block (aml, FALSE);
  put_path (aml->bytes, name);
}

void
vmm_aml_begin_package (VmmAml *aml, guint8 n_elements)
{
  put_u8 (aml->bytes, AML_PACKAGE_OP);
  open_block (aml, FALSE);
  put_u8 (aml->bytes, n_elements);
}

void
vmm_aml_begin_method (VmmAml *aml, const char *name, guint n_arguments)
{
  g_return_if_fail (n_arguments <= AML_ARGUMENTS_MAX);
  put_u8 (aml->bytes, AML_METHOD_OP);
  open_block (aml, FALSE);
  put_path (aml->bytes, name);
  put_u8 (aml->bytes, (guint8) n_arguments | AML_METHOD_SERIALIZED);
}

void
vmm_aml_begin_if_first_argument_is (VmmAml *aml, guint64 value)
{
  put_u8 (aml->bytes, AML_IF_OP);
  open_block (aml, FALSE);
  put_u8 (aml->bytes, AML_LEQUAL_OP);
  put_u8 (aml->bytes, AML_ARG0_OP);
  put_integer (aml->bytes, value);
}

void
vmm_aml_notify (VmmAml *aml, const char *device, guint8 event)
{
  put_u8 (aml->bytes, AML_NOTIFY_OP);
  put_path (aml->bytes, device);
  put_integer (aml->bytes, event);
}

void
vmm_aml_begin_resources (VmmAml *aml)
{
  put_u8 (aml->bytes, AML_BUFFER_OP);
  open_block (aml, TRUE);
}

static void
finish_resources (GByteArray *bytes, guint start)
{
  g_autoptr (GByteArray) size = g_byte_array_new ();

  put_u8 (bytes, RESOURCE_END_TAG);
  put_u8 (bytes, 0); /* a checksum of zero means: none */
  put_integer (size, bytes->len - start);
  insert (bytes, start, size->data, size->len);
}

void
vmm_aml_end (VmmAml *aml)
{
  AmlBlock block;
  guint8 encoded[4];
  guint length;

  g_return_if_fail (aml->open->len > 0);
  block = g_array_index (aml->open, AmlBlock, aml->open->len - 1);
  g_array_set_size (aml->open, aml->open->len - 1);
  if (block.resources)
    finish_resources (aml->bytes, block.start);
  length = encode_package_length (aml->bytes->len - block.start, encoded);
  insert (aml->bytes, block.start, encoded, length);
}

void
vmm_aml_name (VmmAml *aml, const char *path)
{
  put_u8 (aml->bytes, AML_NAME_OP);
  put_path (aml->bytes, path);
}

void
vmm_aml_integer (VmmAml *aml, guint64 value)
{
  put_integer (aml->bytes, value);
}

void
vmm_aml_string (VmmAml *aml, const char *ascii)
{
  put_u8 (aml->bytes, AML_STRING_PREFIX);
  g_byte_array_append (aml->bytes, (const guint8 *) ascii, (guint) strlen (ascii) + 1);
}

static gboolean
is_eisa_id (const char *id)
{
  if (strlen (id) != 7)
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!g_ascii_isupper (id[i]))
      return FALSE;
  for (guint i = 3; i < 7; i++)
    if (!g_ascii_isxdigit (id[i]))
      return FALSE;
  return TRUE;
}

void
vmm_aml_hardware_id (VmmAml *aml, const char *id)
{
  guint32 packed = 0;

  if (!is_eisa_id (id))
    {
      vmm_aml_string (aml, id);
      return;
    }
  for (guint i = 0; i < 3; i++)
    packed = packed << 5 | (guint32) (id[i] - 'A' + 1);
  for (guint i = 3; i < 7; i++)
    packed = packed << 4 | (guint32) g_ascii_xdigit_value (id[i]);
  /* always a DWord and most significant byte first, which is how interpreters tell it from a number */
  put_u8 (aml->bytes, AML_DWORD_PREFIX);
  put_u32 (aml->bytes, GUINT32_SWAP_LE_BE (packed));
}

void
vmm_aml_resource_io (VmmAml *aml, guint16 base, guint8 length)
{
  put_u8 (aml->bytes, RESOURCE_IO);
  put_u8 (aml->bytes, 1); /* 16 address lines */
  put_u16 (aml->bytes, base);
  put_u16 (aml->bytes, base); /* lowest and highest base are the same: it does not move */
  put_u8 (aml->bytes, 1);
  put_u8 (aml->bytes, length);
}

void
vmm_aml_resource_memory (VmmAml *aml, guint32 base, guint32 length)
{
  put_u8 (aml->bytes, RESOURCE_MEMORY32_FIXED);
  put_u16 (aml->bytes, 9);
  put_u8 (aml->bytes, 1); /* writable */
  put_u32 (aml->bytes, base);
  put_u32 (aml->bytes, length);
}

void
vmm_aml_resource_irq (VmmAml *aml, guint irq, gboolean level)
{
  if (irq >= ISA_IRQ_COUNT)
    {
      put_u8 (aml->bytes, RESOURCE_EXTENDED_INTERRUPT);
      put_u16 (aml->bytes, 6);
      put_u8 (aml->bytes, level ? 0x0d : 0x03); /* consumer; then edge, active low, shared from bit 1 on */
      put_u8 (aml->bytes, 1);
      put_u32 (aml->bytes, irq);
      return;
    }
  put_u8 (aml->bytes, level ? RESOURCE_IRQ : RESOURCE_IRQ_NO_FLAGS);
  put_u16 (aml->bytes, (guint16) (1u << irq));
  if (level)
    put_u8 (aml->bytes, 0x18); /* active low, shared; bit 0 clear: level */
}
