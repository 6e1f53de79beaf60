/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/bench-figure.h"

static void
test_median_is_the_middle_one (void)
{
  BenchSample sample = { 0 };

  bench_sample_add (&sample, 3);
  g_assert_cmpfloat (bench_sample_get_median (&sample), ==, 3);
  bench_sample_add (&sample, 1);
  g_assert_cmpfloat (bench_sample_get_median (&sample), ==, 1);
  bench_sample_add (&sample, 2);
  g_assert_cmpfloat (bench_sample_get_median (&sample), ==, 2);
}

/* a name that comes twice in an object is lost to whoever reads it */
static void
test_each_name_is_there_once (void)
{
  g_autoptr (BenchFigures) figures = bench_figures_new ();
  g_autofree char *json = NULL;

  bench_figures_add (figures, "freeze_ms.256", 0.5, "ms");
  bench_figures_add (figures, "floor_ms.256", 0.25, "ms");
  bench_figures_add (figures, "ratio", 2, "");
  bench_figures_add (figures, "freeze_ms.1024", 1, "ms");
  bench_figures_add (figures, "floor_ms.1024", 0.75, "ms");
  json = bench_figures_to_json (figures);
  g_assert_cmpstr (json,
                   ==,
                   "{\n"
                   "  \"freeze_ms\": {\"256\": 0.500, \"1024\": 1.000},\n"
                   "  \"floor_ms\": {\"256\": 0.250, \"1024\": 0.750},\n"
                   "  \"ratio\": 2.000\n"
                   "}\n");
}

static void
test_nothing_is_an_empty_object (void)
{
  g_autoptr (BenchFigures) figures = bench_figures_new ();
  g_autofree char *json = bench_figures_to_json (figures);

  g_assert_cmpstr (json, ==, "{\n}\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bench/bench-figure/median-is-the-middle-one", test_median_is_the_middle_one);
  g_test_add_func ("/bench/bench-figure/each-name-is-there-once", test_each_name_is_there_once);
  g_test_add_func ("/bench/bench-figure/nothing-is-an-empty-object", test_nothing_is_an_empty_object);
  return g_test_run ();
}
