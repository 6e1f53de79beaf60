/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables describe a machine without firmware: always in ACPI mode (no SMI port), with the PC's interrupt
 * controllers as KVM makes them, power management by two fixed registers and a power button, and no PCI.
 *
 * What the choices buy a Linux guest: no probing for a keyboard controller or a VGA card (IAPC_BOOT_ARCH), no PM timer
 * as a clock source that would cost an exit a read, and a reboot by one write to the port that PCs have always used.
 */

#include "config.h"
#include "vmm/acpi.h"

#include "vmm/acpi-tables.h"
#include "vmm/aml.h"

#include <string.h>

#define ACPI_END_GPA VMM_ACPI_GENERATION_ID_GPA
#define TABLE_ALIGNMENT 64u /* what the FACS needs; the others take less */

#define LOCAL_APIC_GPA 0xfee00000u
#define IO_APIC_GPA 0xfec00000u

#define SCI_IRQ 9
#define NOTIFY_DEVICE_SPECIFIC 0x80 /* the first of the events that each kind of device has for itself */
#define PM1_EVENT_PORT 0x600
#define PM1_EVENT_LENGTH 4
#define PM1_CONTROL_PORT 0x604
#define PM1_CONTROL_LENGTH 2
#define RESET_PORT 0x64
#define RESET_VALUE 0xfe /* "pulse the reset line" of the keyboard controller */
#define SLEEP_TYPE_S5 5
#define CMOS_CENTURY 0x32

/* where the next table goes */
typedef struct
{
  VmmMemory *memory;
  guint64 next;
} AcpiWriter;

static guint8
checksum (gconstpointer data, gsize length)
{
  const guint8 *bytes = data;
  guint8 sum = 0;

  for (gsize i = 0; i < length; i++)
    sum = (guint8) (sum + bytes[i]);
  return (guint8) -sum;
}

static gboolean
write_bytes (AcpiWriter *writer, gconstpointer data, gsize length, guint64 *gpa, GError **error)
{
  guint64 start = writer->next;

  if (length > ACPI_END_GPA - start)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_LIMIT_EXCEEDED,
                   "the ACPI tables need %zu bytes from 0x%" G_GINT64_MODIFIER
                   "x on, but must end below 0x%llx",
                   length,
                   start,
                   ACPI_END_GPA);
      return FALSE;
    }
  if (!vmm_memory_write (writer->memory, start, data, length, error))
    return FALSE;
  writer->next = MIN ((start + length + TABLE_ALIGNMENT - 1) & ~(guint64) (TABLE_ALIGNMENT - 1), ACPI_END_GPA);
  *gpa = start;
  return TRUE;
}

/* @data starts with a header of which only signature and revision are filled in */
static gboolean
write_table (AcpiWriter *writer, gpointer data, gsize length, guint64 *gpa, GError **error)
{
  AcpiHeader *header = data;

  header->length = (guint32) length;
  memcpy (header->oem_id, "OPNVMM", sizeof header->oem_id);
  memcpy (header->oem_table_id, "OPENVMM ", sizeof header->oem_table_id);
  header->oem_revision = 1;
  memcpy (header->creator_id, "OVMM", sizeof header->creator_id);
  header->creator_revision = 1;
  header->checksum = 0;
  header->checksum = checksum (data, length);
  return write_bytes (writer, data, length, gpa, error);
}

static GByteArray *
new_table (const char *signature, guint8 revision)
{
  GByteArray *table = g_byte_array_new ();
  AcpiHeader header = { .revision = revision };

  memcpy (header.signature, signature, sizeof header.signature);
  g_byte_array_append (table, (const guint8 *) &header, sizeof header);
  return table;
}

