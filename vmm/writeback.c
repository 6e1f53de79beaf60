/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sync_file_range() waits until the disk has taken what it is given, for as long as the writing itself if there is
 * much of it. So it has a thread of its own, and is asked for a piece at a time, as it cannot be interrupted.
 */

#include "config.h"
#include "vmm/writeback.h"

#define PIECE_SIZE (16u << 20)

struct _VmmWriteback
{
  const VmmFileOps *ops;
  int fd;
  char *name;
  guint64 size;
  GCancellable *cancellable;
  GThread *thread;
};

static gpointer
run (gpointer data)
{
  VmmWriteback *self = data;

  for (guint64 offset = 0; offset < self->size && !g_cancellable_is_cancelled (self->cancellable);
       offset += PIECE_SIZE)
    vmm_file_ops_start_writeback (self->ops,
                                  self->fd,
                                  self->name,
                                  offset,
                                  MIN (PIECE_SIZE, self->size - offset));
  return NULL;
}

VmmWriteback *
vmm_writeback_start (const VmmFileOps *ops, int fd, const char *name, guint64 size, GCancellable *cancellable)
{
  VmmWriteback *self = g_new0 (VmmWriteback, 1);

  self->ops = ops;
  self->fd = fd;
  self->name = g_strdup (name);
  self->size = size;
  self->cancellable = cancellable;
  self->thread = g_thread_try_new ("writeback", run, self, NULL);
  if (self->thread != NULL)
    return self;
  vmm_writeback_wait (self);
  return NULL;
}

void
vmm_writeback_wait (VmmWriteback *self)
{
  if (self == NULL)
    return;
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_free (self->name);
  g_free (self);
}
