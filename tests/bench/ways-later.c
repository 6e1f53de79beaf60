/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each way gets all of RAM, as it is at one moment, into a file, but for those that write changed pages alone, over a
 * base that is thought to be there. Before each, the guest is saved and so has a fresh view, of which it then changes
 * as much in all cases.
 */

#include "config.h"
#include "tests/bench/ways-later.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench-machine.h"
#include "vmm/fd.h"
#include "vmm/machine.h"
#include "vmm/page-writer.h"
#include "vmm/precopy.h"

#define CHUNK_SIZE BENCH_MIB
#define ENOUGH_PAGES 256u
#define PASSES_MAX 12u

/* headers from before Linux 6.7 do not have these */
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef PAGEMAP_SCAN
#define PAGE_IS_WRITTEN (1 << 1)
#define PM_SCAN_WP_MATCHING (1 << 0)
#define PM_SCAN_CHECK_WPASYNC (1 << 1)
struct page_region
{
  guint64 start, end, categories;
};
struct pm_scan_arg
{
  guint64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
  guint64 category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN _IOWR ('f', 16, struct pm_scan_arg)
#endif

#define REGIONS_MAX 4096u

/** Later: one save of the machine. */
typedef struct
{
  BenchMachine *bench;
  VmmMachine *machine;
  VmmMemory *memory;
  guint8 *host;
  guint64 size;
  int fd; /* what is written to */

  VmmPrecopy *precopy;
  VmmPageSet *pages, *written;

  int uffd;
  int pagemap_fd;
  struct page_region *regions; /* REGIONS_MAX */
  GMutex lock;                 /* of the file and what is protected */
  gboolean quitting;           /* atomic */
  GThread *thread;

  pid_t child;
} Later;

static void
die_of_errno (const char *what)
{
  bench_die ("%s: %s", what, g_strerror (errno));
}

static void
check (gboolean ok, const GError *error, const char *what)
{
  if (!ok)
    bench_die ("%s: %s", what, error != NULL ? error->message : "failed");
}

/* ---- passes over KVM's log ------------------------------------------------------------------- */

static gboolean
begin_complete (Later *later)
{
  g_autoptr (GError) error = NULL;

  later->precopy = vmm_precopy_new (later->machine->kvm, later->memory, later->fd, &error);
  bench_check (error, "log");
  check (vmm_precopy_run (later->precopy, NULL, &error), error, "passes");
  return TRUE;
}

static void
finish_passes (Later *later)
{
  g_autoptr (GError) error = NULL;

  check (vmm_precopy_finish (later->precopy, &error), error, "the last pass");
}

static void
flip_after_passes (Later *later)
{
  g_autoptr (GError) error = NULL;

  finish_passes (later);
  check (vmm_memory_prepare_flip (later->memory, &error) && vmm_memory_flip (later->memory, later->fd, &error),
         error,
         "flip");
}

static void
end_complete (Later *later)
{
  g_clear_pointer (&later->precopy, vmm_precopy_free);
  vmm_memory_drop_aside (later->memory);
}

static gboolean
begin_changed (Later *later)
{
  g_autoptr (GError) error = NULL;

  check (vmm_machine_track_changes (later->machine, &error), error, "log");
  later->pages = vmm_page_set_new (later->size);
  check (vmm_page_writer_find_private (later->memory, later->pages, &error), error, "pagemap");
  later->precopy = vmm_precopy_new_changes (later->machine->kvm,
                                            later->memory,
                                            later->fd,
                                            FALSE,
                                            later->pages,
                                            later->machine->changed);
  check (vmm_precopy_run (later->precopy, NULL, &error), error, "passes");
  return TRUE;
}

static void
end_changed (Later *later)
{
  g_clear_pointer (&later->precopy, vmm_precopy_free);
  g_clear_pointer (&later->pages, vmm_page_set_free);
  vmm_machine_stop_tracking (later->machine);
}

/* ---- userfaultfd ----------------------------------------------------------------------------------- */

/* Returns whether the kernel lets RAM be write-protected. */
static gboolean
open_uffd (Later *later, guint64 features)
{
  struct uffdio_api api = { .api = UFFD_API, .features = features | UFFD_FEATURE_PAGEFAULT_FLAG_WP };
  struct uffdio_register range = {
    .range = { (guintptr) later->host, later->size },
    .mode = UFFDIO_REGISTER_MODE_WP,
  };

  later->uffd = (int) syscall (SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (later->uffd >= 0 && ioctl (later->uffd, UFFDIO_API, &api) == 0 &&
      ioctl (later->uffd, UFFDIO_REGISTER, &range) == 0)
    return TRUE;
  printf ("refused by the kernel: %s\n", g_strerror (errno));
  vmm_fd_clear (&later->uffd);
  return FALSE;
}

static void
set_protected (Later *later, guint64 offset, guint64 length, gboolean protect)
{
  struct uffdio_writeprotect range = {
    .range = { (guintptr) later->host + offset, length },
    .mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
  };

  if (ioctl (later->uffd, UFFDIO_WRITEPROTECT, &range) != 0)
    die_of_errno ("UFFDIO_WRITEPROTECT");
}

/* Writes what is not written yet, with the lock held, and lets the guest change it. */
static void
write_out (Later *later, guint64 offset, guint64 length)
{
  for (guint64 at = offset; at < offset + length; at += VMM_PAGE_SIZE)
    if (!vmm_page_set_contains (later->written, at / VMM_PAGE_SIZE))
      {
        if (pwrite (later->fd, later->host + at, VMM_PAGE_SIZE, (off_t) at) != (gssize) VMM_PAGE_SIZE)
          die_of_errno ("pwrite");
        vmm_page_set_add (later->written, at / VMM_PAGE_SIZE);
      }
  set_protected (later, offset, length, FALSE);
}

static gpointer
fault_thread (gpointer data)
{
  Later *later = data;

  while (!g_atomic_int_get (&later->quitting))
    {
      struct pollfd pollfd = { .fd = later->uffd, .events = POLLIN };
      struct uffd_msg message;

      if (poll (&pollfd, 1, 50) != 1 || read (later->uffd, &message, sizeof message) != sizeof message)
        continue;
      g_mutex_lock (&later->lock);
      write_out (later,
                 (message.arg.pagefault.address - (guintptr) later->host) / VMM_PAGE_SIZE * VMM_PAGE_SIZE,
                 VMM_PAGE_SIZE);
      g_mutex_unlock (&later->lock);
    }
  return NULL;
}

static gboolean
begin_protected (Later *later)
{
  if (!open_uffd (later, UFFD_FEATURE_WP_UNPOPULATED))
    return FALSE;
  g_mutex_init (&later->lock);
  later->written = vmm_page_set_new (later->size);
  later->quitting = FALSE;
  later->thread = g_thread_new ("faults", fault_thread, later);
  return TRUE;
}

static void
protect_all (Later *later)
{
  set_protected (later, 0, later->size, TRUE);
}

static void
end_protected (Later *later)
{
  for (guint64 offset = 0; offset < later->size; offset += CHUNK_SIZE)
    {
      g_mutex_lock (&later->lock);
      write_out (later, offset, CHUNK_SIZE);
      g_mutex_unlock (&later->lock);
    }
  g_atomic_int_set (&later->quitting, TRUE);
  g_thread_join (later->thread);
  vmm_fd_clear (&later->uffd);
  g_mutex_clear (&later->lock);
  g_clear_pointer (&later->written, vmm_page_set_free);
}

/* ---- passes over the page tables --------------------------------------------------------------------- */

/* Adds what was written to since the last scan, and protects it again. Returns how many pages that were. */
static guint64
scan (Later *later, VmmPageSet *pages)
{
  struct pm_scan_arg arg = {
    .size = sizeof arg,
    .flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
    .start = (guintptr) later->host,
    .end = (guintptr) later->host + later->size,
    .vec = (guintptr) later->regions,
    .vec_len = REGIONS_MAX,
    .category_mask = PAGE_IS_WRITTEN,
    .return_mask = PAGE_IS_WRITTEN,
  };
  guint64 n_pages = 0;

  for (; arg.start < arg.end; arg.start = arg.walk_end)
    {
      int n = ioctl (later->pagemap_fd, PAGEMAP_SCAN, &arg);

      if (n < 0)
        die_of_errno ("PAGEMAP_SCAN");
      for (int i = 0; i < n; i++)
        {
          const struct page_region *region = &later->regions[i];

          vmm_page_set_add_bytes (pages, region->start - (guintptr) later->host, region->end - region->start);
          n_pages += (region->end - region->start) / VMM_PAGE_SIZE;
        }
    }
  return n_pages;
}

static guint64
scan_pass (Later *later)
{
  g_autoptr (GError) error = NULL;
  guint64 n_pages;

  vmm_page_set_clear (later->pages);
  n_pages = scan (later, later->pages);
  check (vmm_page_writer_write_set (later->memory, later->fd, later->pages, later->written, NULL, NULL, &error),
         error,
         "write");
  return n_pages;
}

static gboolean
begin_scanned (Later *later)
{
  g_autoptr (VmmPageSet) ignored = vmm_page_set_new (later->size);
  g_autoptr (GError) error = NULL;
  guint64 last = G_MAXUINT64;

  if (!open_uffd (later, UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED))
    return FALSE;
  later->regions = g_new (struct page_region, REGIONS_MAX);
  later->pagemap_fd = open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  later->pages = vmm_page_set_new (later->size);
  later->written = vmm_page_set_new (later->size);
  (void) scan (later, ignored); /* all of it, as nothing is protected yet */
  check (vmm_page_writer_find_private (later->memory, later->pages, &error), error, "pagemap");
  check (vmm_page_writer_write_set (later->memory, later->fd, later->pages, later->written, NULL, NULL, &error),
         error,
         "write");
  for (guint pass = 0; pass < PASSES_MAX; pass++)
    {
      guint64 n_pages = scan_pass (later);

      if (n_pages <= ENOUGH_PAGES || n_pages > last / 2)
        break;
      last = n_pages;
    }
  return TRUE;
}

static void
finish_scanned (Later *later)
{
  (void) scan_pass (later);
}

static void
end_scanned (Later *later)
{
  vmm_fd_clear (&later->uffd);
  vmm_fd_clear (&later->pagemap_fd);
  g_clear_pointer (&later->regions, g_free);
  g_clear_pointer (&later->pages, vmm_page_set_free);
  g_clear_pointer (&later->written, vmm_page_set_free);
}

/* ---- a forked writer ------------------------------------------------------------------------------- */

static gboolean
begin_fork (Later *later)
{
  return TRUE;
}

static void
fork_writer (Later *later)
{
  later->child = fork ();
  if (later->child < 0)
    die_of_errno ("fork");
  if (later->child == 0)
    _exit (vmm_page_writer_write (later->memory, later->fd, NULL, NULL) ? 0 : 1);
}

static void
end_fork (Later *later)
{
  int status;

  if (waitpid (later->child, &status, 0) != later->child || status != 0)
    bench_die ("the forked writer has failed");
}

/* ---- side by side --------------------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  gboolean (*begin) (Later *later); /* while the guest runs; FALSE if it cannot be done here */
  void (*freeze) (Later *later);    /* while it stands still */
  void (*end) (Later *later);       /* while it runs again */
} ways[] = {
  { "passes over KVM's log, then a flip", begin_complete, flip_after_passes, end_complete },
  { "the same, changed pages only, no flip", begin_changed, finish_passes, end_changed },
  { "passes over PAGEMAP_SCAN, changed only", begin_scanned, finish_scanned, end_scanned },
  { "fork, the child writes", begin_fork, fork_writer, end_fork },
  { "userfaultfd, pages before they change", begin_protected, protect_all, end_protected },
};

typedef struct
{
  BenchSample freeze, whole, rate;
} Times;

static double
freeze (Later *later, gsize way)
{
  g_autoptr (VmmSavedState) state = NULL;
  g_autoptr (GError) error = NULL;
  double start = bench_now_ms ();

  check (vmm_machine_stop_vps_locked (later->machine, &error), error, "stop");
  state = vmm_machine_save_state (later->machine, &error);
  bench_check (error, "state");
  ways[way].freeze (later);
  check (vmm_machine_release_vps_locked (later->machine, &error), error, "go on");
  return bench_now_ms () - start;
}

static gboolean
save_once (const Bench *bench, Later *later, gsize way, Times *times)
{
  g_autofree char *path = bench_path (bench, "written");
  guint64 before = bench_machine_get_word (later->bench, 0);
  double start = bench_now_ms ();
  VMM_AUTO_FD int fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  double took;
  gboolean ok;

  if (fd < 0 || ftruncate (fd, (off_t) later->size) != 0)
    die_of_errno (path);
  unlink (path);
  later->fd = fd;
  g_mutex_lock (&later->machine->lock);
  ok = ways[way].begin (later);
  if (ok)
    {
      bench_sample_add (&times->freeze, freeze (later, way));
      ways[way].end (later);
      took = bench_now_ms () - start;
      bench_sample_add (&times->whole, took);
      bench_sample_add (&times->rate,
                        (double) (bench_machine_get_word (later->bench, 0) - before) * 1e3 / took);
    }
  g_mutex_unlock (&later->machine->lock);
  return ok;
}

/* A fresh view, of which the guest has then changed 50 MiB. */
static void
set_out (const Bench *bench, BenchMachine *machine)
{
  g_autofree char *path = bench_path (bench, "base");

  (void) bench_machine_save (machine, path);
  bench_remove_tree (path);
  g_usleep (G_USEC_PER_SEC / 2);
}

void
bench_ways_later (const Bench *bench, guint mib, guint repetitions)
{
  g_autoptr (BenchMachine) machine = bench_machine_new_dirtier (bench, mib);
  guint n_regions;
  Later later = {
    .bench = machine,
    .machine = machine->machine,
    .memory = machine->machine->memory,
    .host = vmm_memory_get_regions (machine->machine->memory, &n_regions)[0].host,
    .size = mib * BENCH_MIB,
    .uffd = -1,
    .pagemap_fd = -1,
  };

  printf ("Later save of %u MiB, the guest writing to %u MiB/s; medians of %u\n",
          mib,
          BENCH_DIRTY_MIB_PER_S,
          repetitions);
  printf ("%-42s %16s %14s %16s\n", "", "stands still, ms", "in all, ms", "the guest, MiB/s");
  for (gsize way = 0; way < G_N_ELEMENTS (ways); way++)
    {
      Times times = { 0 };

      printf ("%-42s ", ways[way].name);
      fflush (stdout);
      for (guint i = 0; i < repetitions; i++)
        {
          set_out (bench, machine);
          if (!save_once (bench, &later, way, &times))
            break;
        }
      if (times.freeze.n > 0)
        printf ("%16.2f %14.0f %16.1f\n",
                bench_sample_get_median (&times.freeze),
                bench_sample_get_median (&times.whole),
                bench_sample_get_median (&times.rate));
    }
}
