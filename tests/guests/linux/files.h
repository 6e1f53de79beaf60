/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/** guest_churn_files: forks, writes, reads and removes files without end; says once a second whether all is well. */
_Noreturn void guest_churn_files (void);
