/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the tables as an operating system would: from the root pointer down, by the offsets of the specification. */

#include "config.h"
#include "vmm/acpi.h"

#include <string.h>

static const VmmDeviceType serial_type = {
  .name = "serial",
  .regions = { { VMM_SPACE_PIO, 0x3f8, 8 } },
  .irq = 4,
  .acpi_name = "COM1",
  .acpi_hid = "PNP0501",
};
static const VmmDeviceType second_serial_type = {
  .name = "second-serial",
  .regions = { { VMM_SPACE_PIO, 0x2f8, 8 } },
  .irq = 3,
  .acpi_name = "COM2",
  .acpi_hid = "PNP0501",
};
static const VmmDeviceType rtc_type = {
  .name = "rtc",
  .regions = { { VMM_SPACE_PIO, 0x70, 2 } },
  .acpi_name = "RTC0",
  .acpi_hid = "PNP0B00",
};
static const VmmDeviceType hidden_type = { .name = "hidden", .regions = { { VMM_SPACE_PIO, 0x600, 8 } } };

static const VmmDeviceType *const types[] = {
  &serial_type, &hidden_type, &rtc_type, &second_serial_type, NULL,
};

typedef struct
{
  guint8 bytes[0x20000]; /* from the root pointer to 1 MiB */
} Tables;

static VmmMemory *
new_memory (void)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (GError) error = NULL;
  VmmMemory *memory;

  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  return memory;
}

static Tables *
write_tables_of (guint vp_count, const VmmDeviceType *const *described)
{
  g_autoptr (VmmMemory) memory = new_memory ();
  g_autoptr (GError) error = NULL;
  Tables *tables = g_new (Tables, 1);

  g_assert_true (vmm_acpi_write (memory, vp_count, described, &error));
  g_assert_no_error (error);
  g_assert_true (vmm_memory_read (memory, VMM_ACPI_RSDP_GPA, tables->bytes, sizeof tables->bytes, &error));
  return tables;
}

static Tables *
write_tables (guint vp_count)
{
  return write_tables_of (vp_count, types);
}

static guint64
get (const guint8 *table, gsize offset, gsize size)
{
  guint64 value = 0;

  memcpy (&value, table + offset, size);
  return value;
}

static const guint8 *
at (const Tables *tables, guint64 gpa)
{
  g_assert_cmphex (gpa, >, VMM_ACPI_RSDP_GPA);
  g_assert_cmphex (gpa, <, 0x100000);
  return tables->bytes + (gpa - VMM_ACPI_RSDP_GPA);
}

static guint8
sum (const guint8 *bytes, gsize length)
{
  guint8 total = 0;

  for (gsize i = 0; i < length; i++)
    total = (guint8) (total + bytes[i]);
  return total;
}

static const guint8 *
checked_table (const Tables *tables, guint64 gpa, const char *signature)
{
  const guint8 *table = at (tables, gpa);
  gsize length = get (table, 4, 4);

  g_assert_cmpmem (table, 4, signature, 4);
  g_assert_cmpuint (length, <=, sizeof tables->bytes - (gsize) (table - tables->bytes));
  g_assert_cmpuint (sum (table, length), ==, 0);
  return table;
}

static const guint8 *
find_table (const Tables *tables, const char *signature)
{
  const guint8 *xsdt = checked_table (tables, get (tables->bytes, 24, 8), "XSDT");

  for (gsize offset = 36; offset < get (xsdt, 4, 4); offset += 8)
    {
      const guint8 *table = at (tables, get (xsdt, offset, 8));

      if (memcmp (table, signature, 4) == 0)
        return checked_table (tables, get (xsdt, offset, 8), signature);
    }
  g_assert_not_reached ();
}

static void
test_root_pointer (void)
{
  g_autofree Tables *tables = write_tables (1);
  const guint8 *rsdp = tables->bytes;

  g_assert_cmpmem (rsdp, 8, "RSD PTR ", 8);
  g_assert_cmpuint (sum (rsdp, 20), ==, 0);
  g_assert_cmpuint (rsdp[15], ==, 2);
  g_assert_cmpuint (get (rsdp, 16, 4), ==, 0);
  g_assert_cmpuint (get (rsdp, 20, 4), ==, 36);
  g_assert_cmpuint (sum (rsdp, 36), ==, 0);
}

