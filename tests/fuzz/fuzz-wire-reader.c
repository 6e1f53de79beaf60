/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The input is a message. The fields lie in it, one behind the other, and each takes at least a byte. */

#include "config.h"
#include "tests/fuzz/fuzz.h"

#include "vmm/wire-reader.h"

static void
walk (const guint8 *data, gsize size, guint depth)
{
  VmmWireReader reader;
  gboolean sound = TRUE;
  const guint8 *last;

  vmm_wire_reader_init (&reader, data, size);
  last = reader.next;
  while (vmm_wire_reader_next (&reader, &sound))
    {
      g_assert_true (sound);
      g_assert_cmpuint (reader.field, >, 0);
      g_assert_true (reader.next > last && reader.next <= reader.end);
      if (reader.value != NULL)
        g_assert_true (reader.value >= last && reader.value + reader.length == reader.next);
      if (reader.type == VMM_WIRE_LENGTH && depth > 0)
        walk (reader.value, reader.length, depth - 1);
      last = reader.next;
    }
  g_assert_true (!sound || reader.next == reader.end);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  walk (data, size, 4);
  return 0;
}
