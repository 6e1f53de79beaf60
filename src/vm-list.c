/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A name is taken when its VM is asked for, on the main thread. A UUID may come out of a snapshot, which a worker
 * reads: so UUIDs have a lock.
 */

#include "config.h"
#include "src/vm-list.h"

#include "src/error.h"

struct _OvmVmList
{
  GObject parent_instance;

  GHashTable *vms; /* name -> OvmVm, or NULL while it is in the making */

  GMutex lock;       /* protects the rest */
  GHashTable *uuids; /* of the same -> bytes on the bus */
  gsize bus_size;    /* their sum */
};

G_DEFINE_FINAL_TYPE (OvmVmList, ovm_vm_list, G_TYPE_OBJECT)

enum
{
  SIGNAL_ADDED,
  SIGNAL_REMOVED,
  SIGNAL_COUNT,
};
static guint signals[SIGNAL_COUNT];

static void
ovm_vm_list_finalize (GObject *object)
{
  OvmVmList *list = OVM_VM_LIST (object);

  g_hash_table_unref (list->vms);
  g_hash_table_unref (list->uuids);
  g_mutex_clear (&list->lock);
  G_OBJECT_CLASS (ovm_vm_list_parent_class)->finalize (object);
}

static void
ovm_vm_list_class_init (OvmVmListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ovm_vm_list_finalize;
  signals[SIGNAL_ADDED] = g_signal_new (
      "added", OVM_TYPE_VM_LIST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, OVM_TYPE_VM);
  signals[SIGNAL_REMOVED] = g_signal_new (
      "removed", OVM_TYPE_VM_LIST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, OVM_TYPE_VM);
}

static void
vm_unref (gpointer data)
{
  if (data != NULL)
    g_object_unref (data);
}

static void
ovm_vm_list_init (OvmVmList *list)
{
  list->vms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, vm_unref);
  g_mutex_init (&list->lock);
  list->uuids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

OvmVmList *
ovm_vm_list_new (void)
{
  return g_object_new (OVM_TYPE_VM_LIST, NULL);
}

gboolean
ovm_vm_list_reserve_name (OvmVmList *list, const char *name, GError **error)
{
  if (g_hash_table_contains (list->vms, name))
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_NAME_IN_USE,
                   "there is a VM '%s' already; choose another name",
                   name);
      return FALSE;
    }
  if (g_hash_table_size (list->vms) >= OVM_VM_LIST_MAX)
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_LIMIT_EXCEEDED,
                   "there are %d VMs, which is the limit; delete one",
                   OVM_VM_LIST_MAX);
      return FALSE;
    }
  g_hash_table_insert (list->vms, g_strdup (name), NULL);
  return TRUE;
}

void
ovm_vm_list_release_name (OvmVmList *list, const char *name)
{
  g_hash_table_remove (list->vms, name);
}

/* with the lock held */
static gboolean
reserve (OvmVmList *list, const char *uuid, gsize bus_size, GError **error)
{
  if (g_hash_table_contains (list->uuids, uuid))
    {
      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_UUID_IN_USE,
                   "there is a VM with UUID %s already; leave 'uuid' out to get a new one",
                   uuid);
      return FALSE;
    }
  if (bus_size > OVM_VM_LIST_BUS_SIZE_MAX - list->bus_size)
    {
      g_set_error (
          error,
          OVM_ERROR,
          OVM_ERROR_LIMIT_EXCEEDED,
          "what is said of all VMs would have %zu bytes, and the limit is %d; take a shorter description, "
          "shorter paths and a shorter cmdline, or delete a VM",
          list->bus_size + bus_size,
          OVM_VM_LIST_BUS_SIZE_MAX);
      return FALSE;
    }
  g_hash_table_insert (list->uuids, g_strdup (uuid), GSIZE_TO_POINTER (bus_size));
  list->bus_size += bus_size;
  return TRUE;
}

gboolean
ovm_vm_list_reserve_config (OvmVmList *list, const OvmVmConfig *config, GError **error)
{
  gboolean reserved;

  g_mutex_lock (&list->lock);
  reserved = reserve (list, config->vmm->uuid, ovm_vm_config_get_bus_size (config), error);
  g_mutex_unlock (&list->lock);
  return reserved;
}

void
ovm_vm_list_release_uuid (OvmVmList *list, const char *uuid)
{
  g_mutex_lock (&list->lock);
  list->bus_size -= GPOINTER_TO_SIZE (g_hash_table_lookup (list->uuids, uuid));
  g_hash_table_remove (list->uuids, uuid);
  g_mutex_unlock (&list->lock);
}

static void
on_deleted (OvmVm *vm, OvmVmList *list)
{
  g_autoptr (OvmVm) leaving = g_object_ref (vm);

  ovm_vm_list_release_uuid (list, ovm_vm_get_config (vm)->vmm->uuid);
  ovm_vm_list_release_name (list, ovm_vm_get_name (vm));
  g_signal_emit (list, signals[SIGNAL_REMOVED], 0, leaving);
}

void
ovm_vm_list_add (OvmVmList *list, OvmVm *vm)
{
  g_hash_table_insert (list->vms, g_strdup (ovm_vm_get_name (vm)), g_object_ref (vm));
  g_signal_connect_object (vm, "deleted", G_CALLBACK (on_deleted), list, 0);
  g_signal_emit (list, signals[SIGNAL_ADDED], 0, vm);
}

OvmVm *
ovm_vm_list_lookup (OvmVmList *list, const char *name, GError **error)
{
  OvmVm *vm = g_hash_table_lookup (list->vms, name);

  if (vm == NULL)
    g_set_error (error,
                 OVM_ERROR,
                 OVM_ERROR_NO_SUCH_VM,
                 "there is no VM '%.64s'; ListVMs tells which there are",
                 name);
  return vm;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (ovm_vm_get_name (*(OvmVm *const *) a), ovm_vm_get_name (*(OvmVm *const *) b));
}

GPtrArray *
ovm_vm_list_get_all (OvmVmList *list)
{
  GPtrArray *vms = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer vm;

  g_hash_table_iter_init (&iter, list->vms);
  while (g_hash_table_iter_next (&iter, NULL, &vm))
    if (vm != NULL)
      g_ptr_array_add (vms, vm);
  g_ptr_array_sort (vms, compare_names);
  return vms;
}

guint
ovm_vm_list_get_length (OvmVmList *list)
{
  return g_hash_table_size (list->vms);
}
