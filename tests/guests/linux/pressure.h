/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/** guest_press_memory: takes nearly all free RAM, keeps changing it, and says once a second whether it holds. */
_Noreturn void guest_press_memory (void);
