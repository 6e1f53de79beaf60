/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* acpi.h: the tables by which the guest finds VPs and devices (private) */

#pragma once

#include "vmm/device.h"
#include "vmm/memory.h"

G_BEGIN_DECLS

#define VMM_ACPI_RSDP_GPA 0xe0000ull /* the BIOS area that firmware-less guests search, too */

/*
 * Where the 16 bytes of the generation ID lie: in a page of their own behind the tables, which the memory map
 * reserves, and where no guest looks for anything else.
 */
#define VMM_ACPI_GENERATION_ID_GPA 0xef000ull

/**
 * vmm_acpi_write:
 * @types: (array zero-terminated=1): devices; those with an acpi_name are described in the DSDT
 *
 * Writes RSDP, XSDT, FADT, MADT and DSDT between 0xe0000 and 0xef000.
 *
 * Spec: ACPI 6.5, section 5.2.
 */
gboolean vmm_acpi_write (VmmMemory *memory, guint vp_count, const VmmDeviceType *const *types, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
