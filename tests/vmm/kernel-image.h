/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kernel-image.h: kernels for tests, made to be damaged */

#pragma once

#include "vmm/boot-file.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KERNEL_IMAGE_SETUP_SIZE (5 * 512u)
#define KERNEL_IMAGE_CODE_SIZE (8 * 1024u)

#define KERNEL_IMAGE_ELF_CODE_OFFSET 4096u
#define KERNEL_IMAGE_ELF_CODE_SIZE 4096u
#define KERNEL_IMAGE_ELF_CODE_GPA 0x100000u
#define KERNEL_IMAGE_ELF_DATA_GPA 0x200000u
#define KERNEL_IMAGE_ELF_DATA_SIZE 512u
#define KERNEL_IMAGE_ELF_DATA_MEMORY_SIZE 0x3000u
#define KERNEL_IMAGE_ELF_ENTRY 0x100040u

/* the program headers of kernel_image_new_elf() */
enum
{
  KERNEL_IMAGE_ELF_NOTE,
  KERNEL_IMAGE_ELF_CODE,
  KERNEL_IMAGE_ELF_DATA,
  KERNEL_IMAGE_ELF_N_HEADERS,
};

typedef struct
{
  Elf64_Ehdr header;
  Elf64_Phdr program[KERNEL_IMAGE_ELF_N_HEADERS];
  struct
  {
    Elf64_Nhdr header;
    char name[8];
    guint32 content;
  } other_note;
  struct
  {
    Elf64_Nhdr header;
    char name[4];
    guint64 entry;
  } __attribute__ ((packed)) note;
} KernelImageElf;

/* the file content of every segment, so that a misplaced byte shows */
static inline guint8
kernel_image_byte (gsize offset)
{
  return (guint8) (offset * 7 + (offset >> 8) + 1);
}

static inline GByteArray *
kernel_image_new (gsize size)
{
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_set_size (bytes, (guint) size);
  for (gsize i = 0; i < size; i++)
    bytes->data[i] = kernel_image_byte (i);
  return bytes;
}

static inline struct setup_header *
kernel_image_bzimage_header (GByteArray *bytes)
{
  return (struct setup_header *) (bytes->data + 0x1f1);
}

/* relocatable, unpacks into 1 MiB from 2 MiB on */
static inline GByteArray *
kernel_image_new_bzimage (void)
{
  GByteArray *bytes = kernel_image_new (KERNEL_IMAGE_SETUP_SIZE + KERNEL_IMAGE_CODE_SIZE);

  *kernel_image_bzimage_header (bytes) = (struct setup_header){
    .setup_sects = 4,
    .syssize = KERNEL_IMAGE_CODE_SIZE / 16,
    .boot_flag = 0xaa55,
    .jump = 0x6aeb,
    .header = 0x53726448,
    .version = 0x020f,
    .loadflags = LOADED_HIGH,
    .code32_start = 0x100000,
    .initrd_addr_max = 0x7fffffff,
    .kernel_alignment = 0x200000,
    .relocatable_kernel = 1,
    .xloadflags = XLF_KERNEL_64,
    .cmdline_size = 2047,
    .payload_offset = 0x400,
    .payload_length = 0x800,
    .setup_data = 0x1234,
    .pref_address = 0x200000,
    .init_size = 0x100000,
  };
  return bytes;
}

static inline KernelImageElf *
kernel_image_elf (GByteArray *bytes)
{
  return (KernelImageElf *) (gpointer) bytes->data;
}

static inline GByteArray *
kernel_image_new_elf (void)
{
  GByteArray *bytes = kernel_image_new (KERNEL_IMAGE_ELF_CODE_OFFSET + KERNEL_IMAGE_ELF_CODE_SIZE +
                                        KERNEL_IMAGE_ELF_DATA_SIZE);

  *kernel_image_elf (bytes) = (KernelImageElf) {
    .header = {
      .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
      .e_type = ET_EXEC,
      .e_machine = EM_X86_64,
      .e_version = EV_CURRENT,
      .e_phoff = G_STRUCT_OFFSET (KernelImageElf, program),
      .e_ehsize = sizeof (Elf64_Ehdr),
      .e_phentsize = sizeof (Elf64_Phdr),
      .e_phnum = KERNEL_IMAGE_ELF_N_HEADERS,
    },
    .program = {
      [KERNEL_IMAGE_ELF_NOTE] = {
        .p_type = PT_NOTE,
        .p_offset = G_STRUCT_OFFSET (KernelImageElf, other_note),
        .p_filesz = sizeof (KernelImageElf) - G_STRUCT_OFFSET (KernelImageElf, other_note),
        .p_align = 4,
      },
      [KERNEL_IMAGE_ELF_CODE] = {
        .p_type = PT_LOAD,
        .p_offset = KERNEL_IMAGE_ELF_CODE_OFFSET,
        .p_paddr = KERNEL_IMAGE_ELF_CODE_GPA,
        .p_filesz = KERNEL_IMAGE_ELF_CODE_SIZE,
        .p_memsz = KERNEL_IMAGE_ELF_CODE_SIZE,
      },
      [KERNEL_IMAGE_ELF_DATA] = {
        .p_type = PT_LOAD,
        .p_offset = KERNEL_IMAGE_ELF_CODE_OFFSET + KERNEL_IMAGE_ELF_CODE_SIZE,
        .p_paddr = KERNEL_IMAGE_ELF_DATA_GPA,
        .p_filesz = KERNEL_IMAGE_ELF_DATA_SIZE,
        .p_memsz = KERNEL_IMAGE_ELF_DATA_MEMORY_SIZE,
      },
    },
    .other_note = {
      .header = { .n_namesz = 6, .n_descsz = 4, .n_type = 18 },
      .name = "Other",
      .content = 0xdead,
    },
    .note = {
      .header = { .n_namesz = 4, .n_descsz = 8, .n_type = 18 },
      .name = "Xen",
      .entry = KERNEL_IMAGE_ELF_ENTRY,
    },
  };
  return bytes;
}

/* as if @bytes had been read from a file */
static inline VmmBootFile *
kernel_image_open (GByteArray *bytes)
{
  VmmBootFile *file = g_new0 (VmmBootFile, 1);

  file->role = "kernel";
  file->path = g_strdup ("/boot/test");
  file->invalid = VMM_ERROR_INVALID_KERNEL;
  file->fd = memfd_create ("kernel", MFD_CLOEXEC);
  file->size = bytes->len;
  g_assert_cmpint (write (file->fd, bytes->data, bytes->len), ==, bytes->len);
  return file;
}
