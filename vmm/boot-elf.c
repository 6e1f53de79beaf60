/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A kernel in an ELF file is entered through the address in its PVH note, never through e_entry: that one is virtual in
 * Linux, and says nothing of the state the processor should be in. Segments go to their physical addresses.
 */

#include "config.h"
#include "vmm/boot-elf.h"

#include "vmm/boot-layout.h"

#include <elf.h>
#include <string.h>

#define NOTE_NAME "Xen"
#define NOTE_PHYS32_ENTRY 18u
#define PROGRAM_HEADERS_MAX 64u
#define NOTES_LENGTH_MAX (1024 * 1024u) /* bytes; Linux has less than 1 KiB */

gboolean
vmm_boot_elf_probe (const VmmBootFile *file)
{
  char magic[SELFMAG];

  return vmm_boot_file_contains (file, 0, sizeof magic) &&
         vmm_boot_file_read (file, "magic", 0, magic, sizeof magic, NULL) &&
         memcmp (magic, ELFMAG, SELFMAG) == 0;
}

static gboolean
check_header (const VmmBootFile *file, const Elf64_Ehdr *header, GError **error)
{
  if (header->e_ident[EI_CLASS] != ELFCLASS64)
    return vmm_boot_file_reject (file,
                                 error,
                                 "is %s ELF file; expected a 64-bit one",
                                 header->e_ident[EI_CLASS] == ELFCLASS32 ? "a 32-bit" : "an unknown kind of");
  if (header->e_ident[EI_DATA] != ELFDATA2LSB)
    return vmm_boot_file_reject (file, error, "is not a little-endian ELF file; expected one for x86-64");
  if (header->e_machine != EM_X86_64)
    return vmm_boot_file_reject (file,
                                 error,
                                 "is an ELF file for machine %u; expected %u, x86-64",
                                 header->e_machine,
                                 EM_X86_64);
  if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
    return vmm_boot_file_reject (file,
                                 error,
                                 "is an ELF file of type %u; expected an executable",
                                 header->e_type);
  if (header->e_phentsize != sizeof (Elf64_Phdr) || header->e_phnum == 0 ||
      header->e_phnum > PROGRAM_HEADERS_MAX)
    return vmm_boot_file_reject (file,
                                 error,
                                 "has %u ELF program headers of %u bytes; expected 1 to %u of %zu",
                                 header->e_phnum,
                                 header->e_phentsize,
                                 PROGRAM_HEADERS_MAX,
                                 sizeof (Elf64_Phdr));
  return TRUE;
}

static gboolean
add_segment (const VmmBootFile *file,
             const Elf64_Phdr *header,
             guint index,
             VmmBootImage *image,
             GError **error)
{
  if (header->p_memsz == 0)
    return TRUE;
  if (header->p_filesz > header->p_memsz || !vmm_boot_file_contains (file, header->p_offset, header->p_filesz))
    return vmm_boot_file_reject (file,
                                 error,
                                 "is damaged or truncated: ELF segment %u takes %" G_GUINT64_FORMAT
                                 " bytes at offset %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                                 ", for %" G_GUINT64_FORMAT " bytes of memory",
                                 index,
                                 (guint64) header->p_filesz,
                                 (guint64) header->p_offset,
                                 file->size,
                                 (guint64) header->p_memsz);
  if (header->p_paddr < VMM_BOOT_KERNEL_GPA || header->p_paddr > VMM_MEMORY_HOLE_START ||
      header->p_memsz > VMM_MEMORY_HOLE_START - header->p_paddr)
    return vmm_boot_file_reject (file,
                                 error,
                                 "has an ELF segment (%u) of 0x%" G_GINT64_MODIFIER
                                 "x bytes at physical address 0x%" G_GINT64_MODIFIER
                                 "x; it must lie between 0x%llx and 0x%llx",
                                 index,
                                 (guint64) header->p_memsz,
                                 (guint64) header->p_paddr,
                                 VMM_BOOT_KERNEL_GPA,
                                 VMM_MEMORY_HOLE_START);
  if (image->n_segments == VMM_BOOT_SEGMENTS_MAX)
    return vmm_boot_file_reject (file, error, "has more than %u ELF segments to load", VMM_BOOT_SEGMENTS_MAX);
  image->segments[image->n_segments++] = (VmmBootSegment){
    .gpa = header->p_paddr,
    .file_offset = header->p_offset,
    .file_length = header->p_filesz,
    .memory_length = header->p_memsz,
  };
  image->end = MAX (image->end, header->p_paddr + header->p_memsz);
  return TRUE;
}

static guint64
read_entry (const guint8 *content, gsize length)
{
  guint32 narrow;
  guint64 wide;

  if (length == sizeof narrow)
    {
      memcpy (&narrow, content, sizeof narrow);
      return narrow;
    }
  if (length == sizeof wide)
    {
      memcpy (&wide, content, sizeof wide);
      return wide;
    }
  return 0;
}

/* 0 if there is none; @alignment is what names and contents are padded to */
static guint64
find_entry (const guint8 *notes, gsize length, gsize alignment)
{
  gsize offset = 0;

  while (length - offset >= sizeof (Elf64_Nhdr))
    {
      Elf64_Nhdr note;
      gsize name, content;

      memcpy (&note, notes + offset, sizeof note);
      name = offset + sizeof note;
      if (note.n_namesz > length - name)
        return 0;
      /* the padding is counted from the start of the notes, whose alignment the segment has */
      content = (name + note.n_namesz + alignment - 1) & ~(alignment - 1);
      if (content > length || note.n_descsz > length - content)
        return 0;
      if (note.n_type == NOTE_PHYS32_ENTRY && note.n_namesz == sizeof NOTE_NAME &&
          memcmp (notes + name, NOTE_NAME, sizeof NOTE_NAME) == 0)
        return read_entry (notes + content, note.n_descsz);
      offset = (content + note.n_descsz + alignment - 1) & ~(alignment - 1);
      if (offset > length)
        return 0;
    }
  return 0;
}