static gboolean
describe_region (VmmAml *aml, const VmmDeviceType *type, const VmmRegion *region, GError **error)
{
  if (region->space == VMM_SPACE_PIO && region->length <= G_MAXUINT8 &&
      region->base <= G_MAXUINT16 + 1 - region->length)
    {
      vmm_aml_resource_io (aml, (guint16) region->base, (guint8) region->length);
      return TRUE;
    }
  if (region->space == VMM_SPACE_MMIO && region->length <= G_MAXUINT32 &&
      region->base <= G_MAXUINT32 + 1ull - region->length)
    {
      vmm_aml_resource_memory (aml, (guint32) region->base, (guint32) region->length);
      return TRUE;
    }
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_NOT_SUPPORTED,
               "device %s: a region of 0x%" G_GINT64_MODIFIER "x bytes at 0x%" G_GINT64_MODIFIER
               "x has no ACPI description; at most 255 ports, or memory below 4 GiB",
               type->name,
               region->length,
               region->base);
  return FALSE;
}

/* how many devices before @index in the list have the same hardware ID */
static guint
unique_id (const VmmDeviceType *const *types, gsize index)
{
  guint uid = 0;

  for (gsize i = 0; i < index; i++)
    if (types[i]->acpi_name != NULL && g_strcmp0 (types[i]->acpi_hid, types[index]->acpi_hid) == 0)
      uid++;
  return uid;
}

static void
describe_compatible_ids (VmmAml *aml, const VmmDeviceType *type)
{
  guint n = 0;

  while (n < VMM_DEVICE_COMPATIBLE_IDS_MAX && type->acpi_compatible_ids[n] != NULL)
    n++;
  if (n == 0)
    return;
  vmm_aml_name (aml, "_CID");
  vmm_aml_begin_package (aml, (guint8) n);
  for (guint i = 0; i < n; i++)
    vmm_aml_hardware_id (aml, type->acpi_compatible_ids[i]);
  vmm_aml_end (aml);
}

static void
describe_generation_id (VmmAml *aml)
{
  vmm_aml_name (aml, "ADDR");
  vmm_aml_begin_package (aml, 2);
  vmm_aml_integer (aml, VMM_ACPI_GENERATION_ID_GPA & G_MAXUINT32);
  vmm_aml_integer (aml, VMM_ACPI_GENERATION_ID_GPA >> 32);
  vmm_aml_end (aml);
}

static gboolean
describe_device (VmmAml *aml, const VmmDeviceType *const *types, gsize index, GError **error)
{
  const VmmDeviceType *type = types[index];

  vmm_aml_begin_device (aml, type->acpi_name);
  if (type->acpi_hid != NULL)
    {
      vmm_aml_name (aml, "_HID");
      vmm_aml_hardware_id (aml, type->acpi_hid);
      vmm_aml_name (aml, "_UID");
      vmm_aml_integer (aml, unique_id (types, index));
    }
  describe_compatible_ids (aml, type);
  if (type->generation_changed != NULL)
    describe_generation_id (aml);
  vmm_aml_name (aml, "_STA");
  vmm_aml_integer (aml, 0xf); /* present, enabled, shown, working */
  vmm_aml_name (aml, "_CRS");
  vmm_aml_begin_resources (aml);
  for (guint i = 0; i < VMM_DEVICE_REGIONS_MAX && type->regions[i].length != 0; i++)
    if (!describe_region (aml, type, &type->regions[i], error))
      return FALSE;
  if (type->irq != 0 && !type->acpi_event)
    vmm_aml_resource_irq (aml, type->irq, type->irq_level);
  vmm_aml_end (aml);
  vmm_aml_end (aml);
  return TRUE;
}

static gboolean
has_event (const VmmDeviceType *type)
{
  return type->acpi_name != NULL && type->acpi_event && type->irq != 0;
}

/* The device that takes the interrupts of those which have no driver of their own: ACPI 6.5, section 5.6.9. */
static void
describe_events (VmmAml *aml, const VmmDeviceType *const *types)
{
  vmm_aml_begin_device (aml, "GED0");
  vmm_aml_name (aml, "_HID");
  vmm_aml_hardware_id (aml, "ACPI0013");
  vmm_aml_name (aml, "_UID");
  vmm_aml_integer (aml, 0);
  vmm_aml_name (aml, "_CRS");
  vmm_aml_begin_resources (aml);
  for (gsize i = 0; types[i] != NULL; i++)
    if (has_event (types[i]))
      vmm_aml_resource_irq (aml, types[i]->irq, types[i]->irq_level);
  vmm_aml_end (aml);
  vmm_aml_begin_method (aml, "_EVT", 1);
  for (gsize i = 0; types[i] != NULL; i++)
    if (has_event (types[i]))
      {
        vmm_aml_begin_if_first_argument_is (aml, types[i]->irq);
        vmm_aml_notify (aml, types[i]->acpi_name, NOTIFY_DEVICE_SPECIFIC);
        vmm_aml_end (aml);
      }
  vmm_aml_end (aml);
  vmm_aml_end (aml);
}

