/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/vmm/fake-tsc.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#define MSR_IA32_TSC 0x10u
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define FDS_MAX 1024

static struct
{
  gint enabled;             /* atomic: VPs that run look at it */
  guint64 now;              /* of the host's counter */
  guint64 offsets[FDS_MAX]; /* by the descriptor of a VP */
  guint64 offset;           /* that new VPs get, and those whose value is dropped */
  guint64 written;          /* the last value, be it dropped */
  guint64 written_at;
  guint64 deadline_base;
  guint refused; /* 0 for none */
} fake;

int __real_ioctl (int fd, gulong request, ...);
int __wrap_ioctl (int fd, gulong request, ...);

void
fake_tsc_begin (void)
{
  g_atomic_int_set (&fake.enabled, TRUE);
}

void
fake_tsc_end (void)
{
  g_atomic_int_set (&fake.enabled, FALSE);
}

void
fake_tsc_advance (guint64 cycles)
{
  fake.now += cycles;
}

void
fake_tsc_refuse (guint nth)
{
  fake.refused = nth;
}

guint64
fake_tsc_get_deadline_base (void)
{
  return fake.deadline_base;
}

static guint64 *
offset_of (int fd)
{
  g_assert_cmpint (fd, <, FDS_MAX);
  return &fake.offsets[fd];
}

static void
write_tsc (int fd, guint64 value)
{
  guint64 expected = fake.written + (fake.now - fake.written_at);

  if (value >= expected + FAKE_TSC_HZ || value + FAKE_TSC_HZ <= expected)
    fake.offset = value - fake.now;
  fake.written = value;
  fake.written_at = fake.now;
  *offset_of (fd) = fake.offset;
}

static int
set_msrs (int fd, const struct kvm_msrs *msrs)
{
  int done = __real_ioctl (fd, KVM_SET_MSRS, msrs);

  for (int i = 0; i < done; i++)
    {
      const struct kvm_msr_entry *entry = &msrs->entries[i];

      if (entry->index == MSR_IA32_TSC)
        write_tsc (fd, entry->data);
      else if (entry->index == MSR_IA32_TSC_DEADLINE)
        fake.deadline_base = fake.now + *offset_of (fd);
    }
  return done;
}

static int
get_msrs (int fd, struct kvm_msrs *msrs)
{
  int done = __real_ioctl (fd, KVM_GET_MSRS, msrs);

  for (int i = 0; i < done; i++)
    if (msrs->entries[i].index == MSR_IA32_TSC)
      msrs->entries[i].data = fake.now + *offset_of (fd);
  return done;
}

static int
create_vm (int fd, gpointer argument)
{
  fake.offset = -fake.now;
  fake.written = 0;
  fake.written_at = fake.now;
  return __real_ioctl (fd, KVM_CREATE_VM, argument);
}

static int
create_vp (int fd, gpointer argument)
{
  int vp_fd = __real_ioctl (fd, KVM_CREATE_VCPU, argument);

  if (vp_fd >= 0)
    *offset_of (vp_fd) = fake.offset;
  return vp_fd;
}

static int
access_attribute (int fd, gulong request, const struct kvm_device_attr *attribute)
{
  guint64 *value = (guint64 *) (guintptr) attribute->addr;

  g_assert_cmpuint (attribute->group, ==, KVM_VCPU_TSC_CTRL);
  g_assert_cmpuint (attribute->attr, ==, KVM_VCPU_TSC_OFFSET);
  if (request == KVM_GET_DEVICE_ATTR)
    {
      *value = *offset_of (fd);
      return 0;
    }
  if (fake.refused > 0 && --fake.refused == 0)
    {
      errno = EINVAL;
      return -1;
    }
  *offset_of (fd) = *value;
  return 0;
}

int
__wrap_ioctl (int fd, gulong request, ...)
{
  va_list arguments;
  gpointer argument;

  va_start (arguments, request);
  argument = va_arg (arguments, gpointer);
  va_end (arguments);

  if (!g_atomic_int_get (&fake.enabled))
    return __real_ioctl (fd, request, argument);
  switch (request)
    {
    case KVM_CREATE_VM:
      return create_vm (fd, argument);
    case KVM_CREATE_VCPU:
      return create_vp (fd, argument);
    case KVM_GET_TSC_KHZ:
      return (int) (FAKE_TSC_HZ / 1000);
    case KVM_SET_MSRS:
      return set_msrs (fd, argument);
    case KVM_GET_MSRS:
      return get_msrs (fd, argument);
    case KVM_GET_DEVICE_ATTR:
    case KVM_SET_DEVICE_ATTR:
      return access_attribute (fd, request, argument);
    default:
      return __real_ioctl (fd, request, argument);
    }
}
