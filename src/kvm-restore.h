/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kvm-restore.h: how the driver kvm restores, and prepares for it (private to driver-kvm.c) */

#pragma once

#include "src/kvm-vm.h"

G_BEGIN_DECLS

/** ovm_kvm_restore: restore() of #OvmDriver. Errors: those of vmm_machine_new_from_snapshot(). */
gboolean ovm_kvm_restore (OvmDriverVm *vm,
                          VmmSnapshot *snapshot,
                          const OvmDriverRestore *how,
                          const OvmDriverTask *task,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_kvm_prepare: prepare() of #OvmDriver. Errors: those of vmm_machine_new_from_snapshot(). */
OvmDriverSpare *ovm_kvm_prepare (VmmSnapshot *snapshot,
                                 const OvmDriverRestore *how,
                                 GVariant *options,
                                 const OvmDriverTask *task,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_kvm_prepare_blank: prepare_blank() of #OvmDriver. Errors: those of vmm_machine_new_blank(). */
OvmDriverSpare *ovm_kvm_prepare_blank (const VmmConfig *shape, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_kvm_dismiss: dismiss() of #OvmDriver. */
void ovm_kvm_dismiss (OvmDriverSpare *spare);

G_END_DECLS
