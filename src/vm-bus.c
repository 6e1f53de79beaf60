/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "src/vm-bus.h"

#include <gio/gunixfdlist.h>

#include "src/caller.h"
#include "src/name.h"

struct _OvmVmBus
{
  OvmDBusVMSkeleton parent_instance;

  OvmVm *vm;
};

static void ovm_vm_bus_iface_init (OvmDBusVMIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (OvmVmBus,
                               ovm_vm_bus,
                               OVM_DBUS_TYPE_VM_SKELETON,
                               G_IMPLEMENT_INTERFACE (OVM_DBUS_TYPE_VM, ovm_vm_bus_iface_init))

static const OvmOption start_options[] = {
  { "paused", "b", 0, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

static const OvmOption delete_options[] = {
  { "force", "b", 0, FALSE },
  { NULL },
};

static const OvmOption save_options[] = {
  { "description", "s", OVM_DESCRIPTION_LENGTH_MAX, FALSE },
  { "incremental", "b", 0, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

static const OvmOption restore_options[] = {
  { "clock", "s", 64, FALSE },
  { "cpu", "s", 64, FALSE },
  { "memory", "s", 64, FALSE },
  { "paused", "b", 0, FALSE },
  { "verify-memory", "b", 0, FALSE },
  { "wait", "b", 0, FALSE },
  { NULL },
};

/* a call that waits for its answer */
typedef struct
{
  OvmVmBus *skin;
  GDBusMethodInvocation *invocation;
} Call;

static void
fail (OvmVmBus *skin, GDBusMethodInvocation *invocation, const GError *error)
{
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (skin));
  g_dbus_method_invocation_return_gerror (invocation, error);
}

static void
succeed (OvmVmBus *skin, GDBusMethodInvocation *invocation, OvmOperation operation, const char *snapshot)
{
  GVariant *value = operation == OVM_OPERATION_SAVE ? g_variant_new ("(o)", snapshot) : NULL;

  /* who has the answer must find the new properties in its cache */
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (skin));
  g_dbus_method_invocation_return_value (invocation, value);
}

static void
on_done (OvmVm *vm, OvmAction *action, const GError *error, gpointer user_data)
{
  g_autofree Call *call = user_data;
  g_autoptr (OvmVmBus) skin = call->skin;

  if (error != NULL)
    fail (skin, call->invocation, error);
  else
    succeed (skin, call->invocation, action->operation, ovm_vm_get_snapshot_path (vm));
}

/* takes @action */
static gboolean
begin (OvmVmBus *skin, GDBusMethodInvocation *invocation, OvmAction *action, gboolean waits)
{
  OvmOperation operation = action->operation;
  g_autofree Call *call = g_new0 (Call, 1);
  g_autoptr (GError) error = NULL;

  call->skin = skin;
  call->invocation = invocation;
  if (!ovm_vm_begin (skin->vm, action, waits ? on_done : NULL, call, &error))
    {
      fail (skin, invocation, error);
      return G_DBUS_METHOD_INVOCATION_HANDLED;
    }
  if (ovm_vm_get_job (skin->vm) != NULL)
    ovm_caller_note (invocation, ovm_vm_get_job (skin->vm));
  if (waits)
    {
      g_object_ref (skin);
      call = NULL;
    }
  else
    succeed (skin, invocation, operation, OVM_NO_PATH);
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
check (OvmVmBus *skin, GDBusMethodInvocation *invocation, GVariant *options, const OvmOption *known)
{
  g_autoptr (GError) error = NULL;

  if (ovm_options_check (options, known, NULL, &error))
    return TRUE;
  fail (skin, invocation, error);
  return FALSE;
}

/* (transfer full) (nullable): NULL if the call was answered */
static char *
dup_directory (OvmVmBus *skin, GDBusMethodInvocation *invocation, const char *path)
{
  g_autoptr (GError) error = NULL;
  char *directory = ovm_options_dup_directory ("directory", path, &error);

  if (directory == NULL)
    fail (skin, invocation, error);
  return directory;
}

static gboolean
handle_start (OvmDBusVM *object, GDBusMethodInvocation *invocation, GVariant *options)
{
  OvmVmBus *skin = OVM_VM_BUS (object);
  gboolean paused = ovm_options_get_boolean (options, "paused", FALSE);

  if (!check (skin, invocation, options, start_options))
    return G_DBUS_METHOD_INVOCATION_HANDLED;
  return begin (skin,
                invocation,
                ovm_action_new (paused ? OVM_OPERATION_START_PAUSED : OVM_OPERATION_START),
                ovm_options_get_boolean (options, "wait", TRUE));
}

static gboolean
handle_pause (OvmDBusVM *object, GDBusMethodInvocation *invocation)
{
  return begin (OVM_VM_BUS (object), invocation, ovm_action_new (OVM_OPERATION_PAUSE), TRUE);
}

static gboolean
handle_resume (OvmDBusVM *object, GDBusMethodInvocation *invocation)
{
  return begin (OVM_VM_BUS (object), invocation, ovm_action_new (OVM_OPERATION_RESUME), TRUE);
}

static gboolean
handle_shutdown (OvmDBusVM *object, GDBusMethodInvocation *invocation)
{
  return begin (OVM_VM_BUS (object), invocation, ovm_action_new (OVM_OPERATION_SHUTDOWN), TRUE);
}

static gboolean
handle_power_off (OvmDBusVM *object, GDBusMethodInvocation *invocation)
{
  return begin (OVM_VM_BUS (object), invocation, ovm_action_new (OVM_OPERATION_POWER_OFF), TRUE);
}

static gboolean
handle_reset (OvmDBusVM *object, GDBusMethodInvocation *invocation)
{
  return begin (OVM_VM_BUS (object), invocation, ovm_action_new (OVM_OPERATION_RESET), TRUE);
}

static gboolean
handle_delete (OvmDBusVM *object, GDBusMethodInvocation *invocation, GVariant *options)
{
  OvmVmBus *skin = OVM_VM_BUS (object);
  gboolean forced = ovm_options_get_boolean (options, "force", FALSE);

  if (!check (skin, invocation, options, delete_options))
    return G_DBUS_METHOD_INVOCATION_HANDLED;
  return begin (skin,
                invocation,
                ovm_action_new (forced ? OVM_OPERATION_DELETE_FORCED : OVM_OPERATION_DELETE),
                TRUE);
}

static gboolean
handle_save_snapshot (OvmDBusVM *object,
                      GDBusMethodInvocation *invocation,
                      const char *path,
                      GVariant *options)
{
  OvmVmBus *skin = OVM_VM_BUS (object);
  g_autofree char *directory = NULL;
  g_autofree char *description = NULL;
  OvmAction *action;

  if (!check (skin, invocation, options, save_options))
    return G_DBUS_METHOD_INVOCATION_HANDLED;
  directory = dup_directory (skin, invocation, path);
  if (directory == NULL)
    return G_DBUS_METHOD_INVOCATION_HANDLED;
  description = ovm_options_dup_string (options, "description");
  action = ovm_action_new_save (directory, description);
  action->incremental = ovm_options_get_boolean (options, "incremental", FALSE);
  return begin (skin, invocation, action, ovm_options_get_boolean (options, "wait", TRUE));
}

static gboolean
handle_restore (OvmDBusVM *object, GDBusMethodInvocation *invocation, const char *path, GVariant *options)
{
  OvmVmBus *skin = OVM_VM_BUS (object);
  g_autofree char *directory = NULL;
  g_autoptr (GError) error = NULL;
  OvmAction *action;
  OvmClock clock;
  OvmMemory memory;
  VmmCpuPolicy cpu;

  if (!check (skin, invocation, options, restore_options))
    return G_DBUS_METHOD_INVOCATION_HANDLED;
  directory = dup_directory (skin, invocation, path);
  if (directory == NULL)
    return G_DBUS_METHOD_INVOCATION_HANDLED;
  if (!ovm_vm_config_get_clock (options, &clock, &error) ||
      !ovm_vm_config_get_memory (options, &memory, &error) || !ovm_vm_config_get_cpu (options, &cpu, &error))
    {
      fail (skin, invocation, error);
      return G_DBUS_METHOD_INVOCATION_HANDLED;
    }
  action = ovm_action_new_restore (directory,
                                   ovm_vm_config_get_restore_mode (options),
                                   ovm_options_get_boolean (options, "verify-memory", FALSE));
  action->clock = clock;
  action->memory = memory;
  action->cpu = cpu;
  return begin (skin, invocation, action, ovm_options_get_boolean (options, "wait", TRUE));
}

static gboolean
handle_open_console (OvmDBusVM *object, GDBusMethodInvocation *invocation, GUnixFDList *unused)
{
  OvmVmBus *skin = OVM_VM_BUS (object);
  g_autoptr (GUnixFDList) descriptors = NULL;
  g_autoptr (GError) error = NULL;
  int fd = ovm_vm_open_console (skin->vm, &error);

  if (fd < 0)
    {
      fail (skin, invocation, error);
      return G_DBUS_METHOD_INVOCATION_HANDLED;
    }
  descriptors = g_unix_fd_list_new_from_array (&fd, 1); /* takes it */
  ovm_dbus_vm_complete_open_console (object, invocation, descriptors, g_variant_new_handle (0));
  return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
ovm_vm_bus_iface_init (OvmDBusVMIface *iface)
{
  iface->handle_start = handle_start;
  iface->handle_pause = handle_pause;
  iface->handle_resume = handle_resume;
  iface->handle_shutdown = handle_shutdown;
  iface->handle_power_off = handle_power_off;
  iface->handle_reset = handle_reset;
  iface->handle_delete = handle_delete;
  iface->handle_save_snapshot = handle_save_snapshot;
  iface->handle_restore = handle_restore;
  iface->handle_open_console = handle_open_console;
}

static void
ovm_vm_bus_dispose (GObject *object)
{
  g_clear_object (&OVM_VM_BUS (object)->vm);
  G_OBJECT_CLASS (ovm_vm_bus_parent_class)->dispose (object);
}

static void
ovm_vm_bus_class_init (OvmVmBusClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ovm_vm_bus_dispose;
}

static void
ovm_vm_bus_init (OvmVmBus *skin)
{
}

static void
update (OvmVmBus *skin)
{
  OvmDBusVM *bus = OVM_DBUS_VM (skin);
  OvmVm *vm = skin->vm;
  OvmJob *job = ovm_vm_get_job (vm);
  g_autofree char *blocker = ovm_vm_get_snapshot_blocker (vm);

  ovm_dbus_vm_set_state (bus, ovm_state_to_string (ovm_vm_get_state (vm)));
  ovm_dbus_vm_set_state_reason (bus, ovm_vm_get_state_reason (vm));
  ovm_dbus_vm_set_current_snapshot (bus, ovm_vm_get_snapshot_path (vm));
  ovm_dbus_vm_set_can_snapshot (bus, blocker == NULL);
  ovm_dbus_vm_set_snapshot_blocker (bus, blocker != NULL ? blocker : "");
  ovm_dbus_vm_set_last_downtime_usec (bus, ovm_vm_get_last_downtime_usec (vm));
  ovm_dbus_vm_set_job (bus, job != NULL && ovm_job_get_shown (job) ? ovm_job_get_path (job) : OVM_NO_PATH);
}

/* each step goes out at once: left to themselves, the properties would only show where several steps led */
static void
on_state_changed (OvmVm *vm, guint old, guint new, const char *reason, OvmVmBus *skin)
{
  update (skin);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (skin));
  ovm_dbus_vm_emit_state_changed (OVM_DBUS_VM (skin),
                                  ovm_state_to_string ((OvmState) old),
                                  ovm_state_to_string ((OvmState) new),
                                  reason);
}

static const char *
or_empty (const char *string)
{
  return string != NULL ? string : "";
}

static void
set_constants (OvmDBusVM *bus, const OvmVmConfig *config)
{
  const VmmConfig *vmm = config->vmm;

  ovm_dbus_vm_set_name (bus, vmm->name);
  ovm_dbus_vm_set_uuid (bus, vmm->uuid);
  ovm_dbus_vm_set_description (bus, or_empty (vmm->description));
  ovm_dbus_vm_set_driver (bus, config->driver->name);
  ovm_dbus_vm_set_memory_size (bus, vmm->memory_size);
  ovm_dbus_vm_set_vp_count (bus, vmm->vp_count);
  ovm_dbus_vm_set_memory_backing (bus, ovm_vm_config_backing_to_string (vmm->memory_backing));
  ovm_dbus_vm_set_memory_file (bus, or_empty (vmm->memory_file));
  ovm_dbus_vm_set_kernel (bus, or_empty (vmm->kernel));
  ovm_dbus_vm_set_initrd (bus, or_empty (vmm->initrd));
  ovm_dbus_vm_set_command_line (bus, or_empty (vmm->cmdline));
  ovm_dbus_vm_set_console_log (bus, or_empty (config->console_log));
}

OvmDBusVM *
ovm_vm_bus_new (OvmVm *vm)
{
  OvmVmBus *skin = g_object_new (OVM_TYPE_VM_BUS, NULL);

  skin->vm = g_object_ref (vm);
  set_constants (OVM_DBUS_VM (skin), ovm_vm_get_config (vm));
  update (skin);
  g_signal_connect_object (vm, "changed", G_CALLBACK (update), skin, G_CONNECT_SWAPPED);
  g_signal_connect_object (vm, "state-changed", G_CALLBACK (on_state_changed), skin, 0);
  return OVM_DBUS_VM (skin);
}
