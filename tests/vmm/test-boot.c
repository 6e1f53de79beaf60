/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/boot.h"

#include "tests/vmm/kernel-image.h"
#include "vmm/boot-elf.h"
#include "vmm/boot-layout.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#define MIB (1024 * 1024u)
#define RSDP 0xe0000u

typedef struct
{
  char *directory;
  VmmConfig *config;
  VmmMemory *memory;
  VmmBootEntry entry;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("openvmm-boot-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
  fixture->config = vmm_config_new ();
  fixture->config->kernel = g_build_filename (fixture->directory, "kernel", NULL);
  fixture->config->memory_size = VMM_MEMORY_SIZE_MIN;
  fixture->config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->config->kernel);
  if (fixture->config->initrd != NULL)
    g_unlink (fixture->config->initrd);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
  vmm_config_free (fixture->config);
  vmm_memory_free (fixture->memory);
}

static void
save (const char *path, GByteArray *bytes)
{
  g_assert_true (g_file_set_contents (path, (const char *) bytes->data, bytes->len, NULL));
}

static void
add_initrd (Fixture *fixture, gsize size)
{
  g_autoptr (GByteArray) bytes = kernel_image_new (size);

  fixture->config->initrd = g_build_filename (fixture->directory, "initrd", NULL);
  save (fixture->config->initrd, bytes);
}

static void
add_bzimage (Fixture *fixture)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  save (fixture->config->kernel, bytes);
}

static void
add_elf (Fixture *fixture)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  save (fixture->config->kernel, bytes);
}

static VmmBoot *
open_boot (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  VmmBoot *boot = vmm_boot_open (fixture->config, &error);

  g_assert_no_error (error);
  return boot;
}

/* RAM that is not zero anywhere a kernel could see it */
static void
make_memory (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *junk = g_malloc (8 * MIB);

  memset (junk, 0xa5, 8 * MIB);
  fixture->memory = vmm_memory_new (fixture->config, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_memory_write (fixture->memory, 0, junk, 8 * MIB, &error));
}

static void
load (Fixture *fixture)
{
  g_autoptr (VmmBoot) boot = open_boot (fixture);
  g_autoptr (GError) error = NULL;

  make_memory (fixture);
  g_assert_true (vmm_boot_load (boot, fixture->memory, RSDP, &fixture->entry, &error));
  g_assert_no_error (error);
}

static void
read_memory (Fixture *fixture, guint64 gpa, gpointer buffer, gsize length)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_memory_read (fixture->memory, gpa, buffer, length, &error));
  g_assert_no_error (error);
}

static void
assert_content (Fixture *fixture, guint64 gpa, gsize file_offset, gsize length)
{
  g_autofree guint8 *content = g_malloc (length);

  read_memory (fixture, gpa, content, length);
  for (gsize i = 0; i < length; i++)
    g_assert_cmphex (content[i], ==, kernel_image_byte (file_offset + i));
}

static void
assert_accepted (Fixture *fixture)
{
  g_autoptr (VmmBoot) boot = open_boot (fixture);

  g_assert_nonnull (boot);
}

