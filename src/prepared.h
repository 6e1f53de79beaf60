/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* prepared.h: clones of one snapshot that are built, and wait for a VM to be restored into them */

#pragma once

#include "src/job-list.h"

G_BEGIN_DECLS

#define OVM_TYPE_PREPARED (ovm_prepared_get_type ())
G_DECLARE_FINAL_TYPE (OvmPrepared, ovm_prepared, OVM, PREPARED, GObject)

/** OVM_PREPARED_MAX: of all snapshots together; each takes about 0.8 MiB of the host's memory. */
#define OVM_PREPARED_MAX 1024

/**
 * OvmPrepared:
 *
 * Lives on the main thread; what blocks it leaves to workers. Signals: `changed` when another number is ready.
 */

/** OvmPreparedDone: as many as were wanted are ready, or it failed. On the main thread. */
typedef void (*OvmPreparedDone) (const GError *error, gpointer user_data);

/** ovm_prepared_new: for the snapshot @uuid in @directory; none are wanted yet. Thread: any. */
OvmPrepared *ovm_prepared_new (const char *directory, const char *uuid, OvmJobList *jobs);

guint ovm_prepared_get_ready (OvmPrepared *prepared);
guint ovm_prepared_get_wanted (OvmPrepared *prepared);

/**
 * ovm_prepared_set_memory:
 * @working_set: (nullable): see #OvmDriverRestore
 *
 * What is done about the RAM of those that are built from now on. Those that wait go if they were built otherwise. At
 * first it is %OVM_MEMORY_LAZY.
 */
void ovm_prepared_set_memory (OvmPrepared *prepared, OvmMemory memory, const char *working_set);

/**
 * ovm_prepared_want:
 * @driver: its prepare() is filled
 * @cpu: which processors of the host will do
 * @options: a{sv} of the driver's own keys
 * @job: what this is, which the caller completes
 *
 * From now on @count are kept ready. Those that wait already stay if they were made by the same driver with the same
 * @cpu and options. If it fails or is cancelled, as many are wanted as before. One at a time.
 */
void ovm_prepared_want (OvmPrepared *prepared,
                        const OvmDriver *driver,
                        VmmCpuPolicy cpu,
                        GVariant *options,
                        guint count,
                        OvmJob *job,
                        OvmPreparedDone done,
                        gpointer user_data);

/**
 * ovm_prepared_take:
 * @snapshot: (out) (transfer full): what it was made of
 * @spare: (out) (transfer full):
 *
 * Takes one that @driver has made. It is not replaced, and nobody is told, before ovm_prepared_refill(): telling the
 * bus takes time that the restore waits for.
 *
 * Returns: whether there was one
 */
gboolean ovm_prepared_take (OvmPrepared *prepared,
                            const OvmDriver *driver,
                            VmmSnapshot **snapshot,
                            OvmDriverSpare **spare);

/** ovm_prepared_refill: others are built for those that were taken, in a moment, on a worker. */
void ovm_prepared_refill (OvmPrepared *prepared);

/**
 * ovm_prepared_renew:
 *
 * As many are built anew: the files that those which wait were made of are not there any more, or have changed. None
 * are wanted any more if the snapshot is gone.
 */
void ovm_prepared_renew (OvmPrepared *prepared);

/** ovm_prepared_dismiss: none are wanted any more; those that wait are freed by a worker. */
void ovm_prepared_dismiss (OvmPrepared *prepared);

G_END_DECLS
