/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * has-hardware-kvm: whether /dev/kvm runs a guest's code on the processor
 *
 * There are KVMs that answer every call and interpret the guest's instructions one by one, a thousand times slower
 * than the processor, and not all of them: Linux does not get far there. So this does not look at what the
 * processor or the module say of themselves, it times a guest of four instructions.
 *
 * Prints what it found. Exit code 0 is yes, 1 is no.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 500000u
#define TRIES 3 /* the first one also pays for page faults */
#define INSTRUCTIONS_PER_ROUND 2
#define ENOUGH_SECONDS 1.0 /* an answer of no does not get better by waiting */
#define ENOUGH_MIPS 30.0   /* an interpreter makes about 2, software emulation below a KVM about 200 */

/* mov ecx, ROUNDS; 1: dec ecx; jnz 1b; hlt, in real mode */
static const uint8_t code[] = {
  0x66, 0xb9, ROUNDS & 0xff, ROUNDS >> 8 & 0xff, ROUNDS >> 16 & 0xff, 0, 0x66, 0x49, 0x75, 0xfc, 0xf4,
};

typedef struct
{
  int vm;
  int vp;
  struct kvm_run *run;
} Guest;

static int
say_no (const char *what)
{
  printf ("no: %s: %s\n", what, strerror (errno));
  return 1;
}

static bool
map_code (int vm)
{
  void *page = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct kvm_userspace_memory_region region = { .memory_size = 4096 };

  if (page == MAP_FAILED)
    return false;
  memcpy (page, code, sizeof code);
  region.userspace_addr = (uintptr_t) page;
  return ioctl (vm, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

static bool
start_at_zero (int vp)
{
  struct kvm_sregs sregs;
  struct kvm_regs regs = { .rflags = 2 };

  if (ioctl (vp, KVM_GET_SREGS, &sregs) < 0)
    return false;
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  return ioctl (vp, KVM_SET_SREGS, &sregs) == 0 && ioctl (vp, KVM_SET_REGS, &regs) == 0;
}

static bool
make_guest (int kvm, Guest *guest)
{
  int size = ioctl (kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

  guest->vm = ioctl (kvm, KVM_CREATE_VM, 0);
  if (guest->vm < 0 || size < 0 || !map_code (guest->vm))
    return false;
  guest->vp = ioctl (guest->vm, KVM_CREATE_VCPU, 0);
  if (guest->vp < 0 || !start_at_zero (guest->vp))
    return false;
  guest->run = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, guest->vp, 0);
  return guest->run != MAP_FAILED;
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

/* Runs the loop from its beginning; returns millions of instructions a second, or -1 if it did not come to its end. */
static double
time_loop (Guest *guest)
{
  double begin;

  if (!start_at_zero (guest->vp))
    return -1;
  begin = now ();
  if (ioctl (guest->vp, KVM_RUN, 0) < 0 || guest->run->exit_reason != KVM_EXIT_HLT)
    return -1;
  return ROUNDS * INSTRUCTIONS_PER_ROUND / (now () - begin) / 1e6;
}

int
main (void)
{
  Guest guest = { -1, -1, NULL };
  double begin, best = 0;
  int kvm = open ("/dev/kvm", O_RDWR | O_CLOEXEC);

  if (kvm < 0)
    return say_no ("/dev/kvm cannot be opened");
  if (!make_guest (kvm, &guest))
    return say_no ("/dev/kvm cannot make a guest");

  alarm (60); /* its signal ends us, which is a no, too */
  begin = now ();
  for (int i = 0; i < TRIES && now () - begin < ENOUGH_SECONDS; i++)
    {
      double mips = time_loop (&guest);

      if (mips < 0)
        {
          printf ("no: /dev/kvm cannot run a loop of two instructions, exit reason %u\n",
                  guest.run->exit_reason);
          return 1;
        }
      best = mips > best ? mips : best;
    }

  printf ("%s: /dev/kvm runs %.1f million instructions a second, %s\n",
          best < ENOUGH_MIPS ? "no" : "yes",
          best,
          best < ENOUGH_MIPS ? "it interprets them" : "on the processor");
  return best < ENOUGH_MIPS ? 1 : 0;
}
