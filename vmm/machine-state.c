/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A unit for each device, under the device's name, one for each VP, and one for the platform.
 *
 * Saving: devices first, since a device may still raise an interrupt while it is drained; then VPs; then the
 * interrupt controllers. Loading: VPs, then timer and controllers, whose lines the VPs' APICs must be ready for;
 * then devices; at last each device's line is driven where its state says. Clocks are set when the VPs are released.
 */

#include "config.h"
#include "vmm/machine.h"

#define UNIT_PLATFORM "platform"

static char *
vp_unit (guint index)
{
  return g_strdup_printf ("vp-%u", index);
}

static void
save_devices (VmmMachine *machine, VmmSavedState *state)
{
  for (guint i = 0; i < machine->devices->len; i++)
    {
      VmmDevice *device = g_ptr_array_index (machine->devices, i);
      g_autoptr (GBytes) packed = vmm_device_save (device);

      vmm_saved_state_add (state, device->type->name, device->type->state, packed);
    }
}

static gboolean
save_vps (VmmMachine *machine, VmmSavedState *state, guint64 tsc_lag, GError **error)
{
  for (guint i = 0; i < machine->vps->len; i++)
    {
      g_autofree char *name = vp_unit (i);
      VmmKvmVp *vp = vmm_vp_get_kvm (g_ptr_array_index (machine->vps, i));
      Openvmm__X86__VpState *message = vmm_kvm_vp_save (vp, tsc_lag, error);

      if (message == NULL)
        return FALSE;
      vmm_saved_state_add_message (state, name, &message->base);
    }
  return TRUE;
}

static gboolean
save_platform (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  Openvmm__X86__PlatformState *message = vmm_kvm_save_platform (machine->kvm, error);

  if (message == NULL)
    return FALSE;
  message->clock_ns = machine->held_clock_ns;
  message->wall_clock_ns = machine->held_wall_clock_ns;
  vmm_saved_state_add_message (state, UNIT_PLATFORM, &message->base);
  return TRUE;
}

/*
 * Of a VP nothing: KVM lets nobody ask for its state while it is in the guest. What packs a VP's state packs the
 * others', too.
 */
void
vmm_machine_rehearse_save (VmmMachine *machine)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();

  save_devices (machine, state);
  if (!save_platform (machine, state, NULL))
    g_debug ("KVM does not tell the platform's state while VPs run");
}

VmmSavedState *
vmm_machine_save_state (VmmMachine *machine, GError **error)
{
  g_autoptr (VmmSavedState) state = vmm_saved_state_new ();
  guint64 tsc;

  save_devices (machine, state);
  if (!machine->clocks_held && !vmm_machine_hold_clocks (machine, error)) /* never ran */
    return NULL;
  if (!vmm_kvm_vp_get_tsc (vmm_vp_get_kvm (g_ptr_array_index (machine->vps, 0)), &tsc, error))
    return NULL;
  if (!save_vps (machine, state, tsc - machine->held_tsc, error) || !save_platform (machine, state, error))
    return NULL;
  return g_steal_pointer (&state);
}

static gboolean
check_units (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < machine->devices->len; i++)
    {
      VmmDevice *device = g_ptr_array_index (machine->devices, i);

      g_ptr_array_add (expected, g_strdup (device->type->name));
    }
  for (guint i = 0; i < machine->vps->len; i++)
    g_ptr_array_add (expected, vp_unit (i));
  g_ptr_array_add (expected, g_strdup (UNIT_PLATFORM));
  g_ptr_array_add (expected, NULL);
  return vmm_saved_state_check_names (state, (const char *const *) expected->pdata, error);
}

static const Openvmm__X86__VpState *
lookup_vp (VmmSavedState *state, guint index, GError **error)
{
  g_autofree char *name = vp_unit (index);

  return (const Openvmm__X86__VpState *)
      vmm_saved_state_lookup_message (state, name, &openvmm__x86__vp_state__descriptor, error);
}

