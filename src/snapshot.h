/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot.h: a snapshot the service knows */

#pragma once

#include "src/prepared.h"

G_BEGIN_DECLS

#define OVM_TYPE_SNAPSHOT (ovm_snapshot_get_type ())
G_DECLARE_FINAL_TYPE (OvmSnapshot, ovm_snapshot, OVM, SNAPSHOT, GObject)

/**
 * OvmSnapshot:
 *
 * What is known of a snapshot, without any of its files open. Signals: `changed` when job, parent or number of clones
 * may be others,
 * `deleted` when it is gone.
 */

/**
 * OvmSnapshotInfo: strings are never %NULL. Only @incremental and @size_on_disk change, when it is consolidated, and
 * @description.
 */
typedef struct
{
  char *directory;
  char *uuid;
  char *parent_uuid; /* "" for none */
  char *vm_name;
  char *vm_uuid;
  char *description;
  guint64 created_at_usec; /* since the epoch */
  guint64 downtime_usec;
  guint64 memory_size;  /* bytes */
  guint64 size_on_disk; /* bytes */
  guint vp_count;
  gboolean incremental; /* needs its parent */
} OvmSnapshotInfo;

/** OvmSnapshotDone: a begun operation has ended. On the main thread. */
typedef void (*OvmSnapshotDone) (OvmSnapshot *snapshot, const GError *error, gpointer user_data);

/** ovm_snapshot_new: Thread: any. */
OvmSnapshot *ovm_snapshot_new (VmmSnapshot *from, OvmJobList *jobs);

/**
 * ovm_snapshot_set_working_sets:
 * @directory: (nullable): where there is a record of its working set, or will be, which is deleted with it
 *
 * Once, before anything is begun.
 */
void ovm_snapshot_set_working_sets (OvmSnapshot *snapshot, const char *directory);

const OvmSnapshotInfo *ovm_snapshot_get_info (OvmSnapshot *snapshot);
/** ovm_snapshot_get_bus_size: bytes that it takes, at most, in a message that tells all of it. */
gsize ovm_snapshot_get_bus_size (OvmSnapshot *snapshot);

const char *ovm_snapshot_get_path (OvmSnapshot *snapshot);
OvmJob *ovm_snapshot_get_job (OvmSnapshot *snapshot); /* (nullable) (transfer none): what works on it */

/**
 * ovm_snapshot_begin_verify:
 * @done: (nullable)
 *
 * Errors at once: %OVM_ERROR_BUSY and those of ovm_job_list_begin(); then @done is not called. Others come to @done.
 */
gboolean ovm_snapshot_begin_verify (OvmSnapshot *snapshot,
                                    OvmSnapshotDone done,
                                    gpointer user_data,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_snapshot_begin_verify_alone: as ovm_snapshot_begin_verify(), without the snapshots under it. */
gboolean ovm_snapshot_begin_verify_alone (OvmSnapshot *snapshot,
                                          OvmSnapshotDone done,
                                          gpointer user_data,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_snapshot_begin_describe:
 * @description: up to %OVM_DESCRIPTION_LENGTH_MAX bytes
 *
 * As ovm_snapshot_begin_verify(). See vmm_snapshot_set_description().
 */
gboolean ovm_snapshot_begin_describe (OvmSnapshot *snapshot,
                                      const char *description,
                                      OvmSnapshotDone done,
                                      gpointer user_data,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_snapshot_begin_delete: as ovm_snapshot_begin_verify(). */
gboolean ovm_snapshot_begin_delete (OvmSnapshot *snapshot,
                                    OvmSnapshotDone done,
                                    gpointer user_data,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_snapshot_begin_prepare:
 * @options: a{sv}, see ovm_snapshot_prepare_options; those of the driver among them
 *
 * Keeps @count clones ready. As ovm_snapshot_begin_verify(); errors at once also %OVM_ERROR_NOT_SUPPORTED and those of
 * ovm_options_check(). The limit is the list's to check.
 */
gboolean ovm_snapshot_begin_prepare (OvmSnapshot *snapshot,
                                     guint count,
                                     GVariant *options,
                                     OvmSnapshotDone done,
                                     gpointer user_data,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_snapshot_prepare_options: the keys of a preparation. */
extern const OvmOption ovm_snapshot_prepare_options[];

/** ovm_snapshot_get_prepared: (transfer none): its clones that wait. */
OvmPrepared *ovm_snapshot_get_prepared (OvmSnapshot *snapshot);

/** ovm_snapshot_begin_consolidate: as ovm_snapshot_begin_verify(). See vmm_snapshot_consolidate(). */
gboolean ovm_snapshot_begin_consolidate (OvmSnapshot *snapshot,
                                         OvmSnapshotDone done,
                                         gpointer user_data,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_snapshot_begin_delete_with:
 * @children: (nullable): of #OvmSnapshot: are consolidated first, and kept from other work meanwhile
 *
 * As ovm_snapshot_begin_delete(). If one child cannot be consolidated nothing is deleted.
 */
gboolean ovm_snapshot_begin_delete_with (OvmSnapshot *snapshot,
                                         GPtrArray *children,
                                         OvmSnapshotDone done,
                                         gpointer user_data,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_snapshot_hold: a save needs it: until ovm_snapshot_release() it is not deleted. Errors: %OVM_ERROR_BUSY. */
gboolean ovm_snapshot_hold (OvmSnapshot *snapshot, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ovm_snapshot_release (OvmSnapshot *snapshot);

/** ovm_snapshot_emit_changed: for the list, when the parent came or went. */
void ovm_snapshot_emit_changed (OvmSnapshot *snapshot);

G_END_DECLS
