/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Golden snapshots, of every format there was: their guests know what they were told, take down more, and can be saved
 * by the program of today. They need nothing of a processor that an x86-64 processor could lack.
 */

#include "config.h"
#include "tests/golden/golden.h"

#include "tests/vmm/notebook.h"
#include "tests/vmm/tiny-machine.h"
#include "vmm/console.h"

static char *scratch;

static void
tell (Notebook *notebook, int console, const char *words)
{
  for (; *words != '\0'; words++)
    notebook_tell (notebook, console, (guint8) *words);
}

static void
add_all (Notebook *notebook, const char *words)
{
  for (; *words != '\0'; words++)
    notebook->pages[notebook->n++] = (guint8) *words;
}

static void
run_one (const char *directory, Notebook *notebook)
{
  g_autoptr (TinyMachine) restored = tiny_machine_new_restored (directory);
  g_autoptr (GError) error = NULL;
  g_autofree char *saved = NULL;
  VMM_AUTO_FD int console = vmm_console_open (restored->console, &error);

  g_assert_no_error (error);
  tiny_machine_resume (restored);
  notebook_assert_known (notebook, console);
  tell (notebook, console, ", today");
  notebook_assert_known (notebook, console);
  saved = tiny_machine_save (restored, "today");
  {
    g_autoptr (TinyMachine) again = tiny_machine_new_restored (saved);
    VMM_AUTO_FD int console_again = vmm_console_open (again->console, &error);

    tiny_machine_resume (again);
    notebook_assert_known (notebook, console_again);
  }
}

static void
test_restores (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  char *top = golden_unpack (scratch, golden_archives[i].name);
  g_autofree char *complete = g_build_filename (top, "complete", NULL);
  g_autofree char *incremental = g_build_filename (top, "incremental", NULL);
  Notebook notebook = { 0 };
  Notebook told;

  add_all (&notebook, GOLDEN_COMPLETE);
  told = notebook;
  run_one (complete, &told);
  if (golden_archives[i].has_incremental)
    {
      add_all (&notebook, GOLDEN_INCREMENTAL);
      told = notebook;
      run_one (incremental, &told);
    }
  scratch_free (top);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  scratch = scratch_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (golden_archives); i++)
    {
      g_autofree char *path = g_strdup_printf ("/golden/machines/%s-restores", golden_archives[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_restores);
    }
  result = g_test_run ();
  scratch_free (scratch);
  return result;
}
