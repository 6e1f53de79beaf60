/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/boot-elf.h"

#include "tests/vmm/kernel-image.h"
#include "vmm/boot-layout.h"

/* what a parser promises, whatever it was given */
static void
assert_sound (const VmmBootFile *file, const VmmBootImage *image)
{
  gboolean entered = FALSE;

  g_assert_cmpuint (image->n_segments, >=, 1);
  g_assert_cmpuint (image->n_segments, <=, VMM_BOOT_SEGMENTS_MAX);
  g_assert_cmpuint (image->end, <=, VMM_MEMORY_HOLE_START);
  for (guint i = 0; i < image->n_segments; i++)
    {
      const VmmBootSegment *segment = &image->segments[i];

      g_assert_true (vmm_boot_file_contains (file, segment->file_offset, segment->file_length));
      g_assert_cmpuint (segment->gpa, >=, VMM_BOOT_KERNEL_GPA);
      g_assert_cmpuint (segment->gpa, <=, image->end);
      g_assert_cmpuint (segment->memory_length, <=, image->end - segment->gpa);
      g_assert_cmpuint (segment->file_length, <=, segment->memory_length);
      entered |= image->entry >= segment->gpa && image->entry < segment->gpa + segment->file_length;
    }
  g_assert_true (entered);
}

static void
assert_rejected (GByteArray *bytes, const char *part)
{
  g_autoptr (VmmBootFile) file = kernel_image_open (bytes);
  g_autoptr (GError) error = NULL;
  VmmBootImage image;

  g_assert_false (vmm_boot_elf_parse (file, &image, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_KERNEL);
  g_assert_nonnull (strstr (error->message, "kernel '/boot/test' "));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, part));
}

static void
parse (GByteArray *bytes, VmmBootImage *image)
{
  g_autoptr (VmmBootFile) file = kernel_image_open (bytes);
  g_autoptr (GError) error = NULL;

  g_assert_true (vmm_boot_elf_probe (file));
  g_assert_true (vmm_boot_elf_parse (file, image, &error));
  g_assert_no_error (error);
  assert_sound (file, image);
}

static void
test_parses (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
  VmmBootImage image;

  parse (bytes, &image);
  g_assert_cmpint (image.mode, ==, VMM_BOOT_PVH);
  g_assert_cmphex (image.entry, ==, KERNEL_IMAGE_ELF_ENTRY);
  g_assert_cmpuint (image.n_segments, ==, 2);
  g_assert_cmphex (image.segments[1].gpa, ==, KERNEL_IMAGE_ELF_DATA_GPA);
  g_assert_cmpuint (image.segments[1].file_length, ==, KERNEL_IMAGE_ELF_DATA_SIZE);
  g_assert_cmpuint (image.segments[1].memory_length, ==, KERNEL_IMAGE_ELF_DATA_MEMORY_SIZE);
  g_assert_cmphex (image.end, ==, KERNEL_IMAGE_ELF_DATA_GPA + KERNEL_IMAGE_ELF_DATA_MEMORY_SIZE);
  g_assert_cmphex (image.initrd_limit, ==, VMM_MEMORY_HOLE_START);
}

static void
test_takes_32_bit_note (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
  VmmBootImage image;

  kernel_image_elf (bytes)->note.header.n_descsz = 4;
  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_NOTE].p_filesz -= 4;
  parse (bytes, &image);
  g_assert_cmphex (image.entry, ==, KERNEL_IMAGE_ELF_ENTRY);
}

static void
test_ignores_empty_segment (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
  VmmBootImage image;

  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA].p_filesz = 0;
  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA].p_memsz = 0;
  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA].p_paddr = 0;
  parse (bytes, &image);
  g_assert_cmpuint (image.n_segments, ==, 1);
}

static void
test_rejects_32_bit (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->header.e_ident[EI_CLASS] = ELFCLASS32;
  assert_rejected (bytes, "is a 32-bit ELF file; expected a 64-bit one");
  kernel_image_elf (bytes)->header.e_ident[EI_CLASS] = 77;
  assert_rejected (bytes, "unknown kind");
}

