/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parking: whoever wants a VP to stand still sets the request, then immediate_exit, then sends a signal. Whatever
 * the thread does at that moment, it sees one of the three: before KVM_RUN it reads the request; on its way into
 * the guest KVM reads immediate_exit; in the guest, or asleep in a HLT, the signal ends KVM_RUN. The signal's
 * handler does nothing.
 *
 * A VP may leave the guest in the middle of an instruction that reads a port or MMIO: KVM then has the value, and the
 * registers do not. So a VP that is asked to park runs on with immediate_exit until KVM says that nothing is
 * pending. Without it, the instruction would be in the saved state once more, and a restored guest would read the
 * device twice.
 *
 * Whoever waits for it looks for a moment before going to sleep: a VP on another processor stands still after some ten
 * microseconds, and to be woken takes several times as long, all of which the guest stands still.
 */

#include "config.h"
#include "vmm/vp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "vmm/thread.h"

/* one string instruction yields at most some thousand exits before KVM looks at immediate_exit */
#define PENDING_EXITS_MAX 65536u
#define LOOK_USEC 100

typedef enum
{
  REQUEST_RUN,
  REQUEST_PARK,
  REQUEST_QUIT,
} Request;

struct _VmmVp
{
  VmmKvmVp *kvm;
  VmmBus *bus;
  guint index;
  VmmVpEndFunc end;
  gpointer user_data;

  VmmThread *thread;
  gboolean is_cold;      /* its thread is to warm it up before anything else */
  GError *warm_up_error; /* of which that failed */
  gint request;          /* atomic; written under the lock */
  GMutex lock;
  GCond changed;
  gint parked; /* atomic; written under the lock */
  gboolean has_id;
  pthread_t id;
};

static void
on_kick (int signal_number)
{
}

static int
kick_signal (void)
{
  return SIGRTMIN;
}

/* Signal handlers belong to the process, so this is done once for all VPs. */
static gpointer
install_kick_handler (gpointer unused)
{
  struct sigaction action = { .sa_handler = on_kick };

  sigemptyset (&action.sa_mask);
  return GINT_TO_POINTER (sigaction (kick_signal (), &action, NULL) == 0);
}

VmmVp *
vmm_vp_new (VmmKvm *kvm,
            VmmBus *bus,
            guint index,
            guint vp_count,
            VmmVpEndFunc end,
            gpointer user_data,
            GError **error)
{
  static GOnce once = G_ONCE_INIT;
  g_autoptr (VmmVp) vp = g_new0 (VmmVp, 1);

  g_once (&once, install_kick_handler, NULL);
  g_mutex_init (&vp->lock);
  g_cond_init (&vp->changed);
  vp->bus = bus;
  vp->index = index;
  vp->end = end;
  vp->user_data = user_data;
  vp->request = REQUEST_PARK;
  vp->parked = TRUE;
  vp->kvm = vmm_kvm_vp_new (kvm, index, vp_count, error);
  if (vp->kvm == NULL)
    return NULL;
  return g_steal_pointer (&vp);
}

static void
ask (VmmVp *vp, Request request)
{
  g_mutex_lock (&vp->lock);
  if (g_atomic_int_get (&vp->request) != REQUEST_QUIT)
    g_atomic_int_set (&vp->request, request);
  vmm_kvm_vp_set_immediate_exit (vp->kvm, TRUE);
  if (vp->has_id)
    pthread_kill (vp->id, kick_signal ());
  g_cond_broadcast (&vp->changed);
  g_mutex_unlock (&vp->lock);
}

void
vmm_vp_quit (VmmVp *vp)
{
  ask (vp, REQUEST_QUIT);
}

void
vmm_vp_join (VmmVp *vp)
{
  g_clear_pointer (&vp->thread, vmm_thread_join);
}

void
vmm_vp_free (VmmVp *vp)
{
  if (vp == NULL)
    return;
  if (vp->thread != NULL)
    vmm_vp_quit (vp);
  vmm_vp_join (vp);
  g_clear_error (&vp->warm_up_error);
  vmm_kvm_vp_free (vp->kvm);
  g_cond_clear (&vp->changed);
  g_mutex_clear (&vp->lock);
  g_free (vp);
}

VmmKvmVp *
vmm_vp_get_kvm (VmmVp *vp)
{
  return vp->kvm;
}

static void
transfer (VmmVp *vp, const VmmKvmExit *exit)
{
  VmmSpace space = exit->kind == VMM_KVM_EXIT_PIO ? VMM_SPACE_PIO : VMM_SPACE_MMIO;

  for (guint i = 0; i < exit->count; i++)
    {
      guint8 *data = exit->data + (gsize) i * exit->size;

      if (exit->is_write)
        vmm_bus_write (vp->bus, space, exit->address, data, exit->size);
      else
        vmm_bus_read (vp->bus, space, exit->address, data, exit->size);
    }
}

/* Returns %FALSE if the VP cannot go on. */
static gboolean
handle (VmmVp *vp, const VmmKvmExit *exit)
{
  switch (exit->kind)
    {
    case VMM_KVM_EXIT_INTERRUPTED:
      return TRUE;
    case VMM_KVM_EXIT_PIO:
    case VMM_KVM_EXIT_MMIO:
      transfer (vp, exit);
      return TRUE;
    case VMM_KVM_EXIT_SHUTDOWN:
    case VMM_KVM_EXIT_RESET:
    case VMM_KVM_EXIT_FAILED:
    default:
      vp->end (exit, vp->user_data);
      return FALSE;
    }
}

