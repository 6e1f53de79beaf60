/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Saves a busy Linux guest again and again, and looks at its RAM behind the VMM's back each time it stands still:
 * the flip is the one call of mremap() with MREMAP_DONTUNMAP there is, an incremental save ends with
 * vmm_precopy_finish(), and this program is linked to come first for both. What it saw, a sum for each page, is then
 * compared with what some snapshots hold and with the RAM of machines restored from them. Incremental ones are in the
 * end consolidated, all of them, while a clone runs from the middle of their chain, and compared again.
 *
 * Looking must not change what the VMM finds: a page that our page tables do not hold is read from the file under
 * the view, not through the mapping.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/acpi.h"
#include "vmm/fd.h"
#include "vmm/machine.h"
#include "vmm/precopy.h"
#include "vmm/snapshot-chain.h"

#include "tests/lab/stall.h"

#define PAGE_SIZE 4096u
#define PAGEMAP_HELD ((1ull << 63) | (1ull << 62)) /* present, or swapped out: Linux admin-guide/mm/pagemap */
#define WALL_CLOCK_SIZE 12u            /* bytes: struct pvclock_wall_clock, Linux virt/kvm/x86/msr */
#define STALL_SEC 180                  /* each step takes less than a minute in the lab */
#define LIFE_USEC (3 * G_USEC_PER_SEC) /* of a restored guest */

/* The VMM has no way to hand anything to functions that it does not know of. */
static struct
{
  guint64 *sums; /* of the RAM when it was looked at last */
  guint64 n_pages;
  int base_fd; /* what is under the view then */
  const guint8 *host;
  guint n_looks;
} seen;

void *__real_mremap (void *old, size_t old_size, size_t new_size, int flags, ...);
void *__wrap_mremap (void *old, size_t old_size, size_t new_size, int flags, ...);
gboolean __real_vmm_precopy_finish (VmmPrecopy *precopy, GError **error);
gboolean __wrap_vmm_precopy_finish (VmmPrecopy *precopy, GError **error);

typedef struct
{
  char *directory;
  guint64 *sums; /* of RAM at its freeze */
  gboolean incremental;
} Saved;

static void
saved_free (gpointer data)
{
  Saved *saved = data;

  g_free (saved->directory);
  g_free (saved->sums);
  g_free (saved);
}

static guint64
sum_page (const guint64 *words)
{
  guint64 sum = 0xcbf29ce484222325ull;

  for (guint i = 0; i < PAGE_SIZE / sizeof words[0]; i++)
    sum = (sum ^ words[i]) * 0x100000001b3ull;
  return sum;
}

static guint64
sum_page_of_file (int fd, guint64 page)
{
  guint64 words[PAGE_SIZE / sizeof (guint64)] = { 0 };

  if (pread (fd, words, sizeof words, page * PAGE_SIZE) != sizeof words)
    g_error ("reading page %" G_GUINT64_FORMAT ": %s", page, g_strerror (errno));
  return sum_page (words);
}

static void
look (void)
{
  VMM_AUTO_FD int pagemap_fd = open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

  for (guint64 page = 0; page < seen.n_pages; page++)
    {
      const guint8 *place = seen.host + page * PAGE_SIZE;
      guint64 held = 0;

      if (pread (pagemap_fd, &held, sizeof held, (guintptr) place / PAGE_SIZE * sizeof held) != sizeof held)
        g_error ("reading /proc/self/pagemap: %s", g_strerror (errno));
      seen.sums[page] = (held & PAGEMAP_HELD) != 0 ? sum_page ((const guint64 *) place)
                                                   : sum_page_of_file (seen.base_fd, page);
    }
  seen.n_looks++;
}

void *
__wrap_mremap (void *old, size_t old_size, size_t new_size, int flags, ...)
{
  va_list arguments;
  void *new;

  va_start (arguments, flags);
  new = va_arg (arguments, void *);
  va_end (arguments);
  if ((flags & MREMAP_DONTUNMAP) != 0 && old_size == seen.n_pages * PAGE_SIZE)
    look ();
  return __real_mremap (old, old_size, new_size, flags, new);
}

/* an incremental save does not flip; a complete one is looked at again when it does */
gboolean
__wrap_vmm_precopy_finish (VmmPrecopy *precopy, GError **error)
{
  look ();
  return __real_vmm_precopy_finish (precopy, error);
}

static void
on_event (VmmEvent event, const char *reason, gpointer user_data)
{
  g_error ("the guest has come to its end by itself: %s", reason);
}

static VmmMemory *
open_stored (VmmSnapshot *snapshot, GError **error)
{
  return vmm_snapshot_open_chain (snapshot, error) ? vmm_snapshot_chain_new_memory (snapshot, error) : NULL;
}

