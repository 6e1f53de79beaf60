/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* page-exchange.h: other content for pages of guest RAM, that can be taken back (private) */

#pragma once

#include "vmm/memory.h"

G_BEGIN_DECLS

typedef struct _VmmPageExchange VmmPageExchange;

/**
 * vmm_page_exchange_new:
 * @memory: must outlive the exchange
 * @pages: which pages; copied
 *
 * Room for as many pages, all zero. Errors: HOST if the host has not so much memory.
 */
VmmPageExchange *vmm_page_exchange_new (VmmMemory *memory,
                                        const VmmPageSet *pages,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_page_exchange_free (VmmPageExchange *exchange);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmPageExchange, vmm_page_exchange_free)

/**
 * vmm_page_exchange_read:
 * @offset, @length: bytes of RAM, all of them in pages of the exchange
 * @fd: a file that has at the same offset what they shall be
 *
 * Errors: CORRUPT if the file ends before, HOST.
 */
gboolean vmm_page_exchange_read (VmmPageExchange *exchange,
                                 guint64 offset,
                                 guint64 length,
                                 int fd,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_page_exchange_swap:
 *
 * RAM gets what the exchange holds, and the exchange what RAM held: a second swap undoes the first. Nobody else may
 * touch these pages meanwhile.
 *
 * Errors: HOST; then RAM is as it was.
 */
gboolean vmm_page_exchange_swap (VmmPageExchange *exchange, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
