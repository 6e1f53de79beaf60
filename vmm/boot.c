/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * There is no firmware: the kernel is put where it wants to be and entered in the state its boot protocol asks for.
 *
 *   0                what boot-layout.h lists: tables, boot parameters, command line
 *   0x9fc00          reserved, with the ACPI tables from 0xe0000 on
 *   1 MiB            the kernel, and the room it needs to unpack itself
 *   ...
 *   end of low RAM   the initrd ends here, or lower where the kernel cannot reach
 *   4 GiB            the RAM that did not fit below 3 GiB
 *
 * All that can be wrong with the files is found by vmm_boot_open(), so that a VM with a bad kernel never gets RAM.
 */

#include "config.h"
#include "vmm/boot.h"

#include "vmm/boot-bzimage.h"
#include "vmm/boot-elf.h"
#include "vmm/boot-layout.h"

#include <string.h>

#define MIB ((guint64) 1024 * 1024)

#define PAGE_PRESENT_WRITABLE 0x3ull
#define PAGE_LARGE 0x80ull
#define LARGE_PAGE_SIZE (2 * MIB)
#define TABLE_ENTRIES 512u
#define IDENTITY_PAGE_DIRECTORIES 4u /* a GiB each */

struct _VmmBoot
{
  VmmBootFile *kernel;
  VmmBootFile *initrd; /* (nullable) */
  char *cmdline;
  VmmBootImage image;
  guint64 initrd_gpa;
};

void
vmm_boot_free (VmmBoot *boot)
{
  if (boot == NULL)
    return;
  vmm_boot_file_free (boot->kernel);
  vmm_boot_file_free (boot->initrd);
  g_free (boot->cmdline);
  g_free (boot);
}

/* the start of the file often tells people what they took for a kernel */
static gboolean
reject_unknown (VmmBoot *boot, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gsize length = MIN (boot->kernel->size, 4);
  guint8 start[4];

  if (!vmm_boot_file_read (boot->kernel, "first bytes", 0, start, length, error))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (text, " %02x", start[i]);
  return vmm_boot_file_reject (boot->kernel,
                               error,
                               "is not a kernel: it has %" G_GUINT64_FORMAT
                               " bytes and starts with%s; expected a "
                               "Linux bzImage, or a 64-bit ELF file with a PVH entry",
                               boot->kernel->size,
                               text->str);
}

static gboolean
parse_kernel (VmmBoot *boot, GError **error)
{
  if (vmm_boot_elf_probe (boot->kernel))
    return vmm_boot_elf_parse (boot->kernel, &boot->image, error);
  if (vmm_boot_bzimage_probe (boot->kernel))
    return vmm_boot_bzimage_parse (boot->kernel, &boot->image, error);
  return reject_unknown (boot, error);
}

static guint64
mib_rounded_up (guint64 bytes)
{
  return (bytes + MIB - 1) / MIB;
}

static gboolean
place_initrd (VmmBoot *boot, guint64 low_ram_end, GError **error)
{
  guint64 limit = MIN (low_ram_end, boot->image.initrd_limit);
  guint64 size = boot->initrd->size;

  /* first against the limit alone: hostile sizes must not wrap around */
  if (size > limit || ((limit - size) & ~(guint64) (VMM_PAGE_SIZE - 1)) < boot->image.end)
    return vmm_boot_file_reject (boot->initrd,
                                 error,
                                 "has %" G_GUINT64_FORMAT " bytes; RAM has room for %" G_GUINT64_FORMAT
                                 " bytes, above the %" G_GUINT64_FORMAT
                                 " MiB of kernel '%s' and below %" G_GUINT64_FORMAT
                                 " MiB: make memory-size larger, or the initrd smaller",
                                 size,
                                 limit > boot->image.end ? limit - boot->image.end : 0,
                                 mib_rounded_up (boot->image.end),
                                 boot->kernel->path,
                                 limit / MIB);
  boot->initrd_gpa = (limit - size) & ~(guint64) (VMM_PAGE_SIZE - 1);
  return TRUE;
}