/* RAM as the files have it */
static void
compare_stored (const Saved *saved)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (saved->directory, &error);
  g_autoptr (VmmMemory) memory = snapshot != NULL ? open_stored (snapshot, &error) : NULL;
  const guint8 *host;
  guint n_regions;

  if (memory == NULL)
    g_error ("%s: %s", saved->directory, error->message);
  host = vmm_memory_get_regions (memory, &n_regions)[0].host;
  for (guint64 page = 0; page < seen.n_pages; page++)
    if (sum_page ((const guint64 *) (host + page * PAGE_SIZE)) != saved->sums[page])
      g_error ("%s differs from the guest's RAM at the freeze in page %" G_GUINT64_FORMAT,
               saved->directory,
               page);
}

/* KVM itself writes the time of day into RAM, 12 bytes of it, when the guest's MSR for it is set. */
static gboolean
differs_by_wall_clock (const guint8 *stored, const guint8 *place)
{
  guint first = 0, end = PAGE_SIZE;

  while (first < end && stored[first] == place[first])
    first++;
  while (end > first && stored[end - 1] == place[end - 1])
    end--;
  return end - first <= WALL_CLOCK_SIZE;
}

/* RAM of @machine, which has not run yet, but for the page with its generation ID. */
static void
compare_memory (VmmMachine *machine, VmmSnapshot *snapshot, const Saved *saved)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMemory) memory = open_stored (snapshot, &error);
  const guint8 *stored, *host;
  guint n_regions;
  guint n_clocks = 0;

  if (memory == NULL)
    g_error ("%s: %s", saved->directory, error->message);
  stored = vmm_memory_get_regions (memory, &n_regions)[0].host;
  host = vmm_memory_get_regions (machine->memory, &n_regions)[0].host;
  for (guint64 page = 0; page < seen.n_pages; page++)
    {
      const guint8 *place = host + page * PAGE_SIZE;

      if (page == VMM_ACPI_GENERATION_ID_GPA / PAGE_SIZE ||
          sum_page ((const guint64 *) place) == saved->sums[page])
        continue;
      if (++n_clocks > 1 || !differs_by_wall_clock (stored + page * PAGE_SIZE, place))
        g_error ("a machine restored from %s differs in page %" G_GUINT64_FORMAT, saved->directory, page);
    }
}

/* a machine of its own from @saved, running, which has been compared before its first step */
static VmmMachine *
restore (const Saved *saved, VmmConsole *console)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (saved->directory, &error);
  VmmMachine *machine = NULL;

  if (snapshot != NULL && vmm_snapshot_open_chain (snapshot, &error) &&
      vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error))
    machine = vmm_machine_new_from_snapshot (snapshot,
                                             vmm_snapshot_get_config (snapshot),
                                             console,
                                             on_event,
                                             NULL,
                                             &error);
  if (machine == NULL)
    g_error ("%s: %s", saved->directory, error->message);
  compare_memory (machine, snapshot, saved);
  if (!vmm_machine_resume (machine, &error))
    g_error ("%s: %s", saved->directory, error->message);
  return machine;
}

static VmmConsole *
open_console (const char *scratch, const char *name)
{
  g_autofree char *log = g_strdup_printf ("%s/%s.log", scratch, name);
  g_autoptr (GError) error = NULL;
  VmmConsole *console = vmm_console_new (log, &error);

  if (console == NULL)
    g_error ("%s", error->message);
  return console;
}

static void
check_restore (const Saved *saved, const char *scratch, const char *name)
{
  g_autoptr (VmmConsole) console = open_console (scratch, name);
  g_autoptr (VmmMachine) machine = NULL;

  compare_stored (saved);
  stall_moved ();
  machine = restore (saved, console);
  stall_moved ();
  g_usleep (LIFE_USEC);
  g_clear_pointer (&machine, vmm_machine_free);
  stall_moved ();
  compare_stored (saved);
  stall_moved ();
}

static VmmConfig *
make_config (const char *guest, const char *scratch, const char *cmdline)
{
  VmmConfig *config = vmm_config_new ();

  config->name = g_strdup ("linux");
  config->vp_count = 2;
  config->memory_size = seen.n_pages * PAGE_SIZE;
  config->memory_file = g_build_filename (scratch, "linux.ram", NULL);
  config->kernel = g_build_filename (guest, "vmlinuz", NULL);
  config->initrd = g_build_filename (guest, "initrd", NULL);
  config->cmdline = g_strdup (cmdline);
  return config;
}

static void
wait_for_guest (const char *log)
{
  g_autofree char *text = NULL;

  for (guint i = 0; i < 600; i++)
    {
      g_clear_pointer (&text, g_free);
      if (g_file_get_contents (log, &text, NULL, NULL) && strstr (text, "pressure ok") != NULL)
        return;
      g_usleep (G_USEC_PER_SEC);
      stall_moved ();
    }
  g_error ("the guest did not come up; it has said:\n%s", text);
}

