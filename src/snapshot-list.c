/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/snapshot-list.h"

#include "src/error.h"
#include "src/name.h"

#define CHILDREN_NAMED_MAX 16u

struct _OvmSnapshotList
{
  GObject parent_instance;

  GHashTable *snapshots;   /* UUID -> OvmSnapshot */
  GHashTable *directories; /* directory -> OvmSnapshot, the latest in it */
  GQueue order;            /* of OvmSnapshot, the oldest first */
  GHashTable *bus_sizes;   /* OvmSnapshot -> bytes on the bus, as far as they are counted */
  gsize bus_size;          /* their sum */
  char *working_sets;      /* directory, or NULL */
  OvmSnapshotCache *cache;
};

G_DEFINE_FINAL_TYPE (OvmSnapshotList, ovm_snapshot_list, G_TYPE_OBJECT)

enum
{
  SIGNAL_ADDED,
  SIGNAL_REMOVED,
  SIGNAL_COUNT,
};
static guint signals[SIGNAL_COUNT];

static void
ovm_snapshot_list_finalize (GObject *object)
{
  OvmSnapshotList *list = OVM_SNAPSHOT_LIST (object);

  g_queue_clear (&list->order);
  g_hash_table_unref (list->bus_sizes);
  g_hash_table_unref (list->directories);
  g_hash_table_unref (list->snapshots);
  g_free (list->working_sets);
  g_object_unref (list->cache);
  G_OBJECT_CLASS (ovm_snapshot_list_parent_class)->finalize (object);
}

static void
ovm_snapshot_list_class_init (OvmSnapshotListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_snapshot_list_finalize;
  signals[SIGNAL_ADDED] = g_signal_new ("added",
                                        OVM_TYPE_SNAPSHOT_LIST,
                                        G_SIGNAL_RUN_LAST,
                                        0,
                                        NULL,
                                        NULL,
                                        NULL,
                                        G_TYPE_NONE,
                                        1,
                                        OVM_TYPE_SNAPSHOT);
  signals[SIGNAL_REMOVED] = g_signal_new ("removed",
                                          OVM_TYPE_SNAPSHOT_LIST,
                                          G_SIGNAL_RUN_LAST,
                                          0,
                                          NULL,
                                          NULL,
                                          NULL,
                                          G_TYPE_NONE,
                                          1,
                                          OVM_TYPE_SNAPSHOT);
}

static void
ovm_snapshot_list_init (OvmSnapshotList *list)
{
  list->snapshots = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  list->directories = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&list->order);
  list->bus_sizes = g_hash_table_new (NULL, NULL);
}

OvmSnapshotList *
ovm_snapshot_list_new (OvmWorker *worker)
{
  OvmSnapshotList *list = g_object_new (OVM_TYPE_SNAPSHOT_LIST, NULL);

  list->cache = ovm_snapshot_cache_new (worker);
  return list;
}

OvmSnapshotCache *
ovm_snapshot_list_get_cache (OvmSnapshotList *list)
{
  return list->cache;
}

void
ovm_snapshot_list_set_working_sets (OvmSnapshotList *list, const char *directory)
{
  g_return_if_fail (g_hash_table_size (list->snapshots) == 0);
  g_free (list->working_sets);
  list->working_sets = g_strdup (directory);
}

const char *
ovm_snapshot_list_get_working_sets (OvmSnapshotList *list)
{
  return list->working_sets;
}

static void
tell_children (OvmSnapshotList *list, const char *uuid)
{
  g_autoptr (GList) snapshots = g_hash_table_get_values (list->snapshots);

  for (GList *link = snapshots; link != NULL; link = link->next)
    if (g_str_equal (ovm_snapshot_get_info (link->data)->parent_uuid, uuid))
      ovm_snapshot_emit_changed (link->data);
}

static void
count (OvmSnapshotList *list, OvmSnapshot *snapshot, gsize bus_size)
{
  list->bus_size -= GPOINTER_TO_SIZE (g_hash_table_lookup (list->bus_sizes, snapshot));
  list->bus_size += bus_size;
  g_hash_table_insert (list->bus_sizes, snapshot, GSIZE_TO_POINTER (bus_size));
}

static void
remove_snapshot (OvmSnapshotList *list, OvmSnapshot *leaving)
{
  g_autoptr (OvmSnapshot) snapshot = g_object_ref (leaving);
  const OvmSnapshotInfo *info = ovm_snapshot_get_info (snapshot);
  const char *uuid = info->uuid;

  g_signal_handlers_disconnect_by_data (snapshot, list);
  count (list, snapshot, 0);
  g_hash_table_remove (list->bus_sizes, snapshot);
  g_queue_remove (&list->order, snapshot);
  if (g_hash_table_lookup (list->directories, info->directory) == snapshot)
    g_hash_table_remove (list->directories, info->directory);
  g_hash_table_remove (list->snapshots, uuid);
  g_signal_emit (list, signals[SIGNAL_REMOVED], 0, snapshot);
  ovm_prepared_dismiss (ovm_snapshot_get_prepared (snapshot));
  tell_children (list, uuid);
}

/* @latest stays: there is somebody who waits for it */
static void
make_room (OvmSnapshotList *list, OvmSnapshot *latest)
{
  count (list, latest, ovm_snapshot_get_bus_size (latest));
  while (list->bus_size > OVM_SNAPSHOT_LIST_BUS_SIZE_MAX && g_queue_peek_head (&list->order) != latest)
    remove_snapshot (list, g_queue_peek_head (&list->order));
}

static void
on_changed (OvmSnapshot *snapshot, OvmSnapshotList *list)
{
  if (ovm_snapshot_get_bus_size (snapshot) !=
      GPOINTER_TO_SIZE (g_hash_table_lookup (list->bus_sizes, snapshot)))
    make_room (list, snapshot);
}

