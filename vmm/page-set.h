/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* page-set.h: a set of pages of guest RAM (private) */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

/**
 * VmmPageSet:
 * @n_pages: pages that guest RAM has
 * @n_words: of @bits
 * @bits: a bit for each page, in the order of the RAM file, as KVM's log of dirty pages has them
 *
 * Bits past @n_pages are 0.
 */
typedef struct
{
  guint64 n_pages;
  gsize n_words;
  guint64 *bits;
} VmmPageSet;

/** vmm_page_set_new: an empty set of pages of RAM of @size bytes. */
VmmPageSet *vmm_page_set_new (guint64 size);
void vmm_page_set_free (VmmPageSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmPageSet, vmm_page_set_free)

void vmm_page_set_add (VmmPageSet *set, guint64 page);                         /* Thread: any */
void vmm_page_set_remove (VmmPageSet *set, guint64 page);                      /* Thread: any */
void vmm_page_set_add_bytes (VmmPageSet *set, guint64 offset, guint64 length); /* all pages they touch */
void vmm_page_set_add_all (VmmPageSet *set, const VmmPageSet *other);          /* of the same size */
void vmm_page_set_remove_all (VmmPageSet *set, const VmmPageSet *other);       /* of the same size */
void vmm_page_set_clear (VmmPageSet *set);
gboolean vmm_page_set_contains (const VmmPageSet *set, guint64 page);
guint64 vmm_page_set_count (const VmmPageSet *set);

/**
 * vmm_page_set_next_run:
 * @from: page to begin to look at
 * @start: (out): first page of the run
 * @end: (out): the page after its last
 *
 * Returns: whether there is a page at or after @from
 */
gboolean vmm_page_set_next_run (const VmmPageSet *set, guint64 from, guint64 *start, guint64 *end);

/**
 * vmm_page_set_pack:
 *
 * The runs, in order, each as two varints of Protocol Buffers: the pages since the end of the one before, and the
 * pages in it. That takes 2 bytes for a page of its own, and never more than a byte for each page of RAM.
 */
GBytes *vmm_page_set_pack (const VmmPageSet *set);

/** vmm_page_set_get_packed_size_max: the most bytes that a packed set of @n_pages pages has. */
guint64 vmm_page_set_get_packed_size_max (guint64 n_pages);

/**
 * vmm_page_set_unpack:
 * @size: bytes of guest RAM
 *
 * @bytes is hostile. Errors: CORRUPT if they are not what vmm_page_set_pack() makes of a set of such pages.
 */
VmmPageSet *vmm_page_set_unpack (GBytes *bytes, guint64 size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