static void
assert_rejected (Fixture *fixture, VmmError code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vmm_boot_open (fixture->config, &error));
  g_assert_error (error, VMM_ERROR, (int) code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_loads_bzimage (Fixture *fixture, gconstpointer data)
{
  char cmdline[32];

  add_bzimage (fixture);
  fixture->config->cmdline = g_strdup ("console=ttyS0 quiet");
  load (fixture);
  g_assert_cmpint (fixture->entry.mode, ==, VMM_BOOT_LONG_MODE);
  g_assert_cmphex (fixture->entry.rip, ==, 0x100200);
  g_assert_cmphex (fixture->entry.rsi, ==, VMM_BOOT_ZERO_PAGE_GPA);
  g_assert_cmphex (fixture->entry.rsp, ==, VMM_BOOT_STACK_GPA);
  assert_content (fixture, 0x100000, KERNEL_IMAGE_SETUP_SIZE, KERNEL_IMAGE_CODE_SIZE);
  read_memory (fixture, VMM_BOOT_CMDLINE_GPA, cmdline, sizeof cmdline);
  g_assert_cmpstr (cmdline, ==, "console=ttyS0 quiet");
}

static void
test_loads_without_cmdline (Fixture *fixture, gconstpointer data)
{
  char first;

  add_bzimage (fixture);
  load (fixture);
  read_memory (fixture, VMM_BOOT_CMDLINE_GPA, &first, 1);
  g_assert_cmpint (first, ==, 0);
}

static void
test_descriptors_of_long_mode (Fixture *fixture, gconstpointer data)
{
  guint64 table[6];

  add_bzimage (fixture);
  load (fixture);
  g_assert_cmpuint (fixture->entry.gdt_limit, ==, sizeof table - 1);
  read_memory (fixture, fixture->entry.gdt_base, table, sizeof table);
  g_assert_cmphex (table[0], ==, 0);
  g_assert_cmphex (table[1], ==, 0);
  g_assert_cmphex (table[2], ==, 0x00af9b000000ffff);
  g_assert_cmphex (table[3], ==, 0x00cf93000000ffff);
  g_assert_cmphex (table[4], ==, 0x008f8b000000ffff);
  g_assert_cmphex (table[5], ==, 0);
}

/* as the processor does it */
static guint64
translate (Fixture *fixture, guint64 address)
{
  guint64 table = fixture->entry.cr3;
  guint64 entry;

  for (guint shift = 39; shift > 21; shift -= 9)
    {
      read_memory (fixture, table + 8 * ((address >> shift) & 511), &entry, sizeof entry);
      g_assert_cmphex (entry & 0x83, ==, 0x3);
      table = entry & ~0xfffull;
    }
  read_memory (fixture, table + 8 * ((address >> 21) & 511), &entry, sizeof entry);
  g_assert_cmphex (entry & 0x1fffff, ==, 0x83);
  return (entry & ~0x1fffffull) | (address & 0x1fffff);
}

static void
test_page_tables_map_first_4_gib (Fixture *fixture, gconstpointer data)
{
  static const guint64 addresses[] = {
    0,          0x7000,     0x20000,    0x100200,   0x3fffffff, 0x40000000,
    0x7fffffff, 0x80000000, 0xbfffffff, 0xfee00000, 0xffffffff,
  };
  guint64 beyond;

  add_bzimage (fixture);
  load (fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    g_assert_cmphex (translate (fixture, addresses[i]), ==, addresses[i]);
  read_memory (fixture, VMM_BOOT_PDPT_GPA + 4 * 8, &beyond, sizeof beyond);
  g_assert_cmphex (beyond, ==, 0);
}

static void
test_memory_map_of_small_ram (Fixture *fixture, gconstpointer data)
{
  static const struct boot_e820_entry expected[] = {
    { 0, 0x9fc00, 1 },
    { 0x9fc00, 0x60400, 2 },
    { 0x100000, 15 * MIB, 1 },
  };
  struct boot_params page;

  add_bzimage (fixture);
  load (fixture);
  read_memory (fixture, fixture->entry.rsi, &page, sizeof page);
  g_assert_cmpuint (page.e820_entries, ==, G_N_ELEMENTS (expected));
  g_assert_cmpmem (page.e820_table, sizeof expected, expected, sizeof expected);
  g_assert_cmphex (page.acpi_rsdp_addr, ==, RSDP);
}

static void
test_memory_map_over_the_hole (Fixture *fixture, gconstpointer data)
{
  static const struct boot_e820_entry expected[] = {
    { 0, 0x9fc00, 1 },
    { 0x9fc00, 0x60400, 2 },
    { 0x100000, VMM_MEMORY_HOLE_START - 0x100000, 1 },
    { VMM_MEMORY_HOLE_END, 2048ull * MIB, 1 },
  };
  struct boot_params page;

  add_bzimage (fixture);
  fixture->config->memory_size = 5 * 1024ull * MIB;
  load (fixture);
  read_memory (fixture, fixture->entry.rsi, &page, sizeof page);
  g_assert_cmpuint (page.e820_entries, ==, G_N_ELEMENTS (expected));
  g_assert_cmpmem (page.e820_table, sizeof expected, expected, sizeof expected);
}

static void
test_initrd_ends_ram (Fixture *fixture, gconstpointer data)
{
  struct boot_params page;

  add_bzimage (fixture);
  add_initrd (fixture, 5000);
  load (fixture);
  read_memory (fixture, fixture->entry.rsi, &page, sizeof page);
  g_assert_cmphex (page.hdr.ramdisk_image, ==, 16 * MIB - 8192);
  g_assert_cmpuint (page.hdr.ramdisk_size, ==, 5000);
  assert_content (fixture, 16 * MIB - 8192, 0, 5000);
}

static void
test_initrd_stays_where_the_kernel_reaches (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  struct boot_params page;

  kernel_image_bzimage_header (bytes)->initrd_addr_max = 0x7fffff;
  save (fixture->config->kernel, bytes);
  add_initrd (fixture, 4096);
  load (fixture);
  read_memory (fixture, fixture->entry.rsi, &page, sizeof page);
  g_assert_cmphex (page.hdr.ramdisk_image, ==, 0x7ff000);
}

static void
test_initrd_stays_below_the_hole (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  struct boot_params page;

  kernel_image_bzimage_header (bytes)->initrd_addr_max = G_MAXUINT32;
  save (fixture->config->kernel, bytes);
  fixture->config->memory_size = 5 * 1024ull * MIB;
  add_initrd (fixture, 1);
  load (fixture);
  read_memory (fixture, fixture->entry.rsi, &page, sizeof page);
  g_assert_cmphex (page.hdr.ramdisk_image, ==, VMM_MEMORY_HOLE_START - 4096);
}

static void
test_loads_elf (Fixture *fixture, gconstpointer data)
{
  guint8 zeros[KERNEL_IMAGE_ELF_DATA_MEMORY_SIZE - KERNEL_IMAGE_ELF_DATA_SIZE + 1];

  add_elf (fixture);
  load (fixture);
  g_assert_cmpint (fixture->entry.mode, ==, VMM_BOOT_PVH);
  g_assert_cmphex (fixture->entry.rip, ==, KERNEL_IMAGE_ELF_ENTRY);
  g_assert_cmphex (fixture->entry.rbx, ==, VMM_BOOT_START_INFO_GPA);
  g_assert_cmphex (fixture->entry.cr3, ==, 0);
  assert_content (fixture,
                  KERNEL_IMAGE_ELF_CODE_GPA,
                  KERNEL_IMAGE_ELF_CODE_OFFSET,
                  KERNEL_IMAGE_ELF_CODE_SIZE);
  assert_content (fixture,
                  KERNEL_IMAGE_ELF_DATA_GPA,
                  KERNEL_IMAGE_ELF_CODE_OFFSET + KERNEL_IMAGE_ELF_CODE_SIZE,
                  KERNEL_IMAGE_ELF_DATA_SIZE);
  read_memory (fixture, KERNEL_IMAGE_ELF_DATA_GPA + KERNEL_IMAGE_ELF_DATA_SIZE, zeros, sizeof zeros);
  for (gsize i = 0; i < sizeof zeros - 1; i++)
    g_assert_cmphex (zeros[i], ==, 0);
  g_assert_cmphex (zeros[sizeof zeros - 1], ==, 0xa5);
}

static void
test_start_info_of_elf (Fixture *fixture, gconstpointer data)
{
  VmmStartInfo info;
  VmmStartModule module;
  VmmStartRange ranges[3];
  char cmdline[8];

  add_elf (fixture);
  add_initrd (fixture, 5000);
  fixture->config->cmdline = g_strdup ("quiet");
  load (fixture);
  read_memory (fixture, fixture->entry.rbx, &info, sizeof info);
  g_assert_cmphex (info.magic, ==, VMM_START_INFO_MAGIC);
  g_assert_cmphex (info.rsdp_gpa, ==, RSDP);
  g_assert_cmpuint (info.n_modules, ==, 1);
  g_assert_cmpuint (info.n_memory_map, ==, G_N_ELEMENTS (ranges));
  read_memory (fixture, info.cmdline_gpa, cmdline, sizeof cmdline);
  g_assert_cmpstr (cmdline, ==, "quiet");
  read_memory (fixture, info.module_list_gpa, &module, sizeof module);
  g_assert_cmpuint (module.length, ==, 5000);
  assert_content (fixture, module.gpa, 0, 5000);
  read_memory (fixture, info.memory_map_gpa, ranges, sizeof ranges);
  g_assert_cmphex (ranges[2].gpa, ==, 0x100000);
  g_assert_cmphex (ranges[2].length, ==, 15 * MIB);
  g_assert_cmpuint (ranges[2].type, ==, 1);
}

static void
test_descriptors_of_pvh (Fixture *fixture, gconstpointer data)
{
  guint64 table[6];

  add_elf (fixture);
  load (fixture);
  read_memory (fixture, fixture->entry.gdt_base, table, sizeof table);
  g_assert_cmphex (table[2], ==, 0x00cf9b000000ffff);
  g_assert_cmphex (table[3], ==, 0x00cf93000000ffff);
  g_assert_cmphex (table[4], ==, 0x00008b0000000067);
}

static void
test_loads_twice (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmBoot) boot = NULL;
  g_autoptr (GError) error = NULL;
  VmmBootEntry first, second;

  add_elf (fixture);
  boot = open_boot (fixture);
  make_memory (fixture);
  g_assert_true (vmm_boot_load (boot, fixture->memory, RSDP, &first, &error));
  g_assert_true (vmm_memory_zero (fixture->memory, 0, 4 * MIB, &error));
  g_assert_true (vmm_boot_load (boot, fixture->memory, RSDP, &second, &error));
  g_assert_cmphex (first.rip, ==, second.rip);
  assert_content (fixture,
                  KERNEL_IMAGE_ELF_CODE_GPA,
                  KERNEL_IMAGE_ELF_CODE_OFFSET,
                  KERNEL_IMAGE_ELF_CODE_SIZE);
}

static void
test_load_notices_file_that_shrank (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmBoot) boot = NULL;
  g_autoptr (GError) error = NULL;

  add_bzimage (fixture);
  boot = open_boot (fixture);
  make_memory (fixture);
  g_assert_cmpint (truncate (fixture->config->kernel, 4096), ==, 0);
  g_assert_false (vmm_boot_load (boot, fixture->memory, RSDP, &fixture->entry, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, fixture->config->kernel));
}

