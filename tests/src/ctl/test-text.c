/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/text.h"

static void
assert_printable (const char *text, const char *expected)
{
  g_autofree char *printable = ovm_ctl_text_make_printable (text);

  g_assert_cmpstr (printable, ==, expected);
}

static void
test_counts_columns (void)
{
  g_assert_cmpuint (ovm_ctl_text_get_width (""), ==, 0);
  g_assert_cmpuint (ovm_ctl_text_get_width ("abc"), ==, 3);
  g_assert_cmpuint (ovm_ctl_text_get_width ("größe"), ==, 5);
  g_assert_cmpuint (ovm_ctl_text_get_width ("日本"), ==, 4);
  g_assert_cmpuint (ovm_ctl_text_get_width ("e\xcc\x81"), ==, 1);
}

static void
test_shows_control_characters (void)
{
  assert_printable ("plain größe", "plain größe");
  assert_printable ("a\033[31mb", "a\\x1b[31mb");
  assert_printable ("a\nb\r\t", "a\\x0ab\\x0d\\x09");
  assert_printable ("\xc2\x9b"
                    "31m",
                    "\\x9b31m");
}

static void
test_replaces_bad_bytes (void)
{
  assert_printable ("a\xff"
                    "b",
                    "a\xef\xbf\xbd"
                    "b");
  assert_printable ("\xc3", "\xef\xbf\xbd");
}

static void
test_pads_by_columns (void)
{
  g_autoptr (GString) out = g_string_new ("|");

  ovm_ctl_text_append_padded (out, "größe", 7);
  ovm_ctl_text_append_padded (out, "|日本", 6);
  ovm_ctl_text_append_padded (out, "|too long", 3);
  g_assert_cmpstr (out->str, ==, "|größe  |日本 |too long");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/text/counts-columns", test_counts_columns);
  g_test_add_func ("/src/ctl/text/shows-control-characters", test_shows_control_characters);
  g_test_add_func ("/src/ctl/text/replaces-bad-bytes", test_replaces_bad_bytes);
  g_test_add_func ("/src/ctl/text/pads-by-columns", test_pads_by_columns);
  return g_test_run ();
}
