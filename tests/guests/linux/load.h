/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <stddef.h>

/** guest_burn: keeps the VP busy with integer and floating-point sums, and says so if one is ever wrong. */
_Noreturn void guest_burn (void);

/** guest_check_block: keeps changing and summing @size bytes of RAM, and says once a second whether they hold. */
_Noreturn void guest_check_block (size_t size);
