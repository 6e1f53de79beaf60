/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A bzImage is a real-mode part, of which we use the header only, and a protected-mode part that unpacks the kernel
 * proper. The latter goes to 1 MiB, where it was linked to start. It is position-independent, and from wherever it is
 * it moves itself to where it unpacks: upwards from the first aligned address at or above both its own place and
 * pref_address, over init_size bytes. All of that must be RAM, and free of the initrd.
 *
 * A kernel that is not relocatable is loaded at pref_address, where it wants to run.
 */

#include "config.h"
#include "vmm/boot-bzimage.h"

#include "vmm/boot-layout.h"

#include <string.h>

#define SETUP_HEADER_OFFSET 0x1f1u
#define SETUP_HEADER_MAGIC 0x53726448u /* "HdrS" */
#define BOOT_FLAG 0xaa55u
#define SECTOR_SIZE 512u
#define SETUP_SECTS_DEFAULT 4u /* what 0 stands for */
#define PARAGRAPH_SIZE 16u     /* the unit of syssize */
#define PROTOCOL_MIN 0x020cu   /* the first with xloadflags */
#define ENTRY_64_OFFSET 0x200u
#define LOADER_TYPE_UNKNOWN 0xffu
#define VIDEO_MODE_NORMAL 0xffffu
#define ALIGNMENT_MAX (1u << 30)

gboolean
vmm_boot_bzimage_probe (const VmmBootFile *file)
{
  const gsize offset = SETUP_HEADER_OFFSET + offsetof (struct setup_header, header);
  guint32 magic;

  return vmm_boot_file_contains (file, offset, sizeof magic) &&
         vmm_boot_file_read (file, "magic", offset, &magic, sizeof magic, NULL) &&
         magic == SETUP_HEADER_MAGIC;
}

static gboolean
check_protocol (const VmmBootFile *file, const struct setup_header *header, GError **error)
{
  if (header->boot_flag != BOOT_FLAG || header->header != SETUP_HEADER_MAGIC)
    return vmm_boot_file_reject (
        file,
        error,
        "is not a bzImage: boot flag 0x%04x and magic 0x%08x, expected 0x%04x and 0x%08x",
        header->boot_flag,
        header->header,
        BOOT_FLAG,
        SETUP_HEADER_MAGIC);
  if (header->version < PROTOCOL_MIN)
    return vmm_boot_file_reject (file,
                                 error,
                                 "uses boot protocol %u.%02u; expected 2.12 or later (Linux 3.8)",
                                 header->version >> 8,
                                 header->version & 0xff);
  if (!(header->loadflags & LOADED_HIGH))
    return vmm_boot_file_reject (file, error, "is a zImage, to be loaded below 1 MiB; expected a bzImage");
  if (!(header->xloadflags & XLF_KERNEL_64))
    return vmm_boot_file_reject (file,
                                 error,
                                 "has no 64-bit entry point (xloadflags 0x%04x); expected an x86-64 kernel",
                                 header->xloadflags);
  return TRUE;
}

/* A header of an older protocol is shorter than ours, and what follows it is code: the jump over it tells its end. */
static gboolean
cut_header (const VmmBootFile *file, struct setup_header *header, GError **error)
{
  gsize length = offsetof (struct setup_header, header) + (header->jump >> 8);
  gsize needed = offsetof (struct setup_header, handover_offset);

  if (length < needed)
    return vmm_boot_file_reject (file,
                                 error,
                                 "has a setup header of %zu bytes; boot protocol 2.12 has at least %zu",
                                 length,
                                 needed);
  if (length < sizeof *header)
    memset ((guint8 *) header + length, 0, sizeof *header - length);
  return TRUE;
}

static gboolean
check_extent (const VmmBootFile *file,
              const struct setup_header *header,
              VmmBootSegment *segment,
              GError **error)
{
  guint sectors = header->setup_sects != 0 ? header->setup_sects : SETUP_SECTS_DEFAULT;
  guint64 payload_end = (guint64) header->payload_offset + header->payload_length;

  segment->file_offset = (guint64) (sectors + 1) * SECTOR_SIZE; /* the boot sector is not counted */
  segment->file_length = (guint64) header->syssize * PARAGRAPH_SIZE;
  segment->memory_length = segment->file_length;
  if (!vmm_boot_file_contains (file, segment->file_offset, segment->file_length))
    return vmm_boot_file_reject (file,
                                 error,
                                 "is truncated: it has %" G_GUINT64_FORMAT
                                 " bytes, but its header tells of %" G_GUINT64_FORMAT
                                 " bytes of setup and %" G_GUINT64_FORMAT " bytes of kernel",
                                 file->size,
                                 segment->file_offset,
                                 segment->file_length);
  if (segment->file_length <= ENTRY_64_OFFSET)
    return vmm_boot_file_reject (file,
                                 error,
                                 "has %" G_GUINT64_FORMAT " bytes of kernel code; expected more than %u",
                                 segment->file_length,
                                 ENTRY_64_OFFSET);
  if (payload_end > segment->file_length)
    return vmm_boot_file_reject (file,
                                 error,
                                 "is damaged: its packed kernel ends at byte %" G_GUINT64_FORMAT
                                 " of %" G_GUINT64_FORMAT,
                                 payload_end,
                                 segment->file_length);
  return TRUE;
}

