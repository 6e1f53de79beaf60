/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A view must start on a boundary of 1 GiB. Taking that much more than needed and giving back what is left over would
 * do, but each mapping that goes is told to every VM that the process has, and each that stays is looked at by every VM
 * that is made: with a thousand VMs that is most of what making one more takes. So a place is guessed, in a part of the
 * address space where nobody else settles, and mapped only if it is free.
 */

#include "config.h"
#include "vmm/memory-place.h"

#include <errno.h>
#include <sys/mman.h>

#include "vmm/vmm.h"

#define TIB (1024 * 1024 * 1024 * 1024ull)

/* above what is mapped without randomization, below programs, their heap and what the kernel places itself */
#define GUESS_START (20 * TIB)
#define GUESS_END (80 * TIB)
#ifdef __SANITIZE_THREAD__
#define GUESSES 0 /* it has this part for itself, and would map at address 0 instead */
#else
#define GUESSES 4
#endif

/* NULL without an error where it cannot be done this way */
static guint8 *
map_by_guess (guint64 size, int protection, int flags, int fd)
{
  const guint64 n_places = (GUESS_END - GUESS_START) / VMM_MEMORY_PLACE_ALIGNMENT;

  for (int i = 0; i < GUESSES; i++)
    {
      guint64 place = GUESS_START + g_random_int () % n_places * VMM_MEMORY_PLACE_ALIGNMENT;
      guint8 *wanted = (guint8 *) (guintptr) place;
      guint8 *address = mmap (wanted, size, protection, flags | MAP_FIXED_NOREPLACE, fd, 0);

      if (address == wanted)
        return address;
      if (address != MAP_FAILED) /* kernels before 4.17 take the address for a hint */
        munmap (address, size);
      else if (errno != EEXIST)
        break;
    }
  return NULL;
}

static guint8 *
set_error (GError **error, guint64 size)
{
  g_set_error (error,
               VMM_ERROR,
               errno == ENOMEM ? VMM_ERROR_INVALID_MEMORY_SIZE : VMM_ERROR_HOST,
               "memory-size %" G_GUINT64_FORMAT " is more than this host can map: %s",
               size,
               g_strerror (errno));
  return NULL;
}

static guint8 *
map_inside_larger (guint64 size, int protection, int flags, int fd, GError **error)
{
  const guint64 larger = size + VMM_MEMORY_PLACE_ALIGNMENT;
  guint8 *taken = mmap (NULL, larger, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  guint64 before;

  if (taken == MAP_FAILED)
    return set_error (error, size);
  before = -(guintptr) taken % VMM_MEMORY_PLACE_ALIGNMENT;
  if (mmap (taken + before, size, protection, flags | MAP_FIXED, fd, 0) == MAP_FAILED)
    {
      set_error (error, size);
      munmap (taken, larger);
      return NULL;
    }
  if (before > 0)
    munmap (taken, before);
  munmap (taken + before + size, larger - before - size);
  return taken + before;
}

guint8 *
vmm_memory_place_map (guint64 size, int protection, int flags, int fd, GError **error)
{
  guint8 *address = map_by_guess (size, protection, flags | MAP_NORESERVE, fd);

  return address != NULL ? address : map_inside_larger (size, protection, flags | MAP_NORESERVE, fd, error);
}
