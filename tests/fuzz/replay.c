/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a target, without libFuzzer, on every file in the directories that are named; those that are cut in the middle
 * and that have a byte changed, too, so that what is kept is worth more than once.
 */

#include "config.h"
#include "tests/fuzz/fuzz.h"

static void
run_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  guint8 *bytes;
  gsize size;

  g_file_get_contents (path, &content, &size, &error);
  g_assert_no_error (error);
  bytes = (guint8 *) content;
  g_test_message ("%s", path);
  LLVMFuzzerTestOneInput (bytes, size);
  LLVMFuzzerTestOneInput (bytes, size / 2);
  if (size == 0)
    return;
  bytes[size / 2] ^= 0x80;
  LLVMFuzzerTestOneInput (bytes, size);
}

static void
test_survives_inputs (gconstpointer directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (directory, 0, &error);
  const char *name;
  guint n = 0;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      run_file (path);
      n++;
    }
  g_test_message ("%u inputs", n);
  g_assert_cmpuint (n, >, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *program = g_path_get_basename (argv[0]);
  const char *noun = strchr (program, '-') + 1;

  g_test_init (&argc, &argv, NULL);
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *parent = g_path_get_dirname (argv[i]);
      g_autofree char *kind = g_path_get_basename (parent);
      g_autofree char *path = g_strdup_printf ("/fuzz/%s/survives-%s", noun, kind);

      g_test_add_data_func (path, argv[i], test_survives_inputs);
    }
  return g_test_run ();
}
