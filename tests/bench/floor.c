/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"
#include "tests/bench/floor.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/floor-state.h"

#define GIB (1024 * BENCH_MIB)
#define HOLE_START (3 * GIB)
#define HOLE_END (4 * GIB)
#define START_INFO 0x9000u
#define MEMORY_MAP 0x9100u
#define MAILBOX 0x200000u
#define COM1 0x3f8

struct _BenchFloor
{
  gsize size;
  int file, kvm, vm, vp;
  guint8 *ram;
  guint8 *aside; /* 1 GiB aligned, for a flip */
  struct kvm_run *run;
  gsize run_size;
  FloorState *state;

  pthread_t thread;
  gboolean has_thread;
  gint parking; /* atomic */
  gboolean quitting;
  sem_t parked, released, spoke;
};

static void
on_kick (int signal_number)
{
}

/* Page tables of whole gigabytes move in one step. */
static guint8 *
reserve (gsize size)
{
  guint8 *place = mmap (NULL, size + GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (place == MAP_FAILED)
    bench_die ("mmap: %s", g_strerror (errno));
  return (guint8 *) (((guintptr) place + GIB - 1) / GIB * GIB);
}

static void
map (BenchFloor *self, int flags)
{
  if (mmap (self->ram, self->size, PROT_READ | PROT_WRITE, MAP_FIXED | flags, self->file, 0) == MAP_FAILED)
    bench_die ("mmap: %s", g_strerror (errno));
}

static void
set_slot (BenchFloor *self, guint index, guint64 gpa, gsize offset, gsize length)
{
  struct kvm_userspace_memory_region slot = {
    .slot = index,
    .guest_phys_addr = gpa,
    .memory_size = length,
    .userspace_addr = (guintptr) self->ram + offset,
  };

  if (length > 0)
    FLOOR_IOCTL (self->vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

static void
make_vm (BenchFloor *self)
{
  struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

  self->kvm = open ("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (self->kvm < 0)
    bench_die ("/dev/kvm: %s", g_strerror (errno));
  self->vm = FLOOR_IOCTL (self->kvm, KVM_CREATE_VM, 0);
  set_slot (self, 0, 0, 0, MIN (self->size, HOLE_START));
  set_slot (self, 1, HOLE_END, HOLE_START, self->size > HOLE_START ? self->size - HOLE_START : 0);
  FLOOR_IOCTL (self->vm, KVM_SET_TSS_ADDR, (guintptr) 0xfffbd000);
  FLOOR_IOCTL (self->vm, KVM_CREATE_IRQCHIP, 0);
  FLOOR_IOCTL (self->vm, KVM_CREATE_PIT2, &pit);
  self->vp = FLOOR_IOCTL (self->vm, KVM_CREATE_VCPU, 0);
  self->run_size = FLOOR_IOCTL (self->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  self->run = mmap (NULL, self->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, self->vp, 0);
  if (self->run == MAP_FAILED)
    bench_die ("mmap of a VP: %s", g_strerror (errno));
}

static guint64
load_elf (BenchFloor *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  const Elf64_Ehdr *header;
  const Elf64_Phdr *segments;

  g_file_get_contents (path, &content, NULL, &error);
  bench_check (error, "guest");
  header = (gconstpointer) content;
  segments = (gconstpointer) (content + header->e_phoff);
  for (guint i = 0; i < header->e_phnum; i++)
    if (segments[i].p_type == PT_LOAD)
      memcpy (self->ram + segments[i].p_paddr, content + segments[i].p_offset, segments[i].p_filesz);
  return header->e_entry;
}

/* as much of hvm_start_info as ram-filler reads */
static void
write_start_info (BenchFloor *self)
{
  const struct
  {
    guint64 gpa, length;
    guint32 type, reserved;
  } ranges[2] = {
    { 0, MIN (self->size, HOLE_START), 1, 0 },
    { HOLE_END, self->size - MIN (self->size, HOLE_START), 1, 0 },
  };
  guint64 where = MEMORY_MAP;
  guint32 n = G_N_ELEMENTS (ranges);

  memcpy (self->ram + MEMORY_MAP, ranges, sizeof ranges);
  memcpy (self->ram + START_INFO + 40, &where, sizeof where);
  memcpy (self->ram + START_INFO + 48, &n, sizeof n);
}

static void
set_entry (BenchFloor *self, guint64 entry)
{
  struct kvm_segment segment = { .limit = 0xffffffff, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1 };
  struct kvm_regs regs = { .rip = entry, .rbx = START_INFO, .rflags = 2 };
  struct kvm_sregs sregs;

  FLOOR_IOCTL (self->vp, KVM_GET_SREGS, &sregs);
  segment.selector = 16;
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment;
  segment.selector = 8;
  segment.type = 0xb;
  sregs.cs = segment;
  sregs.cr0 |= 1;
  FLOOR_IOCTL (self->vp, KVM_SET_SREGS, &sregs);
  FLOOR_IOCTL (self->vp, KVM_SET_REGS, &regs);
}

/* Runs the guest until it is kicked. Posts for each byte on the serial port. */
static void
run_vp (BenchFloor *self)
{
  while (TRUE)
    {
      if (ioctl (self->vp, KVM_RUN, 0) != 0)
        {
          if (errno != EINTR)
            bench_die ("KVM_RUN: %s", g_strerror (errno));
          return;
        }
      if (self->run->exit_reason == KVM_EXIT_IO && self->run->io.port == COM1)
        sem_post (&self->spoke);
      else if (self->run->exit_reason != KVM_EXIT_INTR)
        bench_die ("the floor's guest left for reason %u", self->run->exit_reason);
    }
}

static gpointer
vp_thread (gpointer data)
{
  BenchFloor *self = data;

  while (!self->quitting)
    {
      run_vp (self);
      if (!g_atomic_int_get (&self->parking))
        continue;
      sem_post (&self->parked);
      while (sem_wait (&self->released) != 0)
        ;
    }
  return NULL;
}

static void
start_thread (BenchFloor *self)
{
  struct sigaction action = { .sa_handler = on_kick };

  sigaction (SIGUSR2, &action, NULL);
  if (pthread_create (&self->thread, NULL, vp_thread, self) != 0)
    bench_die ("cannot make a thread");
  self->has_thread = TRUE;
}

static void
park (BenchFloor *self)
{
  g_atomic_int_set (&self->parking, TRUE);
  __atomic_store_n (&self->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
  pthread_kill (self->thread, SIGUSR2);
  while (sem_wait (&self->parked) != 0)
    ;
}

static void
release (BenchFloor *self)
{
  g_atomic_int_set (&self->parking, FALSE);
  __atomic_store_n (&self->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
  sem_post (&self->released);
}

static BenchFloor *
alloc (gsize size)
{
  BenchFloor *self = g_new0 (BenchFloor, 1);

  self->size = size;
  self->file = self->kvm = self->vm = self->vp = -1;
  sem_init (&self->parked, 0, 0);
  sem_init (&self->released, 0, 0);
  sem_init (&self->spoke, 0, 0);
  return self;
}

BenchFloor *
bench_floor_new (const Bench *bench, const char *file, guint mib)
{
  BenchFloor *self = alloc (mib * BENCH_MIB);
  g_autofree char *guest = bench_guest_path (bench, "ram-filler");
  guint64 entry;

  self->file = open (file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (self->file < 0 || ftruncate (self->file, self->size) != 0)
    bench_die ("%s: %s", file, g_strerror (errno));
  self->ram = reserve (self->size);
  self->aside = reserve (self->size);
  map (self, MAP_SHARED | MAP_NORESERVE);
  entry = load_elf (self, guest);
  write_start_info (self);
  make_vm (self);
  self->state = floor_state_new (self->kvm, self->vm, self->vp);
  set_entry (self, entry);
  start_thread (self);
  while (sem_wait (&self->spoke) != 0)
    ;
  return self;
}

void
bench_floor_free (BenchFloor *self)
{
  if (self == NULL)
    return;
  if (self->has_thread)
    {
      if (!g_atomic_int_get (&self->parking))
        park (self);
      self->quitting = TRUE;
      sem_post (&self->released);
      pthread_join (self->thread, NULL);
    }
  munmap (self->run, self->run_size);
  close (self->vp);
  close (self->vm);
  close (self->kvm);
  munmap (self->ram, self->size);
  if (self->aside != NULL)
    munmap (self->aside, self->size);
  close (self->file);
  floor_state_free (self->state);
  sem_destroy (&self->parked);
  sem_destroy (&self->released);
  sem_destroy (&self->spoke);
  g_free (self);
}

double
bench_floor_freeze (BenchFloor *self)
{
  double start = bench_now_ms ();

  park (self);
  floor_state_save (self->state, self->vm, self->vp);
  if (mremap (self->ram,
              self->size,
              self->size,
              MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
              self->aside) == MAP_FAILED)
    bench_die ("mremap: %s", g_strerror (errno));
  map (self, MAP_PRIVATE | MAP_NORESERVE);
  release (self);
  return bench_now_ms () - start;
}

void
bench_floor_seal (BenchFloor *self)
{
  guint64 answer = 1;

  park (self);
  memcpy (self->ram + MAILBOX + 8, &answer, sizeof answer);
  floor_state_save (self->state, self->vm, self->vp);
}

double
bench_floor_restore (BenchFloor *sealed, BenchFloor **clone)
{
  BenchFloor *self = alloc (sealed->size);
  double start = bench_now_ms ();

  self->file = dup (sealed->file);
  self->ram = reserve (self->size);
  map (self, MAP_PRIVATE | MAP_NORESERVE);
  make_vm (self);
  floor_state_load (sealed->state, self->vm, self->vp);
  do
    {
      if (ioctl (self->vp, KVM_RUN, 0) != 0 && errno != EINTR)
        bench_die ("KVM_RUN: %s", g_strerror (errno));
    }
  while (self->run->exit_reason != KVM_EXIT_IO || self->run->io.port != COM1);
  *clone = self;
  return bench_now_ms () - start;
}