static Saved *
save (VmmMachine *machine, const char *scratch, guint number, gboolean incremental)
{
  Saved *saved = g_new0 (Saved, 1);
  g_autoptr (GError) error = NULL;
  VmmSavePlan plan = { .incremental = incremental };
  guint before = seen.n_looks;
  VmmSaveResult result;

  saved->directory = g_strdup_printf ("%s/snapshot-%u", scratch, number);
  saved->incremental = incremental;
  plan.directory = saved->directory;
  if (!vmm_machine_save (machine, &plan, &result, &error))
    g_error ("save %u: %s", number, error->message);
  if (seen.n_looks == before)
    g_error ("save %u: nobody looked", number);
  saved->sums = g_memdup2 (seen.sums, seen.n_pages * sizeof seen.sums[0]);
  g_print ("save %u, %s: %.1f ms frozen, looking included\n",
           number,
           incremental ? "incremental" : "complete",
           result.freeze_usec / 1000.0);
  stall_moved ();
  return saved;
}

/* Saves @n times, complete, or @mixed with incremental ones, of which there are three in four. */
static GPtrArray *
save_all (VmmMachine *machine, const char *scratch, guint n, gboolean mixed)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (saved_free);

  for (guint i = 0; i < n; i++)
    {
      gboolean incremental = mixed && i > 0 && g_random_int_range (0, 4) > 0;
      Saved *saved;
      g_autofree char *memory = NULL;

      g_usleep (g_random_int_range (50000, 700000));
      saved = save (machine, scratch, i, incremental);
      g_ptr_array_add (all, saved);
      if (incremental)
        continue; /* the view is of the file that it was of */
      memory = g_build_filename (saved->directory, "memory.bin", NULL);
      close (seen.base_fd);
      seen.base_fd = open (memory, O_RDONLY | O_CLOEXEC);
    }
  return all;
}

/* @n of them, at random */
static void
check_some (GPtrArray *all, const char *scratch, const char *name, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      guint which = g_random_int_range (0, all->len);
      g_autofree char *restored = g_strdup_printf ("%s-%u", name, i);

      check_restore (all->pdata[which], scratch, restored);
      g_print ("snapshot %u is what the guest's RAM was\n", which);
    }
}

static void
consolidate (const Saved *saved)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (saved->directory, &error);

  if (snapshot == NULL || !vmm_snapshot_consolidate (snapshot, NULL, NULL, NULL, &error))
    g_error ("consolidating %s: %s", saved->directory, error->message);
}

/* each of them, the oldest last, while a clone of one in the middle runs */
static void
consolidate_all (GPtrArray *all, const char *scratch)
{
  g_autoptr (VmmConsole) console = open_console (scratch, "clone");
  g_autoptr (VmmMachine) clone = NULL;
  guint middle = all->len / 2;

  while (middle + 1 < all->len && !((Saved *) all->pdata[middle])->incremental)
    middle++;
  clone = restore (all->pdata[middle], console);
  for (guint i = all->len; i-- > 0;)
    {
      consolidate (all->pdata[i]);
      g_print ("snapshot %u is complete\n", i);
      stall_moved ();
    }
  g_print ("all are complete, a clone of snapshot %u runs\n", middle);
  g_usleep (LIFE_USEC);
  g_clear_pointer (&clone, vmm_machine_free);
}

int
main (int argc, char **argv)
{
  g_autoptr (VmmConfig) config = NULL;
  g_autoptr (VmmConsole) console = NULL;
  g_autoptr (VmmMachine) machine = NULL;
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *log = NULL;
  gboolean mixed;
  guint n_regions;

  if (argc != 8 || (!g_str_equal (argv[1], "complete") && !g_str_equal (argv[1], "mixed")))
    {
      g_printerr ("Usage: page-compare complete|mixed GUEST SCRATCH MIB SAVES RESTORES CMDLINE\n");
      return 2;
    }
  mixed = g_str_equal (argv[1], "mixed");
  seen.n_pages = g_ascii_strtoull (argv[4], NULL, 10) * (1024 * 1024 / PAGE_SIZE);
  seen.sums = g_new0 (guint64, seen.n_pages);
  stall_watch (STALL_SEC);
  config = make_config (argv[2], argv[3], argv[7]);
  log = g_build_filename (argv[3], "linux.log", NULL);
  console = open_console (argv[3], "linux");
  machine = vmm_machine_new (config, console, on_event, NULL, &error);
  if (machine == NULL || !vmm_machine_resume (machine, &error))
    g_error ("%s", error->message);
  seen.host = vmm_memory_get_regions (machine->memory, &n_regions)[0].host;
  seen.base_fd = open (config->memory_file, O_RDONLY | O_CLOEXEC);
  wait_for_guest (log);

  all = save_all (machine, argv[3], atoi (argv[5]), mixed);
  g_clear_pointer (&machine, vmm_machine_free);
  check_some (all, argv[3], "restored", atoi (argv[6]));
  if (mixed)
    {
      consolidate_all (all, argv[3]);
      check_some (all, argv[3], "consolidated", atoi (argv[6]));
    }
  g_free (seen.sums);
  return 0;
}
