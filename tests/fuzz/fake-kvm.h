/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fake-kvm.h: a KVM that takes everything; the linker puts it in the place of ioctl()
 *
 * It reads all that the kernel would read, so that a sanitizer sees what is not there, and tells zeros.
 */

#pragma once

#include "vmm/kvm-private.h"

G_BEGIN_DECLS

/** FakeKvm: a virtual machine, and its only processor; points into itself. */
typedef struct
{
  VmmKvmHost host;
  VmmKvm kvm;
  VmmKvmVp vp;
} FakeKvm;

/** fake_kvm_new: the call with number @fail_at fails, from 1; 0 for none. */
FakeKvm *fake_kvm_new (guint fail_at);
void fake_kvm_free (FakeKvm *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeKvm, fake_kvm_free)

G_END_DECLS
