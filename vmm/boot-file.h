/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boot-file.h: kernel and initrd files, as hostile bytes (private) */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

/**
 * VmmBootFile: a regular, non-empty file, open for reading.
 *
 * @role and @path are what error messages call it; @invalid is the error code of what is wrong with its content.
 */
typedef struct
{
  const char *role; /* "kernel" or "initrd" */
  char *path;
  VmmError invalid;
  int fd;
  guint64 size; /* bytes, when it was opened */
} VmmBootFile;

/**
 * vmm_boot_file_open:
 * @role: static string
 *
 * Errors: NO_SUCH_FILE, NOT_AUTHORIZED, and @invalid for what is not a file or is empty.
 */
VmmBootFile *vmm_boot_file_open (const char *role, const char *path, VmmError invalid, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;
void vmm_boot_file_free (VmmBootFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmBootFile, vmm_boot_file_free)

/**
 * vmm_boot_file_read:
 * @what: what lies there, for the message: "setup header"
 *
 * Reads exactly @length bytes. Errors: @invalid of the file if it is too short, HOST.
 */
gboolean vmm_boot_file_read (const VmmBootFile *file,
                             const char *what,
                             guint64 offset,
                             gpointer buffer,
                             gsize length,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_boot_file_contains: whether the range lies in the file. No @offset or @length overflows it. */
gboolean vmm_boot_file_contains (const VmmBootFile *file, guint64 offset, guint64 length);

/** vmm_boot_file_error: (transfer full): of the file's code; role and path come before the message. */
GError *vmm_boot_file_error (const VmmBootFile *file, const char *format, ...) G_GNUC_PRINTF (2, 3);

/** vmm_boot_file_reject: `return vmm_boot_file_reject (file, error, "is empty");` fails with such an error. */
#define vmm_boot_file_reject(file, error, ...)                                                               \
  (g_propagate_error ((error), vmm_boot_file_error ((file), __VA_ARGS__)), FALSE)

G_END_DECLS
