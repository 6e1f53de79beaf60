/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel may give two writes within one tick of its clock the same time, so a file that is changed in the very tick
 * in which it was looked at is not told apart. A stamp only spares reading again what was read and found sound; it is
 * no proof of anything.
 */

#include "config.h"
#include "vmm/file-stamp.h"

VmmFileStamp
vmm_file_stamp_take (const struct stat *st)
{
  return (VmmFileStamp){
    .device = st->st_dev,
    .inode = st->st_ino,
    .size = st->st_size,
    .written = st->st_mtim,
  };
}

gboolean
vmm_file_stamp_matches (const VmmFileStamp *stamp, const struct stat *st)
{
  return stamp->device == st->st_dev && stamp->inode == st->st_ino && stamp->size == st->st_size &&
         stamp->written.tv_sec == st->st_mtim.tv_sec && stamp->written.tv_nsec == st->st_mtim.tv_nsec;
}