static void
test_fadt (void)
{
  g_autofree Tables *tables = write_tables (1);
  const guint8 *fadt = find_table (tables, "FACP");

  g_assert_cmpuint (get (fadt, 4, 4), ==, 276);
  g_assert_cmpuint (fadt[8], ==, 6);
  checked_table (tables, get (fadt, 40, 4), "DSDT");
  g_assert_cmphex (get (fadt, 140, 8), ==, get (fadt, 40, 4));
  g_assert_cmpuint (get (fadt, 46, 2), ==, 9);
  g_assert_cmpuint (get (fadt, 48, 4), ==, 0);
  g_assert_cmphex (get (fadt, 56, 4), ==, 0x600);
  g_assert_cmphex (get (fadt, 64, 4), ==, 0x604);
  g_assert_cmpuint (get (fadt, 76, 4), ==, 0); /* no PM timer */
  g_assert_cmpuint (fadt[88], ==, 4);
  g_assert_cmpuint (fadt[89], ==, 2);
  g_assert_cmpuint (get (fadt, 80, 4), ==, 0); /* no general-purpose events */
  g_assert_cmphex (fadt[108], ==, 0x32);
  g_assert_cmphex (get (fadt, 109, 2), ==, 0x5);           /* legacy devices, no 8042, no VGA */
  g_assert_cmphex (get (fadt, 112, 4) & (1 << 4), ==, 0);  /* fixed power button */
  g_assert_cmphex (get (fadt, 112, 4) & (1 << 10), !=, 0); /* reset register */
  g_assert_cmphex (get (fadt, 112, 4) & (1 << 20), ==, 0); /* not hardware-reduced */
  g_assert_cmpmem (fadt + 116, 13, "\1\10\0\1\144\0\0\0\0\0\0\0\376", 13);
  g_assert_cmpmem (fadt + 148, 12, "\1\40\0\2\0\6\0\0\0\0\0\0", 12);
  g_assert_cmpmem (fadt + 172, 12, "\1\20\0\2\4\6\0\0\0\0\0\0", 12);
}

static void
test_facs (void)
{
  g_autofree Tables *tables = write_tables (1);
  guint64 gpa = get (find_table (tables, "FACP"), 36, 4);
  const guint8 *facs = at (tables, gpa);

  g_assert_cmpmem (facs, 4, "FACS", 4);
  g_assert_cmpuint (get (facs, 4, 4), ==, 64);
  g_assert_cmphex (gpa % 64, ==, 0);
}

static void
test_madt_lists_all_vps (void)
{
  static const guint counts[] = { 1, 2, 64 };

  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autofree Tables *tables = write_tables (counts[i]);
      const guint8 *madt = find_table (tables, "APIC");
      const guint8 *entry = madt + 44;

      g_assert_cmphex (get (madt, 36, 4), ==, 0xfee00000);
      g_assert_cmpuint (get (madt, 40, 4), ==, 1);
      for (guint vp = 0; vp < counts[i]; vp++, entry += 8)
        {
          const guint8 expected[8] = { 0, 8, (guint8) vp, (guint8) vp, 1 };

          g_assert_cmpmem (entry, 8, expected, 8);
        }
      g_assert_cmpmem (entry, 12, "\1\14\0\0\0\0\300\376\0\0\0\0", 12); /* I/O APIC at 0xfec00000 */
      g_assert_cmpmem (entry + 12, 10, "\2\12\0\11\11\0\0\0\15\0", 10); /* ISA 9: GSI 9, level, active high */
      g_assert_cmpmem (entry + 22, 6, "\4\6\377\0\0\1", 6);             /* NMI on LINT1 of all */
      g_assert_true (entry + 28 == madt + get (madt, 4, 4));
    }
}

/* the content of a block at *@aml, which is moved behind it */
static const guint8 *
enter_block (const guint8 **aml, const guint8 **end)
{
  const guint8 *start = *aml;
  gsize extra = start[0] >> 6;
  gsize length = extra == 0 ? start[0] : start[0] & 0xf;

  for (gsize i = 1; i <= extra; i++)
    length |= (gsize) start[i] << (8 * i - 4);
  *end = start + length;
  *aml = *end;
  return start + 1 + extra;
}

static const guint8 *
skip_object (const guint8 *aml)
{
  const guint8 *end;

  switch (*aml++)
    {
    case 0x00:
    case 0x01:
      return aml;
    case 0x0a:
      return aml + 1;
    case 0x0b:
      return aml + 2;
    case 0x0c:
      return aml + 4;
    case 0x0d:
      return aml + strlen ((const char *) aml) + 1;
    case 0x11:
    case 0x12:
      enter_block (&aml, &end);
      return aml;
    default:
      g_assert_not_reached ();
    }
}

