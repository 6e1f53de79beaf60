/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boot.h: kernels and how they are entered (private) */

#pragma once

#include "vmm/memory.h"

G_BEGIN_DECLS

typedef struct _VmmBoot VmmBoot;

typedef enum
{
  VMM_BOOT_LONG_MODE = 1, /* Linux 64-bit boot protocol: paging on, RSI = zero page */
  VMM_BOOT_PVH,           /* 32-bit protected mode, paging off, EBX = start_info */
} VmmBootMode;

/** VmmBootEntry: how the first VP starts; the machine turns it into registers. */
typedef struct
{
  VmmBootMode mode;
  guint64 rip;
  guint64 rsi;
  guint64 rbx;
  guint64 rsp;
  guint64 cr3;
  guint64 gdt_base; /* the table is in guest memory: null, null, code, data, TSS at index 4 */
  guint gdt_limit;
} VmmBootEntry;

/**
 * vmm_boot_open:
 *
 * Opens kernel and initrd of @config and checks all of their headers, and that everything fits into
 * its RAM, before there is any RAM.
 *
 * Errors: NO_SUCH_FILE, INVALID_KERNEL, INVALID_INITRD, INVALID_CMDLINE; each names the file, what was found
 * and what is needed.
 */
VmmBoot *vmm_boot_open (const VmmConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_boot_free (VmmBoot *boot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmBoot, vmm_boot_free)

/**
 * vmm_boot_load:
 * @rsdp: guest-physical address of the ACPI root pointer, 0 for none
 * @entry: (out caller-allocates)
 *
 * Loads kernel, initrd, command line, memory map, page tables and descriptor table.
 */
gboolean vmm_boot_load (VmmBoot *boot, VmmMemory *memory, guint64 rsdp, VmmBootEntry *entry, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
