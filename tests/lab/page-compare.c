/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Saves a busy Linux guest again and again, and looks at its RAM behind the VMM's back each time it stands still:
 * the flip is the one call of mremap() with MREMAP_DONTUNMAP there is, and this program is linked to come first.
 * What it saw, a sum for each page, is then compared with memory.bin of some snapshots and with the RAM of
 * machines restored from them.
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

#define PAGE_SIZE 4096u
#define PAGEMAP_HELD ((1ull << 63) | (1ull << 62)) /* present, or swapped out: Linux admin-guide/mm/pagemap */
#define WALL_CLOCK_SIZE 12u            /* bytes: struct pvclock_wall_clock, Linux virt/kvm/x86/msr */
#define LIFE_USEC (3 * G_USEC_PER_SEC) /* of a restored guest */

/* The VMM has no way to hand anything to a mremap() that it does not know of. */
static struct
{
  guint64 *sums; /* of the RAM at the last flip */
  guint64 n_pages;
  int base_fd; /* what is under the view then */
  guint n_flips;
} seen;

void *__real_mremap (void *old, size_t old_size, size_t new_size, int flags, ...);
void *__wrap_mremap (void *old, size_t old_size, size_t new_size, int flags, ...);

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
look (const guint8 *host)
{
  VMM_AUTO_FD int pagemap_fd = open ("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

  for (guint64 page = 0; page < seen.n_pages; page++)
    {
      const guint8 *place = host + page * PAGE_SIZE;
      guint64 held = 0;

      if (pread (pagemap_fd, &held, sizeof held, (guintptr) place / PAGE_SIZE * sizeof held) != sizeof held)
        g_error ("reading /proc/self/pagemap: %s", g_strerror (errno));
      seen.sums[page] = (held & PAGEMAP_HELD) != 0 ? sum_page ((const guint64 *) place)
                                                   : sum_page_of_file (seen.base_fd, page);
    }
  seen.n_flips++;
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
    look (old);
  return __real_mremap (old, old_size, new_size, flags, new);
}

static void
on_event (VmmEvent event, const char *reason, gpointer user_data)
{
  g_error ("the guest has come to its end by itself: %s", reason);
}

static void
compare_file (const char *directory, const guint64 *sums)
{
  g_autofree char *path = g_build_filename (directory, "memory.bin", NULL);
  VMM_AUTO_FD int fd = open (path, O_RDONLY | O_CLOEXEC);

  for (guint64 page = 0; page < seen.n_pages; page++)
    if (sum_page_of_file (fd, page) != sums[page])
      g_error ("%s differs from the guest's RAM at the freeze in page %" G_GUINT64_FORMAT, path, page);
}

/* KVM itself writes the time of day into RAM, 12 bytes of it, when the guest's MSR for it is set. */
static gboolean
differs_by_wall_clock (const char *directory, const guint8 *place, guint64 page)
{
  g_autofree char *path = g_build_filename (directory, "memory.bin", NULL);
  VMM_AUTO_FD int fd = open (path, O_RDONLY | O_CLOEXEC);
  guint8 bytes[PAGE_SIZE] = { 0 };
  guint first = 0, end = PAGE_SIZE;

  if (pread (fd, bytes, sizeof bytes, page * PAGE_SIZE) != sizeof bytes)
    g_error ("reading %s: %s", path, g_strerror (errno));
  while (first < end && bytes[first] == place[first])
    first++;
  while (end > first && bytes[end - 1] == place[end - 1])
    end--;
  return end - first <= WALL_CLOCK_SIZE;
}

/* RAM of @machine, which has not run yet, but for the page with its generation ID. */
static void
compare_memory (VmmMachine *machine, const char *directory, const guint64 *sums)
{
  guint n_regions;
  const guint8 *host = vmm_memory_get_regions (machine->memory, &n_regions)[0].host;
  guint n_clocks = 0;

  for (guint64 page = 0; page < seen.n_pages; page++)
    {
      const guint8 *place = host + page * PAGE_SIZE;

      if (page == VMM_ACPI_GENERATION_ID_GPA / PAGE_SIZE || sum_page ((const guint64 *) place) == sums[page])
        continue;
      if (++n_clocks > 1 || !differs_by_wall_clock (directory, place, page))
        g_error ("a machine restored from %s differs in page %" G_GUINT64_FORMAT, directory, page);
    }
}

static void
check_restore (const char *directory, const char *log, const guint64 *sums)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (directory, &error);
  g_autoptr (VmmConsole) console = snapshot != NULL ? vmm_console_new (log, &error) : NULL;
  g_autoptr (VmmMachine) machine = NULL;

  if (console != NULL && vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error))
    machine = vmm_machine_new_from_snapshot (snapshot,
                                             vmm_snapshot_get_config (snapshot),
                                             console,
                                             on_event,
                                             NULL,
                                             &error);
  if (machine == NULL)
    g_error ("%s: %s", directory, error->message);
  compare_file (directory, sums);
  compare_memory (machine, directory, sums);
  if (!vmm_machine_resume (machine, &error))
    g_error ("%s: %s", directory, error->message);
  g_usleep (LIFE_USEC);
  g_clear_pointer (&machine, vmm_machine_free);
  compare_file (directory, sums);
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
  for (guint i = 0; i < 240; i++)
    {
      g_autofree char *text = NULL;

      if (g_file_get_contents (log, &text, NULL, NULL) && strstr (text, "pressure ok") != NULL)
        return;
      g_usleep (G_USEC_PER_SEC);
    }
  g_error ("the guest did not come up: see %s", log);
}