/* walks the objects in one block: @name's value, or NULL; @visited counts devices */
static const guint8 *
find_name (const guint8 *aml, const guint8 *end, const char *name)
{
  const guint8 *found = NULL;

  while (aml < end)
    {
      g_assert_cmphex (*aml, ==, 0x08);
      if (memcmp (aml + 1, name, 4) == 0)
        found = aml + 5;
      aml = skip_object (aml + 5);
    }
  g_assert_true (aml == end);
  return found;
}

/* walks all of the DSDT; returns the content of @device, and how many devices there are */
static const guint8 *
find_device (const Tables *tables, const char *device, const guint8 **device_end, guint *n_devices)
{
  const guint8 *dsdt = at (tables, get (find_table (tables, "FACP"), 40, 4));
  const guint8 *dsdt_end = dsdt + get (dsdt, 4, 4);
  const guint8 *found = NULL;
  const guint8 *aml = dsdt + 36, *scope_end;

  g_assert_cmpmem (aml, 6, "\10\\_S5_", 6);
  g_assert_cmpmem (aml + 6, 8, "\22\7\4\12\5\0\0\0", 8);
  aml = skip_object (aml + 6);
  g_assert_cmphex (*aml++, ==, 0x10);
  aml = enter_block (&aml, &scope_end);
  g_assert_true (scope_end == dsdt_end);
  g_assert_cmpmem (aml, 5, "\\_SB_", 5);
  *n_devices = 0;
  for (aml += 5; aml < scope_end; ++*n_devices)
    {
      const guint8 *content, *content_end;

      g_assert_cmpmem (aml, 2, "\133\202", 2);
      aml += 2;
      content = enter_block (&aml, &content_end);
      find_name (content + 4, content_end, "_HID");
      if (memcmp (content, device, 4) == 0)
        {
          found = content + 4;
          *device_end = content_end;
        }
    }
  g_assert_true (aml == scope_end);
  return found;
}

static void
test_dsdt_describes_devices (void)
{
  static const guint8 resources[] = {
    0x11, 16, 0x0a, 13, 0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8, 0x22, 0x10, 0, 0x79, 0,
  };
  g_autofree Tables *tables = write_tables (2);
  const guint8 *end = NULL;
  guint n_devices;
  const guint8 *com1 = find_device (tables, "COM1", &end, &n_devices);

  g_assert_cmpuint (n_devices, ==, 2 + 3); /* the one without a name is not listed */
  g_assert_nonnull (com1);
  g_assert_cmpmem (find_name (com1, end, "_HID"), 5, "\14\101\320\5\1", 5);
  g_assert_cmpmem (find_name (com1, end, "_UID"), 1, "\0", 1);
  g_assert_cmpmem (find_name (com1, end, "_STA"), 2, "\12\17", 2);
  g_assert_cmpmem (find_name (com1, end, "_CRS"), sizeof resources, resources, sizeof resources);
}

static void
test_dsdt_device_without_interrupt (void)
{
  static const guint8 resources[] = { 0x11, 13, 0x0a, 10, 0x47, 1, 0x70, 0, 0x70, 0, 1, 2, 0x79, 0 };
  g_autofree Tables *tables = write_tables (1);
  const guint8 *end = NULL;
  guint n_devices;
  const guint8 *rtc = find_device (tables, "RTC0", &end, &n_devices);

  g_assert_nonnull (rtc);
  g_assert_cmpmem (find_name (rtc, end, "_CRS"), sizeof resources, resources, sizeof resources);
}

static void
test_dsdt_numbers_devices_of_one_kind (void)
{
  g_autofree Tables *tables = write_tables (1);
  const guint8 *end = NULL;
  guint n_devices;
  const guint8 *com2 = find_device (tables, "COM2", &end, &n_devices);

  g_assert_nonnull (com2);
  g_assert_cmpmem (find_name (com2, end, "_UID"), 1, "\1", 1);
}

static void
test_dsdt_lists_all_vps (void)
{
  g_autofree Tables *tables = write_tables (64);
  const guint8 *end = NULL;
  guint n_devices;
  const guint8 *last = find_device (tables, "C03F", &end, &n_devices);

  g_assert_cmpuint (n_devices, ==, 64 + 3);
  g_assert_nonnull (last);
  g_assert_cmpmem (find_name (last, end, "_HID"),
                   10,
                   "\15"
                   "ACPI0007",
                   10);
  g_assert_cmpmem (find_name (last, end, "_UID"), 2, "\12\77", 2);
}

