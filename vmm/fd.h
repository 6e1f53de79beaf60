/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fd.h: file descriptors that close themselves (private) */

#pragma once

#include <errno.h>
#include <unistd.h>

#include <glib.h>

G_BEGIN_DECLS

/** vmm_fd_clear: closes *@fd if it is open and makes it -1. Keeps errno. */
static inline void
vmm_fd_clear (int *fd)
{
  int saved_errno = errno;

  if (*fd >= 0)
    close (*fd);
  *fd = -1;
  errno = saved_errno;
}

/** vmm_fd_steal: hands *@fd over to the caller; *@fd becomes -1. */
static inline int G_GNUC_WARN_UNUSED_RESULT
vmm_fd_steal (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

/** VMM_AUTO_FD: before a declaration `int fd = -1;`: closes it at the end of its scope, and keeps errno. */
#define VMM_AUTO_FD __attribute__ ((cleanup (vmm_fd_clear)))

G_END_DECLS
