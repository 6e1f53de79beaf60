/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine is built paused, runs and pauses any number of times, and comes to its end once: when the guest powers
 * off, reboots or crashes. An ended machine only waits to be freed; a reboot is a new machine, so there is one way
 * into the kernel and no state left over.
 */

#include "config.h"
#include "vmm/machine.h"

#include <time.h>

#include "vmm/acpi.h"

#define PARK_TIMEOUT_USEC (10 * G_USEC_PER_SEC)

static void
end_machine (VmmMachine *machine, VmmEvent event, const char *reason)
{
  if (!g_atomic_int_compare_and_exchange (&machine->ended, FALSE, TRUE))
    return;
  for (guint i = 0; i < machine->vps->len; i++)
    vmm_vp_park (g_ptr_array_index (machine->vps, i));
  machine->event (event, reason, machine->event_data);
}

static void
host_set_irq (gpointer data, guint irq, gboolean asserted)
{
  VmmMachine *machine = data;

  vmm_kvm_set_irq (machine->kvm, irq, asserted);
}

static void
host_power_off (gpointer data)
{
  end_machine (data, VMM_EVENT_POWER_OFF, "the guest powered off");
}

static void
host_reset_machine (gpointer data)
{
  end_machine (data, VMM_EVENT_RESET, "the guest asked for a reboot");
}

static gint64
host_get_wall_clock_ns (gpointer data)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (gint64) now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static void
host_console_write (gpointer data, guint8 byte)
{
  VmmMachine *machine = data;

  vmm_console_write (machine->console, byte);
}

static gboolean
host_console_read (gpointer data, guint8 *byte)
{
  VmmMachine *machine = data;

  return vmm_console_read (machine->console, byte);
}

static const VmmDeviceHost device_host = {
  .set_irq = host_set_irq,
  .power_off = host_power_off,
  .reset_machine = host_reset_machine,
  .get_wall_clock_ns = host_get_wall_clock_ns,
  .console_write = host_console_write,
  .console_read = host_console_read,
};

static void
on_vp_end (const VmmKvmExit *exit, gpointer user_data)
{
  if (exit->kind == VMM_KVM_EXIT_RESET)
    end_machine (user_data, VMM_EVENT_RESET, "the guest asked for a reboot");
  else if (exit->kind == VMM_KVM_EXIT_SHUTDOWN)
    end_machine (user_data, VMM_EVENT_CRASH, "the guest triple-faulted");
  else
    end_machine (user_data, VMM_EVENT_CRASH, exit->reason);
}

static void
offer_input (VmmMachine *machine)
{
  for (guint i = 0; i < machine->devices->len; i++)
    vmm_device_input (g_ptr_array_index (machine->devices, i));
}

static void
on_console_input (gpointer user_data)
{
  VmmMachine *machine = user_data;

  g_mutex_lock (&machine->input_lock);
  if (!machine->input_held)
    offer_input (machine);
  g_mutex_unlock (&machine->input_lock);
}

static void
hold_input (VmmMachine *machine, gboolean hold)
{
  g_mutex_lock (&machine->input_lock);
  machine->input_held = hold;
  if (!hold)
    offer_input (machine);
  g_mutex_unlock (&machine->input_lock);
}

