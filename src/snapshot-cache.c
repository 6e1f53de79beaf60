/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whoever restores a snapshot mostly does so again, and reading and checking manifest and state is a good part of going
 * back to it. What was found sound once is used again, as long as the directory and its files are those that were read;
 * a changed file is opened, and refused, as if there were no cache. Kept for a moment only: an open memory.bin holds
 * its place on the disk after it was deleted.
 */

#include "config.h"
#include "src/snapshot-cache.h"

struct _OvmSnapshotCache
{
  GObject parent_instance;

  OvmWorker *worker;
  guint expiry_id; /* the main thread's */

  GMutex lock;    /* protects the rest */
  GQueue entries; /* of Entry, the one used last first */
};

G_DEFINE_FINAL_TYPE (OvmSnapshotCache, ovm_snapshot_cache, G_TYPE_OBJECT)

typedef struct
{
  VmmSnapshot *snapshot;
  gint64 used_usec; /* monotonic */
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  vmm_snapshot_unref (entry->snapshot);
  g_free (entry);
}

static void
ovm_snapshot_cache_finalize (GObject *object)
{
  OvmSnapshotCache *cache = OVM_SNAPSHOT_CACHE (object);

  g_clear_handle_id (&cache->expiry_id, g_source_remove);
  g_queue_clear_full (&cache->entries, entry_free);
  g_mutex_clear (&cache->lock);
  g_object_unref (cache->worker);
  G_OBJECT_CLASS (ovm_snapshot_cache_parent_class)->finalize (object);
}

static void
ovm_snapshot_cache_class_init (OvmSnapshotCacheClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_snapshot_cache_finalize;
}

static void
ovm_snapshot_cache_init (OvmSnapshotCache *cache)
{
  g_mutex_init (&cache->lock);
  g_queue_init (&cache->entries);
}

OvmSnapshotCache *
ovm_snapshot_cache_new (OvmWorker *worker)
{
  OvmSnapshotCache *cache = g_object_new (OVM_TYPE_SNAPSHOT_CACHE, NULL);

  cache->worker = g_object_ref (worker);
  return cache;
}

/* out of the queue; NULL for none */
static Entry *
take (OvmSnapshotCache *cache, const char *directory)
{
  Entry *found = NULL;

  g_mutex_lock (&cache->lock);
  for (GList *link = cache->entries.head; link != NULL; link = link->next)
    {
      Entry *entry = link->data;

      if (g_str_equal (vmm_snapshot_get_directory (entry->snapshot), directory))
        {
          found = entry;
          g_queue_delete_link (&cache->entries, link);
          break;
        }
    }
  g_mutex_unlock (&cache->lock);
  return found;
}

/* takes @entry; the one used longest ago leaves for it */
static void
put (OvmSnapshotCache *cache, Entry *entry)
{
  Entry *leaving = NULL;

  entry->used_usec = g_get_monotonic_time ();
  g_mutex_lock (&cache->lock);
  g_queue_push_head (&cache->entries, entry);
  if (g_queue_get_length (&cache->entries) > OVM_SNAPSHOT_CACHE_MAX)
    leaving = g_queue_pop_tail (&cache->entries);
  g_mutex_unlock (&cache->lock);
  if (leaving != NULL)
    entry_free (leaving);
}

VmmSnapshot *
ovm_snapshot_cache_open (OvmSnapshotCache *cache, const char *directory, GError **error)
{
  Entry *entry = take (cache, directory);
  VmmSnapshot *snapshot;

  if (entry != NULL && !vmm_snapshot_is_current (entry->snapshot))
    g_clear_pointer (&entry, entry_free);
  if (entry == NULL)
    {
      snapshot = vmm_snapshot_open (directory, error);
      if (snapshot == NULL || vmm_snapshot_get_state_size (snapshot) > OVM_SNAPSHOT_CACHE_STATE_SIZE_MAX)
        return snapshot;
      entry = g_new0 (Entry, 1);
      entry->snapshot = snapshot;
    }
  snapshot = vmm_snapshot_ref (entry->snapshot);
  put (cache, entry);
  return snapshot;
}

guint
ovm_snapshot_cache_get_length (OvmSnapshotCache *cache)
{
  guint length;

  g_mutex_lock (&cache->lock);
  length = g_queue_get_length (&cache->entries);
  g_mutex_unlock (&cache->lock);
  return length;
}

/* takes those out that were not used since @usec */
static GQueue *
take_older_than (OvmSnapshotCache *cache, gint64 usec)
{
  GQueue *leaving = g_queue_new ();
  Entry *entry;

  g_mutex_lock (&cache->lock);
  while ((entry = g_queue_peek_tail (&cache->entries)) != NULL && entry->used_usec < usec)
    g_queue_push_head (leaving, g_queue_pop_tail (&cache->entries));
  g_mutex_unlock (&cache->lock);
  return leaving;
}

static gboolean
run_letting_go (gpointer data, const OvmDriverTask *task, GError **error)
{
  g_queue_free_full (data, entry_free);
  return TRUE;
}

static void
on_let_go (gpointer data, const GError *error)
{
}

/* Closing the last descriptor of a large file that was deleted takes its time. */
static gboolean
on_expiry (gpointer user_data)
{
  OvmSnapshotCache *cache = user_data;
  gint64 horizon = g_get_monotonic_time () - OVM_SNAPSHOT_CACHE_KEPT_SEC * G_USEC_PER_SEC;

  ovm_worker_run (cache->worker, NULL, run_letting_go, on_let_go, take_older_than (cache, horizon));
  if (ovm_snapshot_cache_get_length (cache) > 0)
    return G_SOURCE_CONTINUE;
  cache->expiry_id = 0;
  return G_SOURCE_REMOVE;
}

void
ovm_snapshot_cache_expire (OvmSnapshotCache *cache)
{
  if (cache->expiry_id == 0)
    cache->expiry_id = g_timeout_add_seconds (OVM_SNAPSHOT_CACHE_KEPT_SEC, on_expiry, cache);
}
