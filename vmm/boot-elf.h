/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boot-elf.h: ELF kernels with the PVH entry (private) */

#pragma once

#include "vmm/boot-file.h"
#include "vmm/boot-image.h"

G_BEGIN_DECLS

/** vmm_boot_elf_probe: whether @file has the mark of an ELF file, of any class. */
gboolean vmm_boot_elf_probe (const VmmBootFile *file);

/**
 * vmm_boot_elf_parse:
 * @image: (out caller-allocates): undefined on failure
 *
 * Reads the headers and notes; every byte is hostile.
 *
 * Errors: INVALID_KERNEL, HOST. Spec: Xen, docs/misc/pvh.pandoc, and XEN_ELFNOTE_PHYS32_ENTRY in
 * xen/include/public/elfnote.h.
 */
gboolean vmm_boot_elf_parse (const VmmBootFile *file,
                             VmmBootImage *image,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** VmmStartInfo: what EBX points at. Spec: struct hvm_start_info in xen/include/public/arch-x86/hvm/start_info.h */
typedef struct
{
  guint32 magic;
  guint32 version;
  guint32 flags;
  guint32 n_modules;
  guint64 module_list_gpa;
  guint64 cmdline_gpa;
  guint64 rsdp_gpa;
  guint64 memory_map_gpa; /* from version 1 on */
  guint32 n_memory_map;
  guint32 reserved;
} VmmStartInfo;

#define VMM_START_INFO_MAGIC 0x336ec578u /* "xEn3" with the top bit of the E set */
#define VMM_START_INFO_VERSION 1u

/** VmmStartModule: an entry of the module list; the first is the initrd. */
typedef struct
{
  guint64 gpa;
  guint64 length;
  guint64 cmdline_gpa;
  guint64 reserved;
} VmmStartModule;

/** VmmStartRange: an entry of the memory map. */
typedef struct
{
  guint64 gpa;
  guint64 length;
  guint32 type;
  guint32 reserved;
} VmmStartRange;

/** vmm_boot_elf_write_start_info: Errors: BAD_ADDRESS. */
gboolean vmm_boot_elf_write_start_info (const VmmBootParameters *parameters,
                                        VmmMemory *memory,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
