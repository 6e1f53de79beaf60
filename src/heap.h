/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* heap.h: how malloc() behaves in a process with many VMs */

#pragma once

#include "src/manager.h"

G_BEGIN_DECLS

#define OVM_HEAP_QUIET_SEC 2

/** ovm_heap_settle: to be called before there is a second thread. */
void ovm_heap_settle (void);

/**
 * ovm_heap_watch:
 *
 * From now on what VMs of @manager have left behind is given back to the kernel, once none was removed for
 * OVM_HEAP_QUIET_SEC. Thread: main. Lives as long as @manager.
 */
void ovm_heap_watch (OvmManager *manager);

G_END_DECLS
