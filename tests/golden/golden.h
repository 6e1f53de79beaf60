/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * golden.h: snapshots of each format there was; they must restore for ever
 *
 * Each archive has a snapshot "complete", whose guest was told GOLDEN_COMPLETE, and, from format 2 on, one over it,
 * "incremental", that was told GOLDEN_INCREMENTAL after that. make-golden.c has made them.
 */

#pragma once

#include "tests/vmm/scratch.h"

#define GOLDEN_COMPLETE "complete"
#define GOLDEN_INCREMENTAL "and more"

/* every archive; a new format is added at the end */
static const struct
{
  const char *name;
  gboolean has_incremental;
} golden_archives[] = {
  { "format-1", FALSE },
  { "format-2", TRUE },
};

/** golden_unpack: (transfer full): a new directory below @parent with what is in the archive. */
static inline char *
golden_unpack (const char *parent, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".tar.gz", NULL);
  g_autofree char *archive = g_build_filename (g_getenv ("GOLDEN_SNAPSHOTS"), file, NULL);
  char *directory = scratch_new (parent);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) tar = g_subprocess_new (
      G_SUBPROCESS_FLAGS_NONE, &error, "tar", "--no-same-owner", "-C", directory, "-xzf", archive, NULL);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (tar, NULL, &error));
  g_assert_no_error (error);
  return directory;
}
