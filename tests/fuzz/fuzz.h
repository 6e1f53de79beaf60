/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuzz.h: what the targets have in common */

#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/**
 * LLVMFuzzerTestOneInput:
 *
 * What each target is: it does with the input what the VMM would do with such a file, and asserts what must hold
 * whatever it says. libFuzzer calls it, or replay.c. Returns 0.
 */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* between the parts of an input that has several; one that bytes come into or go from still falls into them */
#define FUZZ_SEPARATOR                                                                                       \
  "\xff"                                                                                                     \
  "CUT"
#define FUZZ_SEPARATOR_SIZE (sizeof FUZZ_SEPARATOR - 1)

/** FuzzInput: what is left of an input. */
typedef struct
{
  const guint8 *data;
  gsize size;
} FuzzInput;

static inline guint8
fuzz_take_byte (FuzzInput *input)
{
  if (input->size == 0)
    return 0;
  input->size--;
  return *input->data++;
}

/** fuzz_take_part: (transfer full): the bytes up to the next separator, or to the end. */
static inline GBytes *
fuzz_take_part (FuzzInput *input)
{
  const guint8 *start = input->data;
  const guint8 *cut = input->size == 0 ? NULL
                                       : memmem (start, input->size, FUZZ_SEPARATOR, FUZZ_SEPARATOR_SIZE);
  gsize length = cut != NULL ? (gsize) (cut - start) : input->size;
  gsize taken = cut != NULL ? length + FUZZ_SEPARATOR_SIZE : length;

  input->data += taken;
  input->size -= taken;
  return g_bytes_new (start, length);
}

G_END_DECLS
