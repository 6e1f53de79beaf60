/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <stdbool.h>

/**
 * guest_end:
 * @how: `poweroff`, `reboot`, or `crash`, which is a triple fault
 *
 * Ends the guest. Returns false for another word, and if the kernel refused.
 */
bool guest_end (const char *how);

/** guest_watch_power_button: powers off when the button is pressed; returns only if there is no button. */
void guest_watch_power_button (void);