static const Openvmm__X86__PlatformState *
lookup_platform (VmmSavedState *state, GError **error)
{
  return (const Openvmm__X86__PlatformState *)
      vmm_saved_state_lookup_message (state, UNIT_PLATFORM, &openvmm__x86__platform_state__descriptor, error);
}

typedef gboolean (*LoadVp) (VmmKvmVp *vp, const Openvmm__X86__VpState *state, GError **error);

static gboolean
load_vps (VmmMachine *machine, VmmSavedState *state, LoadVp load, GError **error)
{
  for (guint i = 0; i < machine->vps->len; i++)
    {
      const Openvmm__X86__VpState *message = lookup_vp (state, i, error);

      if (message == NULL || !load (vmm_vp_get_kvm (g_ptr_array_index (machine->vps, i)), message, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
load_platform (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  const Openvmm__X86__PlatformState *message = lookup_platform (state, error);

  if (message == NULL)
    return FALSE;
  machine->held_clock_ns = message->clock_ns;
  machine->held_wall_clock_ns = message->wall_clock_ns;
  return vmm_kvm_load_platform (machine->kvm, message, error);
}

static gboolean
load_devices (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  for (guint i = 0; i < machine->devices->len; i++)
    {
      VmmDevice *device = g_ptr_array_index (machine->devices, i);
      g_autoptr (GBytes)
          packed = vmm_saved_state_lookup (state, device->type->name, device->type->state, error);

      if (packed == NULL || !vmm_device_load (device, packed, error))
        return FALSE;
    }
  for (guint i = 0; i < machine->devices->len; i++)
    vmm_device_sync_irq (g_ptr_array_index (machine->devices, i));
  return TRUE;
}

/*
 * The counters go on from where VP 0's was saved. KVM need not have set it to that: a value less than a second away
 * from where the counter stands it takes for an attempt to make the VPs' counters equal, and drops. The release moves
 * them.
 */
static gboolean
join_clocks (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  VmmKvmVp *first = vmm_vp_get_kvm (g_ptr_array_index (machine->vps, 0));
  const Openvmm__X86__VpState *saved = lookup_vp (state, 0, error);

  if (saved == NULL)
    return FALSE;
  for (guint i = 1; i < machine->vps->len; i++)
    if (!vmm_kvm_vp_copy_tsc_offset (vmm_vp_get_kvm (g_ptr_array_index (machine->vps, i)), first, error))
      return FALSE;
  machine->clocks_held = TRUE;
  machine->n_tscs_moved = 0;
  return vmm_kvm_get_saved_tsc (saved, &machine->held_tsc) ||
         vmm_kvm_vp_get_tsc (first, &machine->held_tsc, error);
}

gboolean
vmm_machine_load_state (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  return check_units (machine, state, error) && load_vps (machine, state, vmm_kvm_vp_load, error) &&
         join_clocks (machine, state, error) && load_platform (machine, state, error) &&
         load_devices (machine, state, error);
}

static gboolean
may_have_timer (VmmMachine *machine, VmmSavedState *state)
{
  const Openvmm__X86__PlatformState *platform = lookup_platform (state, NULL);

  if (platform == NULL || vmm_kvm_platform_may_have_timer (platform))
    return TRUE;
  for (guint i = 0; i < machine->vps->len; i++)
    {
      const Openvmm__X86__VpState *vp = lookup_vp (state, i, NULL);

      if (vp == NULL || vmm_kvm_vp_may_have_timer (vp))
        return TRUE;
    }
  return FALSE;
}

gboolean
vmm_machine_load_timers (VmmMachine *machine, VmmSavedState *state, GError **error)
{
  if (!may_have_timer (machine, state))
    return TRUE;
  return load_vps (machine, state, vmm_kvm_vp_load_timers, error) && load_platform (machine, state, error) &&
         load_devices (machine, state, error);
}
