/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* loop-place.h: a file system of a test's own, in a file, for what not every file system can do */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** LoopPlace: @path: its root directory */
typedef struct
{
  char *path;
} LoopPlace;

/**
 * loop_place_new:
 * @type: as mkfs and mount know it
 * @reason: (out) (transfer full): why it cannot be had
 *
 * A fresh one of 512 MiB, seen by this process and its children alone: it goes with them, however they end. Needs root,
 * loop devices and mkfs.
 *
 * Returns: (nullable)
 */
LoopPlace *loop_place_new (const char *type, char **reason);
void loop_place_free (LoopPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoopPlace, loop_place_free)

/** loop_place_get_used: bytes that are taken, when all is written out. */
guint64 loop_place_get_used (LoopPlace *place);

G_END_DECLS
