/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/ctl/progress.h"

#include "src/ctl/text.h"

static void
assert_line (const OvmCtlProgress *progress, guint columns, const char *expected)
{
  g_autofree char *line = ovm_ctl_progress_format (progress, columns);

  g_assert_cmpstr (line, ==, expected);
}

static void
test_says_how_far (void)
{
  OvmCtlProgress progress = { "Saving web", TRUE, 0.5, 256 << 20, 512 << 20, 3 };

  assert_line (&progress, 100, "Saving web [==========          ]  50 %  256 MiB of 512 MiB, 3 s left");
  progress.left_seconds = -1;
  assert_line (&progress, 100, "Saving web [==========          ]  50 %  256 MiB of 512 MiB");
  progress.total_bytes = 0;
  assert_line (&progress, 100, "Saving web [==========          ]  50 %");
  progress.known = FALSE;
  assert_line (&progress, 100, "Saving web …");
}

static void
test_keeps_fractions_in_bounds (void)
{
  OvmCtlProgress progress = { "x", TRUE, 7.0, 0, 0, -1 };

  assert_line (&progress, 100, "x [====================] 100 %");
  progress.fraction = -1;
  assert_line (&progress, 100, "x [                    ]   0 %");
}

static void
test_fits_the_terminal (void)
{
  const OvmCtlProgress progress = { "größe 日本日本\033[2J", TRUE, 0.5, 1, 2, 3 };

  for (guint columns = 0; columns < 80; columns++)
    {
      g_autofree char *line = ovm_ctl_progress_format (&progress, columns);

      g_assert_true (g_utf8_validate (line, -1, NULL));
      g_assert_cmpuint (ovm_ctl_text_get_width (line), <=, columns);
      g_assert_null (strchr (line, '\033'));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/src/ctl/progress/says-how-far", test_says_how_far);
  g_test_add_func ("/src/ctl/progress/keeps-fractions-in-bounds", test_keeps_fractions_in_bounds);
  g_test_add_func ("/src/ctl/progress/fits-the-terminal", test_fits_the_terminal);
  return g_test_run ();
}
