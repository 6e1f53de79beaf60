/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vp.h: a virtual processor and its thread (private) */

#pragma once

#include "vmm/bus.h"
#include "vmm/kvm.h"

G_BEGIN_DECLS

typedef struct _VmmVp VmmVp;

/** VmmVpEndFunc: the VP cannot go on (SHUTDOWN, RESET or FAILED). On the VP's thread, which parks afterwards. */
typedef void (*VmmVpEndFunc) (const VmmKvmExit *exit, gpointer user_data);

/** vmm_vp_new: a parked VP; it has no thread before it is warmed up or released. */
VmmVp *vmm_vp_new (VmmKvm *kvm,
                   VmmBus *bus,
                   guint index,
                   guint vp_count,
                   VmmVpEndFunc end,
                   gpointer user_data,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_vp_quit, vmm_vp_join:
 *
 * Asks the VP to finish its pending I/O and end its thread, for good; waits until it has. A machine that is freed does
 * this for all of its VPs before it frees one: while one is waited for another may end the machine, which asks all of
 * them to park.
 *
 * Thread: any; to wait, none of the VPs'.
 */
void vmm_vp_quit (VmmVp *vp);
void vmm_vp_join (VmmVp *vp);

/** vmm_vp_free: ends the thread, wherever it is. Not on the VP's own thread. */
void vmm_vp_free (VmmVp *vp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmVp, vmm_vp_free)

/** vmm_vp_get_kvm: (transfer none): to be touched only while the VP is parked. */
VmmKvmVp *vmm_vp_get_kvm (VmmVp *vp);

/** vmm_vp_park: asks the VP to finish its pending I/O and stand still. Returns at once. Thread: any. */
void vmm_vp_park (VmmVp *vp);

/** vmm_vp_wait_parked: %FALSE if the VP does not stand still by @deadline (g_get_monotonic_time()). */
gboolean vmm_vp_wait_parked (VmmVp *vp, gint64 deadline) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_vp_warm_up:
 *
 * Makes the thread that vmm_vp_release() would make, and has it do what a VP's first run begins with, short of running.
 * The VP's state is to be loaded afterwards. Errors: HOST; then the VP is of no use.
 */
gboolean vmm_vp_warm_up (VmmVp *vp, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_vp_release: lets the VP run. Errors: HOST if its thread cannot be made. */
gboolean vmm_vp_release (VmmVp *vp, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
