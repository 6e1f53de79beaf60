/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Complete saves on file systems on which two files can share their blocks: what is saved, and what it takes.
 */

#include "config.h"
#include "vmm/machine.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/vmm/loop-place.h"
#include "tests/vmm/tiny-machine.h"
#include "vmm/acpi.h"
#include "vmm/fd.h"
#include "vmm/snapshot-chain.h"

#define MIB (1024 * 1024ull)
#define SIZE (64 * MIB)
#define PAGES (SIZE / VMM_PAGE_SIZE)
#define OURS (16 * MIB) /* from here on RAM is written to by the test alone */
#define CHANGED 2000u   /* pages */
#define SLACK (256 * 1024u)

/** World: a machine on a file system of its own. */
typedef struct
{
  LoopPlace *place;
  TinyMachine *tiny;
  gboolean is_xfs;
  GRand *random;
} World;

static void
world_clear (World *world)
{
  tiny_machine_free (world->tiny);
  loop_place_free (world->place);
  g_clear_pointer (&world->random, g_rand_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (World, world_clear)

static void
use_more_memory (VmmConfig *config)
{
  config->memory_size = SIZE;
}

/* Pages that lie apart get another content, one in ten of them that of zeros. Returns how many are not zero. */
static guint
change (World *world, guint n)
{
  g_autofree guint8 *page = g_malloc (VMM_PAGE_SIZE);
  g_autoptr (VmmPageSet) filled = vmm_page_set_new (SIZE);

  for (guint i = 0; i < n; i++)
    {
      guint64 number = (guint64) g_rand_int_range (world->random, OURS / VMM_PAGE_SIZE, PAGES);
      gboolean zero = i % 10 == 0;

      memset (page, zero ? 0 : g_rand_int_range (world->random, 1, 256), VMM_PAGE_SIZE);
      g_assert_true (
          vmm_memory_write (world->tiny->machine->memory, number * VMM_PAGE_SIZE, page, VMM_PAGE_SIZE, NULL));
      if (zero)
        vmm_page_set_remove (filled, number);
      else
        vmm_page_set_add (filled, number);
    }
  return (guint) vmm_page_set_count (filled);
}

/* memory-writer in 64 MiB of RAM, which is full; paused. %FALSE where the test has to be skipped */
static gboolean
set_up (World *world, const char *type)
{
  g_autofree char *reason = NULL;
  g_autoptr (GError) error = NULL;

  world->is_xfs = g_str_equal (type, "xfs");
  world->random = g_rand_new_with_seed (1);
  world->place = loop_place_new (type, &reason);
  if (world->place == NULL)
    {
      g_test_skip (reason);
      return FALSE;
    }
  world->tiny = tiny_machine_new_bare ("memory-writer", use_more_memory);
  world->tiny->config->memory_directory = g_strdup (world->place->path);
  world->tiny->machine =
      vmm_machine_new (world->tiny->config, world->tiny->console, tiny_machine_on_event, world->tiny, &error);
  g_assert_no_error (error);
  for (guint64 offset = OURS; offset < SIZE; offset += VMM_PAGE_SIZE)
    g_assert_true (vmm_memory_write (world->tiny->machine->memory, offset, &offset, sizeof offset, NULL));
  g_assert_true (vmm_memory_write (world->tiny->machine->memory, OURS, "x", 1, NULL));
  tiny_machine_resume (world->tiny);
  tiny_machine_wait_word (world->tiny, 0, 1);
  tiny_machine_pause (world->tiny);
  return TRUE;
}

static char *
save (World *world, TinyMachine *tiny, const char *name, gboolean incremental)
{
  char *path = g_build_filename (world->place->path, name, NULL);
  g_autoptr (GError) error = NULL;
  const VmmSavePlan plan = { .directory = path, .incremental = incremental };
  VmmSaveResult result;

  g_assert_true (vmm_machine_save (tiny->machine, &plan, &result, &error));
  g_assert_no_error (error);
  g_test_message ("%s: freeze %" G_GUINT64_FORMAT " us", name, result.freeze_usec);
  return path;
}

static guint8 *
dump (TinyMachine *tiny)
{
  guint8 *bytes = g_malloc (SIZE);

  g_assert_true (vmm_memory_read (tiny->machine->memory, 0, bytes, SIZE, NULL));
  memset (bytes + VMM_ACPI_GENERATION_ID_GPA, 0, VMM_PAGE_SIZE);
  return bytes;
}

static void
assert_restores (const char *path, const guint8 *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  g_autoptr (TinyMachine) restored = NULL;

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  restored = tiny_machine_new_restored (path);
  if (expected != NULL)
    {
      g_autofree guint8 *found = dump (restored);

      g_assert_cmpint (memcmp (found, expected, SIZE), ==, 0);
    }
  tiny_machine_resume (restored);
  tiny_machine_wait_word (restored, 0, tiny_machine_get_word (restored, 0) + 2);
  g_assert_cmpuint (tiny_machine_get_word (restored, 1), ==, 0);
}

/* Saves the paused machine, of which @n_pages have changed that are not zero. */
static void
save_small (World *world, TinyMachine *tiny, const char *name, guint n_pages, gboolean incremental)
{
  guint64 before = loop_place_get_used (world->place);
  g_autofree char *path = save (world, tiny, name, incremental);
  guint64 took = loop_place_get_used (world->place) - before;
  guint64 changed = (guint64) n_pages * VMM_PAGE_SIZE;
  g_autofree guint8 *expected = dump (tiny);

  g_test_message ("%s: %" G_GUINT64_FORMAT " bytes for %" G_GUINT64_FORMAT, name, took, changed);
  /* btrfs describes each page that lies apart in its trees, which it has twice */
  g_assert_cmpuint (took,
                    <=,
                    world->is_xfs ? changed + changed / 50 + SLACK : changed + changed / 2 + 4 * MIB);
  assert_restores (path, expected);
}

static void
test_takes_what_changed (gconstpointer type)
{
  g_auto (World) world = { 0 };
  g_autofree char *base = NULL;

  if (!set_up (&world, type))
    return;
  base = save (&world, world.tiny, "base", FALSE);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("later-%u", i);

      save_small (&world, world.tiny, name, change (&world, CHANGED), FALSE);
    }
  save_small (&world, world.tiny, "same", 0, FALSE);
}

/* what was written to is zero again: there is a hole where the older snapshot has content */
static void
test_zeros_are_holes (gconstpointer type)
{
  g_auto (World) world = { 0 };
  g_autofree char *base = NULL;
  g_autofree char *later = NULL;
  g_autofree char *memory = NULL;
  VMM_AUTO_FD int fd = -1;

  if (!set_up (&world, type))
    return;
  base = save (&world, world.tiny, "base", FALSE);
  g_assert_true (vmm_memory_zero (world.tiny->machine->memory, 32 * MIB, 8 * MIB, NULL));
  later = save (&world, world.tiny, "later", FALSE);
  memory = g_build_filename (later, VMM_SNAPSHOT_MEMORY, NULL);
  fd = open (memory, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (lseek (fd, 32 * MIB, SEEK_HOLE), ==, 32 * MIB);
  g_assert_cmpint (lseek (fd, 32 * MIB, SEEK_DATA), ==, 40 * MIB);
  {
    g_autofree guint8 *expected = dump (world.tiny);

    assert_restores (later, expected);
  }
}

static void
test_restored_shares_with_origin (gconstpointer type)
{
  g_auto (World) world = { 0 };
  g_autofree char *base = NULL;
  TinyMachine *first;
  guint n_pages;

  if (!set_up (&world, type))
    return;
  base = save (&world, world.tiny, "base", FALSE);
  first = world.tiny;
  world.tiny = tiny_machine_new_restored (base);
  tiny_machine_free (first);
  n_pages = change (&world, CHANGED);
  /* the name may go: the view keeps the file */
  {
    g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (base, NULL);

    g_assert_true (vmm_snapshot_delete (snapshot, NULL));
  }
  save_small (&world, world.tiny, "restored", n_pages, FALSE);
}

/* Runs of pages that a restore lays over the base rather than reading them, with other content. */
static void
change_runs (World *world, guint8 byte)
{
  g_autofree guint8 *run = g_malloc (MIB);

  memset (run, byte, MIB);
  for (guint64 offset = 20 * MIB; offset < SIZE; offset += 8 * MIB)
    g_assert_true (vmm_memory_write (world->tiny->machine->memory, offset, run, MIB, NULL));
}

/* what lies over the base is in a later snapshot, of either kind, be it used or not */
static void
test_restored_over_chain (gconstpointer type)
{
  g_auto (World) world = { 0 };
  g_autofree char *base = NULL;
  g_autofree char *over = NULL;
  g_autofree guint8 *expected = NULL;
  TinyMachine *first;

  if (!set_up (&world, type))
    return;
  base = save (&world, world.tiny, "base", FALSE);
  change_runs (&world, 1);
  over = save (&world, world.tiny, "over", TRUE);
  expected = dump (world.tiny);
  first = world.tiny;
  world.tiny = tiny_machine_new_restored (over);
  tiny_machine_free (first);
  g_assert_nonnull (vmm_memory_get_overlaid (world.tiny->machine->memory));
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("later-%u", i);
      g_autofree char *later = save (&world, world.tiny, name, i % 2 == 0);

      assert_restores (later, expected);
      (void) change (&world, 100);
      g_free (expected);
      expected = dump (world.tiny);
    }
  /* where it is shared, the view stays as it was */
  g_assert_true ((vmm_memory_get_overlaid (world.tiny->machine->memory) == NULL) ==
                 g_str_equal (type, "ext4"));
  tiny_machine_resume (world.tiny);
  tiny_machine_wait_word (world.tiny, 0, tiny_machine_get_word (world.tiny, 0) + 1);
  tiny_machine_pause (world.tiny);
  g_assert_cmpuint (tiny_machine_get_word (world.tiny, 1), ==, 0);
}

/* in turn, on a paused and on a running machine, each whole by itself or with those under it */
static void
test_mixes_with_incremental (gconstpointer type)
{
  static const gboolean incremental[] = { FALSE, TRUE, FALSE, FALSE, TRUE, TRUE, FALSE, TRUE };
  g_auto (World) world = { 0 };
  char *paths[G_N_ELEMENTS (incremental)];
  guint8 *memories[G_N_ELEMENTS (incremental)];

  if (!set_up (&world, type))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (incremental); i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);
      g_autofree char *running_name = g_strdup_printf ("%u-running", i);
      g_autofree char *running = NULL;

      (void) change (&world, 100);
      paths[i] = save (&world, world.tiny, name, incremental[i]);
      memories[i] = dump (world.tiny);
      tiny_machine_resume (world.tiny);
      tiny_machine_wait_word (world.tiny, 0, tiny_machine_get_word (world.tiny, 0) + 1);
      running = save (&world, world.tiny, running_name, incremental[i]);
      assert_restores (running, NULL);
      tiny_machine_pause (world.tiny);
    }
  for (guint i = 0; i < G_N_ELEMENTS (incremental); i++)
    {
      assert_restores (paths[i], memories[i]);
      g_free (paths[i]);
      g_free (memories[i]);
    }
  g_assert_cmpuint (tiny_machine_get_word (world.tiny, 1), ==, 0);
}