static void
on_deleted (OvmSnapshot *snapshot, OvmSnapshotList *list)
{
  remove_snapshot (list, snapshot);
}

OvmSnapshot *
ovm_snapshot_list_add (OvmSnapshotList *list, OvmSnapshot *snapshot)
{
  const OvmSnapshotInfo *info = ovm_snapshot_get_info (snapshot);
  OvmSnapshot *present = g_hash_table_lookup (list->snapshots, info->uuid);

  if (present != NULL)
    {
      if (g_str_equal (ovm_snapshot_get_info (present)->directory, info->directory))
        return present;
      remove_snapshot (list, present);
    }
  ovm_snapshot_set_working_sets (snapshot, list->working_sets);
  g_hash_table_insert (list->snapshots, info->uuid, g_object_ref (snapshot));
  g_hash_table_replace (list->directories, info->directory, snapshot);
  g_queue_push_tail (&list->order, snapshot);
  make_room (list, snapshot);
  g_signal_connect_object (snapshot, "changed", G_CALLBACK (on_changed), list, 0);
  g_signal_connect_object (snapshot, "deleted", G_CALLBACK (on_deleted), list, 0);
  g_signal_emit (list, signals[SIGNAL_ADDED], 0, snapshot);
  tell_children (list, info->uuid);
  return snapshot;
}

OvmSnapshot *
ovm_snapshot_list_lookup (OvmSnapshotList *list, const char *uuid)
{
  return uuid != NULL ? g_hash_table_lookup (list->snapshots, uuid) : NULL;
}

OvmSnapshot *
ovm_snapshot_list_lookup_directory (OvmSnapshotList *list, const char *directory)
{
  return g_hash_table_lookup (list->directories, directory);
}

/* of all but @except */
static guint
count_wanted (OvmSnapshotList *list, OvmSnapshot *except)
{
  guint count = 0;

  for (GList *link = list->order.head; link != NULL; link = link->next)
    if (link->data != except)
      count += ovm_prepared_get_wanted (ovm_snapshot_get_prepared (link->data));
  return count;
}

gboolean
ovm_snapshot_list_begin_prepare (OvmSnapshotList *list,
                                 OvmSnapshot *snapshot,
                                 guint count,
                                 GVariant *options,
                                 OvmSnapshotDone done,
                                 gpointer user_data,
                                 GError **error)
{
  guint others = count_wanted (list, snapshot);

  if (others > OVM_PREPARED_MAX || count > OVM_PREPARED_MAX - others)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_LIMIT_EXCEEDED,
                   "%u clones cannot be prepared: %u of other snapshots are, and the limit is %d for all",
                   count,
                   others,
                   OVM_PREPARED_MAX);
      return FALSE;
    }
  return ovm_snapshot_begin_prepare (snapshot, count, options, done, user_data, error);
}

void
ovm_snapshot_list_dismiss (OvmSnapshotList *list)
{
  for (GList *link = list->order.head; link != NULL; link = link->next)
    ovm_prepared_dismiss (ovm_snapshot_get_prepared (link->data));
}

const char *
ovm_snapshot_list_get_path (OvmSnapshotList *list, const char *uuid)
{
  OvmSnapshot *snapshot = ovm_snapshot_list_lookup (list, uuid);

  return snapshot != NULL ? ovm_snapshot_get_path (snapshot) : OVM_NO_PATH;
}

guint
ovm_snapshot_list_get_length (OvmSnapshotList *list)
{
  return g_hash_table_size (list->snapshots);
}

/* (transfer container): those that are incremental and have it as their parent, in the order of their making */
static GPtrArray *
find_children (OvmSnapshotList *list, OvmSnapshot *snapshot)
{
  const char *uuid = ovm_snapshot_get_info (snapshot)->uuid;
  GPtrArray *children = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *link = list->order.head; link != NULL; link = link->next)
    {
      const OvmSnapshotInfo *info = ovm_snapshot_get_info (link->data);

      if (info->incremental && g_str_equal (info->parent_uuid, uuid))
        g_ptr_array_add (children, g_object_ref (link->data));
    }
  return children;
}

static void
set_children_error (OvmSnapshot *snapshot, GPtrArray *children, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < MIN (children->len, CHILDREN_NAMED_MAX); i++)
    g_string_append_printf (names,
                            "%s%s ('%s')",
                            i > 0 ? ", " : "",
                            ovm_snapshot_get_info (children->pdata[i])->uuid,
                            ovm_snapshot_get_info (children->pdata[i])->directory);
  if (children->len > CHILDREN_NAMED_MAX)
    g_string_append_printf (names, " and %u more", children->len - CHILDREN_NAMED_MAX);
  g_set_error (error,
               OVM_ERROR,
               OVM_ERROR_HAS_CHILDREN,
               "snapshot %s is needed by %s; delete or consolidate them first, or give 'consolidate-children'",
               ovm_snapshot_get_info (snapshot)->uuid,
               names->str);
}

gboolean
ovm_snapshot_list_begin_delete (OvmSnapshotList *list,
                                OvmSnapshot *snapshot,
                                gboolean consolidate_children,
                                OvmSnapshotDone done,
                                gpointer user_data,
                                GError **error)
{
  g_autoptr (GPtrArray) children = find_children (list, snapshot);

  if (children->len == 0)
    return ovm_snapshot_begin_delete (snapshot, done, user_data, error);
  if (consolidate_children)
    return ovm_snapshot_begin_delete_with (snapshot, children, done, user_data, error);
  set_children_error (snapshot, children, error);
  return FALSE;
}
