/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot-list.h: the snapshots the service knows */

#pragma once

#include "src/snapshot-cache.h"
#include "src/snapshot.h"

G_BEGIN_DECLS

#define OVM_TYPE_SNAPSHOT_LIST (ovm_snapshot_list_get_type ())
G_DECLARE_FINAL_TYPE (OvmSnapshotList, ovm_snapshot_list, OVM, SNAPSHOT_LIST, GObject)

#define OVM_SNAPSHOT_LIST_BUS_SIZE_MAX (11 * 1024 * 1024) /* bytes, see ovm_snapshot_get_bus_size() */

/** ovm_snapshot_list_new: signals are `added` and `removed`, each with the #OvmSnapshot. */
OvmSnapshotList *ovm_snapshot_list_new (OvmWorker *worker);

/** ovm_snapshot_list_get_cache: (transfer none): of those that were opened a moment ago. Thread: any. */
OvmSnapshotCache *ovm_snapshot_list_get_cache (OvmSnapshotList *list);

/**
 * ovm_snapshot_list_set_working_sets:
 * @directory: (nullable): absolute; need not be there
 *
 * Where it is recorded what guests use first after a restore, a file for each snapshot. Without it nothing is recorded.
 * Before anything is in the list.
 */
void ovm_snapshot_list_set_working_sets (OvmSnapshotList *list, const char *directory);

/** ovm_snapshot_list_get_working_sets: (nullable): never changes once there are snapshots. Thread: any. */
const char *ovm_snapshot_list_get_working_sets (OvmSnapshotList *list);

/**
 * ovm_snapshot_list_add:
 *
 * Takes @snapshot into the list. If one of that UUID is there, it stays, unless it is in another directory: then the
 * new one takes its place. If what is said of all has more than OVM_SNAPSHOT_LIST_BUS_SIZE_MAX, the oldest leave the
 * list (not the disk); so they do when a description becomes longer.
 *
 * Returns: (transfer none): the one in the list now
 */
OvmSnapshot *ovm_snapshot_list_add (OvmSnapshotList *list, OvmSnapshot *snapshot);

/** ovm_snapshot_list_lookup: (transfer none) (nullable): by UUID; "" and %NULL find none. */
OvmSnapshot *ovm_snapshot_list_lookup (OvmSnapshotList *list, const char *uuid);

/** ovm_snapshot_list_get_path: of the one with that UUID; OVM_NO_PATH if it is not there. */
const char *ovm_snapshot_list_get_path (OvmSnapshotList *list, const char *uuid);

/** ovm_snapshot_list_lookup_directory: (transfer none) (nullable): by the directory it is in. */
OvmSnapshot *ovm_snapshot_list_lookup_directory (OvmSnapshotList *list, const char *directory);

/**
 * ovm_snapshot_list_begin_prepare:
 *
 * ovm_snapshot_begin_prepare(), within OVM_PREPARED_MAX for all. Errors at once also %OVM_ERROR_LIMIT_EXCEEDED.
 */
gboolean ovm_snapshot_list_begin_prepare (OvmSnapshotList *list,
                                          OvmSnapshot *snapshot,
                                          guint count,
                                          GVariant *options,
                                          OvmSnapshotDone done,
                                          gpointer user_data,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * ovm_snapshot_list_begin_delete:
 * @consolidate_children: whether those that need it are made complete first
 *
 * ovm_snapshot_begin_delete(), of one that no other in the list needs. Errors at once also %OVM_ERROR_HAS_CHILDREN,
 * with the children named.
 */
gboolean ovm_snapshot_list_begin_delete (OvmSnapshotList *list,
                                         OvmSnapshot *snapshot,
                                         gboolean consolidate_children,
                                         OvmSnapshotDone done,
                                         gpointer user_data,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ovm_snapshot_list_dismiss: no clones are kept ready any more, of no snapshot. */
void ovm_snapshot_list_dismiss (OvmSnapshotList *list);

guint ovm_snapshot_list_get_length (OvmSnapshotList *list);

G_END_DECLS
