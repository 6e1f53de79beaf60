/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* memory-file.h: the file that guest RAM lives in (private) */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

/**
 * vmm_memory_file_check_room:
 *
 * Refuses RAM that this host can never give: more than memory and swap together for `memfd` and `anonymous`, more
 * than the free space of the file system for `file`, more than a guest-physical address can name.
 *
 * Errors: INVALID_MEMORY_SIZE, NO_SPACE.
 */
gboolean vmm_memory_file_check_room (const VmmConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_memory_file_open:
 * @config: its backing is `file` or `memfd`
 *
 * Opens the file of guest RAM, locked for us. A named file is created if missing, sized if empty, never truncated;
 * it is refused if its size differs, or if somebody else holds it: a lock, a second link, or no write permission,
 * as the files of a snapshot have. Without a name the file has none, and goes with its last user.
 *
 * Errors: INVALID_MEMORY_FILE, MEMORY_FILE_IN_USE, NOT_AUTHORIZED, NO_SPACE, HOST.
 * Returns: a descriptor, or -1
 */
int vmm_memory_file_open (const VmmConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_memory_file_remove_name: unlinks @path if it still names @fd, and lets others read @fd under a shared lock. */
void vmm_memory_file_remove_name (int fd, const char *path);

G_END_DECLS
