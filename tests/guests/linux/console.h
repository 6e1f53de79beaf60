/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/** guest_say: prints one line on the console in one write, so that lines of several processes stay whole. */
void guest_say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/** guest_serve_commands: reads lines from the console and carries them out; never returns. */
_Noreturn void guest_serve_commands (void);
