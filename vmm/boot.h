/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boot.h: kernels and how they are entered (private) */

#pragma once

#include "vmm/memory.h"

G_BEGIN_DECLS

/** VMM_BOOT_CMDLINE_MAX: bytes of the longest command line, without the NUL; Linux on x86 takes no more. */
#define VMM_BOOT_CMDLINE_MAX 2047u

typedef struct _VmmBoot VmmBoot;

typedef enum
{
  VMM_BOOT_LONG_MODE = 1, /* Linux 64-bit boot protocol: paging on, RSI = zero page */
  VMM_BOOT_PVH,           /* 32-bit protected mode, paging off, EBX = start_info */
} VmmBootMode;

/**
 * VmmBootEntry: how the first VP starts; the machine turns it into registers.
 *
 * The descriptor table is in guest memory, six entries: null, null, code (selector 0x10), data (0x18), TSS (0x20, and
 * its upper half). Segment registers are to hold the same. In the form 0xFxAA, flags F (granularity, size, long) and
 * access byte AA, all with base 0:
 *
 *                          code     data     TSS
 *   VMM_BOOT_LONG_MODE     0xa09b   0xc093   0x808b   limit 0xfffff pages each
 *   VMM_BOOT_PVH           0xc09b   0xc093   0x008b   the TSS's limit is 0x67 bytes
 */
typedef struct
{
  VmmBootMode mode;
  guint64 rip;
  guint64 rsi;
  guint64 rbx;
  guint64 rsp;
  guint64 cr3;
  guint64 gdt_base; /* the table is in guest memory: see above */
  guint gdt_limit;
} VmmBootEntry;

/**
 * vmm_boot_open:
 *
 * Opens kernel and initrd of @config and checks all of their headers, and that everything fits into
 * its RAM, before there is any RAM.
 *
 * Errors: NO_SUCH_FILE, NOT_AUTHORIZED, INVALID_KERNEL (also for RAM too small for it), INVALID_INITRD,
 * INVALID_CMDLINE, INVALID_CONFIG without a kernel, HOST; each names the file, what was found and what is needed.
 */
VmmBoot *vmm_boot_open (const VmmConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_boot_free (VmmBoot *boot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmBoot, vmm_boot_free)

/**
 * vmm_boot_load:
 * @rsdp: guest-physical address of the ACPI root pointer, 0 for none
 * @entry: (out caller-allocates)
 *
 * Loads kernel, initrd, command line, memory map, page tables and descriptor table, over whatever RAM holds. May
 * be called again, for a reboot.
 *
 * Errors: BAD_ADDRESS if @memory is smaller than the configuration said, HOST if a file cannot be read any more.
 */
gboolean vmm_boot_load (VmmBoot *boot, VmmMemory *memory, guint64 rsdp, VmmBootEntry *entry, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
