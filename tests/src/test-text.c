/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/text.h"

static void
assert_shortened (const char *text, gsize length_max, const char *expected)
{
  g_autofree char *shortened = ovm_text_shorten (text, length_max);

  g_assert_cmpstr (shortened, ==, expected);
}

static void
test_leaves_what_is_short_enough (void)
{
  assert_shortened (NULL, 3, NULL);
  assert_shortened ("", 3, "");
  assert_shortened ("abcdef", 6, "abcdef");
}

static void
test_cuts_between_characters (void)
{
  assert_shortened ("abcdefg", 6, "abc…");
  assert_shortened ("abcd", 3, "…");
  assert_shortened ("aäöüß", 7, "aä…");
  assert_shortened ("aäöüß", 6, "aä…");
  assert_shortened ("aäöüß", 5, "a…");
  assert_shortened ("€€€", 5, "…");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/text/leaves-what-is-short-enough", test_leaves_what_is_short_enough);
  g_test_add_func ("/src/text/cuts-between-characters", test_cuts_between_characters);
  return g_test_run ();
}
