/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boot-bzimage.h: the Linux boot protocol, 64-bit (private) */

#pragma once

#include "vmm/boot-file.h"
#include "vmm/boot-image.h"

G_BEGIN_DECLS

/** vmm_boot_bzimage_probe: whether @file has the mark of a Linux setup header, sound or not. */
gboolean vmm_boot_bzimage_probe (const VmmBootFile *file);

/**
 * vmm_boot_bzimage_parse:
 * @image: (out caller-allocates): undefined on failure
 *
 * Reads the setup header and nothing else; every byte is hostile.
 *
 * Errors: INVALID_KERNEL, HOST. Spec: Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
 */
gboolean vmm_boot_bzimage_parse (const VmmBootFile *file,
                                 VmmBootImage *image,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_boot_bzimage_write_zero_page:
 *
 * Errors: BAD_ADDRESS. Spec: Linux, Documentation/arch/x86/zero-page.rst.
 */
gboolean vmm_boot_bzimage_write_zero_page (const VmmBootImage *image,
                                           const VmmBootParameters *parameters,
                                           VmmMemory *memory,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
