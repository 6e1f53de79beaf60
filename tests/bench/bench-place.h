/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-place.h: a directory for gigabytes, which goes with the benchmark however that ends */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BenchPlace BenchPlace;

/** bench_place_new: an empty directory in @parent; before the process has threads. Dies where it cannot be made. */
BenchPlace *bench_place_new (const char *parent);

/** bench_place_get_path: (transfer none) */
const char *bench_place_get_path (BenchPlace *place);

/** bench_place_free: removes the directory and all in it. */
void bench_place_free (BenchPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchPlace, bench_place_free)

G_END_DECLS
