/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-service.h: the real service on a bus of its own */

#pragma once

#include <systemd/sd-bus.h>

#include "tests/bench/bench.h"

G_BEGIN_DECLS

typedef struct _BenchService BenchService;

BenchService *bench_service_new (const Bench *bench);

/** bench_service_free: ends the service, which ends its VMs. */
void bench_service_free (BenchService *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchService, bench_service_free)

/** bench_service_call: dies of an error. @types and what follows are the arguments, as of sd_bus_call_method(). */
void bench_service_call (BenchService *self,
                         const char *path,
                         const char *interface,
                         const char *method,
                         const char *types,
                         ...);

/** bench_service_call_vm: the same, a method of a VM. */
#define bench_service_call_vm(self, vm, method, ...)                                                         \
  bench_service_call (self, vm, "org.openvmm.VM", method, __VA_ARGS__)

/** bench_service_begin_restore: RestoreVM, running; @log (nullable) takes its console. Does not wait for the reply. */
void bench_service_begin_restore (BenchService *self,
                                  const char *name,
                                  const char *directory,
                                  const char *log);

/** bench_service_end_restore: waits for the reply. Returns: the VM (transfer full) */
char *bench_service_end_restore (BenchService *self);

/** bench_service_restore_many: RestoreVM for @n VMs, @at_once calls under way. Returns: their paths (transfer full) */
GPtrArray *bench_service_restore_many (BenchService *self, const char *directory, guint n, guint at_once);

/** bench_service_prepare: waits until @count clones of the snapshot in @directory are ready. */
void bench_service_prepare (BenchService *self, const char *directory, guint count);

/** bench_service_delete: powers the VM off and forgets it. */
void bench_service_delete (BenchService *self, const char *vm);

/** bench_service_open_console: a socket the caller owns. */
int bench_service_open_console (BenchService *self, const char *vm);

/** bench_service_get_memory_kib: memory of the process that is not a guest's: all mappings but RAM's. */
guint64 bench_service_get_memory_kib (BenchService *self);

G_END_DECLS
