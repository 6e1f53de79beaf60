/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * In memory a bitmap, which is what KVM gives and what takes no more however a guest scatters its writes; on disk
 * runs, which are short where little has changed. There is one encoding of each set, so that a digest of it means
 * something, and what is not that encoding is damage.
 */

#include "config.h"
#include "vmm/page-set.h"

#include <string.h>

#include "vmm/memory.h"

#define VARINT_MAX 10u /* bytes */

VmmPageSet *
vmm_page_set_new (guint64 size)
{
  VmmPageSet *set = g_new0 (VmmPageSet, 1);

  set->n_pages = size / VMM_PAGE_SIZE;
  set->n_words = set->n_pages / 64 + 1;
  set->bits = g_new0 (guint64, set->n_words);
  return set;
}

void
vmm_page_set_free (VmmPageSet *set)
{
  if (set == NULL)
    return;
  g_free (set->bits);
  g_free (set);
}

void
vmm_page_set_add (VmmPageSet *set, guint64 page)
{
  g_return_if_fail (page < set->n_pages);
  __atomic_fetch_or (&set->bits[page / 64], 1ull << (page % 64), __ATOMIC_RELAXED);
}

void
vmm_page_set_remove (VmmPageSet *set, guint64 page)
{
  g_return_if_fail (page < set->n_pages);
  __atomic_fetch_and (&set->bits[page / 64], ~(1ull << (page % 64)), __ATOMIC_RELAXED);
}

static void
add_run (VmmPageSet *set, guint64 start, guint64 end)
{
  while (start < end)
    {
      guint64 stop = MIN (end, (start / 64 + 1) * 64);
      guint64 mask = stop - start == 64 ? G_MAXUINT64 : ((1ull << (stop - start)) - 1) << (start % 64);

      __atomic_fetch_or (&set->bits[start / 64], mask, __ATOMIC_RELAXED);
      start = stop;
    }
}

void
vmm_page_set_add_bytes (VmmPageSet *set, guint64 offset, guint64 length)
{
  guint64 end;

  if (length == 0)
    return;
  end = (offset + length - 1) / VMM_PAGE_SIZE + 1;
  g_return_if_fail (end <= set->n_pages);
  add_run (set, offset / VMM_PAGE_SIZE, end);
}

void
vmm_page_set_add_all (VmmPageSet *set, const VmmPageSet *other)
{
  g_return_if_fail (set->n_pages == other->n_pages);
  for (gsize i = 0; i < set->n_words; i++)
    set->bits[i] |= other->bits[i];
}

void
vmm_page_set_remove_all (VmmPageSet *set, const VmmPageSet *other)
{
  g_return_if_fail (set->n_pages == other->n_pages);
  for (gsize i = 0; i < set->n_words; i++)
    set->bits[i] &= ~other->bits[i];
}

void
vmm_page_set_clear (VmmPageSet *set)
{
  memset (set->bits, 0, set->n_words * sizeof set->bits[0]);
}

gboolean
vmm_page_set_contains (const VmmPageSet *set, guint64 page)
{
  return page < set->n_pages && (set->bits[page / 64] >> (page % 64) & 1) != 0;
}

guint64
vmm_page_set_count (const VmmPageSet *set)
{
  guint64 count = 0;

  for (gsize i = 0; i < set->n_words; i++)
    count += (guint64) __builtin_popcountll (set->bits[i]);
  return count;
}

/* number of the first page from @page on that is in the set, or is not; or n_pages */
static guint64
find (const VmmPageSet *set, guint64 page, gboolean contained)
{
  while (page < set->n_pages)
    {
      guint64 word = (contained ? set->bits[page / 64] : ~set->bits[page / 64]) >> (page % 64);

      if (word != 0)
        return MIN (page + (guint64) __builtin_ctzll (word), set->n_pages);
      page = (page / 64 + 1) * 64;
    }
  return set->n_pages;
}

gboolean
vmm_page_set_next_run (const VmmPageSet *set, guint64 from, guint64 *start, guint64 *end)
{
  *start = find (set, from, TRUE);
  if (*start >= set->n_pages)
    return FALSE;
  *end = find (set, *start, FALSE);
  return TRUE;
}

static void
append_varint (GByteArray *bytes, guint64 value)
{
  guint8 encoded[VARINT_MAX];
  guint length = 0;

  for (; value >= 0x80; value >>= 7)
    encoded[length++] = (guint8) (value | 0x80);
  encoded[length++] = (guint8) value;
  g_byte_array_append (bytes, encoded, length);
}

GBytes *
vmm_page_set_pack (const VmmPageSet *set)
{
  GByteArray *bytes = g_byte_array_new ();
  guint64 start;
  guint64 end = 0;
  guint64 last = 0;

  while (vmm_page_set_next_run (set, end, &start, &end))
    {
      append_varint (bytes, start - last);
      append_varint (bytes, end - start);
      last = end;
    }
  return g_byte_array_free_to_bytes (bytes);
}

guint64
vmm_page_set_get_packed_size_max (guint64 n_pages)
{
  return n_pages +
         1; /* a varint takes no more bytes than what it counts, but for one of zero at the beginning */
}

/* only the shortest encoding is one */
static gboolean
read_varint (const guint8 **p, const guint8 *end, guint64 *value)
{
  guint64 result = 0;

  for (guint i = 0; i < VARINT_MAX && *p < end; i++)
    {
      guint8 byte = *(*p)++;

      if (i == VARINT_MAX - 1 && byte > 1)
        return FALSE;
      result |= (guint64) (byte & 0x7f) << (7 * i);
      if ((byte & 0x80) != 0)
        continue;
      *value = result;
      return i == 0 || byte != 0;
    }
  return FALSE;
}

VmmPageSet *
vmm_page_set_unpack (GBytes *bytes, guint64 size, GError **error)
{
  g_autoptr (VmmPageSet) set = vmm_page_set_new (size);
  gsize length = g_bytes_get_size (bytes);
  const guint8 *begin = length > 0 ? g_bytes_get_data (bytes, NULL) : (const guint8 *) "";
  const guint8 *p = begin;
  guint64 page = 0;

  while (p < begin + length)
    {
      guint64 gap;
      guint64 run;
      gsize place = (gsize) (p - begin);

      if (!read_varint (&p, begin + length, &gap) || !read_varint (&p, begin + length, &run) || run == 0 ||
          (gap == 0 && page > 0) || gap > set->n_pages - page || run > set->n_pages - page - gap)
        {
          g_set_error (error,
                       VMM_ERROR,
                       VMM_ERROR_CORRUPT,
                       "at byte %zu is no run of pages that lies behind page %" G_GUINT64_FORMAT
                       " of %" G_GUINT64_FORMAT,
                       place,
                       page,
                       set->n_pages);
          return NULL;
        }
      add_run (set, page + gap, page + gap + run);
      page += gap + run;
    }
  return g_steal_pointer (&set);
}
