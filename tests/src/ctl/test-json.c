/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/json.h"

#include <math.h>

static void
assert_json (GVariant *value, const char *expected)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autofree char *json = ovm_ctl_json_from_variant (owned);

  g_assert_cmpstr (json, ==, expected);
}

static void
assert_json_of_text (const char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = g_variant_parse (NULL, text, NULL, NULL, &error);
  g_autofree char *json = NULL;

  g_assert_no_error (error);
  json = ovm_ctl_json_from_variant (value);
  g_assert_cmpstr (json, ==, expected);
}

static void
test_prints_numbers_in_full (void)
{
  assert_json_of_text ("byte 0xff", "255");
  assert_json_of_text ("int16 -32768", "-32768");
  assert_json_of_text ("uint16 65535", "65535");
  assert_json_of_text ("-2147483648", "-2147483648");
  assert_json_of_text ("uint32 4294967295", "4294967295");
  assert_json_of_text ("int64 -9223372036854775808", "-9223372036854775808");
  assert_json_of_text ("uint64 18446744073709551615", "18446744073709551615");
  assert_json_of_text ("handle 3", "3");
  assert_json_of_text ("true", "true");
  assert_json_of_text ("false", "false");
}

static void
test_prints_doubles_without_locale (void)
{
  assert_json (g_variant_new_double (0.5), "0.5");
  assert_json (g_variant_new_double (1e300), "1.0000000000000001e+300");
  assert_json (g_variant_new_double (NAN), "null");
  assert_json (g_variant_new_double (INFINITY), "null");
  assert_json (g_variant_new_double (-INFINITY), "null");
}

static void
test_escapes_strings (void)
{
  assert_json (g_variant_new_string (""), "\"\"");
  assert_json (g_variant_new_string ("a\"b\\c"), "\"a\\\"b\\\\c\"");
  assert_json (g_variant_new_string ("\n\t\033[31m"), "\"\\u000a\\u0009\\u001b[31m\"");
  assert_json (g_variant_new_string ("\x7f\xc2\x9b"), "\"\\u007f\\u009b\"");
  assert_json (g_variant_new_string ("größe 😀"), "\"größe 😀\"");
  assert_json (g_variant_new_object_path ("/a/b"), "\"/a/b\"");
  assert_json (g_variant_new_signature ("a{sv}"), "\"a{sv}\"");
}

static void
test_nests (void)
{
  assert_json_of_text ("@as []", "[]");
  assert_json_of_text ("['a', 'b']", "[\"a\",\"b\"]");
  assert_json_of_text ("(1, 'a', true)", "[1,\"a\",true]");
  assert_json_of_text ("()", "[]");
  assert_json_of_text ("<<'x'>>", "\"x\"");
  assert_json_of_text ("@ms nothing", "null");
  assert_json_of_text ("@ms 'x'", "\"x\"");
  assert_json_of_text ("[{'a': <1>}, {'b': <[1, 2]>}]", "[{\"a\":1},{\"b\":[1,2]}]");
}

static void
test_sorts_keys (void)
{
  assert_json_of_text ("@a{sv} {}", "{}");
  assert_json_of_text ("{'b': <1>, 'a': <2>, 'B': <3>}", "{\"B\":3,\"a\":2,\"b\":1}");
  assert_json_of_text ("{'q\"': 'x'}", "{\"q\\\"\":\"x\"}");
  assert_json_of_text ("{uint32 2: 'b', 1: 'a'}", "{\"1\":\"a\",\"2\":\"b\"}");
  assert_json_of_text ("{objectpath '/b': 1, '/a': 2}", "{\"/a\":2,\"/b\":1}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/json/prints-numbers-in-full", test_prints_numbers_in_full);
  g_test_add_func ("/src/ctl/json/prints-doubles-without-locale", test_prints_doubles_without_locale);
  g_test_add_func ("/src/ctl/json/escapes-strings", test_escapes_strings);
  g_test_add_func ("/src/ctl/json/nests", test_nests);
  g_test_add_func ("/src/ctl/json/sorts-keys", test_sorts_keys);
  return g_test_run ();
}
