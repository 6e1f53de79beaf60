/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/boot-bzimage.h"

#include "tests/vmm/kernel-image.h"
#include "vmm/boot-layout.h"

/* what a parser promises, whatever it was given */
static void
assert_sound (const VmmBootFile *file, const VmmBootImage *image)
{
  const VmmBootSegment *segment = &image->segments[0];

  g_assert_cmpuint (image->n_segments, ==, 1);
  g_assert_true (vmm_boot_file_contains (file, segment->file_offset, segment->file_length));
  g_assert_cmpuint (segment->gpa, >=, VMM_BOOT_KERNEL_GPA);
  g_assert_cmpuint (segment->memory_length, >=, segment->file_length);
  g_assert_cmpuint (segment->gpa + segment->memory_length, <=, image->end);
  g_assert_cmpuint (image->end, <=, VMM_MEMORY_HOLE_START);
  g_assert_cmpuint (image->entry, >=, segment->gpa);
  g_assert_cmpuint (image->entry, <, segment->gpa + segment->file_length);
}

static void
assert_rejected (GByteArray *bytes, const char *part)
{
  g_autoptr (VmmBootFile) file = kernel_image_open (bytes);
  g_autoptr (GError) error = NULL;
  VmmBootImage image;

  g_assert_false (vmm_boot_bzimage_parse (file, &image, &error));
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

  g_assert_true (vmm_boot_bzimage_probe (file));
  g_assert_true (vmm_boot_bzimage_parse (file, image, &error));
  g_assert_no_error (error);
  assert_sound (file, image);
}

static void
test_parses_relocatable (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  VmmBootImage image;

  parse (bytes, &image);
  g_assert_cmpint (image.mode, ==, VMM_BOOT_LONG_MODE);
  g_assert_cmphex (image.segments[0].gpa, ==, 0x100000);
  g_assert_cmpuint (image.segments[0].file_offset, ==, KERNEL_IMAGE_SETUP_SIZE);
  g_assert_cmpuint (image.segments[0].file_length, ==, KERNEL_IMAGE_CODE_SIZE);
  g_assert_cmphex (image.entry, ==, 0x100200);
  g_assert_cmphex (image.end, ==, 0x300000);
  g_assert_cmphex (image.initrd_limit, ==, 0x80000000);
  g_assert_cmpuint (image.cmdline_max, ==, 2047);
}

static void
test_fixed_kernel_goes_to_its_address (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  VmmBootImage image;

  kernel_image_bzimage_header (bytes)->relocatable_kernel = 0;
  parse (bytes, &image);
  g_assert_cmphex (image.segments[0].gpa, ==, 0x200000);
  g_assert_cmphex (image.entry, ==, 0x200200);
  g_assert_cmphex (image.end, ==, 0x300000);
}

static void
test_unpacks_at_alignment_above_preferred (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  VmmBootImage image;

  kernel_image_bzimage_header (bytes)->kernel_alignment = 0x1000000;
  parse (bytes, &image);
  g_assert_cmphex (image.end, ==, 0x1100000);
}

static void
test_large_image_counts_although_unpacked_is_small (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  VmmBootImage image;

  kernel_image_bzimage_header (bytes)->relocatable_kernel = 0;
  kernel_image_bzimage_header (bytes)->init_size = 16;
  parse (bytes, &image);
  g_assert_cmphex (image.end, ==, 0x200000 + KERNEL_IMAGE_CODE_SIZE);
}

static void
test_zero_setup_sectors_mean_four (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  VmmBootImage image;

  kernel_image_bzimage_header (bytes)->setup_sects = 0;
  parse (bytes, &image);
  g_assert_cmpuint (image.segments[0].file_offset, ==, KERNEL_IMAGE_SETUP_SIZE);
}

static void
test_ignores_what_follows_the_kernel (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  VmmBootImage image;

  g_byte_array_append (bytes, (const guint8 *) "signature", 9);
  parse (bytes, &image);
  g_assert_cmpuint (image.segments[0].file_length, ==, KERNEL_IMAGE_CODE_SIZE);
}

