/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "vmm/kvm-private.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/fd.h"

#define MSR_IA32_TSC 0x10u
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define MSR_IA32_MISC_ENABLE 0x1a0u
#define MSR_IA32_MTRR_DEF_TYPE 0x2ffu
#define MISC_ENABLE_FAST_STRINGS 1u
#define MTRR_ENABLE_WRITE_BACK ((1u << 11) | 6u)

#define CR0_PE (1u << 0)
#define CR0_ET (1u << 4)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define RFLAGS_ALWAYS_ONE 2u

/* of an entry in the global descriptor table: its place, as VmmBootEntry lays it out */
#define SELECTOR_CODE (2u * 8)
#define SELECTOR_DATA (3u * 8)
#define SELECTOR_TSS (4u * 8)
#define TYPE_CODE 0xbu /* execute, read, accessed */
#define TYPE_DATA 0x3u /* read, write, accessed */
#define TYPE_TSS_BUSY 0xbu

guint
vmm_kvm_ask_tsc_khz (VmmKvmVp *vp)
{
  int khz = ioctl (vp->fd, KVM_GET_TSC_KHZ, 0); /* MAX() would ask twice */

  return MAX (0, khz);
}

VmmKvmVp *
vmm_kvm_vp_new (VmmKvm *kvm, guint index, guint vp_count, GError **error)
{
  g_autoptr (VmmKvmVp) vp = g_new0 (VmmKvmVp, 1);
  void *run;

  vp->kvm = kvm;
  vp->index = index;
  vp->fd = vmm_kvm_ioctl (kvm->fd,
                          KVM_CREATE_VCPU,
                          (gpointer) (guintptr) index,
                          "make a virtual processor",
                          error);
  if (vp->fd < 0)
    return NULL;
  run = mmap (NULL, kvm->host->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vp->fd, 0);
  if (run == MAP_FAILED)
    {
      g_set_error (error, VMM_ERROR, VMM_ERROR_HOST, "cannot map a VP's run area: %s", g_strerror (errno));
      return NULL;
    }
  vp->run = run;
  vp->cpuid = vmm_kvm_make_cpuid (kvm->host, index, vp_count);
  if (vmm_kvm_ioctl (vp->fd, KVM_SET_CPUID2, vp->cpuid, "set a VP's CPUID", error) < 0)
    return NULL;
  vp->tsc_khz = vmm_kvm_ask_tsc_khz (vp);
  return g_steal_pointer (&vp);
}

void
vmm_kvm_vp_free (VmmKvmVp *vp)
{
  if (vp == NULL)
    return;
  if (vp->run != NULL)
    munmap (vp->run, vp->kvm->host->run_size);
  if (vp->fd >= 0)
    close (vp->fd);
  g_free (vp->cpuid);
  g_free (vp);
}

static struct kvm_segment
make_segment (guint selector, guint type, gboolean is_long)
{
  return (struct kvm_segment){
    .limit = 0xffffffff,
    .selector = selector,
    .type = type,
    .present = 1,
    .s = 1,
    .db = !is_long,
    .l = is_long,
    .g = 1,
  };
}

static void
set_entry_sregs (struct kvm_sregs *sregs, const VmmBootEntry *entry)
{
  gboolean is_long = entry->mode == VMM_BOOT_LONG_MODE;
  struct kvm_segment data = make_segment (SELECTOR_DATA, TYPE_DATA, FALSE);

  sregs->cs = make_segment (SELECTOR_CODE, TYPE_CODE, is_long);
  sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
  sregs->tr = (struct kvm_segment){
    .limit = 0x67,
    .selector = SELECTOR_TSS,
    .type = TYPE_TSS_BUSY,
    .present = 1,
  };
  sregs->gdt.base = entry->gdt_base;
  sregs->gdt.limit = entry->gdt_limit;
  sregs->idt.base = 0;
  sregs->idt.limit = 0;
  sregs->cr0 = CR0_PE | CR0_ET;
  if (is_long)
    {
      sregs->cr0 |= CR0_PG;
      sregs->cr3 = entry->cr3;
      sregs->cr4 |= CR4_PAE;
      sregs->efer |= EFER_LME | EFER_LMA;
    }
}