static gboolean
any_has_event (const VmmDeviceType *const *types)
{
  for (gsize i = 0; types[i] != NULL; i++)
    if (has_event (types[i]))
      return TRUE;
  return FALSE;
}

static void
describe_processors (VmmAml *aml, guint vp_count)
{
  for (guint i = 0; i < vp_count; i++)
    {
      g_autofree char *name = g_strdup_printf ("C%03X", i);

      vmm_aml_begin_device (aml, name);
      vmm_aml_name (aml, "_HID");
      vmm_aml_hardware_id (aml, "ACPI0007");
      vmm_aml_name (aml, "_UID");
      vmm_aml_integer (aml, i);
      vmm_aml_end (aml);
    }
}

static gboolean
write_dsdt (AcpiWriter *writer, guint vp_count, const VmmDeviceType *const *types, guint64 *gpa, GError **error)
{
  g_autoptr (VmmAml) aml = vmm_aml_new ();
  g_autoptr (GByteArray) body = NULL;
  g_autoptr (GByteArray) table = new_table ("DSDT", 2);

  vmm_aml_name (aml, "\\_S5");
  vmm_aml_begin_package (aml, 4);
  vmm_aml_integer (aml, SLEEP_TYPE_S5);
  for (guint i = 1; i < 4; i++)
    vmm_aml_integer (aml, 0); /* no PM1b, then two reserved */
  vmm_aml_end (aml);

  vmm_aml_begin_scope (aml, "\\_SB");
  describe_processors (aml, vp_count);
  for (gsize i = 0; types[i] != NULL; i++)
    if (types[i]->acpi_name != NULL && !describe_device (aml, types, i, error))
      return FALSE;
  if (any_has_event (types))
    describe_events (aml, types);
  vmm_aml_end (aml);

  body = vmm_aml_steal (aml);
  g_byte_array_append (table, body->data, body->len);
  return write_table (writer, table->data, table->len, gpa, error);
}

/* Linux does without, but says so; the firmware's half of the global lock lives here */
static gboolean
write_facs (AcpiWriter *writer, guint64 *gpa, GError **error)
{
  AcpiFacs facs = { .signature = { 'F', 'A', 'C', 'S' }, .length = sizeof facs, .version = 2 };

  return write_bytes (writer, &facs, sizeof facs, gpa, error);
}

static AcpiAddress
io_address (guint16 port, guint8 length_bytes, guint8 access_size)
{
  return (AcpiAddress){
    .space = SPACE_SYSTEM_IO,
    .bit_width = (guint8) (8 * length_bytes),
    .access_size = access_size,
    .address = port,
  };
}

static gboolean
write_fadt (AcpiWriter *writer, guint64 dsdt, guint64 facs, guint64 *gpa, GError **error)
{
  AcpiFadt fadt = {
    .header = { .signature = { 'F', 'A', 'C', 'P' }, .revision = 6 },
    .minor_version = 5,
    .facs = (guint32) facs,
    .dsdt = (guint32) dsdt,
    .x_dsdt = dsdt,
    .sci_interrupt = SCI_IRQ,
    .pm1a_event_block = PM1_EVENT_PORT,
    .pm1_event_length = PM1_EVENT_LENGTH,
    .x_pm1a_event_block = io_address (PM1_EVENT_PORT, PM1_EVENT_LENGTH, ACCESS_WORD),
    .pm1a_control_block = PM1_CONTROL_PORT,
    .pm1_control_length = PM1_CONTROL_LENGTH,
    .x_pm1a_control_block = io_address (PM1_CONTROL_PORT, PM1_CONTROL_LENGTH, ACCESS_WORD),
    .c2_latency_usec = 0xfff, /* more than 100 and 1000 mean: no such state */
    .c3_latency_usec = 0xfff,
    .century = CMOS_CENTURY,
    .boot_architecture = BOOT_LEGACY_DEVICES | BOOT_NO_VGA,
    .flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC | FADT_RESET_REG_SUP,
    .reset_register = io_address (RESET_PORT, 1, ACCESS_BYTE),
    .reset_value = RESET_VALUE,
  };

  memcpy (&fadt.hypervisor_vendor, "OpenVMM", sizeof "OpenVMM");
  return write_table (writer, &fadt, sizeof fadt, gpa, error);
}

