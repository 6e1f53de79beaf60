/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/bench-figure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  char *name;
  char *part; /* or NULL */
  double value;
} Figure;

struct _BenchFigures
{
  GPtrArray *list; /* of Figure */
};

void
bench_sample_add (BenchSample *sample, double value)
{
  if (sample->n < G_N_ELEMENTS (sample->values))
    sample->values[sample->n++] = value;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static BenchSample
sorted (const BenchSample *sample)
{
  BenchSample copy = *sample;

  qsort (copy.values, copy.n, sizeof copy.values[0], compare);
  return copy;
}

double
bench_sample_get_median (const BenchSample *sample)
{
  BenchSample copy = sorted (sample);

  return copy.values[(copy.n - 1) / 2];
}

static void
figure_free (gpointer data)
{
  Figure *figure = data;

  g_free (figure->name);
  g_free (figure->part);
  g_free (figure);
}

BenchFigures *
bench_figures_new (void)
{
  BenchFigures *figures = g_new0 (BenchFigures, 1);

  figures->list = g_ptr_array_new_with_free_func (figure_free);
  return figures;
}

void
bench_figures_free (BenchFigures *figures)
{
  if (figures == NULL)
    return;
  g_ptr_array_unref (figures->list);
  g_free (figures);
}

static void
keep (BenchFigures *figures, const char *key, double value)
{
  g_auto (GStrv) parts = g_strsplit (key, ".", 2);
  Figure *figure = g_new0 (Figure, 1);

  figure->name = g_strdup (parts[0]);
  figure->part = g_strdup (parts[1]);
  figure->value = value;
  g_ptr_array_add (figures->list, figure);
}

void
bench_figures_add (BenchFigures *figures, const char *key, double value, const char *unit)
{
  keep (figures, key, value);
  printf ("%-32s %12.3f %s\n", key, value, unit);
  fflush (stdout);
}

void
bench_figures_add_sample (BenchFigures *figures, const char *key, const BenchSample *sample, const char *unit)
{
  BenchSample copy = sorted (sample);
  double median = bench_sample_get_median (sample);

  keep (figures, key, median);
  printf ("%-32s %12.3f %-5s (%.3f to %.3f in %u)\n",
          key,
          median,
          unit,
          copy.values[0],
          copy.values[copy.n - 1],
          copy.n);
  fflush (stdout);
}

static void
append_value (GString *json, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (json, "\"%s\": %s", name, g_ascii_formatd (text, sizeof text, "%.3f", value));
}

char *
bench_figures_to_json (BenchFigures *figures)
{
  GString *json = g_string_new ("{");
  const char *open = NULL;

  for (guint i = 0; i < figures->list->len; i++)
    {
      const Figure *figure = g_ptr_array_index (figures->list, i);
      gboolean goes_on = open != NULL && strcmp (open, figure->name) == 0;

      if (open != NULL && !goes_on)
        g_string_append (json, "}");
      g_string_append (json, i == 0 ? "\n  " : goes_on ? ", " : ",\n  ");
      if (figure->part != NULL && !goes_on)
        g_string_append_printf (json, "\"%s\": {", figure->name);
      append_value (json, figure->part != NULL ? figure->part : figure->name, figure->value);
      open = figure->part != NULL ? figure->name : NULL;
    }
  g_string_append (json, open != NULL ? "}\n}\n" : "\n}\n");
  return g_string_free (json, FALSE);
}
