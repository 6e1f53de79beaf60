/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/**
 * guest_copy_kernel_log:
 *
 * Prints the kernel's messages on the console as `kernel LEVEL TEXT`: of those from before only warnings
 * and worse, from now on all. Never returns.
 */
_Noreturn void guest_copy_kernel_log (void);