static gboolean
add_devices (VmmMachine *machine, GError **error)
{
  for (const VmmDeviceType *const *type = vmm_device_types; *type != NULL; type++)
    {
      VmmDevice *device = vmm_device_new (*type, &device_host, machine);

      g_ptr_array_add (machine->devices, device);
      if (!vmm_bus_add (machine->bus, device, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_vps (VmmMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->config->vp_count; i++)
    {
      VmmVp *vp =
          vmm_vp_new (machine->kvm, machine->bus, i, machine->config->vp_count, on_vp_end, machine, error);

      if (vp == NULL)
        return FALSE;
      g_ptr_array_add (machine->vps, vp);
    }
  return TRUE;
}

VmmMachine *
vmm_machine_assemble (const VmmConfig *config,
                      VmmMemory *memory,
                      VmmConsole *console,
                      VmmEventFunc event,
                      gpointer event_data,
                      GError **error)
{
  g_autoptr (VmmMachine) machine = g_new0 (VmmMachine, 1);

  g_mutex_init (&machine->lock);
  g_mutex_init (&machine->input_lock);
  machine->config = vmm_config_copy (config);
  machine->memory = memory;
  machine->event = event;
  machine->event_data = event_data;
  machine->input_held = TRUE;
  machine->bus = vmm_bus_new ();
  machine->devices = g_ptr_array_new_with_free_func ((GDestroyNotify) vmm_device_free);
  machine->vps = g_ptr_array_new_with_free_func ((GDestroyNotify) vmm_vp_free);
  machine->console = console;
  machine->kvm = vmm_kvm_new (memory, error);
  if (machine->kvm == NULL || !add_devices (machine, error) || !add_vps (machine, error))
    return NULL;
  return g_steal_pointer (&machine);
}

static gboolean
set_entry (VmmMachine *machine, const VmmBootEntry *entry, GError **error)
{
  for (guint i = 0; i < machine->vps->len; i++)
    if (!vmm_kvm_vp_set_boot_msrs (vmm_vp_get_kvm (g_ptr_array_index (machine->vps, i)), error))
      return FALSE;
  return vmm_kvm_vp_set_entry (vmm_vp_get_kvm (g_ptr_array_index (machine->vps, 0)), entry, error);
}

VmmMachine *
vmm_machine_new (const VmmConfig *config,
                 VmmConsole *console,
                 VmmEventFunc event,
                 gpointer user_data,
                 GError **error)
{
  g_autoptr (VmmMachine) machine = NULL;
  g_autoptr (VmmMemory) memory = NULL;
  g_autoptr (VmmBoot) boot = NULL;
  VmmBootEntry entry;

  if (!vmm_config_validate (config, error))
    return NULL;
  boot = vmm_boot_open (config, error);
  if (boot == NULL || !vmm_probe (error))
    return NULL;
  memory = vmm_memory_new (config, error);
  if (memory == NULL || !vmm_acpi_write (memory, config->vp_count, vmm_device_types, error) ||
      !vmm_boot_load (boot, memory, VMM_ACPI_RSDP_GPA, &entry, error))
    return NULL;
  machine = vmm_machine_assemble (config, g_steal_pointer (&memory), console, event, user_data, error);
  if (machine == NULL || !vmm_machine_write_generation (machine, error) || !set_entry (machine, &entry, error))
    return NULL;
  return g_steal_pointer (&machine);
}

static void
ask_all (VmmMachine *machine, void (*ask) (VmmVp *vp))
{
  for (guint i = 0; i < machine->vps->len; i++)
    ask (g_ptr_array_index (machine->vps, i));
}

void
vmm_machine_free (VmmMachine *machine)
{
  if (machine == NULL)
    return;
  g_mutex_lock (&machine->lock); /* a save may still be at work */
  vmm_machine_forget_recording (machine);
  if (machine->console != NULL)
    vmm_console_unplug (machine->console, machine);
  if (machine->vps != NULL)
    {
      ask_all (machine, vmm_vp_quit);
      ask_all (machine, vmm_vp_join);
    }
  /* devices are driven by the VPs, the VPs run in the machine, the machine shows the memory */
  g_clear_pointer (&machine->vps, g_ptr_array_unref);
  vmm_console_thread_free (machine->console_thread);
  vmm_bus_free (machine->bus);
  g_clear_pointer (&machine->devices, g_ptr_array_unref);
  vmm_kvm_free (machine->kvm);
  vmm_memory_free (machine->memory);
  vmm_config_free (machine->config);
  vmm_saved_state_free (machine->owed_state);
  vmm_machine_clear_origin (machine);
  vmm_page_set_free (machine->changed);
  g_mutex_unlock (&machine->lock);
  g_mutex_clear (&machine->input_lock);
  g_mutex_clear (&machine->lock);
  g_free (machine);
}

gboolean
vmm_machine_check_not_ended (VmmMachine *machine, GError **error)
{
  if (!g_atomic_int_get (&machine->ended))
    return TRUE;
  g_set_error_literal (error, VMM_ERROR, VMM_ERROR_INVALID_STATE, "the machine has come to its end by itself");
  return FALSE;
}

static gboolean
release_all (VmmMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->vps->len; i++)
    if (!vmm_vp_release (g_ptr_array_index (machine->vps, i), error))
      return FALSE;
  /* one of them may have ended the machine, and told the others to park, before these were released */
  if (g_atomic_int_get (&machine->ended))
    ask_all (machine, vmm_vp_park);
  return TRUE;
}

static gboolean
park_all (VmmMachine *machine, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + PARK_TIMEOUT_USEC;

  ask_all (machine, vmm_vp_park);
  for (guint i = 0; i < machine->vps->len; i++)
    if (!vmm_vp_wait_parked (g_ptr_array_index (machine->vps, i), deadline))
      {
        g_set_error (error, VMM_ERROR, VMM_ERROR_TIMED_OUT, "VP %u did not stand still within 10 s", i);
        return FALSE;
      }
  return TRUE;
}

gboolean
vmm_machine_stop_vps_locked (VmmMachine *machine, GError **error)
{
  vmm_machine_stop_recording (machine);
  hold_input (machine, TRUE);
  /* the guest may end while its VPs park: then there is nothing to go on with */
  if (park_all (machine, error) && vmm_machine_check_not_ended (machine, error) &&
      vmm_machine_hold_clocks (machine, error))
    {
      machine->running = FALSE;
      return TRUE;
    }
  if (!g_atomic_int_get (&machine->ended))
    {
      (void) release_all (machine, NULL); /* they have run before, so this makes no threads */
      hold_input (machine, FALSE);
    }
  return FALSE;
}

gboolean
vmm_machine_release_vps_locked (VmmMachine *machine, GError **error)
{
  if (!vmm_machine_settle_locked (machine, error) || !vmm_machine_release_clocks (machine, error))
    return FALSE;
  vmm_console_plug (machine->console, on_console_input, machine);
  if (!release_all (machine, error))
    {
      (void) park_all (machine, NULL);
      return FALSE;
    }
  machine->running = TRUE;
  machine->has_run = TRUE;
  hold_input (machine, FALSE);
  vmm_machine_start_recording (machine);
  return TRUE;
}

gboolean
vmm_machine_resume (VmmMachine *machine, GError **error)
{
  gboolean ok;

  g_mutex_lock (&machine->lock);
  ok = vmm_machine_check_not_ended (machine, error);
  if (ok && !machine->running)
    ok = vmm_kvm_drop_ticks (machine->kvm, error) && vmm_machine_release_vps_locked (machine, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}

gboolean
vmm_machine_pause (VmmMachine *machine, GError **error)
{
  gboolean ok;

  g_mutex_lock (&machine->lock);
  ok = vmm_machine_check_not_ended (machine, error);
  if (ok && machine->running)
    ok = vmm_machine_stop_vps_locked (machine, error);
  g_mutex_unlock (&machine->lock);
  return ok;
}

gboolean
vmm_machine_is_running (VmmMachine *machine)
{
  gboolean running;

  g_mutex_lock (&machine->lock);
  running = machine->running;
  g_mutex_unlock (&machine->lock);
  return running;
}

void
vmm_machine_press_power_button (VmmMachine *machine)
{
  for (guint i = 0; i < machine->devices->len; i++)
    vmm_device_power_button (g_ptr_array_index (machine->devices, i));
}