static void
test_load_rejects_smaller_memory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (VmmBoot) boot = NULL;
  g_autoptr (GError) error = NULL;

  add_bzimage (fixture);
  add_initrd (fixture, 4096);
  fixture->config->memory_size = 32 * MIB;
  boot = open_boot (fixture);
  fixture->config->memory_size = 16 * MIB;
  make_memory (fixture);
  g_assert_false (vmm_boot_load (boot, fixture->memory, RSDP, &fixture->entry, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_BAD_ADDRESS);
  g_assert_nonnull (strstr (error->message, fixture->config->initrd));
}

static void
test_rejects_no_kernel (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->config->kernel, g_free);
  assert_rejected (fixture, VMM_ERROR_INVALID_CONFIG, "no kernel is given");
  fixture->config->kernel = g_strdup ("");
  assert_rejected (fixture, VMM_ERROR_NO_SUCH_FILE, "kernel ''");
}

static void
test_rejects_missing_kernel (Fixture *fixture, gconstpointer data)
{
  assert_rejected (fixture, VMM_ERROR_NO_SUCH_FILE, fixture->config->kernel);
}

static void
test_rejects_directory_as_kernel (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->config->kernel);
  fixture->config->kernel = g_strdup (fixture->directory);
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "is a directory");
}

static void
test_rejects_empty_kernel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new (0);

  save (fixture->config->kernel, bytes);
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "is empty");
}

