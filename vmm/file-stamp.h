/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* file-stamp.h: whether a file is the one it was (private) */

#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

/** VmmFileStamp: by which a file is known again, as long as nobody writes to it. */
typedef struct
{
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec written; /* st_mtim: st_ctim also tells of a new name, which changes nothing */
} VmmFileStamp;

VmmFileStamp vmm_file_stamp_take (const struct stat *st);

/** vmm_file_stamp_matches: whether @st is of the same file, which was not written to since @stamp was taken. */
gboolean vmm_file_stamp_matches (const VmmFileStamp *stamp, const struct stat *st);

G_END_DECLS