static gboolean
write_madt (AcpiWriter *writer, guint vp_count, guint64 *gpa, GError **error)
{
  g_autoptr (GByteArray) table = new_table ("APIC", 5);
  const guint32 fixed[] = { LOCAL_APIC_GPA, MADT_PCAT_COMPAT };
  /* KVM routes GSI 0, its timer, to pin 0: the PC's detour over pin 2 would need an override, this does not */
  const AcpiIoApic io_apic = { .type = MADT_IO_APIC, .length = sizeof io_apic, .address = IO_APIC_GPA };
  const AcpiOverride sci = {
    .type = MADT_OVERRIDE,
    .length = sizeof sci,
    .source = SCI_IRQ,
    .gsi = SCI_IRQ,
    .flags = MADT_ACTIVE_HIGH_LEVEL,
  };
  const AcpiLocalApicNmi nmi = {
    .type = MADT_LOCAL_APIC_NMI,
    .length = sizeof nmi,
    .processor_uid = MADT_ALL_PROCESSORS,
    .lint = 1,
  };

  g_byte_array_append (table, (const guint8 *) fixed, sizeof fixed);
  for (guint i = 0; i < vp_count; i++)
    {
      const AcpiLocalApic local = {
        .type = MADT_LOCAL_APIC,
        .length = sizeof local,
        .processor_uid = (guint8) i,
        .apic_id = (guint8) i,
        .flags = MADT_ENABLED,
      };

      g_byte_array_append (table, (const guint8 *) &local, sizeof local);
    }
  g_byte_array_append (table, (const guint8 *) &io_apic, sizeof io_apic);
  g_byte_array_append (table, (const guint8 *) &sci, sizeof sci);
  g_byte_array_append (table, (const guint8 *) &nmi, sizeof nmi);
  return write_table (writer, table->data, table->len, gpa, error);
}

static gboolean
write_rsdp (AcpiWriter *writer, guint64 xsdt, GError **error)
{
  AcpiRsdp rsdp = {
    .signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
    .oem_id = { 'O', 'P', 'N', 'V', 'M', 'M' },
    .revision = 2,
    .length = sizeof rsdp,
    .xsdt = xsdt,
  };

  rsdp.checksum = checksum (&rsdp, offsetof (AcpiRsdp, length));
  rsdp.extended_checksum = checksum (&rsdp, sizeof rsdp);
  return vmm_memory_write (writer->memory, VMM_ACPI_RSDP_GPA, &rsdp, sizeof rsdp, error);
}

gboolean
vmm_acpi_write (VmmMemory *memory, guint vp_count, const VmmDeviceType *const *types, GError **error)
{
  AcpiWriter writer = { .memory = memory, .next = VMM_ACPI_RSDP_GPA + TABLE_ALIGNMENT };
  g_autoptr (GByteArray) xsdt = new_table ("XSDT", 1);
  guint64 dsdt, facs, xsdt_gpa;
  guint64 entries[2];

  g_return_val_if_fail (vp_count >= 1 && vp_count <= VMM_VP_COUNT_MAX, FALSE);
  if (!write_dsdt (&writer, vp_count, types, &dsdt, error) || !write_facs (&writer, &facs, error) ||
      !write_fadt (&writer, dsdt, facs, &entries[0], error) ||
      !write_madt (&writer, vp_count, &entries[1], error))
    return FALSE;
  g_byte_array_append (xsdt, (const guint8 *) entries, sizeof entries);
  return write_table (&writer, xsdt->data, xsdt->len, &xsdt_gpa, error) &&
         write_rsdp (&writer, xsdt_gpa, error);
}