gboolean
vmm_kvm_vp_set_boot_msrs (VmmKvmVp *vp, GError **error)
{
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entries[2];
  } msrs = {
    .header.nmsrs = 2,
    .entries = {
      { .index = MSR_IA32_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRINGS },
      { .index = MSR_IA32_MTRR_DEF_TYPE, .data = MTRR_ENABLE_WRITE_BACK },
    },
  };

  return vmm_kvm_ioctl (vp->fd, KVM_SET_MSRS, &msrs, "set a VP's first MSRs", error) >= 0;
}

gboolean
vmm_kvm_vp_set_entry (VmmKvmVp *vp, const VmmBootEntry *entry, GError **error)
{
  struct kvm_regs regs = {
    .rip = entry->rip,
    .rsi = entry->rsi,
    .rbx = entry->rbx,
    .rsp = entry->rsp,
    .rbp = entry->rsp,
    .rflags = RFLAGS_ALWAYS_ONE,
  };
  struct kvm_sregs sregs;

  if (vmm_kvm_ioctl (vp->fd, KVM_GET_SREGS, &sregs, "read a VP's system registers", error) < 0)
    return FALSE;
  set_entry_sregs (&sregs, entry);
  return vmm_kvm_ioctl (vp->fd, KVM_SET_SREGS, &sregs, "set a VP's system registers", error) >= 0 &&
         vmm_kvm_ioctl (vp->fd, KVM_SET_REGS, &regs, "set a VP's registers", error) >= 0;
}

