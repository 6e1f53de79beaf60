/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/manager-bus.h"

#include "src/caller.h"

struct _OvmManagerBus
{
  OvmDBusManagerSkeleton parent_instance;

  OvmManager *manager;
};

static void ovm_manager_bus_iface_init (OvmDBusManagerIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (OvmManagerBus,
                               ovm_manager_bus,
                               OVM_DBUS_TYPE_MANAGER_SKELETON,
                               G_IMPLEMENT_INTERFACE (OVM_DBUS_TYPE_MANAGER, ovm_manager_bus_iface_init))

static const OvmOption verify_options[] = {
  { "chain", "b", 0, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

static void
on_vm (OvmVm *vm, const GError *error, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;

  if (error != NULL)
    g_dbus_method_invocation_return_gerror (invocation, error);
  else
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", ovm_vm_get_path (vm)));
}

static gboolean
handle_create_vm (OvmDBusManager *object,
                  GDBusMethodInvocation *invocation,
                  const char *name,
                  GVariant *config)
{
  OvmManagerBus *skin = OVM_MANAGER_BUS (object);
  g_autoptr (GError) error = NULL;

  if (!ovm_manager_begin_create (skin->manager, name, config, on_vm, invocation, &error))
    g_dbus_method_invocation_return_gerror (invocation, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
handle_restore_vm (OvmDBusManager *object,
                   GDBusMethodInvocation *invocation,
                   const char *name,
                   const char *directory,
                   GVariant *options)
{
  OvmManagerBus *skin = OVM_MANAGER_BUS (object);
  g_autoptr (GError) error = NULL;
  OvmJob *job = NULL;

  if (ovm_manager_begin_restore (skin->manager, name, directory, options, &job, on_vm, invocation, &error))
    ovm_caller_note (invocation, job);
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
handle_get_vm (OvmDBusManager *object, GDBusMethodInvocation *invocation, const char *name)
{
  g_autoptr (GError) error = NULL;
  OvmVm *vm = ovm_vm_list_lookup (ovm_manager_get_vms (OVM_MANAGER_BUS (object)->manager), name, &error);

  if (vm != NULL)
    ovm_dbus_manager_complete_get_vm (object, invocation, ovm_vm_get_path (vm));
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
handle_list_vms (OvmDBusManager *object, GDBusMethodInvocation *invocation)
{
  g_autoptr (GPtrArray) vms = ovm_vm_list_get_all (ovm_manager_get_vms (OVM_MANAGER_BUS (object)->manager));
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sos)"));

  for (guint i = 0; i < vms->len; i++)
    g_variant_builder_add (&builder,
                           "(sos)",
                           ovm_vm_get_name (vms->pdata[i]),
                           ovm_vm_get_path (vms->pdata[i]),
                           ovm_state_to_string (ovm_vm_get_state (vms->pdata[i])));
  ovm_dbus_manager_complete_list_vms (object, invocation, g_variant_builder_end (&builder));
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
insert_string (GVariantDict *dict, const char *key, const char *value)
{
  g_variant_dict_insert (dict, key, "s", value != NULL ? value : "");
}

static GVariant *
describe_snapshot (VmmSnapshot *snapshot)
{
  const VmmConfig *config = vmm_snapshot_get_config (snapshot);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *cpu = vmm_snapshot_describe_cpu (snapshot);
  g_auto (GStrv) cpu_features = vmm_snapshot_list_cpu_features (snapshot);

  insert_string (&dict, "directory", vmm_snapshot_get_directory (snapshot));
  insert_string (&dict, "uuid", vmm_snapshot_get_uuid (snapshot));
  insert_string (&dict, "parent-uuid", vmm_snapshot_get_parent_uuid (snapshot));
  insert_string (&dict, "vm-name", vmm_snapshot_get_vm_name (snapshot));
  insert_string (&dict, "vm-uuid", vmm_snapshot_get_vm_uuid (snapshot));
  insert_string (&dict, "vm-state", vmm_snapshot_get_running (snapshot) ? "running" : "paused");
  insert_string (&dict, "description", vmm_snapshot_get_description (snapshot));
  insert_string (&dict, "architecture", vmm_snapshot_get_architecture (snapshot));
  insert_string (&dict, "version", vmm_snapshot_get_version (snapshot));
  insert_string (&dict, "memory-backing", ovm_vm_config_backing_to_string (config->memory_backing));
  insert_string (&dict, "kernel", config->kernel);
  insert_string (&dict, "initrd", config->initrd);
  insert_string (&dict, "cmdline", config->cmdline);
  insert_string (&dict, "cpu-model", cpu);
  g_variant_dict_insert (&dict, "cpu-features", "^as", cpu_features);
  g_variant_dict_insert (&dict, "created-at", "t", vmm_snapshot_get_created_at_usec (snapshot));
  g_variant_dict_insert (&dict, "downtime-usec", "t", vmm_snapshot_get_freeze_usec (snapshot));
  g_variant_dict_insert (&dict, "memory-size", "t", config->memory_size);
  g_variant_dict_insert (&dict, "size-on-disk", "t", vmm_snapshot_get_size_on_disk (snapshot));
  g_variant_dict_insert (&dict, "vp-count", "u", config->vp_count);
  g_variant_dict_insert (&dict, "incremental", "b", vmm_snapshot_get_incremental (snapshot));
  g_variant_dict_insert (&dict,
                         "chain-length",
                         "u",
                         vmm_snapshot_has_whole_chain (snapshot) ? vmm_snapshot_get_chain_length (snapshot)
                                                                 : 0);
  return g_variant_dict_end (&dict);
}

static void
on_inspected (VmmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;

  if (error != NULL)
    g_dbus_method_invocation_return_gerror (invocation, error);
  else
    g_dbus_method_invocation_return_value (invocation,
                                           g_variant_new ("(@a{sv})", describe_snapshot (snapshot)));
}

/* a call that asks for what is in a directory */
static void
begin_open (OvmDBusManager *object,
            GDBusMethodInvocation *invocation,
            const char *directory,
            OvmInspectorDone done)
{
  OvmInspector *inspector = ovm_manager_get_inspector (OVM_MANAGER_BUS (object)->manager);
  g_autoptr (GError) error = NULL;

  if (!ovm_inspector_begin_open (inspector, directory, done, invocation, &error))
    g_dbus_method_invocation_return_gerror (invocation, error);
}

static gboolean
handle_inspect_snapshot (OvmDBusManager *object, GDBusMethodInvocation *invocation, const char *directory)
{
  begin_open (object, invocation, directory, on_inspected);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
on_opened (VmmSnapshot *snapshot, const GError *error, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  OvmManagerBus *skin = g_dbus_method_invocation_get_user_data (invocation);
  OvmSnapshot *known;

  if (error != NULL)
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }
  known = ovm_manager_add_snapshot (skin->manager, snapshot);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", ovm_snapshot_get_path (known)));
}

static gboolean
handle_open_snapshot (OvmDBusManager *object, GDBusMethodInvocation *invocation, const char *directory)
{
  begin_open (object, invocation, directory, on_opened);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
on_verified (const GError *error, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;

  if (error != NULL)
    g_dbus_method_invocation_return_gerror (invocation, error);
  else
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static gboolean
handle_verify_snapshot (OvmDBusManager *object,
                        GDBusMethodInvocation *invocation,
                        const char *directory,
                        GVariant *options)
{
  OvmInspector *inspector = ovm_manager_get_inspector (OVM_MANAGER_BUS (object)->manager);
  gboolean waits = ovm_options_get_boolean (options, "wait", TRUE);
  gboolean chain = ovm_options_get_boolean (options, "chain", TRUE);
  g_autoptr (GError) error = NULL;
  OvmJob *job = NULL;

  if (!ovm_options_check (options, verify_options, NULL, &error) ||
      !ovm_inspector_begin_verify (
          inspector, directory, chain, &job, waits ? on_verified : NULL, invocation, &error))
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return G_DBUS_METHOD_INVOCATION_HANDLED;
    }
  ovm_caller_note (invocation, job);
  if (!waits)
    ovm_dbus_manager_complete_verify_snapshot (object, invocation);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
ovm_manager_bus_iface_init (OvmDBusManagerIface *iface)
{
  iface->handle_create_vm = handle_create_vm;
  iface->handle_restore_vm = handle_restore_vm;
  iface->handle_get_vm = handle_get_vm;
  iface->handle_list_vms = handle_list_vms;
  iface->handle_open_snapshot = handle_open_snapshot;
  iface->handle_inspect_snapshot = handle_inspect_snapshot;
  iface->handle_verify_snapshot = handle_verify_snapshot;
}

static void
ovm_manager_bus_dispose (GObject *object)
{
  g_clear_object (&OVM_MANAGER_BUS (object)->manager);
  G_OBJECT_CLASS (ovm_manager_bus_parent_class)->dispose (object);
}

static void
ovm_manager_bus_class_init (OvmManagerBusClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ovm_manager_bus_dispose;
}

static void
ovm_manager_bus_init (OvmManagerBus *skin)
{
}

static GVariant *
describe_driver (const OvmDriver *driver)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GStrv) operations = ovm_driver_list_operations (driver);
  g_auto (GStrv) keys = ovm_options_list_keys (driver->options, NULL);
  g_autoptr (GError) error = NULL;
  gboolean available = driver->probe (&error);

  insert_string (&dict, "description", driver->description);
  g_variant_dict_insert (&dict, "available", "b", available);
  insert_string (&dict, "reason", error != NULL ? error->message : "");
  g_variant_dict_insert (&dict, "operations", "^as", operations);
  g_variant_dict_insert (&dict, "config-keys", "^as", keys);
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_capabilities (void)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GStrv) config_keys = ovm_options_list_keys (ovm_vm_config_options, NULL);
  g_auto (GStrv) restore_keys = ovm_options_list_keys (ovm_vm_config_restore_options, NULL);

  insert_string (&dict, "architecture", "x86_64");
  g_variant_dict_insert (&dict, "config-keys", "^as", config_keys);
  g_variant_dict_insert (&dict, "restore-keys", "^as", restore_keys);
  g_variant_dict_insert (&dict, "max-vms", "u", (guint32) OVM_VM_LIST_MAX);
  g_variant_dict_insert (&dict, "max-prepared", "u", (guint32) OVM_PREPARED_MAX);
  g_variant_dict_insert (&dict, "max-vp-count", "u", (guint32) VMM_VP_COUNT_MAX);
  g_variant_dict_insert (&dict, "min-memory-size", "t", (guint64) VMM_MEMORY_SIZE_MIN);
  for (const OvmDriver *const *driver = ovm_drivers; *driver != NULL; driver++)
    {
      g_autofree char *key = g_strconcat ("driver.", (*driver)->name, NULL);

      g_variant_dict_insert_value (&dict, key, describe_driver (*driver));
    }
  return g_variant_dict_end (&dict);
}

OvmDBusManager *
ovm_manager_bus_new (OvmManager *manager)
{
  OvmManagerBus *skin = g_object_new (OVM_TYPE_MANAGER_BUS, NULL);
  OvmDBusManager *bus = OVM_DBUS_MANAGER (skin);
  g_auto (GStrv) names = ovm_driver_list_names ();

  skin->manager = g_object_ref (manager);
  ovm_dbus_manager_set_version (bus, PACKAGE_VERSION);
  ovm_dbus_manager_set_drivers (bus, (const char *const *) names);
  ovm_dbus_manager_set_default_driver (bus, ovm_drivers[0]->name);
  ovm_dbus_manager_set_capabilities (bus, describe_capabilities ());
  return bus;
}
