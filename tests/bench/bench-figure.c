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

/* where the next figure of that name is, from @start on; the length of the list for nowhere */
static guint
find (BenchFigures *figures, const char *name, guint start)
{
  guint i;

  for (i = start; i < figures->list->len; i++)
    {
      const Figure *figure = g_ptr_array_index (figures->list, i);

      if (strcmp (figure->name, name) == 0)
        break;
    }
  return i;
}

/* all parts of a name, which need not have come one after the other */
static void
append_parts (GString *json, BenchFigures *figures, const char *name)
{
  const char *separator = "";

  g_string_append_printf (json, "\"%s\": {", name);
  for (guint i = find (figures, name, 0); i < figures->list->len; i = find (figures, name, i + 1))
    {
      const Figure *figure = g_ptr_array_index (figures->list, i);

      g_string_append (json, separator);
      append_value (json, figure->part, figure->value);
      separator = ", ";
    }
  g_string_append_c (json, '}');
}

char *
bench_figures_to_json (BenchFigures *figures)
{
  GString *json = g_string_new ("{");
  const char *separator = "\n  ";

  for (guint i = 0; i < figures->list->len; i++)
    {
      const Figure *figure = g_ptr_array_index (figures->list, i);

      if (find (figures, figure->name, 0) < i)
        continue; /* is there already */
      g_string_append (json, separator);
      separator = ",\n  ";
      if (figure->part != NULL)
        append_parts (json, figures, figure->name);
      else
        append_value (json, figure->name, figure->value);
    }
  g_string_append (json, "\n}\n");
  return g_string_free (json, FALSE);
}
