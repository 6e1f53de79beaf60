/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/name.h"

#include "src/error.h"

static void
test_accepts (void)
{
  g_autofree char *longest = g_strnfill (OVM_NAME_LENGTH_MAX, 'x');
  const char *const names[] = { "a", "0", "Web-1.example_com", "9-", longest };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (ovm_name_check (names[i], &error));
      g_assert_no_error (error);
    }
}

static void
test_rejects (void)
{
  g_autofree char *too_long = g_strnfill (OVM_NAME_LENGTH_MAX + 1, 'x');
  const char *const names[] = { "", ".", "-a", "_a", ".a", "a b", "a/b", "ä", "a\n", "a%", too_long };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (ovm_name_check (names[i], &error));
      g_assert_error (error, OVM_ERROR, OVM_ERROR_INVALID_NAME);
      g_assert_nonnull (strstr (error->message, names[i]));
    }
}

static void
test_escapes (void)
{
  static const struct
  {
    const char *name;
    const char *escaped;
  } cases[] = {
    { "abc", "abc" },   { "0a0", "_30a0" }, { "a-b", "a_2db" },       { "a.b", "a_2eb" },
    { "a_b", "a_5fb" }, { "", "_" },        { "\xc3\xa4", "_c3_a4" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *escaped = ovm_name_escape (cases[i].name);

      g_assert_cmpstr (escaped, ==, cases[i].escaped);
    }
}

static void
test_different_names_have_different_paths (void)
{
  static const char *const names[] = { "a-b", "a_b", "a.b", "a_2db", "ab" };
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      char *path = ovm_name_vm_path (names[i]);

      g_assert_true (g_variant_is_object_path (path));
      g_assert_true (g_hash_table_add (paths, path));
    }
}

static void
test_paths (void)
{
  g_autofree char *snapshot = ovm_name_snapshot_path ("c3198cf8-5470-44ec-99ae-ae546581c433");
  g_autofree char *job = ovm_name_job_path (G_MAXUINT64);

  g_assert_cmpstr (snapshot, ==, "/org/openvmm/snapshot/c3198cf8_5470_44ec_99ae_ae546581c433");
  g_assert_cmpstr (job, ==, "/org/openvmm/job/18446744073709551615");
  g_assert_true (g_variant_is_object_path (snapshot));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/name/accepts", test_accepts);
  g_test_add_func ("/src/name/rejects", test_rejects);
  g_test_add_func ("/src/name/escapes", test_escapes);
  g_test_add_func ("/src/name/different-names-have-different-paths",
                   test_different_names_have_different_paths);
  g_test_add_func ("/src/name/paths", test_paths);
  return g_test_run ();
}