static gboolean
check_fit (VmmBoot *boot, guint64 memory_size, GError **error)
{
  guint64 low_ram_end = MIN (memory_size, VMM_MEMORY_HOLE_START);

  if (boot->image.end > low_ram_end)
    return vmm_boot_file_reject (boot->kernel,
                                 error,
                                 "needs RAM up to 0x%" G_GINT64_MODIFIER "x to load and unpack itself, but "
                                 "memory-size is %" G_GUINT64_FORMAT
                                 " bytes; give the VM at least %" G_GUINT64_FORMAT " MiB",
                                 boot->image.end,
                                 memory_size,
                                 mib_rounded_up (boot->image.end));
  return boot->initrd == NULL || place_initrd (boot, low_ram_end, error);
}

static gboolean
check_cmdline (VmmBoot *boot, GError **error)
{
  gsize length = strlen (boot->cmdline);

  if (length <= boot->image.cmdline_max)
    return TRUE;
  g_set_error (error,
               VMM_ERROR,
               VMM_ERROR_INVALID_CMDLINE,
               "cmdline has %zu bytes; kernel '%s' takes at most %u",
               length,
               boot->kernel->path,
               boot->image.cmdline_max);
  return FALSE;
}

VmmBoot *
vmm_boot_open (const VmmConfig *config, GError **error)
{
  g_autoptr (VmmBoot) boot = g_new0 (VmmBoot, 1);

  if (config->kernel == NULL)
    {
      g_set_error (error,
                   VMM_ERROR,
                   VMM_ERROR_INVALID_CONFIG,
                   "no kernel is given; set kernel to the path of one");
      return NULL;
    }
  boot->cmdline = g_strdup (config->cmdline != NULL ? config->cmdline : "");
  boot->kernel = vmm_boot_file_open ("kernel", config->kernel, VMM_ERROR_INVALID_KERNEL, error);
  if (boot->kernel == NULL || !parse_kernel (boot, error))
    return NULL;
  if (config->initrd != NULL)
    {
      boot->initrd = vmm_boot_file_open ("initrd", config->initrd, VMM_ERROR_INVALID_INITRD, error);
      if (boot->initrd == NULL)
        return NULL;
    }
  if (!check_cmdline (boot, error) || !check_fit (boot, config->memory_size, error))
    return NULL;
  return g_steal_pointer (&boot);
}

static gboolean
load_file (const VmmBootFile *file,
           VmmMemory *memory,
           guint64 gpa,
           guint64 offset,
           guint64 length,
           GError **error)
{
  if (vmm_memory_write_from_file (memory, gpa, file->fd, offset, length, error))
    return TRUE;
  g_prefix_error (error, "%s '%s': ", file->role, file->path);
  return FALSE;
}

static gboolean
load_kernel (const VmmBoot *boot, VmmMemory *memory, GError **error)
{
  for (guint i = 0; i < boot->image.n_segments; i++)
    {
      const VmmBootSegment *segment = &boot->image.segments[i];
      guint64 rest = segment->memory_length - segment->file_length;

      if (segment->file_length > 0 &&
          !load_file (boot->kernel, memory, segment->gpa, segment->file_offset, segment->file_length, error))
        return FALSE;
      /* a RAM file may come with content */
      if (rest > 0 && !vmm_memory_zero (memory, segment->gpa + segment->file_length, rest, error))
        return FALSE;
    }
  return TRUE;
}

static void
add_range (VmmBootParameters *parameters, guint64 gpa, guint64 end, guint32 type)
{
  parameters->ranges[parameters->n_ranges++] = (VmmBootRange){ .gpa = gpa, .length = end - gpa, .type = type };
}

static void
describe_memory (VmmMemory *memory, VmmBootParameters *parameters)
{
  guint n_regions;
  const VmmMemoryRegion *regions = vmm_memory_get_regions (memory, &n_regions);

  add_range (parameters, 0, VMM_BOOT_LOW_RAM_END, VMM_BOOT_RANGE_RAM);
  add_range (parameters, VMM_BOOT_LOW_RAM_END, VMM_BOOT_KERNEL_GPA, VMM_BOOT_RANGE_RESERVED);
  for (guint i = 0; i < n_regions && parameters->n_ranges < VMM_BOOT_RANGES_MAX; i++)
    add_range (parameters,
               MAX (regions[i].gpa, VMM_BOOT_KERNEL_GPA),
               regions[i].gpa + regions[i].length,
               VMM_BOOT_RANGE_RAM);
}