static void
test_cuts_older_header (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  VmmBootImage image;

  kernel_image_bzimage_header (bytes)->version = 0x020c;
  kernel_image_bzimage_header (bytes)->jump = 0x66eb;
  kernel_image_bzimage_header (bytes)->handover_offset = 0x1234;
  kernel_image_bzimage_header (bytes)->kernel_info_offset = 0xffffffff;
  parse (bytes, &image);
  g_assert_cmphex (image.header.handover_offset, ==, 0x1234);
  g_assert_cmphex (image.header.kernel_info_offset, ==, 0);
}

static void
test_probe_needs_the_magic (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  g_autoptr (GByteArray) stub = kernel_image_new (0x203);
  g_autoptr (VmmBootFile) file = NULL;
  g_autoptr (VmmBootFile) stub_file = kernel_image_open (stub);

  kernel_image_bzimage_header (bytes)->header = 0;
  file = kernel_image_open (bytes);
  g_assert_false (vmm_boot_bzimage_probe (file));
  g_assert_false (vmm_boot_bzimage_probe (stub_file));
  assert_rejected (bytes, "is not a bzImage");
}

static void
test_rejects_old_protocol (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->version = 0x020b;
  assert_rejected (bytes, "uses boot protocol 2.11; expected 2.12");
}

static void
test_rejects_zimage (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->loadflags = 0;
  assert_rejected (bytes, "is a zImage");
}

static void
test_rejects_32_bit (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->xloadflags = 0;
  assert_rejected (bytes, "has no 64-bit entry point");
}

static void
test_rejects_short_header (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->jump = 0x40eb;
  assert_rejected (bytes, "has a setup header of");
}

static void
test_rejects_truncated (void)
{
  g_autoptr (GByteArray) whole = kernel_image_new_bzimage ();

  for (guint length = 1; length < whole->len; length += 97)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

      g_byte_array_set_size (bytes, length);
      assert_rejected (bytes, "truncated");
    }
}

static void
test_rejects_setup_larger_than_file (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->setup_sects = 255;
  assert_rejected (bytes, "is truncated");
}

static void
test_rejects_code_larger_than_file (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->syssize++;
  assert_rejected (bytes, "is truncated");
  kernel_image_bzimage_header (bytes)->syssize = G_MAXUINT32;
  assert_rejected (bytes, "is truncated");
}

static void
test_rejects_code_without_entry (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->syssize = 0;
  assert_rejected (bytes, "has 0 bytes of kernel code");
  kernel_image_bzimage_header (bytes)->syssize = 0x200 / 16;
  assert_rejected (bytes, "has 512 bytes of kernel code");
}

static void
test_rejects_payload_outside_code (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->payload_length = KERNEL_IMAGE_CODE_SIZE;
  assert_rejected (bytes, "is damaged");
  kernel_image_bzimage_header (bytes)->payload_offset = G_MAXUINT32;
  kernel_image_bzimage_header (bytes)->payload_length = G_MAXUINT32;
  assert_rejected (bytes, "is damaged");
}

static void
test_rejects_alignment (void)
{
  static const guint32 alignments[] = { 0, 3, 0x300000, 0x80000000 };

  for (gsize i = 0; i < G_N_ELEMENTS (alignments); i++)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

      kernel_image_bzimage_header (bytes)->kernel_alignment = alignments[i];
      assert_rejected (bytes, "wants an alignment of");
    }
}

static void
test_rejects_preferred_address (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->pref_address = G_MAXUINT64;
  assert_rejected (bytes, "wants to be at 0xffffffffffffffff");
  kernel_image_bzimage_header (bytes)->relocatable_kernel = 0;
  kernel_image_bzimage_header (bytes)->pref_address = 0xff000;
  assert_rejected (bytes, "wants to be at 0xff000");
}

static void
test_rejects_unpacking_over_the_hole (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();

  kernel_image_bzimage_header (bytes)->init_size = G_MAXUINT32;
  assert_rejected (bytes, "needs RAM up to 0x1001fffff");
}

