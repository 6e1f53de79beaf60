/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boot-layout.h: what lies where in the guest's first MiB before it starts (private) */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Guest-physical addresses. The guest may reuse all of it once it has read it. */
#define VMM_BOOT_GDT_GPA 0x500ull               /* six entries */
#define VMM_BOOT_START_INFO_GPA 0x6000ull       /* PVH only */
#define VMM_BOOT_MODULE_LIST_GPA 0x6040ull      /* PVH only: one module, the initrd */
#define VMM_BOOT_MEMORY_MAP_GPA 0x6080ull       /* PVH only */
#define VMM_BOOT_ZERO_PAGE_GPA 0x7000ull        /* Linux only: struct boot_params */
#define VMM_BOOT_STACK_GPA 0x9000ull            /* grows down from here to the zero page's end */
#define VMM_BOOT_PML4_GPA 0x9000ull             /* Linux only: the first 4 GiB in pages of 2 MiB */
#define VMM_BOOT_PDPT_GPA 0xa000ull             /* Linux only */
#define VMM_BOOT_PAGE_DIRECTORIES_GPA 0xb000ull /* Linux only: four */
#define VMM_BOOT_CMDLINE_GPA 0x20000ull         /* VMM_BOOT_CMDLINE_MAX bytes and a NUL */
#define VMM_BOOT_LOW_RAM_END 0x9fc00ull /* where a PC keeps its extended BIOS data: reserved from here */
#define VMM_BOOT_KERNEL_GPA 0x100000ull /* kernel and initrd lie above */

G_END_DECLS