/* a save that fails leaves what has changed to the next one, of either kind */
static void
test_failure_loses_nothing (gconstpointer type)
{
  g_auto (World) world = { 0 };
  g_autofree char *base = NULL;
  g_autofree char *target = NULL;

  if (!set_up (&world, type))
    return;
  base = save (&world, world.tiny, "base", FALSE);
  target = g_build_filename (world.place->path, "cancelled", NULL);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *name = g_strdup_printf ("next-%u", i);
      g_autofree char *next = NULL;
      g_autofree guint8 *expected = NULL;
      VmmSaveResult result;

      (void) change (&world, 100);
      g_cancellable_cancel (cancellable);
      g_assert_false (vmm_machine_save (world.tiny->machine,
                                        &(VmmSavePlan){ .directory = target, .cancellable = cancellable },
                                        &result,
                                        &error));
      g_assert_error (error, VMM_ERROR, VMM_ERROR_CANCELLED);
      next = save (&world, world.tiny, name, i % 2 == 0);
      expected = dump (world.tiny);
      assert_restores (next, expected);
    }
}

/* RAM was saved here, the next snapshot goes elsewhere, and the one after that comes back */
static void
test_other_file_system_is_no_error (gconstpointer type)
{
  g_auto (World) world = { 0 };
  g_autofree char *base = NULL;
  g_autofree char *elsewhere = NULL;
  g_autofree char *back = NULL;
  g_autofree guint8 *expected = NULL;

  if (!set_up (&world, type))
    return;
  base = save (&world, world.tiny, "base", FALSE);
  (void) change (&world, 100);
  elsewhere = tiny_machine_save (world.tiny, "elsewhere");
  (void) change (&world, 100);
  back = save (&world, world.tiny, "back", FALSE);
  expected = dump (world.tiny);
  assert_restores (back, expected);
  assert_restores (elsewhere, NULL);
}

