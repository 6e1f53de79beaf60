/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/aml.h"

#include <string.h>

/* what was written, as hexadecimal bytes */
static void
assert_written (VmmAml *aml, const char *expected)
{
  g_autoptr (GByteArray) bytes = vmm_aml_steal (aml);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < bytes->len; i++)
    g_string_append_printf (text, i == 0 ? "%02x" : " %02x", bytes->data[i]);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_integers_take_the_shortest_form (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_integer (aml, 0);
  vmm_aml_integer (aml, 1);
  assert_written (aml, "00 01");
  vmm_aml_integer (aml, 2);
  vmm_aml_integer (aml, 0xff);
  assert_written (aml, "0a 02 0a ff");
  vmm_aml_integer (aml, 0x100);
  vmm_aml_integer (aml, 0xfffe);
  assert_written (aml, "0b 00 01 0b fe ff");
  vmm_aml_integer (aml, 0x10000);
  assert_written (aml, "0c 00 00 01 00");
  vmm_aml_integer (aml, 0x123456789a);
  assert_written (aml, "0e 9a 78 56 34 12 00 00 00");
}

static void
test_names_are_padded (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_name (aml, "\\_S5");
  vmm_aml_name (aml, "COM1");
  vmm_aml_name (aml, "X");
  assert_written (aml, "08 5c 5f 53 35 5f 08 43 4f 4d 31 08 58 5f 5f 5f");
}

static void
test_method_notifies (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_begin_method (aml, "_EVT", 1);
  vmm_aml_begin_if_first_argument_is (aml, 23);
  vmm_aml_notify (aml, "DEV0", 0x80);
  vmm_aml_end (aml);
  vmm_aml_end (aml);
  assert_written (aml, "14 13 5f 45 56 54 09 a0 0c 93 68 0a 17 86 44 45 56 30 0a 80");
}

static void
test_blocks_nest (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_begin_scope (aml, "\\_SB");
  vmm_aml_begin_device (aml, "DEV0");
  vmm_aml_name (aml, "PACK");
  vmm_aml_begin_package (aml, 2);
  vmm_aml_integer (aml, 5);
  vmm_aml_integer (aml, 0);
  vmm_aml_end (aml);
  vmm_aml_end (aml);
  vmm_aml_end (aml);
  assert_written (aml, "10 18 5c 5f 53 42 5f 5b 82 10 44 45 56 30 08 50 41 43 4b 12 05 02 0a 05 00");
}

/* the length of a block that has @content bytes after its name, decoded */
static guint
encoded_length (gsize content, gsize *n_length_bytes)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();
  g_autofree char *text = g_strnfill (content - 2, 'x'); /* a prefix and a NUL are added */
  g_autoptr (GByteArray) bytes = NULL;
  guint length;

  vmm_aml_begin_scope (aml, "NAME");
  vmm_aml_string (aml, text);
  vmm_aml_end (aml);
  bytes = vmm_aml_steal (aml);
  *n_length_bytes = 1 + (bytes->data[1] >> 6);
  g_assert_cmpuint (bytes->len, ==, 1 + *n_length_bytes + 4 + content);
  g_assert_cmpmem (bytes->data + 1 + *n_length_bytes, 4, "NAME", 4);
  if (*n_length_bytes == 1)
    return bytes->data[1];
  g_assert_cmphex (bytes->data[1] & 0x30, ==, 0);
  length = bytes->data[1] & 0xf;
  for (gsize i = 1; i < *n_length_bytes; i++)
    length |= (guint) bytes->data[1 + i] << (8 * i - 4);
  return length;
}

static void
test_lengths_count_themselves (void)
{
  /* how much content, with the name's four bytes, just fits, and what does not */
  static const struct
  {
    gsize content;
    gsize n_length_bytes;
  } cases[] = {
    { 62, 1 }, { 63, 2 }, { 4093, 2 }, { 4094, 3 }, { 1048572, 3 }, { 1048573, 4 }, { 2000000, 4 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize n_length_bytes;
      guint length = encoded_length (cases[i].content - 4, &n_length_bytes);

      g_assert_cmpuint (n_length_bytes, ==, cases[i].n_length_bytes);
      g_assert_cmpuint (length, ==, cases[i].content + n_length_bytes);
    }
}

static void
test_hardware_ids (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_hardware_id (aml, "PNP0501");
  assert_written (aml, "0c 41 d0 05 01");
  vmm_aml_hardware_id (aml, "PNP0B00");
  assert_written (aml, "0c 41 d0 0b 00");
  vmm_aml_hardware_id (aml, "ACPI0007");
  assert_written (aml, "0d 41 43 50 49 30 30 30 37 00");
  vmm_aml_hardware_id (aml, "pnp0501");
  assert_written (aml, "0d 70 6e 70 30 35 30 31 00");
}

/* as iasl compiles IO (Decode16, 0x3f8, 0x3f8, 1, 8) and IRQNoFlags () {4} */
static void
test_resources_of_a_port_device (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_begin_resources (aml);
  vmm_aml_resource_io (aml, 0x3f8, 8);
  vmm_aml_resource_irq (aml, 4, FALSE);
  vmm_aml_end (aml);
  assert_written (aml, "11 10 0a 0d 47 01 f8 03 f8 03 01 08 22 10 00 79 00");
}

static void
test_resources_of_a_memory_device (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_begin_resources (aml);
  vmm_aml_resource_memory (aml, 0xd0000000, 0x1000);
  vmm_aml_resource_irq (aml, 16, TRUE);
  vmm_aml_resource_irq (aml, 17, FALSE);
  vmm_aml_resource_irq (aml, 11, TRUE);
  vmm_aml_end (aml);
  assert_written (aml,
                  "11 27 0a 24 86 09 00 01 00 00 00 d0 00 10 00 00 89 06 00 0d 01 10 00 00 "
                  "00 89 06 00 03 01 11 00 00 00 23 00 08 18 79 00");
}

static void
test_empty_resources_end (void)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();

  vmm_aml_begin_resources (aml);
  vmm_aml_end (aml);
  assert_written (aml, "11 05 0a 02 79 00");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/vmm/aml/" name, function)
  ADD ("integers-take-the-shortest-form", test_integers_take_the_shortest_form);
  ADD ("names-are-padded", test_names_are_padded);
  ADD ("blocks-nest", test_blocks_nest);
  ADD ("method-notifies", test_method_notifies);
  ADD ("lengths-count-themselves", test_lengths_count_themselves);
  ADD ("hardware-ids", test_hardware_ids);
  ADD ("resources-of-a-port-device", test_resources_of_a_port_device);
  ADD ("resources-of-a-memory-device", test_resources_of_a_memory_device);
  ADD ("empty-resources-end", test_empty_resources_end);
#undef ADD
  return g_test_run ();
}