static void
finish_pending_io (VmmVp *vp)
{
  VmmKvmExit exit;

  vmm_kvm_vp_set_immediate_exit (vp->kvm, TRUE);
  for (guint i = 0; i < PENDING_EXITS_MAX; i++)
    {
      vmm_kvm_vp_run (vp->kvm, &exit);
      if (exit.kind == VMM_KVM_EXIT_INTERRUPTED || !handle (vp, &exit))
        return;
    }
}

/* Stands still until released; returns %FALSE if the thread is to end. An ended VP is never released. */
static gboolean
stand_still (VmmVp *vp, gboolean ended)
{
  Request request;

  g_mutex_lock (&vp->lock);
  g_atomic_int_set (&vp->parked, TRUE);
  g_cond_broadcast (&vp->changed);
  while ((request = g_atomic_int_get (&vp->request)) == REQUEST_PARK || (ended && request == REQUEST_RUN))
    g_cond_wait (&vp->changed, &vp->lock);
  g_atomic_int_set (&vp->parked, FALSE);
  if (request == REQUEST_RUN)
    vmm_kvm_vp_set_immediate_exit (vp->kvm, FALSE);
  g_mutex_unlock (&vp->lock);
  return request == REQUEST_RUN;
}

/* Signals for the process are the main thread's. */
static void
block_signals (void)
{
  sigset_t blocked;

  sigfillset (&blocked);
  sigdelset (&blocked, SIGSEGV);
  sigdelset (&blocked, SIGBUS);
  sigdelset (&blocked, SIGFPE);
  sigdelset (&blocked, SIGILL);
  pthread_sigmask (SIG_SETMASK, &blocked, NULL);
}

/* This thread takes the kick alone. */
static void
take_kicks (VmmVp *vp)
{
  sigset_t kick;

  sigemptyset (&kick);
  sigaddset (&kick, kick_signal ());
  pthread_sigmask (SIG_UNBLOCK, &kick, NULL);

  g_mutex_lock (&vp->lock);
  vp->id = pthread_self ();
  vp->has_id = TRUE;
  g_mutex_unlock (&vp->lock);
}

static void
vp_thread (gpointer data)
{
  VmmVp *vp = data;
  gboolean ended = FALSE;

  block_signals ();
  vmm_time_slice_set (0);
  if (vp->is_cold)
    vp->is_cold = !vmm_kvm_vp_warm_up (vp->kvm, kick_signal (), &vp->warm_up_error);
  take_kicks (vp);
  while (stand_still (vp, ended))
    {
      while (!ended && g_atomic_int_get (&vp->request) == REQUEST_RUN)
        {
          VmmKvmExit exit;

          vmm_kvm_vp_run (vp->kvm, &exit);
          ended = !handle (vp, &exit);
        }
      if (!ended)
        finish_pending_io (vp);
    }
  g_mutex_lock (&vp->lock);
  g_atomic_int_set (&vp->parked, TRUE);
  vp->has_id = FALSE;
  g_mutex_unlock (&vp->lock);
}

void
vmm_vp_park (VmmVp *vp)
{
  ask (vp, REQUEST_PARK);
}

/* takes nothing that the VP needs to get there */
static void
look_for_parked (VmmVp *vp)
{
  gint64 end = g_get_monotonic_time () + LOOK_USEC;

  while (!g_atomic_int_get (&vp->parked) && g_get_monotonic_time () < end)
    ;
}

gboolean
vmm_vp_wait_parked (VmmVp *vp, gint64 deadline)
{
  gboolean parked;

  look_for_parked (vp);
  g_mutex_lock (&vp->lock);
  while (!g_atomic_int_get (&vp->parked) && g_cond_wait_until (&vp->changed, &vp->lock, deadline))
    ;
  parked = g_atomic_int_get (&vp->parked);
  g_mutex_unlock (&vp->lock);
  return parked;
}

static gboolean
start_thread (VmmVp *vp, GError **error)
{
  g_autofree char *name = NULL;

  if (vp->thread != NULL)
    return TRUE;
  name = g_strdup_printf ("vp-%u", vp->index);
  vp->thread = vmm_thread_new (name, vp_thread, vp, error);
  return vp->thread != NULL;
}

gboolean
vmm_vp_warm_up (VmmVp *vp, GError **error)
{
  g_return_val_if_fail (vp->thread == NULL, FALSE);

  vp->is_cold = TRUE;
  g_atomic_int_set (&vp->parked, FALSE);
  if (!start_thread (vp, error))
    return FALSE;
  g_mutex_lock (&vp->lock);
  while (!g_atomic_int_get (&vp->parked))
    g_cond_wait (&vp->changed, &vp->lock);
  g_mutex_unlock (&vp->lock);
  if (!vp->is_cold)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&vp->warm_up_error));
  return FALSE;
}

gboolean
vmm_vp_release (VmmVp *vp, GError **error)
{
  if (!start_thread (vp, error))
    return FALSE;
  g_mutex_lock (&vp->lock);
  g_atomic_int_set (&vp->request, REQUEST_RUN);
  /* a VP that parks clears it itself; one that was asked to park and has not got round to it would never run again */
  vmm_kvm_vp_set_immediate_exit (vp->kvm, FALSE);
  g_mutex_unlock (&vp->lock);
  g_cond_broadcast (&vp->changed); /* without the lock, for which it would wait once more */
  return TRUE;
}
