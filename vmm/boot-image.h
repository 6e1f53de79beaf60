/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boot-image.h: what the formats of kernels have in common (private) */

#pragma once

#include "vmm/boot.h"

#include <asm/bootparam.h>

G_BEGIN_DECLS

/** VmmBootSegment: a part of the file that goes into RAM, and the zeros that follow it. In bytes. */
typedef struct
{
  guint64 gpa;
  guint64 file_offset;
  guint64 file_length;
  guint64 memory_length; /* at least file_length */
} VmmBootSegment;

#define VMM_BOOT_SEGMENTS_MAX 16

/**
 * VmmBootImage: what a parser found out.
 *
 * Guarantees of a parser that succeeds: every segment lies in the file and, in guest-physical space, between
 * VMM_BOOT_KERNEL_GPA and @end; @end is at most VMM_MEMORY_HOLE_START; @entry lies in a segment's file content.
 */
typedef struct
{
  VmmBootMode mode;
  guint64 entry; /* guest-physical */
  VmmBootSegment segments[VMM_BOOT_SEGMENTS_MAX];
  guint n_segments;
  guint64 end;                /* the kernel needs RAM up to here, and the initrd must stay above */
  guint64 initrd_limit;       /* the initrd must end here or below */
  guint cmdline_max;          /* bytes, without the NUL */
  struct setup_header header; /* bzImage only */
} VmmBootImage;

/* the types of the memory map are the same for E820 and for PVH */
#define VMM_BOOT_RANGE_RAM 1u
#define VMM_BOOT_RANGE_RESERVED 2u

typedef struct
{
  guint64 gpa;
  guint64 length; /* bytes */
  guint32 type;
} VmmBootRange;

#define VMM_BOOT_RANGES_MAX 8

/** VmmBootParameters: what a kernel is told, whichever way it is entered. */
typedef struct
{
  guint64 rsdp; /* guest-physical; 0 for none */
  guint64 initrd_gpa;
  guint64 initrd_length; /* bytes; 0 for none */
  VmmBootRange ranges[VMM_BOOT_RANGES_MAX];
  guint n_ranges;
} VmmBootParameters;

G_END_DECLS
