/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stall.h: says what a program's threads are at, when it gets nowhere */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * stall_watch:
 * @seconds: without stall_moved(), after which the threads are listed on stdout, and again each time as long
 *
 * Needs root for what the threads are at in the kernel.
 */
void stall_watch (guint seconds);

/** stall_moved: the program got on. Thread: any. */
void stall_moved (void);

G_END_DECLS