static void
test_rejects_text_as_kernel (Fixture *fixture, gconstpointer data)
{
  g_assert_true (g_file_set_contents (fixture->config->kernel, "#!/bin/sh\n", -1, NULL));
  assert_rejected (fixture,
                   VMM_ERROR_INVALID_KERNEL,
                   "is not a kernel: it has 10 bytes and starts with 23 21 2f 62;");
  g_assert_true (g_file_set_contents (fixture->config->kernel, "x", -1, NULL));
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "is not a kernel: it has 1 bytes and starts with 78;");
}

static void
test_rejects_truncated_bzimage (Fixture *fixture, gconstpointer data)
{
  add_bzimage (fixture);
  g_assert_cmpint (truncate (fixture->config->kernel, KERNEL_IMAGE_SETUP_SIZE + 100), ==, 0);
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "is truncated: it has 2660 bytes");
}

static void
test_rejects_32_bit_elf (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->header.e_ident[EI_CLASS] = ELFCLASS32;
  save (fixture->config->kernel, bytes);
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "is a 32-bit ELF file");
}

static void
test_rejects_elf_that_leaves_ram (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA].p_memsz = 14 * MIB;
  save (fixture->config->kernel, bytes);
  assert_accepted (fixture);
  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA].p_memsz++;
  save (fixture->config->kernel, bytes);
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "needs RAM up to 0x1000001");
  assert_rejected (fixture,
                   VMM_ERROR_INVALID_KERNEL,
                   "memory-size is 16777216 bytes; give the VM at least 17 MiB");
}

