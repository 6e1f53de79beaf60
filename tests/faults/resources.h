/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* resources.h: what this process holds of the kernel's */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint n_fds;
  guint n_threads;
  guint n_mappings; /* of files, VPs' run areas, RAM */
} Resources;

Resources resources_count (void);

/** resources_assert_not_grown: since @before; waits a little for threads that are about to be gone. */
void resources_assert_not_grown (const Resources *before);

G_END_DECLS