static void
test_rejects_other_machine (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->header.e_machine = EM_AARCH64;
  assert_rejected (bytes, "is an ELF file for machine 183; expected 62");
}

static void
test_rejects_big_endian (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->header.e_ident[EI_DATA] = ELFDATA2MSB;
  assert_rejected (bytes, "is not a little-endian");
}

static void
test_rejects_object_file (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->header.e_type = ET_REL;
  assert_rejected (bytes, "of type 1; expected an executable");
}

static void
test_rejects_program_header_table (void)
{
  static const struct
  {
    guint16 n_headers;
    guint16 header_size;
  } cases[] = { { 0, 56 }, { 65, 56 }, { 0xffff, 56 }, { 3, 32 }, { 3, 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

      kernel_image_elf (bytes)->header.e_phnum = cases[i].n_headers;
      kernel_image_elf (bytes)->header.e_phentsize = cases[i].header_size;
      assert_rejected (bytes, "ELF program headers of");
    }
}

static void
test_rejects_program_headers_outside_file (void)
{
  static const guint64 offsets[] = { 8500, 8704, 8705, G_MAXUINT64, G_MAXUINT64 - 100, G_MAXINT64 };

  for (gsize i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

      g_byte_array_set_size (bytes, 8600);
      kernel_image_elf (bytes)->header.e_phoff = offsets[i];
      assert_rejected (bytes, "its ELF program headers takes 168 bytes");
    }
}

static void
test_rejects_without_note (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_NOTE].p_type = PT_NULL;
  assert_rejected (bytes, "without a PVH entry");
}

static void
test_rejects_other_notes (void)
{
  g_autoptr (GByteArray) type = kernel_image_new_elf ();
  g_autoptr (GByteArray) name = kernel_image_new_elf ();
  g_autoptr (GByteArray) content = kernel_image_new_elf ();

  kernel_image_elf (type)->note.header.n_type = 17;
  assert_rejected (type, "without a PVH entry");
  kernel_image_elf (name)->note.name[0] = 'x';
  assert_rejected (name, "without a PVH entry");
  kernel_image_elf (content)->note.header.n_descsz = 3;
  assert_rejected (content, "without a PVH entry");
}

static void
test_rejects_overflowing_notes (void)
{
  g_autoptr (GByteArray) name = kernel_image_new_elf ();
  g_autoptr (GByteArray) content = kernel_image_new_elf ();
  g_autoptr (GByteArray) both = kernel_image_new_elf ();

  kernel_image_elf (name)->other_note.header.n_namesz = G_MAXUINT32;
  assert_rejected (name, "without a PVH entry");
  kernel_image_elf (content)->other_note.header.n_descsz = G_MAXUINT32;
  assert_rejected (content, "without a PVH entry");
  kernel_image_elf (both)->other_note.header.n_namesz = 0x7ffffffe;
  kernel_image_elf (both)->other_note.header.n_descsz = 0x7ffffffe;
  assert_rejected (both, "without a PVH entry");
}

static void
test_rejects_notes_outside_file (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
  Elf64_Phdr *note = &kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_NOTE];

  note->p_offset = G_MAXUINT64 - 4;
  assert_rejected (bytes, "its notes takes");
  note->p_filesz = G_MAXUINT64;
  assert_rejected (bytes, "18446744073709551615 bytes of ELF notes; expected at most");
}

static void
test_rejects_truncated (void)
{
  g_autoptr (GByteArray) whole = kernel_image_new_elf ();

  for (guint length = 4; length < whole->len; length += 97)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

      g_byte_array_set_size (bytes, length);
      assert_rejected (bytes, "truncated");
    }
}

static void
test_rejects_segment_outside_file (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
  Elf64_Phdr *data = &kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA];

  data->p_offset++;
  assert_rejected (bytes, "is damaged or truncated: ELF segment 2");
  data->p_offset = G_MAXUINT64 - 8;
  assert_rejected (bytes, "is damaged or truncated: ELF segment 2");
}