static void
test_rejects_kernel_that_unpacks_over_ram (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->init_size = 14 * MIB;
  save (fixture->config->kernel, bytes);
  assert_accepted (fixture);
  kernel_image_bzimage_header (bytes)->init_size++;
  save (fixture->config->kernel, bytes);
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "give the VM at least 17 MiB");
}

static void
test_ram_above_4_gib_does_not_help_the_kernel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  fixture->config->memory_size = 8 * 1024ull * MIB;
  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA].p_paddr = 0x100000000;
  save (fixture->config->kernel, bytes);
  assert_rejected (fixture, VMM_ERROR_INVALID_KERNEL, "it must lie between");
}

static void
test_rejects_missing_initrd (Fixture *fixture, gconstpointer data)
{
  add_bzimage (fixture);
  fixture->config->initrd = g_build_filename (fixture->directory, "initrd", NULL);
  assert_rejected (fixture, VMM_ERROR_NO_SUCH_FILE, fixture->config->initrd);
}

static void
test_rejects_empty_initrd (Fixture *fixture, gconstpointer data)
{
  add_bzimage (fixture);
  add_initrd (fixture, 0);
  assert_rejected (fixture, VMM_ERROR_INVALID_INITRD, "is empty");
}

static void
test_rejects_initrd_larger_than_ram (Fixture *fixture, gconstpointer data)
{
  static const gint64 sizes[] = { 17ll * MIB, 4096ll * MIB, 1ll << 43 };

  add_bzimage (fixture);
  add_initrd (fixture, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_assert_cmpint (truncate (fixture->config->initrd, sizes[i]), ==, 0);
      assert_rejected (fixture,
                       VMM_ERROR_INVALID_INITRD,
                       "RAM has room for 13631488 bytes, above the 3 MiB of kernel");
    }
}

static void
test_rejects_initrd_over_the_kernel (Fixture *fixture, gconstpointer data)
{
  const gint64 room = 16 * MIB - 0x300000;

  add_bzimage (fixture);
  add_initrd (fixture, 1);
  g_assert_cmpint (truncate (fixture->config->initrd, room), ==, 0);
  assert_accepted (fixture);
  g_assert_cmpint (truncate (fixture->config->initrd, room + 1), ==, 0);
  assert_rejected (fixture, VMM_ERROR_INVALID_INITRD, fixture->config->kernel);
}

static void
test_rejects_initrd_out_of_the_kernels_reach (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->initrd_addr_max = 0;
  save (fixture->config->kernel, bytes);
  add_initrd (fixture, 1);
  assert_rejected (fixture, VMM_ERROR_INVALID_INITRD, "RAM has room for 0 bytes");
}