/* Saves @n times; returns the directories, and in @all the sums of each. */
static GPtrArray *
save_all (VmmMachine *machine, const char *scratch, guint n, GPtrArray *all)
{
  GPtrArray *directories = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n; i++)
    {
      char *directory = g_strdup_printf ("%s/snapshot-%u", scratch, i);
      g_autofree char *memory = g_build_filename (directory, "memory.bin", NULL);
      g_autoptr (GError) error = NULL;
      VmmSaveResult result;
      guint before = seen.n_flips;

      g_usleep (g_random_int_range (50000, 700000));
      if (!vmm_machine_save (machine, directory, NULL, NULL, NULL, NULL, NULL, &result, &error))
        g_error ("save %u: %s", i, error->message);
      if (seen.n_flips != before + 1)
        g_error ("save %u: the flip was not seen", i);
      g_print ("save %u: %.1f ms frozen, looking included\n", i, result.freeze_usec / 1000.0);
      g_ptr_array_add (directories, directory);
      g_ptr_array_add (all, g_memdup2 (seen.sums, seen.n_pages * sizeof seen.sums[0]));
      close (seen.base_fd);
      seen.base_fd = open (memory, O_RDONLY | O_CLOEXEC);
    }
  return directories;
}

int
main (int argc, char **argv)
{
  g_autoptr (VmmConfig) config = NULL;
  g_autoptr (VmmConsole) console = NULL;
  g_autoptr (VmmMachine) machine = NULL;
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) directories = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *log = NULL;

  if (argc != 7)
    {
      g_printerr ("Usage: page-compare GUEST SCRATCH MIB SAVES RESTORES CMDLINE\n");
      return 2;
    }
  seen.n_pages = g_ascii_strtoull (argv[3], NULL, 10) * (1024 * 1024 / PAGE_SIZE);
  seen.sums = g_new0 (guint64, seen.n_pages);
  config = make_config (argv[1], argv[2], argv[6]);
  log = g_build_filename (argv[2], "linux.log", NULL);
  console = vmm_console_new (log, &error);
  machine = console == NULL ? NULL : vmm_machine_new (config, console, on_event, NULL, &error);
  if (machine == NULL || !vmm_machine_resume (machine, &error))
    g_error ("%s", error->message);
  seen.base_fd = open (config->memory_file, O_RDONLY | O_CLOEXEC);
  wait_for_guest (log);

  directories = save_all (machine, argv[2], atoi (argv[4]), all);
  g_clear_pointer (&machine, vmm_machine_free);
  for (int i = 0; i < atoi (argv[5]); i++)
    {
      guint which = g_random_int_range (0, directories->len);
      g_autofree char *restored = g_strdup_printf ("%s/restored-%d.log", argv[2], i);

      check_restore (directories->pdata[which], restored, all->pdata[which]);
      g_print ("snapshot %u is what the guest's RAM was\n", which);
    }
  g_free (seen.sums);
  return 0;
}