/* @flags as in the table in boot.h; @limit in bytes or pages, as the flags say */
static guint64
descriptor (guint16 flags, guint32 limit)
{
  return (guint64) (flags & 0xf0ff) << 40 | (guint64) (limit & 0xf0000) << 32 | (limit & 0xffff);
}

static gboolean
write_descriptors (VmmMemory *memory, VmmBootMode mode, VmmBootEntry *entry, GError **error)
{
  gboolean long_mode = mode == VMM_BOOT_LONG_MODE;
  const guint64 table[] = {
    0,
    0,
    descriptor (long_mode ? 0xa09b : 0xc09b, 0xfffff),
    descriptor (0xc093, 0xfffff),
    long_mode ? descriptor (0x808b, 0xfffff) : descriptor (0x008b, 0x67),
    0,
  };

  entry->gdt_base = VMM_BOOT_GDT_GPA;
  entry->gdt_limit = sizeof table - 1;
  return vmm_memory_write (memory, VMM_BOOT_GDT_GPA, table, sizeof table, error);
}

/* the kernel, its parameters, command line and initrd must be mapped where they are */
static gboolean
write_page_tables (VmmMemory *memory, GError **error)
{
  const gsize n_pages = IDENTITY_PAGE_DIRECTORIES * TABLE_ENTRIES;
  g_autofree guint64 *directories = g_new (guint64, n_pages);
  guint64 pml4[TABLE_ENTRIES] = { VMM_BOOT_PDPT_GPA | PAGE_PRESENT_WRITABLE };
  guint64 pdpt[TABLE_ENTRIES] = { 0 };

  for (guint i = 0; i < IDENTITY_PAGE_DIRECTORIES; i++)
    pdpt[i] = (VMM_BOOT_PAGE_DIRECTORIES_GPA + i * VMM_PAGE_SIZE) | PAGE_PRESENT_WRITABLE;
  for (gsize i = 0; i < n_pages; i++)
    directories[i] = i * LARGE_PAGE_SIZE | PAGE_LARGE | PAGE_PRESENT_WRITABLE;
  return vmm_memory_write (memory, VMM_BOOT_PML4_GPA, pml4, sizeof pml4, error) &&
         vmm_memory_write (memory, VMM_BOOT_PDPT_GPA, pdpt, sizeof pdpt, error) &&
         vmm_memory_write (memory,
                           VMM_BOOT_PAGE_DIRECTORIES_GPA,
                           directories,
                           n_pages * sizeof directories[0],
                           error);
}

static gboolean
write_parameters (const VmmBoot *boot,
                  const VmmBootParameters *parameters,
                  VmmMemory *memory,
                  VmmBootEntry *entry,
                  GError **error)
{
  if (boot->image.mode == VMM_BOOT_PVH)
    {
      entry->rbx = VMM_BOOT_START_INFO_GPA;
      return vmm_boot_elf_write_start_info (parameters, memory, error);
    }
  entry->rsi = VMM_BOOT_ZERO_PAGE_GPA;
  entry->cr3 = VMM_BOOT_PML4_GPA;
  return vmm_boot_bzimage_write_zero_page (&boot->image, parameters, memory, error) &&
         write_page_tables (memory, error);
}

gboolean
vmm_boot_load (VmmBoot *boot, VmmMemory *memory, guint64 rsdp, VmmBootEntry *entry, GError **error)
{
  VmmBootParameters parameters = { .rsdp = rsdp };
  VmmBootEntry result = {
    .mode = boot->image.mode,
    .rip = boot->image.entry,
    .rsp = VMM_BOOT_STACK_GPA,
  };

  if (boot->initrd != NULL)
    {
      parameters.initrd_gpa = boot->initrd_gpa;
      parameters.initrd_length = boot->initrd->size;
      if (!load_file (boot->initrd, memory, boot->initrd_gpa, 0, boot->initrd->size, error))
        return FALSE;
    }
  describe_memory (memory, &parameters);
  if (!load_kernel (boot, memory, error) ||
      !vmm_memory_write (memory, VMM_BOOT_CMDLINE_GPA, boot->cmdline, strlen (boot->cmdline) + 1, error) ||
      !write_parameters (boot, &parameters, memory, &result, error) ||
      !write_descriptors (memory, result.mode, &result, error))
    return FALSE;
  *entry = result;
  return TRUE;
}
