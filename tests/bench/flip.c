/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * flip: ways to part a guest from what is saved of it, side by side
 *
 * First saves: RAM is a file, and a private view of it is to take its place. Later saves (ways-later.c): RAM is a
 * private view already, and has to get out to a file while the guest goes on writing. docs/performance.md has the
 * tables, and says which ways the product takes.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/bench/bench-machine.h"
#include "tests/bench/bench-place.h"
#include "tests/bench/ways-later.h"
#include "vmm/kvm-private.h"
#include "vmm/machine.h"

#define GIB (1024 * BENCH_MIB)
#define TOUCHED_PAGES 2560u /* 10 MiB, which the guest changes right after */
#define REPETITIONS_MAX 20u

/** Flip: one flip of one machine. */
typedef struct
{
  BenchMachine *machine;
  BenchMachine *successor; /* that takes over; else NULL */
  const VmmMemoryRegion *regions;
  guint n_regions;
  guint64 size;
  int fd;               /* the RAM file */
  guint8 *reservation;  /* of address space; NULL for none */
  guint8 *place;        /* in it: where the old view goes, or the new one is */
  VmmSavedState *state; /* of the machine, which stands still */
} Flip;

static void
reserve (Flip *flip, gsize misalignment)
{
  flip->reservation =
      mmap (NULL, flip->size + 2 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (flip->reservation == MAP_FAILED)
    bench_die ("mmap: %s", g_strerror (errno));
  flip->place = (guint8 *) (((guintptr) flip->reservation + GIB - 1) / GIB * GIB) + misalignment;
}

static void
reserve_aligned (Flip *flip)
{
  reserve (flip, 0);
}

static void
reserve_misaligned (Flip *flip)
{
  reserve (flip, VMM_PAGE_SIZE);
}

static void
map_private (Flip *flip, guint8 *place)
{
  int flags = MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE;

  if (mmap (place, flip->size, PROT_READ | PROT_WRITE, flags, flip->fd, 0) == MAP_FAILED)
    bench_die ("mmap: %s", g_strerror (errno));
}

static void
move_aside (Flip *flip)
{
  if (mremap (flip->regions[0].host,
              flip->size,
              flip->size,
              MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
              flip->place) == MAP_FAILED)
    bench_die ("mremap: %s", g_strerror (errno));
  map_private (flip, flip->regions[0].host);
}

static void
lay_over (Flip *flip)
{
  map_private (flip, flip->regions[0].host);
}

static void
map_beside (Flip *flip)
{
  reserve (flip, 0);
  map_private (flip, flip->place);
}

static void
set_slot (Flip *flip, guint i, guint64 length)
{
  g_autoptr (GError) error = NULL;
  const VmmMemoryRegion *region = &flip->regions[i];
  struct kvm_userspace_memory_region slot = {
    .slot = i,
    .guest_phys_addr = region->gpa,
    .memory_size = length,
    .userspace_addr = (guintptr) flip->place + region->file_offset,
  };

  if (vmm_kvm_ioctl (flip->machine->machine->kvm->fd, KVM_SET_USER_MEMORY_REGION, &slot, "slot", &error) < 0)
    bench_check (error, "slots");
}

/* KVM does not let a slot's address change: it goes, and comes back */
static void
move_slots (Flip *flip)
{
  for (guint i = 0; i < flip->n_regions; i++)
    set_slot (flip, i, 0);
  for (guint i = 0; i < flip->n_regions; i++)
    set_slot (flip, i, flip->regions[i].length);
}

static void
build_successor (Flip *flip)
{
  g_autoptr (GError) error = NULL;
  VmmMemory *memory = vmm_memory_new_private (flip->fd, flip->size, &error);

  bench_check (error, "a second view");
  flip->successor = bench_machine_new_around (flip->machine->config, memory);
}

static void
hand_over (Flip *flip)
{
  g_autoptr (GError) error = NULL;

  if (!vmm_machine_load_state (flip->successor->machine, flip->state, &error))
    bench_check (error, "state");
}

static const struct
{
  const char *name;
  void (*prepare) (Flip *flip); /* while the guest runs; or NULL */
  void (*flip) (Flip *flip);
} ways[] = {
  { "mremap aside, in whole tables", reserve_aligned, move_aside },
  { "mremap aside, page by page", reserve_misaligned, move_aside },
  { "mmap over it", NULL, lay_over },
  { "slots to another view", map_beside, move_slots },
  { "another machine takes over", build_successor, hand_over },
};

typedef struct
{
  BenchSample flip, whole, after;
} Times;

static void
let_go_on (Flip *flip)
{
  g_autoptr (GError) error = NULL;

  if (flip->successor != NULL ? !vmm_machine_resume (flip->successor->machine, &error)
                              : !vmm_machine_release_vps_locked (flip->machine->machine, &error))
    bench_check (error, "go on");
}

static void
time_flip (Flip *flip, gsize way, Times *times)
{
  VmmMachine *machine = flip->machine->machine;
  g_autoptr (GError) error = NULL;
  double start, flipped, end;

  start = bench_now_ms ();
  if (!vmm_machine_stop_vps_locked (machine, &error))
    bench_check (error, "stop");
  flip->state = vmm_machine_save_state (machine, &error);
  bench_check (error, "state");
  /* by the old view: the new one shows the file */
  bench_machine_set_word (flip->machine, 1, TOUCHED_PAGES + 1);
  flipped = bench_now_ms ();
  ways[way].flip (flip);
  bench_sample_add (&times->flip, bench_now_ms () - flipped);
  let_go_on (flip);
  end = bench_now_ms ();
  bench_sample_add (&times->whole, end - start);
  bench_machine_wait (flip->successor != NULL ? flip->successor : flip->machine, 'A');
  bench_sample_add (&times->after, bench_now_ms () - end);
}

static void
flip_once (const Bench *bench, guint mib, gsize way, Times *times)
{
  g_autoptr (BenchMachine) machine = bench_machine_new (bench, "ram-filler", mib);
  VmmMemory *memory = machine->machine->memory;
  Flip flip = { .machine = machine, .size = mib * BENCH_MIB, .fd = vmm_memory_get_fd (memory) };

  flip.regions = vmm_memory_get_regions (memory, &flip.n_regions);
  bench_machine_wait (machine, 'F');
  if (ways[way].prepare != NULL)
    ways[way].prepare (&flip);
  g_mutex_lock (&machine->machine->lock);
  time_flip (&flip, way, times);
  g_mutex_unlock (&machine->machine->lock);
  vmm_saved_state_free (flip.state);
  bench_machine_free (flip.successor);
  bench_machine_free (g_steal_pointer (&machine)); /* whose slots may lie in the reservation */
  if (flip.reservation != NULL)
    munmap (flip.reservation, flip.size + 2 * GIB);
}

static double
least (const BenchSample *sample)
{
  double value = sample->values[0];

  for (guint i = 1; i < sample->n; i++)
    value = MIN (value, sample->values[i]);
  return value;
}

static void
compare_first (const Bench *bench, guint mib, guint repetitions)
{
  Times times[G_N_ELEMENTS (ways)] = { 0 };

  /* in turn, so that what else the machine does is shared fairly */
  for (guint i = 0; i < repetitions; i++)
    for (gsize way = 0; way < G_N_ELEMENTS (ways); way++)
      flip_once (bench, mib, way, &times[way]);
  for (gsize way = 0; way < G_N_ELEMENTS (ways); way++)
    printf ("%5u MiB  %-30s %8.2f (%7.2f) %8.2f (%7.2f) %8.2f (%7.2f)\n",
            mib,
            ways[way].name,
            bench_sample_get_median (&times[way].flip),
            least (&times[way].flip),
            bench_sample_get_median (&times[way].whole),
            least (&times[way].whole),
            bench_sample_get_median (&times[way].after),
            least (&times[way].after));
  fflush (stdout);
}

static void
compare_all_first (const Bench *bench, guint max_mib, guint repetitions)
{
  static const guint sizes[] = { 256, 512, 1024, 3072, 4096, 8192 };

  printf ("First save, all of RAM written to; milliseconds, median (least) of %u\n", repetitions);
  printf ("%-41s %18s %18s %18s\n", "", "flip", "guest stands still", "next 10 MiB after");
  for (gsize i = 0; i < G_N_ELEMENTS (sizes) && sizes[i] <= max_mib; i++)
    compare_first (bench, sizes[i], repetitions);
}

int
main (int argc, char **argv)
{
  int max_mib = 8192, later_mib = 2048, repetitions = 5;
  g_autofree char *directory = NULL;
  g_autoptr (BenchPlace) place = NULL;
  g_autoptr (GError) error = NULL;
  const GOptionEntry entries[] = {
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &directory, "Where RAM files go (default: /dev/shm)", "DIR" },
    { "max-mib", 'm', 0, G_OPTION_ARG_INT, &max_mib, "The largest guest, MiB; 0 for none (default: 8192)", "N" },
    { "later-mib",
      'l',
      0,
      G_OPTION_ARG_INT,
      &later_mib,
      "The guest of later saves, MiB; 0 for none (default: 2048)",
      "N" },
    { "repetitions", 'n', 0, G_OPTION_ARG_INT, &repetitions, "Of each (default: 5)", "N" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- ways to part a guest from its snapshot");
  Bench bench = { .guests = (char *) (g_getenv ("TINY_GUESTS") ?: BENCH_TINY_GUESTS) };

  g_option_context_add_main_entries (context, entries, NULL);
  (void) g_option_context_parse (context, &argc, &argv, &error);
  bench_check (error, "options");
  place = bench_place_new (directory != NULL ? directory : "/dev/shm");
  bench.directory = bench_place_get_path (place);
  if (max_mib > 0)
    compare_all_first (&bench, (guint) max_mib, (guint) CLAMP (repetitions, 1, (int) REPETITIONS_MAX));
  if (later_mib > 0)
    bench_ways_later (&bench, (guint) later_mib, (guint) CLAMP (repetitions, 1, (int) REPETITIONS_MAX));
  return EXIT_SUCCESS;
}
