/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * While the VPs stand still so do the guest's clocks: the time-stamp counters and kvm-clock are moved back by the
 * length of the pause before the VPs run again. The guest's monotonic time has no jump, whether the pause took a
 * freeze's millisecond or a night, or the snapshot a year.
 *
 * A machine that is to catch up has both moved on instead by the time that the host's wall clock says has passed since
 * they were held: the guest's time of day is right, and its monotonic time has jumped as far.
 */

#include "config.h"
#include "vmm/machine.h"

#include <time.h>

#define NS_PER_MS 1000000u
#define MOMENT_CYCLES (1 << 22) /* a timer may go off some milliseconds early */

static guint64
wall_clock_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (guint64) now.tv_sec * G_GUINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static VmmKvmVp *
get_vp (VmmMachine *machine, guint index)
{
  return vmm_vp_get_kvm (g_ptr_array_index (machine->vps, index));
}

gboolean
vmm_machine_hold_clocks (VmmMachine *machine, GError **error)
{
  if (!vmm_kvm_vp_get_tsc (get_vp (machine, 0), &machine->held_tsc, error) ||
      !vmm_kvm_get_clock (machine->kvm, &machine->held_clock_ns, error))
    return FALSE;
  machine->held_wall_clock_ns = wall_clock_ns ();
  machine->clocks_held = TRUE;
  return TRUE;
}

/* A wall clock that was set back meanwhile, or that is not known, is no reason to. */
static void
advance_held_clocks (VmmMachine *machine)
{
  guint64 now_ns = wall_clock_ns ();
  guint64 held_ns = machine->held_wall_clock_ns;
  guint64 elapsed_ns = held_ns != 0 && held_ns < now_ns ? now_ns - held_ns : 0;
  VmmKvmCpu cpu;

  if (elapsed_ns == 0)
    return;
  vmm_kvm_describe_cpu (get_vp (machine, 0), &cpu);
  machine->held_clock_ns += elapsed_ns;
  machine->held_tsc += elapsed_ns / NS_PER_MS * cpu.tsc_khz +
                       elapsed_ns % NS_PER_MS * cpu.tsc_khz / NS_PER_MS;
  machine->held_wall_clock_ns = now_ns; /* should the release fail, the next one adds the rest */
}

/* Moves those VPs' counters that have not been moved yet. */
static gboolean
move_counters (VmmMachine *machine, GError **error)
{
  for (; machine->n_tscs_moved < machine->vps->len; machine->n_tscs_moved++)
    if (!vmm_kvm_vp_move_tsc (get_vp (machine, machine->n_tscs_moved), machine->tsc_move, error))
      return FALSE;
  machine->n_tscs_moved = 0;
  return TRUE;
}

gboolean
vmm_machine_release_clocks (VmmMachine *machine, GError **error)
{
  guint64 tsc;

  if (!machine->clocks_held)
    return TRUE;
  /* a release that failed half-way has left the VPs' counters apart */
  if (machine->n_tscs_moved > 0 && !move_counters (machine, error))
    return FALSE;
  if (machine->catches_up)
    advance_held_clocks (machine);
  if (!vmm_kvm_vp_get_tsc (get_vp (machine, 0), &tsc, error))
    return FALSE;
  machine->tsc_move = (gint64) (machine->held_tsc - tsc);
  machine->deadlines_stale |= machine->tsc_move > 0 || machine->tsc_move < -MOMENT_CYCLES;
  if (!move_counters (machine, error))
    return FALSE;
  for (guint i = 0; i < machine->vps->len; i++)
    {
      VmmKvmVp *vp = get_vp (machine, i);

      if (machine->deadlines_stale && !vmm_kvm_vp_restart_deadline (vp, error))
        return FALSE;
      vmm_kvm_vp_tell_paused (vp);
    }
  if (!vmm_kvm_set_clock (machine->kvm, machine->held_clock_ns, error))
    return FALSE;
  machine->clocks_held = FALSE;
  machine->deadlines_stale = FALSE;
  machine->catches_up = FALSE;
  return TRUE;
}

void
vmm_machine_catch_up (VmmMachine *machine, gboolean catches_up)
{
  g_mutex_lock (&machine->lock);
  machine->catches_up = catches_up;
  g_mutex_unlock (&machine->lock);
}
