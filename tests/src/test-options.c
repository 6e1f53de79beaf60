/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/options.h"

#include "src/error.h"

static const OvmOption known[] = {
  { "name", "s", 4, FALSE },
  { "file", "s", 0, TRUE },
  { "size", "t", 0, FALSE },
  { NULL },
};

static const OvmOption more[] = {
  { "flag", "b", 0, FALSE },
  { NULL },
};

static GVariant *
parse (const char *text)
{
  return g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);
}

static void
check_refused (const char *text, OvmError code, const char *const *words)
{
  g_autoptr (GVariant) dict = parse (text);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (dict);
  g_assert_false (ovm_options_check (dict, known, more, &error));
  g_assert_error (error, OVM_ERROR, (int) code);
  for (; *words != NULL; words++)
    g_assert_nonnull (strstr (error->message, *words));
}
#define assert_refused(text, code, ...) check_refused (text, code, (const char *const[]){ __VA_ARGS__, NULL })

static void
test_accepts (void)
{
  static const char *const texts[] = {
    "{}",
    "{'name': <'abcd'>, 'file': <'/a'>, 'size': <uint64 1>, 'flag': <true>}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GVariant) dict = parse (texts[i]);
      g_autoptr (GError) error = NULL;

      g_assert_true (ovm_options_check (dict, known, more, &error));
      g_assert_no_error (error);
    }
}

static void
test_refuses_unknown_key (void)
{
  g_autoptr (GVariant) dict = parse ("{'flag': <true>}");
  g_autoptr (GError) error = NULL;

  assert_refused ("{'nmae': <'a'>}", OVM_ERROR_UNKNOWN_KEY, "nmae", "name, file, size, flag");
  g_assert_false (ovm_options_check (dict, known, NULL, &error));
  g_assert_error (error, OVM_ERROR, OVM_ERROR_UNKNOWN_KEY);
}

static void
test_refuses_other_type (void)
{
  assert_refused ("{'size': <1>}", OVM_ERROR_INVALID_TYPE, "size", "'i'", "'t'");
  assert_refused ("{'size': <<uint64 1>>}", OVM_ERROR_INVALID_TYPE, "'v'");
  assert_refused ("{'flag': <'true'>}", OVM_ERROR_INVALID_TYPE, "flag", "'s'", "'b'");
}

static void
test_refuses_long_string (void)
{
  g_autofree char *path = g_strnfill (OVM_PATH_LENGTH_MAX, 'x');
  g_autofree char *text = g_strdup_printf ("{'file': <'/%s'>}", path);

  assert_refused ("{'name': <'abcde'>}", OVM_ERROR_LIMIT_EXCEEDED, "name", "5", "4");
  assert_refused (text, OVM_ERROR_LIMIT_EXCEEDED, "file", "4096", "4095");
}

static void
test_refuses_relative_path (void)
{
  assert_refused ("{'file': <'a/b'>}", OVM_ERROR_INVALID_CONFIG, "file", "a/b");
  assert_refused ("{'file': <''>}", OVM_ERROR_INVALID_CONFIG, "file");
}

static void
test_refuses_repeated_key (void)
{
  assert_refused ("{'flag': <true>, 'flag': <false>}", OVM_ERROR_INVALID_CONFIG, "flag");
}

static void
assert_directory (const char *path, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = ovm_options_dup_directory ("directory", path, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (directory, ==, expected);
}

static void
test_directory_has_one_spelling (void)
{
  assert_directory ("/a/b", "/a/b");
  assert_directory ("/a/b/", "/a/b");
  assert_directory ("/a//b///", "/a/b");
  assert_directory ("//a/b", "/a/b");
  assert_directory ("/..a/b.", "/..a/b.");
  assert_directory ("/", "/");
}

static void
test_refuses_directory_with_dots (void)
{
  static const char *const paths[] = { "/a/../b", "/..", "/a/b/..", "/a/./b", "/a/.", "a", "" };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ovm_options_dup_directory ("directory", paths[i], &error));
      g_assert_error (error, OVM_ERROR, OVM_ERROR_INVALID_CONFIG);
      g_assert_nonnull (strstr (error->message, paths[i]));
    }
}

static void
test_gets (void)
{
  g_autoptr (GVariant) dict = parse ("{'flag': <true>, 'name': <'a'>}");
  g_autofree char *name = ovm_options_dup_string (dict, "name");

  g_assert_true (ovm_options_get_boolean (dict, "flag", FALSE));
  g_assert_true (ovm_options_get_boolean (dict, "other", TRUE));
  g_assert_false (ovm_options_get_boolean (dict, "other", FALSE));
  g_assert_cmpstr (name, ==, "a");
  g_assert_null (ovm_options_dup_string (dict, "file"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/options/accepts", test_accepts);
  g_test_add_func ("/src/options/refuses-unknown-key", test_refuses_unknown_key);
  g_test_add_func ("/src/options/refuses-other-type", test_refuses_other_type);
  g_test_add_func ("/src/options/refuses-long-string", test_refuses_long_string);
  g_test_add_func ("/src/options/refuses-relative-path", test_refuses_relative_path);
  g_test_add_func ("/src/options/refuses-repeated-key", test_refuses_repeated_key);
  g_test_add_func ("/src/options/directory-has-one-spelling", test_directory_has_one_spelling);
  g_test_add_func ("/src/options/refuses-directory-with-dots", test_refuses_directory_with_dots);
  g_test_add_func ("/src/options/gets", test_gets);
  return g_test_run ();
}