/* not called */
static void
ignore_generation_change (VmmDevice *device)
{
}

static void
assert_dsdt_has (const Tables *tables, gconstpointer bytes, gsize length)
{
  const guint8 *dsdt = at (tables, get (find_table (tables, "FACP"), 40, 4));

  g_assert_nonnull (memmem (dsdt, get (dsdt, 4, 4), bytes, length));
}

static void
test_dsdt_event_notifies_its_device (void)
{
  static const VmmDeviceType event_type = {
    .name = "event",
    .irq = 23,
    .acpi_name = "EVT0",
    .acpi_hid = "OVMM0001",
    .acpi_compatible_ids = { "Some_Long_Name", "PNP0501" },
    .acpi_event = TRUE,
    .generation_changed = ignore_generation_change,
  };
  static const VmmDeviceType *const event_types[] = { &serial_type, &event_type, NULL };
  static const char compatible[] = "\10_CID\22\27\2\15Some_Long_Name\0\14\101\320\5\1";
  static const char address[] = "\10ADDR\22\10\2\14\0\360\16\0\0";
  static const char no_resources[] = "\10_CRS\21\5\12\2\171\0";
  static const char event_resources[] = "\10_CRS\21\16\12\13\211\6\0\3\1\27\0\0\0\171\0";
  static const char method[] = "\24\23_EVT\11\240\14\223\150\12\27\206EVT0\12\200";
  g_autofree Tables *tables = write_tables_of (1, event_types);
  g_autofree Tables *without = write_tables (1);
  const guint8 *dsdt = at (without, get (find_table (without, "FACP"), 40, 4));

  assert_dsdt_has (tables, compatible, sizeof compatible - 1);
  assert_dsdt_has (tables, address, sizeof address - 1);
  assert_dsdt_has (tables, no_resources, sizeof no_resources - 1);
  assert_dsdt_has (tables, "ACPI0013", 9);
  assert_dsdt_has (tables, event_resources, sizeof event_resources - 1);
  assert_dsdt_has (tables, method, sizeof method - 1);
  g_assert_null (memmem (dsdt, get (dsdt, 4, 4), "ACPI0013", 8));
}

static void
test_describes_every_real_device (void)
{
  g_autoptr (VmmMemory) memory = new_memory ();
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_acpi_write (memory, 1, vmm_device_types, &error));
  g_assert_no_error (error);
}

static void
test_rejects_region_without_description (void)
{
  static const VmmRegion regions[] = {
    { VMM_SPACE_PIO, 0x100, 256 },
    { VMM_SPACE_PIO, 0xffff, 2 },
    { VMM_SPACE_MMIO, 0xfffff000, 0x1001 },
    { VMM_SPACE_MMIO, 1ull << 40, 0x1000 },
    { VMM_SPACE_MMIO, 0xd0000000, 1ull << 32 },
    { VMM_SPACE_MMIO, G_MAXUINT64, 2 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (regions); i++)
    {
      const VmmDeviceType type = { .name = "odd", .regions = { regions[i] }, .acpi_name = "ODD0" };
      const VmmDeviceType *const odd_types[] = { &type, NULL };
      g_autoptr (VmmMemory) memory = new_memory ();
      g_autoptr (GError) error = NULL;

      g_assert_false (vmm_acpi_write (memory, 1, odd_types, &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_NOT_SUPPORTED);
      g_assert_nonnull (strstr (error->message, "device odd: "));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/vmm/acpi/" name, function)
  ADD ("root-pointer", test_root_pointer);
  ADD ("fadt", test_fadt);
  ADD ("facs", test_facs);
  ADD ("madt-lists-all-vps", test_madt_lists_all_vps);
  ADD ("dsdt-describes-devices", test_dsdt_describes_devices);
  ADD ("dsdt-device-without-interrupt", test_dsdt_device_without_interrupt);
  ADD ("dsdt-numbers-devices-of-one-kind", test_dsdt_numbers_devices_of_one_kind);
  ADD ("dsdt-lists-all-vps", test_dsdt_lists_all_vps);
  ADD ("dsdt-event-notifies-its-device", test_dsdt_event_notifies_its_device);
  ADD ("describes-every-real-device", test_describes_every_real_device);
  ADD ("rejects-region-without-description", test_rejects_region_without_description);
#undef ADD
  return g_test_run ();
}
