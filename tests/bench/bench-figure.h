/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-figure.h: figures of a run, as a table and as JSON */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** BenchSample: measured values of one kind, all in one unit. */
typedef struct
{
  double values[1024];
  guint n;
} BenchSample;

/** bench_sample_add: values beyond what a sample holds are left out. */
void bench_sample_add (BenchSample *sample, double value);

/** bench_sample_get_median: the middle value; the lower one of two. The sample must not be empty. */
double bench_sample_get_median (const BenchSample *sample);

/** BenchFigures: results in the order they came. */
typedef struct _BenchFigures BenchFigures;

BenchFigures *bench_figures_new (void);
void bench_figures_free (BenchFigures *figures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchFigures, bench_figures_free)

/**
 * bench_figures_add:
 * @key: `name` or `name.part`
 * @unit: for people
 *
 * Prints and keeps a figure.
 */
void bench_figures_add (BenchFigures *figures, const char *key, double value, const char *unit);

/** bench_figures_add_sample: the median of @sample, with its least and greatest value. */
void bench_figures_add_sample (BenchFigures *figures,
                               const char *key,
                               const BenchSample *sample,
                               const char *unit);

/** bench_figures_to_json: (transfer full): one object; parts of a name make an object of their own. */
char *bench_figures_to_json (BenchFigures *figures);

G_END_DECLS
