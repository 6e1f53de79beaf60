/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/wire-reader.h"

#include <string.h>

/* reads all fields; the sum of their numbers tells which were seen */
static gboolean
read_all (const guint8 *bytes, gsize length, guint64 *sum)
{
  gboolean sound = TRUE;
  VmmWireReader reader;

  *sum = 0;
  vmm_wire_reader_init (&reader, bytes, length);
  while (vmm_wire_reader_next (&reader, &sound))
    {
      *sum += reader.field;
      if (reader.type == VMM_WIRE_LENGTH)
        {
          g_assert_true (reader.value >= bytes);
          g_assert_cmpuint ((gsize) (reader.value - bytes) + reader.length, <=, length);
        }
    }
  return sound;
}

static void
test_reads_every_type (void)
{
  static const guint8 bytes[] = {
    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, /* 1: a varint of ten bytes */
    0x11, 1,    2,    3,    4,    5,    6,    7,    8,                /* 2: 64 bits */
    0x1a, 3,    'a',  'b',  'c',                                      /* 3: three bytes */
    0x25, 1,    2,    3,    4,                                        /* 4: 32 bits */
    0xfa, 0xff, 0xff, 0xff, 0x0f, 0,                                  /* 536870911: no bytes */
  };
  gboolean sound = TRUE;
  VmmWireReader reader;
  guint64 sum;

  g_assert_true (read_all (bytes, sizeof bytes, &sum));
  g_assert_cmpuint (sum, ==, 1 + 2 + 3 + 4 + 536870911);

  vmm_wire_reader_init (&reader, bytes + 20, 5);
  g_assert_true (vmm_wire_reader_next (&reader, &sound));
  g_assert_cmpmem (reader.value, reader.length, "abc", 3);
  g_assert_false (vmm_wire_reader_next (&reader, &sound));
  g_assert_true (sound);
}

static void
test_reads_nothing (void)
{
  guint64 sum;

  g_assert_true (read_all (NULL, 0, &sum));
  g_assert_cmpuint (sum, ==, 0);
}

static void
test_refuses (gconstpointer data)
{
  const GBytes *bytes = data;
  gsize length;
  const guint8 *content = g_bytes_get_data ((GBytes *) bytes, &length);
  guint64 sum;

  g_assert_false (read_all (content, length, &sum));
}

static void
add_refused (const char *name, const char *bytes, gsize length)
{
  g_autofree char *path = g_strconcat ("/vmm/wire-reader/refuses-", name, NULL);

  g_test_add_data_func_full (path, g_bytes_new (bytes, length), test_refuses, (GDestroyNotify) g_bytes_unref);
}

/* what no encoder wrote must neither crash nor leave the bytes */
static void
test_survives_noise (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (20261123);
  guint sound = 0;

  for (guint round = 0; round < 20000; round++)
    {
      gsize length = (gsize) g_rand_int_range (random, 0, 24);
      g_autofree guint8 *bytes = g_malloc (length + 1);
      guint64 sum;

      for (gsize i = 0; i < length; i++)
        bytes[i] = (guint8) g_rand_int_range (random, 0, round % 2 ? 256 : 32);
      sound += read_all (bytes, length, &sum) ? 1 : 0;
    }
  g_assert_cmpuint (sound, >, 0);
  g_assert_cmpuint (sound, <, 20000);
}

#define ADD_REFUSED(name, bytes) add_refused (name, bytes, sizeof bytes - 1)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmm/wire-reader/reads-every-type", test_reads_every_type);
  g_test_add_func ("/vmm/wire-reader/reads-nothing", test_reads_nothing);
  g_test_add_func ("/vmm/wire-reader/survives-noise", test_survives_noise);
  ADD_REFUSED ("field-zero", "\x00\x00");
  ADD_REFUSED ("field-number-of-more-than-29-bits", "\x80\x80\x80\x80\x10\x00");
  ADD_REFUSED ("tag-without-end", "\x80\x80");
  ADD_REFUSED ("varint-without-end", "\x08\xff");
  ADD_REFUSED ("varint-of-more-than-64-bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
  ADD_REFUSED ("varint-of-eleven-bytes", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00");
  ADD_REFUSED ("length-past-the-end", "\x0a\x02x");
  ADD_REFUSED ("length-that-wraps-around", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x");
  ADD_REFUSED ("cut-64-bits",
               "\x09"
               "1234567");
  ADD_REFUSED ("cut-32-bits",
               "\x0d"
               "123");
  ADD_REFUSED ("group", "\x0b\x0c");
  ADD_REFUSED ("unknown-type", "\x0e\x00");
  return g_test_run ();
}