static void
test_survives_mutation (void)
{
  GRand *random = g_rand_new_with_seed (20261123);
  guint n_accepted = 0;

  for (guint round = 0; round < 5000; round++)
    {
      g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
      g_autoptr (VmmBootFile) file = NULL;
      g_autoptr (GError) error = NULL;
      VmmBootImage image;

      for (gint i = g_rand_int_range (random, 1, 5); i > 0; i--)
        bytes->data[g_rand_int_range (random, 0x1f1, 0x26c)] = (guint8) g_rand_int (random);
      if (round % 8 == 0)
        g_byte_array_set_size (bytes, (guint) g_rand_int_range (random, 1, (gint32) bytes->len));
      file = kernel_image_open (bytes);
      if (vmm_boot_bzimage_parse (file, &image, &error))
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
test_writes_zero_page (void)
{
  g_autoptr (GByteArray) bytes = kernel_image_new_bzimage ();
  g_autoptr (VmmConfig) config = vmm_config_new ();
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (GError) error = NULL;
  const VmmBootParameters parameters = {
    .rsdp = 0xe0000,
    .initrd_gpa = 0x700000,
    .initrd_length = 0x1234,
    .ranges = { { 0, 0x9fc00, VMM_BOOT_RANGE_RAM }, { 0x100000, 0xf00000, VMM_BOOT_RANGE_RESERVED } },
    .n_ranges = 2,
  };
  struct boot_params page;
  VmmBootImage image;

  config->memory_size = VMM_MEMORY_SIZE_MIN;
  config->memory_backing = VMM_MEMORY_BACKING_ANONYMOUS;
  memory = vmm_memory_new (config, &error);
  g_assert_no_error (error);
  parse (bytes, &image);
  g_assert_true (vmm_boot_bzimage_write_zero_page (&image, &parameters, memory, &error));
  g_assert_true (vmm_memory_read (memory, 0x7000, &page, sizeof page, &error));
  g_assert_cmphex (page.hdr.header, ==, 0x53726448);
  g_assert_cmphex (page.hdr.type_of_loader, ==, 0xff);
  g_assert_cmphex (page.hdr.init_size, ==, 0x100000);
  g_assert_cmphex (page.hdr.cmd_line_ptr, ==, 0x20000);
  g_assert_cmphex (page.hdr.ramdisk_image, ==, 0x700000);
  g_assert_cmphex (page.hdr.ramdisk_size, ==, 0x1234);
  g_assert_cmphex (page.hdr.setup_data, ==, 0);
  g_assert_cmphex (page.acpi_rsdp_addr, ==, 0xe0000);
  g_assert_cmpuint (page.e820_entries, ==, 2);
  g_assert_cmphex (page.e820_table[1].addr, ==, 0x100000);
  g_assert_cmphex (page.e820_table[1].size, ==, 0xf00000);
  g_assert_cmphex (page.e820_table[1].type, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/vmm/boot-bzimage/" name, function)
  ADD ("parses-relocatable", test_parses_relocatable);
  ADD ("fixed-kernel-goes-to-its-address", test_fixed_kernel_goes_to_its_address);
  ADD ("unpacks-at-alignment-above-preferred", test_unpacks_at_alignment_above_preferred);
  ADD ("large-image-counts-although-unpacked-is-small", test_large_image_counts_although_unpacked_is_small);
  ADD ("zero-setup-sectors-mean-four", test_zero_setup_sectors_mean_four);
  ADD ("ignores-what-follows-the-kernel", test_ignores_what_follows_the_kernel);
  ADD ("cuts-older-header", test_cuts_older_header);
  ADD ("probe-needs-the-magic", test_probe_needs_the_magic);
  ADD ("rejects-old-protocol", test_rejects_old_protocol);
  ADD ("rejects-zimage", test_rejects_zimage);
  ADD ("rejects-32-bit", test_rejects_32_bit);
  ADD ("rejects-short-header", test_rejects_short_header);
  ADD ("rejects-truncated", test_rejects_truncated);
  ADD ("rejects-setup-larger-than-file", test_rejects_setup_larger_than_file);
  ADD ("rejects-code-larger-than-file", test_rejects_code_larger_than_file);
  ADD ("rejects-code-without-entry", test_rejects_code_without_entry);
  ADD ("rejects-payload-outside-code", test_rejects_payload_outside_code);
  ADD ("rejects-alignment", test_rejects_alignment);
  ADD ("rejects-preferred-address", test_rejects_preferred_address);
  ADD ("rejects-unpacking-over-the-hole", test_rejects_unpacking_over_the_hole);
  ADD ("survives-mutation", test_survives_mutation);
  ADD ("writes-zero-page", test_writes_zero_page);
#undef ADD
  return g_test_run ();
}
