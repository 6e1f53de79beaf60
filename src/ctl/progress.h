/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* progress.h: one line on a terminal that says how far something is */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OvmCtlProgress:
 * @label: what is being done
 * @known: whether @fraction means something
 * @fraction: 0 to 1
 * @done_bytes: so far
 * @total_bytes: 0 while not known
 * @left_seconds: negative while not known
 */
typedef struct
{
  const char *label;
  gboolean known;
  double fraction;
  guint64 done_bytes;
  guint64 total_bytes;
  gint64 left_seconds;
} OvmCtlProgress;

/** ovm_ctl_progress_format: (transfer full): a line of at most @columns columns, without control characters */
char *ovm_ctl_progress_format (const OvmCtlProgress *progress, guint columns);

/** ovm_ctl_progress_show: draws over the last one on stderr, if that is a terminal */
void ovm_ctl_progress_show (const OvmCtlProgress *progress);

/** ovm_ctl_progress_clear: takes the line away again */
void ovm_ctl_progress_clear (void);

G_END_DECLS
