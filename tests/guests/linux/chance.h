/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/** guest_say_chance: says random bytes and the time of day once a second. */
_Noreturn void guest_say_chance (void);
