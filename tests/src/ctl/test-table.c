/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/table.h"

static const char *const headings[] = { "NAME", "STATE", "WORDS", NULL };

static void
assert_table (OvmCtlTable *table, const char *expected)
{
  g_autofree char *text = ovm_ctl_table_render (table);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_prints_headings_alone (void)
{
  g_autoptr (OvmCtlTable) table = ovm_ctl_table_new (headings);

  assert_table (table, "NAME  STATE  WORDS\n");
}

static void
test_aligns_columns (void)
{
  g_autoptr (OvmCtlTable) table = ovm_ctl_table_new (headings);
  const char *const first[] = { "a", "läuft", "x", NULL };
  const char *const second[] = { "longer", "stopped", "y z", NULL };

  ovm_ctl_table_add (table, first);
  ovm_ctl_table_add (table, second);
  assert_table (table,
                "NAME    STATE    WORDS\n"
                "a       läuft    x\n"
                "longer  stopped  y z\n");
}

static void
test_fills_missing_cells (void)
{
  g_autoptr (OvmCtlTable) table = ovm_ctl_table_new (headings);
  const char *const row[] = { "a", NULL, "never looked at", NULL };
  const char *const empty[] = { "", "b", "", NULL };

  ovm_ctl_table_add (table, row);
  ovm_ctl_table_add (table, empty);
  assert_table (table,
                "NAME  STATE  WORDS\n"
                "a     -      -\n"
                "-     b      -\n");
}

static void
test_keeps_a_row_on_a_line (void)
{
  g_autoptr (OvmCtlTable) table = ovm_ctl_table_new (headings);
  const char *const row[] = { "a\nb", "\033[2J", "", NULL };

  ovm_ctl_table_add (table, row);
  assert_table (table,
                "NAME    STATE    WORDS\n"
                "a\\x0ab  \\x1b[2J  -\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/table/prints-headings-alone", test_prints_headings_alone);
  g_test_add_func ("/src/ctl/table/aligns-columns", test_aligns_columns);
  g_test_add_func ("/src/ctl/table/fills-missing-cells", test_fills_missing_cells);
  g_test_add_func ("/src/ctl/table/keeps-a-row-on-a-line", test_keeps_a_row_on_a_line);
  return g_test_run ();
}
