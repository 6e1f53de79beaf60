/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <stdbool.h>
#include <time.h>

/** guest_say: prints one line on the console in one write, so that lines of several processes stay whole. */
void guest_say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/** guest_is_next_second: true once in each second of the guest's monotonic clock; @last is 0 at first. */
bool guest_is_next_second (time_t *last);

/** guest_serve_commands: reads lines from the console and carries them out; never returns. */
_Noreturn void guest_serve_commands (void);