static void fail (VmmKvmExit *exit, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
fail (VmmKvmExit *exit, const char *format, ...)
{
  va_list arguments;

  exit->kind = VMM_KVM_EXIT_FAILED;
  va_start (arguments, format);
  g_vsnprintf (exit->reason, sizeof exit->reason, format, arguments);
  va_end (arguments);
}

static void
describe_internal_error (VmmKvmVp *vp, VmmKvmExit *exit)
{
  struct kvm_regs regs = { 0 };

  (void) ioctl (vp->fd, KVM_GET_REGS, &regs);
  fail (exit,
        "KVM cannot go on with VP %u at RIP 0x%llx (internal error %u)",
        vp->index,
        (unsigned long long) regs.rip,
        vp->run->internal.suberror);
}

static void
read_exit (VmmKvmVp *vp, VmmKvmExit *exit)
{
  struct kvm_run *run = vp->run;

  switch (run->exit_reason)
    {
    case KVM_EXIT_IO:
      exit->kind = VMM_KVM_EXIT_PIO;
      exit->is_write = run->io.direction == KVM_EXIT_IO_OUT;
      exit->address = run->io.port;
      exit->size = run->io.size;
      exit->count = run->io.count;
      exit->data = (guint8 *) run + run->io.data_offset;
      break;
    case KVM_EXIT_MMIO:
      exit->kind = VMM_KVM_EXIT_MMIO;
      exit->is_write = run->mmio.is_write;
      exit->address = run->mmio.phys_addr;
      exit->size = run->mmio.len;
      exit->count = 1;
      exit->data = run->mmio.data;
      break;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      exit->kind = VMM_KVM_EXIT_INTERRUPTED;
      break;
    case KVM_EXIT_SHUTDOWN:
      exit->kind = VMM_KVM_EXIT_SHUTDOWN;
      break;
    case KVM_EXIT_SYSTEM_EVENT:
      exit->kind = run->system_event.type == KVM_SYSTEM_EVENT_RESET ? VMM_KVM_EXIT_RESET
                                                                    : VMM_KVM_EXIT_SHUTDOWN;
      break;
    case KVM_EXIT_INTERNAL_ERROR:
      describe_internal_error (vp, exit);
      break;
    case KVM_EXIT_FAIL_ENTRY:
      fail (exit,
            "the processor refused to enter the guest on VP %u (reason 0x%llx)",
            vp->index,
            (unsigned long long) run->fail_entry.hardware_entry_failure_reason);
      break;
    default:
      fail (exit, "VP %u left the guest for a reason we do not know (%u)", vp->index, run->exit_reason);
      break;
    }
}

void
vmm_kvm_vp_run (VmmKvmVp *vp, VmmKvmExit *exit)
{
  if (ioctl (vp->fd, KVM_RUN, 0) == 0)
    {
      read_exit (vp, exit);
      return;
    }
  /* EAGAIN: a VP that waits for its start-up interrupt was woken without one */
  if (errno == EINTR || errno == EAGAIN)
    exit->kind = VMM_KVM_EXIT_INTERRUPTED;
  else if (errno == EFAULT)
    fail (exit,
          "the host could not give VP %u a page of RAM; is the file system of the RAM file full?",
          vp->index);
  else
    fail (exit, "KVM cannot run VP %u: %s", vp->index, g_strerror (errno));
}

void
vmm_kvm_vp_set_immediate_exit (VmmKvmVp *vp, gboolean immediate)
{
  __atomic_store_n (&vp->run->immediate_exit, immediate ? 1 : 0, __ATOMIC_SEQ_CST);
}

static gboolean
access_msr (VmmKvmVp *vp, gulong request, guint32 index, guint64 *value, GError **error)
{
  struct
  {
    struct kvm_msrs header;
    struct kvm_msr_entry entry;
  } msrs = {
    .header.nmsrs = 1,
    .entry = { .index = index, .data = *value },
  };

  if (vmm_kvm_ioctl (vp->fd, request, &msrs, "reach a VP's time-stamp counter", error) < 0)
    return FALSE;
  *value = msrs.entry.data;
  return TRUE;
}

gboolean
vmm_kvm_vp_get_tsc (VmmKvmVp *vp, guint64 *tsc, GError **error)
{
  *tsc = 0;
  return access_msr (vp, KVM_GET_MSRS, MSR_IA32_TSC, tsc, error);
}

static gboolean
access_tsc_offset (VmmKvmVp *vp, gulong request, guint64 *offset, GError **error)
{
  struct kvm_device_attr attribute = {
    .group = KVM_VCPU_TSC_CTRL,
    .attr = KVM_VCPU_TSC_OFFSET,
    .addr = (guintptr) offset,
  };

  return vmm_kvm_ioctl (vp->fd, request, &attribute, "reach the offset of a VP's time-stamp counter", error) >=
         0;
}

/* KVM keeps counters together that are written close to each other. */
static gboolean
set_tsc_on (VmmKvmVp *vp, gint64 delta, GError **error)
{
  guint64 tsc;

  if (!vmm_kvm_vp_get_tsc (vp, &tsc, error))
    return FALSE;
  tsc += delta;
  return access_msr (vp, KVM_SET_MSRS, MSR_IA32_TSC, &tsc, error);
}

gboolean
vmm_kvm_vp_move_tsc (VmmKvmVp *vp, gint64 delta, GError **error)
{
  guint64 offset = 0;

  if (!vp->kvm->host->has_tsc_offset)
    return set_tsc_on (vp, delta, error);
  if (!access_tsc_offset (vp, KVM_GET_DEVICE_ATTR, &offset, error))
    return FALSE;
  offset += delta;
  return access_tsc_offset (vp, KVM_SET_DEVICE_ATTR, &offset, error);
}

gboolean
vmm_kvm_vp_restart_deadline (VmmKvmVp *vp, GError **error)
{
  guint64 deadline = 0;

  return access_msr (vp, KVM_GET_MSRS, MSR_IA32_TSC_DEADLINE, &deadline, error) &&
         (deadline == 0 || access_msr (vp, KVM_SET_MSRS, MSR_IA32_TSC_DEADLINE, &deadline, error));
}

gboolean
vmm_kvm_vp_copy_tsc_offset (VmmKvmVp *vp, VmmKvmVp *from, GError **error)
{
  guint64 offset = 0;

  return !vp->kvm->host->has_tsc_offset || (access_tsc_offset (from, KVM_GET_DEVICE_ATTR, &offset, error) &&
                                            access_tsc_offset (vp, KVM_SET_DEVICE_ATTR, &offset, error));
}

void
vmm_kvm_vp_tell_paused (VmmKvmVp *vp)
{
  /* EINVAL: the guest does not use kvm-clock, so there is nobody to tell */
  (void) ioctl (vp->fd, KVM_KVMCLOCK_CTRL, 0);
}
