/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * acpi-tables.h: tables as the guest reads them (private)
 *
 * Spec: ACPI 6.5, sections 5.2.3 (generic address), 5.2.5 (RSDP), 5.2.6 (header), 5.2.9 (FADT), 5.2.10 (FACS) and
 * 5.2.12 (MADT).
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ACPI_PACKED __attribute__ ((packed))

/* FADT, "Fixed ACPI Description Table Fixed Feature Flags"; clear bits say: fixed power button, not hardware-reduced */
enum
{
  FADT_WBINVD = 1 << 0,
  FADT_PROC_C1 = 1 << 2,
  FADT_SLP_BUTTON = 1 << 5, /* no fixed sleep button */
  FADT_FIX_RTC = 1 << 6,    /* no RTC wake-up status */
  FADT_RESET_REG_SUP = 1 << 10,
};

/* FADT, "IA-PC Boot Architecture Flags"; the 8042 bit stays clear: there is a reset port, not a keyboard controller */
enum
{
  BOOT_LEGACY_DEVICES = 1 << 0,
  BOOT_NO_VGA = 1 << 2,
};

enum
{
  MADT_PCAT_COMPAT = 1 << 0, /* there are 8259s, too */
  MADT_LOCAL_APIC = 0,
  MADT_IO_APIC = 1,
  MADT_OVERRIDE = 2,
  MADT_LOCAL_APIC_NMI = 4,
  MADT_ENABLED = 1 << 0,
  MADT_ACTIVE_HIGH_LEVEL = 1 | 3 << 2,
  MADT_ALL_PROCESSORS = 0xff,
};

enum
{
  SPACE_SYSTEM_IO = 1,
  ACCESS_BYTE = 1,
  ACCESS_WORD = 2,
};

typedef struct
{
  char signature[4];
  guint32 length;
  guint8 revision;
  guint8 checksum;
  char oem_id[6];
  char oem_table_id[8];
  guint32 oem_revision;
  char creator_id[4];
  guint32 creator_revision;
} ACPI_PACKED AcpiHeader;

typedef struct
{
  guint8 space;
  guint8 bit_width;
  guint8 bit_offset;
  guint8 access_size;
  guint64 address;
} ACPI_PACKED AcpiAddress;

typedef struct
{
  char signature[8];
  guint8 checksum;
  char oem_id[6];
  guint8 revision;
  guint32 rsdt;
  guint32 length;
  guint64 xsdt;
  guint8 extended_checksum;
  guint8 reserved[3];
} ACPI_PACKED AcpiRsdp;

typedef struct
{
  char signature[4];
  guint32 length;
  guint32 hardware_signature;
  guint32 waking_vector;
  guint32 global_lock;
  guint32 flags;
  guint64 x_waking_vector;
  guint8 version;
  guint8 reserved[31];
} ACPI_PACKED AcpiFacs;

typedef struct
{
  AcpiHeader header;
  guint32 facs;
  guint32 dsdt;
  guint8 reserved0;
  guint8 preferred_pm_profile;
  guint16 sci_interrupt;
  guint32 smi_command_port;
  guint8 acpi_enable;
  guint8 acpi_disable;
  guint8 s4bios_request;
  guint8 pstate_control;
  guint32 pm1a_event_block;
  guint32 pm1b_event_block;
  guint32 pm1a_control_block;
  guint32 pm1b_control_block;
  guint32 pm2_control_block;
  guint32 pm_timer_block;
  guint32 gpe0_block;
  guint32 gpe1_block;
  guint8 pm1_event_length;
  guint8 pm1_control_length;
  guint8 pm2_control_length;
  guint8 pm_timer_length;
  guint8 gpe0_length;
  guint8 gpe1_length;
  guint8 gpe1_base;
  guint8 cst_control;
  guint16 c2_latency_usec;
  guint16 c3_latency_usec;
  guint16 flush_size;
  guint16 flush_stride;
  guint8 duty_offset;
  guint8 duty_width;
  guint8 day_alarm;
  guint8 month_alarm;
  guint8 century;
  guint16 boot_architecture;
  guint8 reserved1;
  guint32 flags;
  AcpiAddress reset_register;
  guint8 reset_value;
  guint16 arm_boot_architecture;
  guint8 minor_version;
  guint64 x_facs;
  guint64 x_dsdt;
  AcpiAddress x_pm1a_event_block;
  AcpiAddress x_pm1b_event_block;
  AcpiAddress x_pm1a_control_block;
  AcpiAddress x_pm1b_control_block;
  AcpiAddress x_pm2_control_block;
  AcpiAddress x_pm_timer_block;
  AcpiAddress x_gpe0_block;
  AcpiAddress x_gpe1_block;
  AcpiAddress sleep_control;
  AcpiAddress sleep_status;
  guint64 hypervisor_vendor;
} ACPI_PACKED AcpiFadt;

typedef struct
{
  guint8 type;
  guint8 length;
  guint8 processor_uid;
  guint8 apic_id;
  guint32 flags;
} ACPI_PACKED AcpiLocalApic;

typedef struct
{
  guint8 type;
  guint8 length;
  guint8 io_apic_id;
  guint8 reserved;
  guint32 address;
  guint32 gsi_base;
} ACPI_PACKED AcpiIoApic;

typedef struct
{
  guint8 type;
  guint8 length;
  guint8 bus;
  guint8 source;
  guint32 gsi;
  guint16 flags;
} ACPI_PACKED AcpiOverride;

typedef struct
{
  guint8 type;
  guint8 length;
  guint8 processor_uid;
  guint16 flags;
  guint8 lint;
} ACPI_PACKED AcpiLocalApicNmi;

G_STATIC_ASSERT (sizeof (AcpiHeader) == 36);
G_STATIC_ASSERT (sizeof (AcpiRsdp) == 36);
G_STATIC_ASSERT (sizeof (AcpiFacs) == 64);
G_STATIC_ASSERT (sizeof (AcpiFadt) == 276);

#undef ACPI_PACKED

G_END_DECLS