static void
test_rejects_more_file_than_memory (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA].p_memsz = KERNEL_IMAGE_ELF_DATA_SIZE - 1;
  assert_rejected (bytes, "for 511 bytes of memory");
}

static void
test_rejects_segment_outside_memory (void)
{
  static const struct
  {
    guint64 gpa;
    guint64 length;
  } cases[] = {
    { 0, 0x1000 },
    { 0x7000, 0x1000 },
    { 0xff000, 0x2000 },
    { VMM_MEMORY_HOLE_START, 0x1000 },
    { VMM_MEMORY_HOLE_START - 0xfff, 0x1000 },
    { 0x100000, G_MAXUINT64 },
    { G_MAXUINT64 - 0xfff, 0x2000 },
    { 0x100000000, 0x1000 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
      Elf64_Phdr *data = &kernel_image_elf (bytes)->program[KERNEL_IMAGE_ELF_DATA];

      data->p_paddr = cases[i].gpa;
      data->p_memsz = cases[i].length;
      assert_rejected (bytes, "it must lie between 0x100000 and 0xc0000000");
    }
}

static void
test_rejects_too_many_segments (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
  KernelImageElf *elf = kernel_image_elf (bytes);
  Elf64_Phdr *program = (Elf64_Phdr *) (gpointer) (bytes->data + 1024);

  elf->header.e_phoff = 1024;
  elf->header.e_phnum = VMM_BOOT_SEGMENTS_MAX + 2;
  program[0] = elf->program[KERNEL_IMAGE_ELF_NOTE];
  for (guint i = 1; i < VMM_BOOT_SEGMENTS_MAX + 2; i++)
    program[i] = elf->program[KERNEL_IMAGE_ELF_CODE];
  assert_rejected (bytes, "has more than 16 ELF segments");
}

static void
test_rejects_without_segment (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

  kernel_image_elf (bytes)->header.e_phnum = 1;
  assert_rejected (bytes, "which none of its segments fills");
}

static void
test_rejects_entry_outside_segments (void)
{
  static const guint64 entries[] = {
    1,
    KERNEL_IMAGE_ELF_CODE_GPA - 1,
    KERNEL_IMAGE_ELF_CODE_GPA + KERNEL_IMAGE_ELF_CODE_SIZE,
    KERNEL_IMAGE_ELF_DATA_GPA + KERNEL_IMAGE_ELF_DATA_SIZE, /* zeros */
    G_MAXUINT64,
  };

  for (gsize i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_elf ();

      kernel_image_elf (bytes)->note.entry = entries[i];
      assert_rejected (bytes, "which none of its segments fills");
    }
}

static void
test_survives_mutation (void)
{
  GRand *random = g_rand_new_with_seed (20261123);
  guint n_accepted = 0;

  for (guint round = 0; round < 5000; round++)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_elf ();
      g_autoptr (VmmBootFile) file = NULL;
      g_autoptr (GError) error = NULL;
      VmmBootImage image;

      for (gint i = g_rand_int_range (random, 1, 5); i > 0; i--)
        bytes->data[g_rand_int_range (random, 4, sizeof (KernelImageElf))] = (guint8) g_rand_int (random);
      if (round % 8 == 0)
        g_byte_array_set_size (bytes, (guint) g_rand_int_range (random, 1, (gint32) bytes->len));
      file = kernel_image_open (bytes);
      if (vmm_boot_elf_parse (file, &image, &error))
        {
          g_assert_no_error (error);
          assert_sound (file, &image);
          n_accepted++;
        }
      else
        {
          g_assert_error (error, VMM_ERROR, VMM_ERROR_INVALID_KERNEL);
        }
    }
  g_assert_cmpuint (n_accepted, >, 100);
  g_assert_cmpuint (n_accepted, <, 4900);
  g_rand_free (random);
}

