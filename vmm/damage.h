/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* damage.h: all that is wrong with a snapshot, told in one message (private) */

#pragma once

#include "vmm/vmm.h"

G_BEGIN_DECLS

#define VMM_DAMAGE_LINES_MAX 32u /* that are kept; of the others only the number */

/** VmmDamage: a list of what was found, a line each. Thread: one at a time. */
typedef struct _VmmDamage VmmDamage;

VmmDamage *vmm_damage_new (void);
void vmm_damage_free (VmmDamage *damage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmDamage, vmm_damage_free)

/** vmm_damage_add: one more place, with file and offset, what was found there and what was expected. */
void vmm_damage_add (VmmDamage *damage, const char *format, ...) G_GNUC_PRINTF (2, 3);

/**
 * vmm_damage_take_error:
 * @error: (transfer full)
 *
 * One more place that an error tells of. One that is not CORRUPT hinders the search rather than being what is searched
 * for: where it is all there is to tell, it stays what it is.
 */
void vmm_damage_take_error (VmmDamage *damage, GError *error);

/** vmm_damage_add_all: what @more has, too. */
void vmm_damage_add_all (VmmDamage *damage, const VmmDamage *more);

guint64 vmm_damage_get_count (const VmmDamage *damage);

/**
 * vmm_damage_check:
 * @directory: of the snapshot, for the message
 *
 * Errors: CORRUPT, with a line for each place, unless there is none. If there is but one error, and not of that kind,
 * that one.
 */
gboolean vmm_damage_check (const VmmDamage *damage,
                           const char *directory,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