/* What nobody has written to since is not digested anew: damage that it has caught does not become sound. */
static void
test_damage_of_origin_is_seen (gconstpointer type)
{
  g_auto (World) world = { 0 };
  g_autofree char *base = NULL;
  g_autofree char *later = NULL;
  g_autofree char *memory = NULL;
  g_autoptr (VmmSnapshot) snapshot = NULL;
  g_autoptr (GError) error = NULL;
  VMM_AUTO_FD int fd = -1;

  if (!set_up (&world, type))
    return;
  base = save (&world, world.tiny, "base", FALSE);
  g_assert_true (vmm_memory_write (world.tiny->machine->memory, 20 * MIB, "changed", 7, NULL));
  memory = g_build_filename (base, VMM_SNAPSHOT_MEMORY, NULL);
  fd = open (memory, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "damage", 6, 60 * MIB), ==, 6);
  later = save (&world, world.tiny, "later", FALSE);
  snapshot = vmm_snapshot_open (later, &error);
  g_assert_no_error (error);
  g_assert_false (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_error (error, VMM_ERROR, VMM_ERROR_CORRUPT);
}

static void
add_tests (const char *name, GTestDataFunc func)
{
  static const char *const types[] = { "xfs", "btrfs" };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *path = g_strdup_printf ("/vmm/machine-share/%s/%s", types[i], name);

      g_test_add_data_func (path, types[i], func);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_tests ("takes-what-changed", test_takes_what_changed);
  add_tests ("zeros-are-holes", test_zeros_are_holes);
  add_tests ("restored-shares-with-origin", test_restored_shares_with_origin);
  add_tests ("restored-over-chain", test_restored_over_chain);
  g_test_add_data_func ("/vmm/machine-share/ext4/restored-over-chain", "ext4", test_restored_over_chain);
  add_tests ("mixes-with-incremental", test_mixes_with_incremental);
  add_tests ("failure-loses-nothing", test_failure_loses_nothing);
  add_tests ("other-file-system-is-no-error", test_other_file_system_is_no_error);
  add_tests ("damage-of-origin-is-seen", test_damage_of_origin_is_seen);
  return g_test_run ();
}