static gboolean
read_notes (const VmmBootFile *file, const Elf64_Phdr *header, VmmBootImage *image, GError **error)
{
  g_autofree guint8 *notes = NULL;
  guint64 entry;

  if (header->p_filesz > NOTES_LENGTH_MAX)
    return vmm_boot_file_reject (file,
                                 error,
                                 "has %" G_GUINT64_FORMAT " bytes of ELF notes; expected at most %u",
                                 (guint64) header->p_filesz,
                                 NOTES_LENGTH_MAX);
  notes = g_malloc (header->p_filesz);
  if (!vmm_boot_file_read (file, "notes", header->p_offset, notes, header->p_filesz, error))
    return FALSE;
  entry = find_entry (notes, header->p_filesz, header->p_align == 8 ? 8 : 4);
  if (entry != 0)
    image->entry = entry;
  return TRUE;
}

/* before the segments, so that a program for people is told from a broken kernel */
static gboolean
find_pvh_entry (const VmmBootFile *file,
                const Elf64_Phdr *headers,
                guint n_headers,
                VmmBootImage *image,
                GError **error)
{
  for (guint i = 0; i < n_headers && image->entry == 0; i++)
    if (headers[i].p_type == PT_NOTE && !read_notes (file, &headers[i], image, error))
      return FALSE;
  if (image->entry == 0)
    return vmm_boot_file_reject (
        file,
        error,
        "is an ELF file without a PVH entry (note 'Xen', type %u); expected a bzImage, or "
        "the ELF file of a kernel built with CONFIG_PVH",
        NOTE_PHYS32_ENTRY);
  return TRUE;
}

static gboolean
check_entry (const VmmBootFile *file, const VmmBootImage *image, GError **error)
{
  for (guint i = 0; i < image->n_segments; i++)
    {
      const VmmBootSegment *segment = &image->segments[i];

      if (image->entry >= segment->gpa && image->entry - segment->gpa < segment->file_length)
        return TRUE;
    }
  return vmm_boot_file_reject (file,
                               error,
                               "has its PVH entry at 0x%" G_GINT64_MODIFIER
                               "x, which none of its segments fills",
                               image->entry);
}

gboolean
vmm_boot_elf_parse (const VmmBootFile *file, VmmBootImage *image, GError **error)
{
  Elf64_Phdr headers[PROGRAM_HEADERS_MAX];
  Elf64_Ehdr header;
  gsize length;

  memset (image, 0, sizeof *image);
  image->mode = VMM_BOOT_PVH;
  image->initrd_limit = VMM_MEMORY_HOLE_START;
  image->cmdline_max = VMM_BOOT_CMDLINE_MAX;
  if (!vmm_boot_file_read (file, "ELF header", 0, &header, sizeof header, error) ||
      !check_header (file, &header, error))
    return FALSE;
  length = header.e_phnum * sizeof headers[0];
  if (!vmm_boot_file_read (file, "ELF program headers", header.e_phoff, headers, length, error) ||
      !find_pvh_entry (file, headers, header.e_phnum, image, error))
    return FALSE;
  for (guint i = 0; i < header.e_phnum; i++)
    if (headers[i].p_type == PT_LOAD && !add_segment (file, &headers[i], i, image, error))
      return FALSE;
  return check_entry (file, image, error);
}

gboolean
vmm_boot_elf_write_start_info (const VmmBootParameters *parameters, VmmMemory *memory, GError **error)
{
  const VmmStartModule initrd = { .gpa = parameters->initrd_gpa, .length = parameters->initrd_length };
  VmmStartRange ranges[VMM_BOOT_RANGES_MAX] = { 0 };
  VmmStartInfo info = {
    .magic = VMM_START_INFO_MAGIC,
    .version = VMM_START_INFO_VERSION,
    .cmdline_gpa = VMM_BOOT_CMDLINE_GPA,
    .rsdp_gpa = parameters->rsdp,
    .memory_map_gpa = VMM_BOOT_MEMORY_MAP_GPA,
    .n_memory_map = parameters->n_ranges,
  };

  G_STATIC_ASSERT (sizeof info == 56 && sizeof initrd == 32 && sizeof ranges[0] == 24);
  if (parameters->initrd_length > 0)
    {
      info.n_modules = 1;
      info.module_list_gpa = VMM_BOOT_MODULE_LIST_GPA;
    }
  for (guint i = 0; i < parameters->n_ranges; i++)
    ranges[i] = (VmmStartRange){
      .gpa = parameters->ranges[i].gpa,
      .length = parameters->ranges[i].length,
      .type = parameters->ranges[i].type,
    };
  return vmm_memory_write (memory, VMM_BOOT_START_INFO_GPA, &info, sizeof info, error) &&
         vmm_memory_write (memory, VMM_BOOT_MODULE_LIST_GPA, &initrd, sizeof initrd, error) &&
         vmm_memory_write (memory, VMM_BOOT_MEMORY_MAP_GPA, ranges, sizeof ranges, error);
}