static gboolean
place (const VmmBootFile *file, VmmBootImage *image, GError **error)
{
  const struct setup_header *header = &image->header;
  VmmBootSegment *segment = &image->segments[0];
  guint64 alignment = header->kernel_alignment;
  guint64 unpacked;

  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MAX)
    return vmm_boot_file_reject (file,
                                 error,
                                 "wants an alignment of %" G_GUINT64_FORMAT
                                 " bytes; expected a power of two up to %u",
                                 alignment,
                                 ALIGNMENT_MAX);
  if (header->pref_address > VMM_MEMORY_HOLE_START ||
      (!header->relocatable_kernel && header->pref_address < VMM_BOOT_KERNEL_GPA))
    return vmm_boot_file_reject (file,
                                 error,
                                 "wants to be at 0x%" G_GINT64_MODIFIER "x; expected 0x%llx to 0x%llx",
                                 (guint64) header->pref_address,
                                 VMM_BOOT_KERNEL_GPA,
                                 VMM_MEMORY_HOLE_START);
  segment->gpa = header->relocatable_kernel ? VMM_BOOT_KERNEL_GPA : header->pref_address;
  unpacked = MAX ((segment->gpa + alignment - 1) & ~(alignment - 1), header->pref_address);
  image->end = MAX (segment->gpa + segment->file_length, unpacked + header->init_size);
  if (image->end > VMM_MEMORY_HOLE_START)
    return vmm_boot_file_reject (file,
                                 error,
                                 "needs RAM up to 0x%" G_GINT64_MODIFIER "x; a kernel must stay below 0x%llx",
                                 image->end,
                                 VMM_MEMORY_HOLE_START);
  return TRUE;
}

gboolean
vmm_boot_bzimage_parse (const VmmBootFile *file, VmmBootImage *image, GError **error)
{
  struct setup_header *header = &image->header;

  memset (image, 0, sizeof *image);
  if (!vmm_boot_file_read (file, "setup header", SETUP_HEADER_OFFSET, header, sizeof *header, error))
    return FALSE;
  image->mode = VMM_BOOT_LONG_MODE;
  image->n_segments = 1;
  if (!check_protocol (file, header, error) || !cut_header (file, header, error) ||
      !check_extent (file, header, &image->segments[0], error) || !place (file, image, error))
    return FALSE;
  image->entry = image->segments[0].gpa + ENTRY_64_OFFSET;
  image->initrd_limit = (guint64) header->initrd_addr_max + 1;
  image->cmdline_max = MIN (header->cmdline_size, VMM_BOOT_CMDLINE_MAX);
  return TRUE;
}

gboolean
vmm_boot_bzimage_write_zero_page (const VmmBootImage *image,
                                  const VmmBootParameters *parameters,
                                  VmmMemory *memory,
                                  GError **error)
{
  g_autofree struct boot_params *page = g_new0 (struct boot_params, 1);

  G_STATIC_ASSERT (sizeof *page == VMM_PAGE_SIZE);
  page->hdr = image->header;
  page->hdr.type_of_loader = LOADER_TYPE_UNKNOWN;
  page->hdr.vid_mode = VIDEO_MODE_NORMAL;
  page->hdr.code32_start = (guint32) image->segments[0].gpa;
  page->hdr.cmd_line_ptr = (guint32) VMM_BOOT_CMDLINE_GPA;
  page->hdr.ramdisk_image = (guint32) parameters->initrd_gpa;
  page->hdr.ramdisk_size = (guint32) parameters->initrd_length;
  page->hdr.setup_data = 0; /* a list for the loader to fill; what the file has there points nowhere */
  page->acpi_rsdp_addr = parameters->rsdp;
  for (guint i = 0; i < parameters->n_ranges; i++)
    page->e820_table[i] = (struct boot_e820_entry){
      .addr = parameters->ranges[i].gpa,
      .size = parameters->ranges[i].length,
      .type = parameters->ranges[i].type,
    };
  page->e820_entries = (guint8) parameters->n_ranges;
  return vmm_memory_write (memory, VMM_BOOT_ZERO_PAGE_GPA, page, sizeof *page, error);
}
