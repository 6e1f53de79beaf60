/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * KVM takes 175 us to tell which CPUID it supports: too long to ask for each machine. What it has told stays right as
 * long as /dev/kvm is open, since the module cannot be exchanged for one with other parameters meanwhile; so what was
 * told and the descriptor are kept together, for good.
 */

#include "config.h"
#include "vmm/kvm-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/fd.h"

#define KVM_DEVICE "/dev/kvm"
#define API_VERSION 12

static void
set_open_error (GError **error, int error_number)
{
  const char *reason = g_strerror (error_number);

  if (error_number == EACCES || error_number == EPERM)
    g_set_error (error,
                 VMM_ERROR,
                 VMM_ERROR_HYPERVISOR_DENIED,
                 "%s cannot be opened: %s; the service's user must be in the group that owns it, usually kvm",
                 KVM_DEVICE,
                 reason);
  else if (error_number == ENOENT || error_number == ENODEV || error_number == ENXIO)
    g_set_error (
        error,
        VMM_ERROR,
        VMM_ERROR_NO_HYPERVISOR,
        "%s cannot be opened: %s; load kvm_intel or kvm_amd, or switch virtualization on in the firmware",
        KVM_DEVICE,
        reason);
  else
    g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "%s cannot be opened: %s", KVM_DEVICE, reason);
}

static int
open_device (GError **error)
{
  VMM_AUTO_FD int fd = open (KVM_DEVICE, O_RDWR | O_CLOEXEC);

  if (fd < 0)
    {
      set_open_error (error, errno);
      return -1;
    }
  if (ioctl (fd, KVM_GET_API_VERSION, 0) != API_VERSION)
    {
      g_set_error (error, VMM_ERROR, VMM_ERROR_NO_HYPERVISOR, "%s is not KVM's stable interface", KVM_DEVICE);
      return -1;
    }
  return vmm_fd_steal (&fd);
}

static gboolean
check_extensions (int fd, GError **error)
{
  static const struct
  {
    guint capability;
    const char *name;
  } needed[] = {
    { KVM_CAP_IRQCHIP, "in-kernel interrupt controllers" },
    { KVM_CAP_PIT2, "in-kernel timer" },
    { KVM_CAP_PIT_STATE2, "timer state" },
    { KVM_CAP_USER_MEMORY, "user memory" },
    { KVM_CAP_EXT_CPUID, "CPUID" },
    { KVM_CAP_ADJUST_CLOCK, "a clock that can be set" },
    { KVM_CAP_VCPU_EVENTS, "VP events" },
    { KVM_CAP_XSAVE, "XSAVE state" },
    { KVM_CAP_XCRS, "extended control registers" },
    { KVM_CAP_DEBUGREGS, "debug registers" },
    { KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (needed); i++)
    if (ioctl (fd, KVM_CHECK_EXTENSION, (gulong) needed[i].capability) <= 0)
      {
        g_set_error (error,
                     VMM_ERROR,
                     VMM_ERROR_NO_HYPERVISOR,
                     "this host's KVM does not have %s; a newer kernel is needed",
                     needed[i].name);
        return FALSE;
      }
  return TRUE;
}

gboolean
vmm_probe (GError **error)
{
  VMM_AUTO_FD int fd = open_device (error);

  return fd >= 0 && check_extensions (fd, error);
}

static gboolean
has_extension (int fd, guint capability, const char *what, gboolean *has_it, GError **error)
{
  int result = vmm_kvm_ioctl (fd, KVM_CHECK_EXTENSION, (gpointer) (guintptr) capability, what, error);

  *has_it = result > 0;
  return result >= 0;
}

static void
host_free (VmmKvmHost *host)
{
  if (host->fd >= 0)
    close (host->fd);
  g_free ((gpointer) host->cpuid);
  g_free ((gpointer) host->msrs);
  g_free (host);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmKvmHost, host_free)

static VmmKvmHost *
host_new (GError **error)
{
  g_autoptr (VmmKvmHost) host = g_new0 (VmmKvmHost, 1);
  int run_size;

  host->fd = open_device (error);
  if (host->fd < 0 || !check_extensions (host->fd, error))
    return NULL;
  run_size = vmm_kvm_ioctl (host->fd, KVM_GET_VCPU_MMAP_SIZE, NULL, "tell the size of a VP's run area", error);
  if (run_size < 0)
    return NULL;
  host->run_size = (gsize) run_size;
  if (!has_extension (host->fd,
                      KVM_CAP_TSC_DEADLINE_TIMER,
                      "tell of its TSC deadline timer",
                      &host->has_tsc_deadline,
                      error) ||
      !has_extension (host->fd,
                      KVM_CAP_VCPU_ATTRIBUTES,
                      "tell of its TSC offset",
                      &host->has_tsc_offset,
                      error) ||
      !has_extension (host->fd, KVM_CAP_SREGS2, "tell of its system registers", &host->has_sregs2, error))
    return NULL;
  host->cpuid = vmm_kvm_read_cpuid (host->fd, error);
  if (host->cpuid == NULL)
    return NULL;
  host->msrs = vmm_kvm_read_msr_list (host->fd, error);
  if (host->msrs == NULL)
    return NULL;
  return g_steal_pointer (&host);
}

const VmmKvmHost *
vmm_kvm_host_get (GError **error)
{
  static VmmKvmHost *known; /* atomic: set once, never changed */
  const VmmKvmHost *host = g_atomic_pointer_get (&known);
  g_autoptr (VmmKvmHost) fresh = NULL;

  if (host != NULL)
    return host;
  fresh = host_new (error);
  if (fresh == NULL)
    return NULL;
  /* of threads that asked at the same time the first one's answer stays */
  if (g_atomic_pointer_compare_and_exchange (&known, NULL, fresh))
    return g_steal_pointer (&fresh);
  return g_atomic_pointer_get (&known);
}
