/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* console-thread.h: the thread of a console, which may be there before the console is (private) */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

typedef struct _VmmConsoleThread VmmConsoleThread;

/** VmmConsoleServe: what the thread does from its first wake on, until it is told to end. */
typedef void (*VmmConsoleServe) (gpointer user_data);

/** vmm_console_thread_new: (transfer full): one that sleeps. Errors: HOST. */
VmmConsoleThread *vmm_console_thread_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_console_thread_assign: whom it serves when it is woken; once, before the first wake. Thread: any. */
void vmm_console_thread_assign (VmmConsoleThread *thread, VmmConsoleServe serve, gpointer user_data);

/** vmm_console_thread_wake: Thread: any; does not block. */
void vmm_console_thread_wake (VmmConsoleThread *thread);

/** vmm_console_thread_get_fd: becomes readable at each wake, for poll(). Thread: its own. */
int vmm_console_thread_get_fd (VmmConsoleThread *thread);

/** vmm_console_thread_clear_wake: the descriptor is not readable until the next wake. Thread: its own. */
void vmm_console_thread_clear_wake (VmmConsoleThread *thread);

/**
 * vmm_console_thread_free:
 * @thread: (nullable)
 *
 * Wakes it for the last time, and waits until it has ended: whom it serves has been told to return. Thread: any other.
 */
void vmm_console_thread_free (VmmConsoleThread *thread);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmConsoleThread, vmm_console_thread_free)

G_END_DECLS
