/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/fields.h"

static void
assert_value (OvmCtlFieldKind kind, const char *value_text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = g_variant_parse (NULL, value_text, NULL, NULL, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = ovm_ctl_fields_format_value (kind, value);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_formats_values (void)
{
  assert_value (OVM_CTL_FIELD_TEXT, "'a\\nb'", "a\\x0ab");
  assert_value (OVM_CTL_FIELD_TEXT, "true", "yes");
  assert_value (OVM_CTL_FIELD_TEXT, "false", "no");
  assert_value (OVM_CTL_FIELD_TEXT, "uint32 64", "64");
  assert_value (OVM_CTL_FIELD_TEXT, "uint64 18446744073709551615", "18446744073709551615");
  assert_value (OVM_CTL_FIELD_TEXT, "['a', 'b']", "a b");
  assert_value (OVM_CTL_FIELD_TEXT, "@as []", "");
  assert_value (OVM_CTL_FIELD_TEXT, "[1, 2]", "[1, 2]");
  assert_value (OVM_CTL_FIELD_SIZE, "uint64 536870912", "512 MiB");
  assert_value (OVM_CTL_FIELD_DURATION, "uint64 0", "");
  assert_value (OVM_CTL_FIELD_DURATION, "uint64 999", "999 µs");
  assert_value (OVM_CTL_FIELD_DURATION, "uint64 1250", "1.25 ms");
  assert_value (OVM_CTL_FIELD_DURATION, "uint64 2500000", "2.50 s");
  assert_value (OVM_CTL_FIELD_TIME, "uint64 1234567890000000", "2009-02-13 23:31:30 +0000");
  assert_value (OVM_CTL_FIELD_OBJECT, "objectpath '/'", "");
  assert_value (OVM_CTL_FIELD_OBJECT, "objectpath '/a'", "/a");
  assert_value (OVM_CTL_FIELD_WORD, "'running'", "running");
  assert_value (OVM_CTL_FIELD_WORD, "'a-state-of-the-future'", "a-state-of-the-future");
}

static void
test_survives_times_out_of_range (void)
{
  assert_value (OVM_CTL_FIELD_TIME, "uint64 18446744073709551615", "");
}

static void
test_renders_known_fields_first (void)
{
  static const OvmCtlField fields[] = {
    { "Name", "Name", OVM_CTL_FIELD_TEXT },
    { "MemorySize", "Memory", OVM_CTL_FIELD_SIZE },
    { "Missing", "A long label", OVM_CTL_FIELD_TEXT },
    { "Empty", "Empty", OVM_CTL_FIELD_TEXT },
    { NULL },
  };
  g_autoptr (GVariant) values = g_variant_ref_sink (
      g_variant_new_parsed ("{'New': <'x'>, 'MemorySize': <uint64 1024>, 'Name': <'web'>, "
                            "'Empty': <''>}"));
  g_autofree char *text = ovm_ctl_fields_render (fields, values);

  g_assert_cmpstr (text,
                   ==,
                   "Name:         web\n"
                   "Memory:       1 KiB\n"
                   "New:          x\n");
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/fields/formats-values", test_formats_values);
  g_test_add_func ("/src/ctl/fields/survives-times-out-of-range", test_survives_times_out_of_range);
  g_test_add_func ("/src/ctl/fields/renders-known-fields-first", test_renders_known_fields_first);
  return g_test_run ();
}
