/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/escape.h"

#include "src/ctl/status.h"

static void
test_parses_keys (void)
{
  static const struct
  {
    const char *text;
    int key;
    const char *name;
  } cases[] = {
    { "^]", 0x1d, "Ctrl-]" }, { "^A", 0x01, "Ctrl-A" }, { "^a", 0x01, "Ctrl-A" },
    { "^@", 0x00, "Ctrl-@" }, { "^_", 0x1f, "Ctrl-_" }, { "^^", 0x1e, "Ctrl-^" },
    { "^", '^', "^" },        { "~", '~', "~" },        { "none", OVM_CTL_ESCAPE_NONE, "none" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *name = NULL;
      int key = 42;

      g_assert_true (ovm_ctl_escape_parse (cases[i].text, &key, &error));
      g_assert_cmpint (key, ==, cases[i].key);
      name = ovm_ctl_escape_format (key);
      g_assert_cmpstr (name, ==, cases[i].name);
    }
}

static void
test_default_is_telnets (void)
{
  g_autofree char *name = ovm_ctl_escape_format (OVM_CTL_ESCAPE_DEFAULT);

  g_assert_cmpstr (name, ==, "Ctrl-]");
}

static void
test_rejects_what_is_no_key (void)
{
  static const char *const texts[] = { "", "ab", "^1", "^ ", "^AB", "ä", "^ä", "\033", "None", "Ctrl-]" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      int key = 42;

      g_assert_false (ovm_ctl_escape_parse (texts[i], &key, &error));
      g_assert_error (error, OVM_CTL_ERROR, OVM_CTL_STATUS_USAGE);
      g_assert_cmpint (key, ==, 42);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/escape/parses-keys", test_parses_keys);
  g_test_add_func ("/src/ctl/escape/default-is-telnets", test_default_is_telnets);
  g_test_add_func ("/src/ctl/escape/rejects-what-is-no-key", test_rejects_what_is_no_key);
  return g_test_run ();
}
