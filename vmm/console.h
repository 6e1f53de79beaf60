/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* console.h: the machine's end of a console (private); the host's end is in vmm.h */

#pragma once

#include "vmm/console-thread.h"
#include "vmm/vmm.h"

G_BEGIN_DECLS

/** VmmConsoleInputFunc: bytes have come and can be had by vmm_console_read(). On the console's own thread. */
typedef void (*VmmConsoleInputFunc) (gpointer user_data);

/**
 * vmm_console_plug:
 * @input: (nullable): who is told of input; at once if some waits. %NULL to unplug
 *
 * After return the last one does not run and is not called again. Not to be called from @input, nor with a lock
 * held that @input takes.
 *
 * Thread: any.
 */
void vmm_console_plug (VmmConsole *console, VmmConsoleInputFunc input, gpointer user_data);

/** vmm_console_unplug: as plugging %NULL, but only if it is @user_data that is plugged in. */
void vmm_console_unplug (VmmConsole *console, gpointer user_data);

/**
 * vmm_console_take_thread:
 * @thread: (transfer full) (nullable): assigned to nobody
 *
 * Gives @console a thread ahead of its first client or byte, unless it has one. Thread: any.
 */
void vmm_console_take_thread (VmmConsole *console, VmmConsoleThread *thread);

/** vmm_console_write: output of the guest. Thread: any; never blocks. */
void vmm_console_write (VmmConsole *console, guint8 byte);

/** vmm_console_read: the next byte of input, in order; %FALSE if there is none now. Thread: any. */
gboolean vmm_console_read (VmmConsole *console, guint8 *byte) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_console_drain: waits until all output so far is in the log file, at most @timeout_ms. */
void vmm_console_drain (VmmConsole *console, guint timeout_ms);

G_END_DECLS