static void
write_start_info (const VmmBootParameters *parameters, guint8 *page)
{
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (GError) error = NULL;

  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  g_assert_true (vmm_boot_elf_write_start_info (parameters, memory, &error));
  g_assert_true (vmm_memory_read (memory, VMM_BOOT_START_INFO_GPA, page, VMM_PAGE_SIZE, &error));
}

static void
test_writes_start_info (void)
{
  const VmmBootParameters parameters = {
    .rsdp = 0xe0000,
    .initrd_gpa = 0x700000,
    .initrd_length = 0x1234,
    .ranges = { { 0, 0x9fc00, VMM_BOOT_RANGE_RAM }, { 0x100000, 0xf00000, VMM_BOOT_RANGE_RESERVED } },
    .n_ranges = 2,
  };
  guint8 page[VMM_PAGE_SIZE];
  guint32 words[14];
  guint64 module[4], range[3];

  write_start_info (&parameters, page);
  memcpy (words, page, sizeof words);
  g_assert_cmphex (words[0], ==, 0x336ec578);
  g_assert_cmphex (words[1], ==, 1);
  g_assert_cmphex (words[2], ==, 0);
  g_assert_cmphex (words[3], ==, 1);
  g_assert_cmphex (words[4], ==, 0x6040);
  g_assert_cmphex (words[6], ==, 0x20000);
  g_assert_cmphex (words[8], ==, 0xe0000);
  g_assert_cmphex (words[10], ==, 0x6080);
  g_assert_cmphex (words[12], ==, 2);
  memcpy (module, page + 0x40, sizeof module);
  g_assert_cmphex (module[0], ==, 0x700000);
  g_assert_cmphex (module[1], ==, 0x1234);
  memcpy (range, page + 0x80 + 24, sizeof range);
  g_assert_cmphex (range[0], ==, 0x100000);
  g_assert_cmphex (range[1], ==, 0xf00000);
  g_assert_cmphex (range[2], ==, 2);
}

static void
test_without_initrd_there_is_no_module (void)
{
  const VmmBootParameters parameters = { .rsdp = 0xe0000 };
  guint8 page[VMM_PAGE_SIZE];
  VmmStartInfo info;

  write_start_info (&parameters, page);
  memcpy (&info, page, sizeof info);
  g_assert_cmpuint (info.n_modules, ==, 0);
  g_assert_cmphex (info.module_list_gpa, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/vmm/boot-elf/" name, function)
  ADD ("parses", test_parses);
  ADD ("takes-32-bit-note", test_takes_32_bit_note);
  ADD ("ignores-empty-segment", test_ignores_empty_segment);
  ADD ("rejects-32-bit", test_rejects_32_bit);
  ADD ("rejects-other-machine", test_rejects_other_machine);
  ADD ("rejects-big-endian", test_rejects_big_endian);
  ADD ("rejects-object-file", test_rejects_object_file);
  ADD ("rejects-program-header-table", test_rejects_program_header_table);
  ADD ("rejects-program-headers-outside-file", test_rejects_program_headers_outside_file);
  ADD ("rejects-without-note", test_rejects_without_note);
  ADD ("rejects-other-notes", test_rejects_other_notes);
  ADD ("rejects-overflowing-notes", test_rejects_overflowing_notes);
  ADD ("rejects-notes-outside-file", test_rejects_notes_outside_file);
  ADD ("rejects-truncated", test_rejects_truncated);
  ADD ("rejects-segment-outside-file", test_rejects_segment_outside_file);
  ADD ("rejects-more-file-than-memory", test_rejects_more_file_than_memory);
  ADD ("rejects-segment-outside-memory", test_rejects_segment_outside_memory);
  ADD ("rejects-too-many-segments", test_rejects_too_many_segments);
  ADD ("rejects-without-segment", test_rejects_without_segment);
  ADD ("rejects-entry-outside-segments", test_rejects_entry_outside_segments);
  ADD ("survives-mutation", test_survives_mutation);
  ADD ("writes-start-info", test_writes_start_info);
  ADD ("without-initrd-there-is-no-module", test_without_initrd_there_is_no_module);
#undef ADD
  return g_test_run ();
}
