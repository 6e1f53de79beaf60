/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* thread.h: a thread that a machine keeps (private) */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

typedef struct _VmmThread VmmThread;

typedef void (*VmmThreadFunc) (gpointer user_data);

/* bytes, with the guard page; a sanitizer puts 0.8 MiB of its own there */
#define VMM_THREAD_STACK_SIZE (2u * 1024u * 1024u)

/**
 * vmm_thread_new:
 * @name: of which 15 bytes are used
 * @func: what it does; the thread ends when it returns
 *
 * (transfer full): a thread that runs already, with signals and scheduling of the caller's. A stack that overflows is a
 * SIGSEGV. Errors: HOST.
 */
VmmThread *vmm_thread_new (const char *name, VmmThreadFunc func, gpointer user_data, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** vmm_thread_join: (transfer full): waits until it has ended, and frees it. Thread: any other. */
void vmm_thread_join (VmmThread *thread);

G_END_DECLS