static void
test_rejects_cmdline_longer_than_the_kernel_takes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->cmdline_size = 255;
  save (fixture->config->kernel, bytes);
  fixture->config->cmdline = g_strnfill (255, 'x');
  assert_accepted (fixture);
  g_free (fixture->config->cmdline);
  fixture->config->cmdline = g_strnfill (256, 'x');
  assert_rejected (fixture, VMM_ERROR_INVALID_CMDLINE, "cmdline has 256 bytes");
}

static void
test_longest_cmdline_overwrites_nothing (Fixture *fixture, gconstpointer data)
{
  char cmdline[VMM_BOOT_CMDLINE_MAX + 2];

  add_elf (fixture);
  fixture->config->cmdline = g_strnfill (VMM_BOOT_CMDLINE_MAX, 'x');
  load (fixture);
  read_memory (fixture, VMM_BOOT_CMDLINE_GPA, cmdline, sizeof cmdline);
  g_assert_cmpuint (strnlen (cmdline, sizeof cmdline), ==, VMM_BOOT_CMDLINE_MAX);
  g_assert_cmphex ((guint8) cmdline[VMM_BOOT_CMDLINE_MAX + 1], ==, 0xa5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/vmm/boot/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("loads-bzimage", test_loads_bzimage);
  ADD ("loads-without-cmdline", test_loads_without_cmdline);
  ADD ("descriptors-of-long-mode", test_descriptors_of_long_mode);
  ADD ("page-tables-map-first-4-gib", test_page_tables_map_first_4_gib);
  ADD ("memory-map-of-small-ram", test_memory_map_of_small_ram);
  ADD ("memory-map-over-the-hole", test_memory_map_over_the_hole);
  ADD ("initrd-ends-ram", test_initrd_ends_ram);
  ADD ("initrd-stays-where-the-kernel-reaches", test_initrd_stays_where_the_kernel_reaches);
  ADD ("initrd-stays-below-the-hole", test_initrd_stays_below_the_hole);
  ADD ("loads-elf", test_loads_elf);
  ADD ("start-info-of-elf", test_start_info_of_elf);
  ADD ("descriptors-of-pvh", test_descriptors_of_pvh);
  ADD ("loads-twice", test_loads_twice);
  ADD ("load-notices-file-that-shrank", test_load_notices_file_that_shrank);
  ADD ("load-rejects-smaller-memory", test_load_rejects_smaller_memory);
  ADD ("rejects-no-kernel", test_rejects_no_kernel);
  ADD ("rejects-missing-kernel", test_rejects_missing_kernel);
  ADD ("rejects-directory-as-kernel", test_rejects_directory_as_kernel);
  ADD ("rejects-empty-kernel", test_rejects_empty_kernel);
  ADD ("rejects-text-as-kernel", test_rejects_text_as_kernel);
  ADD ("rejects-truncated-bzimage", test_rejects_truncated_bzimage);
  ADD ("rejects-32-bit-elf", test_rejects_32_bit_elf);
  ADD ("rejects-elf-that-leaves-ram", test_rejects_elf_that_leaves_ram);
  ADD ("rejects-kernel-that-unpacks-over-ram", test_rejects_kernel_that_unpacks_over_ram);
  ADD ("ram-above-4-gib-does-not-help-the-kernel", test_ram_above_4_gib_does_not_help_the_kernel);
  ADD ("rejects-missing-initrd", test_rejects_missing_initrd);
  ADD ("rejects-empty-initrd", test_rejects_empty_initrd);
  ADD ("rejects-initrd-larger-than-ram", test_rejects_initrd_larger_than_ram);
  ADD ("rejects-initrd-over-the-kernel", test_rejects_initrd_over_the_kernel);
  ADD ("rejects-initrd-out-of-the-kernels-reach", test_rejects_initrd_out_of_the_kernels_reach);
  ADD ("rejects-cmdline-longer-than-the-kernel-takes", test_rejects_cmdline_longer_than_the_kernel_takes);
  ADD ("longest-cmdline-overwrites-nothing", test_longest_cmdline_overwrites_nothing);
#undef ADD
  return g_test_run ();
}
