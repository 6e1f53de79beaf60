/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* memory-place.h: address space for a view of guest RAM (private) */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define VMM_MEMORY_PLACE_ALIGNMENT (1024 * 1024 * 1024ull) /* bytes */

/**
 * vmm_memory_place_map:
 * @size: bytes, a multiple of the page size
 * @protection: as of mmap(), like @flags and @fd; MAP_NORESERVE is added
 *
 * mmap() of @fd from offset 0 on, at an address that is a multiple of %VMM_MEMORY_PLACE_ALIGNMENT, where nothing else
 * is. It is taken away with munmap().
 *
 * Thread: any. Errors: INVALID_MEMORY_SIZE if the host has no address space for it; HOST.
 */
guint8 *vmm_memory_place_map (guint64 size, int protection, int flags, int fd, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
