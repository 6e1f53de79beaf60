/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/fuzz/fake-kvm.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define TSC_KHZ 2000000

static __thread guint countdown; /* calls until one fails */

FakeKvm *
fake_kvm_new (guint fail_at)
{
  static const struct
  {
    struct kvm_msr_list header;
    guint32 indices[2];
  } msrs = { { .nmsrs = G_N_ELEMENTS (msrs.indices) }, { 0 } };
  FakeKvm *fake = g_new0 (FakeKvm, 1);
  struct kvm_cpuid2 *leaves = vmm_kvm_cpuid_alloc (4);

  leaves->entries[0] = (struct kvm_cpuid_entry2){ .function = 0, .eax = 0xd };
  leaves->entries[1] = (struct kvm_cpuid_entry2){ .function = 1, .ecx = G_MAXUINT32, .edx = G_MAXUINT32 };
  leaves->entries[2] = (struct kvm_cpuid_entry2){ .function = 0xd, .eax = 0xff };
  leaves->entries[3] = (struct kvm_cpuid_entry2){ .function = 0x80000001,
                                                  .ecx = G_MAXUINT32,
                                                  .edx = G_MAXUINT32 };
  countdown = fail_at;
  fake->host = (VmmKvmHost){ .fd = -1, .cpuid = leaves, .msrs = &msrs.header };
  fake->kvm = (VmmKvm){ .host = &fake->host, .fd = -1, .xsave_size = sizeof (struct kvm_xsave) };
  fake->vp = (VmmKvmVp){ .kvm = &fake->kvm, .fd = -1, .cpuid = vmm_kvm_cpuid_alloc (1) };
  return fake;
}

void
fake_kvm_free (FakeKvm *fake)
{
  g_free ((gpointer) fake->host.cpuid);
  g_free (fake->vp.cpuid);
  g_free (fake);
}

/* bytes that the kernel reads, and writes, behind @argument */
static gsize
size_of (gulong request, gconstpointer argument)
{
  switch (request)
    {
    case KVM_SET_CPUID2:
      return sizeof (struct kvm_cpuid2) +
             ((const struct kvm_cpuid2 *) argument)->nent * sizeof (struct kvm_cpuid_entry2);
    case KVM_SET_MSRS:
    case KVM_GET_MSRS:
      return sizeof (struct kvm_msrs) +
             ((const struct kvm_msrs *) argument)->nmsrs * sizeof (struct kvm_msr_entry);
    default:
      return _IOC_SIZE (request);
    }
}

static void
read_all (const volatile guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    (void) bytes[i];
}

int __wrap_ioctl (int fd, gulong request, ...);

int
__wrap_ioctl (int fd, gulong request, ...)
{
  va_list arguments;
  gpointer argument;

  va_start (arguments, request);
  argument = va_arg (arguments, gpointer);
  va_end (arguments);

  if (countdown > 0 && --countdown == 0)
    {
      errno = EINVAL;
      return -1;
    }
  if (request == KVM_CHECK_EXTENSION)
    return 1;
  if (request == KVM_GET_TSC_KHZ)
    return TSC_KHZ;
  if ((_IOC_DIR (request) & _IOC_WRITE) != 0)
    read_all (argument, size_of (request, argument));
  if (request == KVM_SET_MSRS || request == KVM_GET_MSRS)
    return (int) ((const struct kvm_msrs *) argument)->nmsrs;
  if (_IOC_DIR (request) == _IOC_READ)
    memset (argument, 0, size_of (request, argument));
  return 0;
}
