/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call that an operation makes of the kernel fails once, each in a run of its own. Nothing lists the calls: a
 * run is repeated with the next number until it ends before that is reached. Afterwards the VM is as it was or as it
 * shall be, the target is whole or not there, nothing that the process holds has grown, and the same operation works.
 *
 * An operation that succeeds although a call failed has either no need of it, and is then in tolerated.c with the
 * reason, or has not looked.
 */

#include "config.h"
#include "tests/faults/fault-calls.h"
#include "tests/faults/fault-subject.h"
#include "tests/faults/resources.h"
#include "tests/faults/tolerated.h"
#include "tests/vmm/loop-place.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/acpi.h"
#include "vmm/fd.h"
#include "vmm/snapshot-chain.h"

#define RUNS_GPA 0x800000u /* of those that are written to before the snapshot over another is made */

typedef struct _Operation Operation;

/* variants of restores */
enum
{
  RESTORE_COMPLETE,
  RESTORE_CHAINED,
};

/* Whether an operation leaves anything behind that it has taken from the kernel, before the VM is gone. */
enum
{
  HOLDS_NOTHING,
  HOLDS_ON_SUCCESS,
  HOLDS_ALWAYS, /* threads of VPs that were started stay, for the next start */
};

typedef struct
{
  const char *name;
  const char *operations; /* patterns; not every operation is worth the time of every pass */
  FaultPlan plan;
  gboolean must_succeed;
  gboolean is_light; /* no restores and further saves after a save */
} Pass;

typedef struct
{
  const Operation *operation;
  const Pass *pass;
  TinyMachine *subject;
  VmmSnapshot *snapshot; /* to be gone back to */
  char *out;             /* directory, empty */
  char *target;          /* in it */
  guint64 count;         /* the guest's, before the operation */
  gboolean was_running;
} World;

struct _Operation
{
  const char *name;
  guint variant;
  guint kinds; /* of calls that are counted */
  guint holds;
  gboolean reuses_vm; /* is tried on one VM again and again: it is as it was after each */
  void (*set_up) (World *world);
  gboolean (*operate) (World *world, GError **error);
  void (*after_failure) (World *world, const GError *error);
  void (*after_success) (World *world);
  gboolean needs_place;
  gboolean in_child; /* each run in a process of its own, for what is asked once in a process */
};

/* snapshots that last as long as the program, made when they are first asked for: a complete one, and one over it */
static TinyMachine *origin;
static char *sound;
static char *chained;

/* a file system that lasts as long, made when it is first asked for */
static LoopPlace *place;

static guint totals[FAULT_N_KINDS];

/* ---- making and running ------------------------------------------------------------------------ */

static void
set_up_create (World *world)
{
  world->subject = subject_new_bare (world->operation->variant);
}

static gboolean
operate_create (World *world, GError **error)
{
  return subject_new_machine (world->subject, error);
}

static void
after_failed_create (World *world, const GError *error)
{
  g_autoptr (GError) next_error = NULL;

  g_assert_null (world->subject->machine);
  g_assert_true (subject_new_machine (world->subject, &next_error));
  g_assert_no_error (next_error);
  subject_assert_goes_on (world->subject);
}

static void
assert_goes_on (World *world)
{
  g_assert_cmpuint (tiny_machine_get_word (world->subject, 0), >=, world->count);
  subject_assert_goes_on (world->subject);
}

static void
set_up_start (World *world)
{
  g_autoptr (GError) error = NULL;

  set_up_create (world);
  g_assert_true (subject_new_machine (world->subject, &error));
  g_assert_no_error (error);
}

static gboolean
operate_resume (World *world, GError **error)
{
  return vmm_machine_resume (world->subject->machine, error);
}

static void
after_failed_resume (World *world, const GError *error)
{
  g_assert_false (world->subject->machine->running);
  assert_goes_on (world);
}

static void
set_up_pause (World *world)
{
  world->subject = subject_new (SUBJECT_SAVE_LINK);
}

static gboolean
operate_pause (World *world, GError **error)
{
  return vmm_machine_pause (world->subject->machine, error);
}

static void
after_failed_pause (World *world, const GError *error)
{
  g_assert_true (world->subject->machine->running);
  tiny_machine_wait_word (world->subject, 0, world->count + 2);
  tiny_machine_pause (world->subject);
  assert_goes_on (world);
}

static void
set_up_resume (World *world)
{
  set_up_pause (world);
  tiny_machine_pause (world->subject);
}

/* The log that the console has is there before. */
static gboolean
operate_open_console (World *world, GError **error)
{
  VMM_AUTO_FD int fd = vmm_console_open (world->subject->console, error);

  return fd >= 0;
}

static void
after_failed_open_console (World *world, const GError *error)
{
  g_autoptr (GError) next_error = NULL;

  g_assert_true (operate_open_console (world, &next_error));
  g_assert_no_error (next_error);
  assert_goes_on (world);
}

/* ---- saving -------------------------------------------------------------------------------------- */

static void
set_up_save (World *world)
{
  world->subject = subject_new (world->operation->variant);
}

static gboolean
operate_save (World *world, GError **error)
{
  return subject_save (world->subject, world->target, error);
}

/* Saved between the beginning of the operation and now. Leaves the subject paused: one guest is enough for the host. */
static void
assert_restores (World *world, const char *path)
{
  guint64 now = tiny_machine_get_word (world->subject, 0);
  guint64 saved;

  tiny_machine_pause (world->subject);
  saved = subject_assert_restores (path);
  g_assert_cmpuint (saved, >=, world->count);
  g_assert_cmpuint (saved, <=, now);
}

static void
after_save (World *world)
{
  if (world->pass->is_light)
    {
      subject_assert_verifies (world->target);
      subject_assert_same_memory (world->subject, world->target);
      return;
    }

  if (!world->was_running)
    g_assert_cmpuint (tiny_machine_get_word (world->subject, 0), ==, world->count);
  g_assert_true (world->subject->machine->running == world->was_running);
  subject_assert_same_memory (world->subject, world->target);
  assert_restores (world, world->target);
  assert_goes_on (world);
}

static void
assert_listed (const char *directory, const char *expected)
{
  g_autofree char *list = subject_list (directory);

  g_assert_cmpstr (list, ==, expected);
}

/* A save that failed has published nothing, but for one whose name may not be durable: then it says so. */
static void
after_failed_save (World *world, const GError *error)
{
  gboolean is_there = g_file_test (world->target, G_FILE_TEST_EXISTS);
  g_autofree char *next = g_build_filename (world->out, is_there ? "next" : "target", NULL);
  g_autoptr (GError) next_error = NULL;

  if (world->subject->machine->running != world->was_running)
    g_assert_nonnull (strstr (error->message, "is paused"));
  if (!world->was_running)
    g_assert_cmpuint (tiny_machine_get_word (world->subject, 0), ==, world->count);
  if (is_there)
    {
      g_assert_nonnull (strstr (error->message, "power cut"));
      assert_restores (world, world->target);
    }
  assert_goes_on (world);
  if (world->pass->is_light)
    return;
  g_assert_true (subject_save (world->subject, next, &next_error));
  g_assert_no_error (next_error);
  if (world->pass->plan.onwards)
    subject_assert_verifies (next);
  else
    assert_restores (world, next);
  assert_listed (world->out, is_there ? "next target" : "target");
}

/* On a file system of its own, which lets a later save share what the first one has. */
static gboolean
have_place (void)
{
  g_autofree char *reason = NULL;

  if (place == NULL)
    place = loop_place_new ("xfs", &reason);
  if (place == NULL)
    g_test_skip (reason);
  return place != NULL;
}

static void
set_up_save_shared (World *world)
{
  g_autofree char *directory = g_build_filename (place->path, "subject-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;

  world->subject = subject_new_bare (SUBJECT_SAVE_LATER);
  g_assert_nonnull (g_mkdtemp (directory));
  g_assert_cmpint (g_rmdir (world->subject->directory), ==, 0);
  g_free (world->subject->directory);
  g_free (world->subject->config->memory_directory);
  world->subject->directory = g_strdup (directory);
  world->subject->config->memory_directory = g_strdup (directory);
  g_assert_true (subject_new_machine (world->subject, &error));
  g_assert_no_error (error);
  tiny_machine_resume (world->subject);
  tiny_machine_wait_word (world->subject, 0, 1);
  g_free (tiny_machine_save (world->subject, "first"));
}

/* ---- restoring ------------------------------------------------------------------------------------ */

/* Two runs that a restore maps over the base, and one that it reads. */
static void
change_runs (VmmMemory *memory)
{
  static const guint64 lengths[] = { 128 * 1024, 4096, 256 * 1024 };
  guint8 bytes[256 * 1024];

  memset (bytes, 0x5a, sizeof bytes);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    g_assert_true (vmm_memory_write (memory, RUNS_GPA + i * 0x100000, bytes, lengths[i], NULL));
}

static void
make_origin (void)
{
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  origin = subject_new (SUBJECT_SAVE_LINK);
  sound = tiny_machine_save (origin, "sound");
  change_runs (origin->machine->memory);
  chained = g_build_filename (origin->directory, "chained", NULL);
  g_assert_true (vmm_machine_save (origin->machine,
                                   &(VmmSavePlan){ .directory = chained, .incremental = TRUE },
                                   &result,
                                   &error));
  g_assert_no_error (error);
  g_clear_pointer (&origin->machine, vmm_machine_free);
}

static void
set_up_restore (World *world)
{
  if (origin == NULL)
    make_origin ();
  world->subject = subject_new_bare (SUBJECT_SAVE_LINK);
}

static gboolean
operate_restore (World *world, GError **error)
{
  TinyMachine *subject = world->subject;
  g_autoptr (VmmSnapshot)
      snapshot = vmm_snapshot_open (world->operation->variant == RESTORE_CHAINED ? chained : sound, error);

  if (snapshot == NULL || !vmm_snapshot_open_chain (snapshot, error) ||
      !vmm_snapshot_verify (snapshot, NULL, NULL, NULL, error))
    return FALSE;
  subject->machine = vmm_machine_new_from_snapshot (snapshot,
                                                    vmm_snapshot_get_config (snapshot),
                                                    subject->console,
                                                    tiny_machine_on_event,
                                                    subject,
                                                    error);
  return subject->machine != NULL;
}

/* as a clone is prepared */
static gboolean
operate_fill (World *world, GError **error)
{
  TinyMachine *subject = world->subject;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (sound, error);
  g_autoptr (VmmMachine) blank = NULL;

  if (snapshot == NULL)
    return FALSE;
  blank = vmm_machine_new_blank (subject->config, tiny_machine_on_event, subject, error);
  if (blank == NULL ||
      !vmm_machine_fill (blank, snapshot, vmm_snapshot_get_config (snapshot), subject->console, error))
    return FALSE;
  vmm_machine_get_ready (blank);
  subject->machine = g_steal_pointer (&blank);
  return TRUE;
}

static void
after_failed_restore (World *world, const GError *error)
{
  g_autoptr (GError) next_error = NULL;

  g_assert_null (world->subject->machine);
  g_assert_true (operate_restore (world, &next_error));
  g_assert_no_error (next_error);
  subject_assert_goes_on (world->subject);
}

static void
after_restore_chained (World *world)
{
  guint8 byte = 0;

  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (
          vmm_memory_read (world->subject->machine->memory, RUNS_GPA + i * 0x100000 + 4095, &byte, 1, NULL));
      g_assert_cmphex (byte, ==, 0x5a);
    }
  assert_goes_on (world);
}

/* A VM that runs from a chain is saved in full: all that lies over the base is moved aside, and is in the new file. */
static void
set_up_save_chained (World *world)
{
  g_autoptr (GError) error = NULL;

  set_up_restore (world);
  g_assert_true (operate_restore (world, &error));
  g_assert_no_error (error);
  subject_assert_goes_on (world->subject);
}

static void
set_up_go_back (World *world)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  world->subject = subject_new (SUBJECT_SAVE_LINK);
  path = tiny_machine_save (world->subject, "first");
  world->snapshot = vmm_snapshot_open (path, &error);
  g_assert_no_error (error);
  tiny_machine_wait_word (world->subject, 0, tiny_machine_get_word (world->subject, 0) + 1000);
}

static gboolean
operate_go_back (World *world, GError **error)
{
  return vmm_machine_go_back (world->subject->machine, world->snapshot, TRUE, error);
}

static void
after_go_back (World *world)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmMemory) memory = vmm_snapshot_chain_new_memory (world->snapshot, &error);
  gsize size = world->subject->config->memory_size;
  g_autofree guint8 *expected = g_malloc (size);
  g_autofree guint8 *found = g_malloc (size);

  g_assert_no_error (error);
  g_assert_true (vmm_memory_read (memory, 0, expected, size, NULL));
  g_assert_true (vmm_memory_read (world->subject->machine->memory, 0, found, size, NULL));
  memset (expected + VMM_ACPI_GENERATION_ID_GPA, 0, VMM_PAGE_SIZE);
  memset (found + VMM_ACPI_GENERATION_ID_GPA, 0, VMM_PAGE_SIZE);
  g_assert_cmpint (memcmp (found, expected, size), ==, 0);
  subject_assert_goes_on (world->subject);
}

static void
after_failed_go_back (World *world, const GError *error)
{
  g_autoptr (GError) next_error = NULL;

  if (!world->subject->machine->running)
    g_assert_nonnull (strstr (error->message, "is paused"));
  assert_goes_on (world);
  g_assert_true (operate_go_back (world, &next_error));
  g_assert_no_error (next_error);
  after_go_back (world);
}

/* The same, where the view shows another snapshot, and a log tells what has changed. */
static void
set_up_go_back_logged (World *world)
{
  g_autofree char *base = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  VmmSaveResult result;

  world->subject = subject_new (SUBJECT_SAVE_LINK);
  base = tiny_machine_save (world->subject, "first");
  path = g_build_filename (world->subject->directory, "second", NULL);
  g_assert_true (vmm_machine_save (world->subject->machine,
                                   &(VmmSavePlan){ .directory = path, .incremental = TRUE },
                                   &result,
                                   &error));
  g_assert_no_error (error);
  world->snapshot = vmm_snapshot_open (path, &error);
  g_assert_true (vmm_snapshot_open_chain (world->snapshot, &error));
  g_assert_no_error (error);
  tiny_machine_wait_word (world->subject, 0, tiny_machine_get_word (world->subject, 0) + 1000);
}

/* ---- all of them ------------------------------------------------------------------------------------ */

#define NO_KVM (FAULT_ALL_KINDS & ~(1u << FAULT_KVM)) /* KVM is asked for the same as in another one */

/* clang-format off */
static const Operation operations[] = {
  { "create-first", SUBJECT_SAVE_LINK, 1u << FAULT_KVM, HOLDS_ALWAYS, FALSE,
    set_up_create, operate_create, after_failed_create, assert_goes_on, .in_child = TRUE },
  { "create", SUBJECT_SAVE_LINK, FAULT_ALL_KINDS, HOLDS_ON_SUCCESS, FALSE,
    set_up_create, operate_create, after_failed_create, assert_goes_on },
  { "create-memfd", SUBJECT_SAVE_COPY, NO_KVM, HOLDS_ON_SUCCESS, FALSE,
    set_up_create, operate_create, after_failed_create, assert_goes_on },
  { "create-named", SUBJECT_SAVE_NAMED, NO_KVM, HOLDS_ON_SUCCESS, FALSE,
    set_up_create, operate_create, after_failed_create, assert_goes_on },
  { "start", SUBJECT_SAVE_LINK, FAULT_ALL_KINDS, HOLDS_ALWAYS, FALSE,
    set_up_start, operate_resume, after_failed_resume, assert_goes_on },
  { "pause", 0, FAULT_ALL_KINDS, HOLDS_NOTHING, FALSE,
    set_up_pause, operate_pause, after_failed_pause, assert_goes_on },
  { "resume", 0, FAULT_ALL_KINDS, HOLDS_NOTHING, FALSE,
    set_up_resume, operate_resume, after_failed_resume, assert_goes_on },
  { "open-console", 0, FAULT_ALL_KINDS, HOLDS_ALWAYS, FALSE,
    set_up_pause, operate_open_console, after_failed_open_console, assert_goes_on },
  { "save-link", SUBJECT_SAVE_LINK, FAULT_ALL_KINDS, HOLDS_NOTHING, FALSE,
    set_up_save, operate_save, after_failed_save, after_save },
  { "save-copy", SUBJECT_SAVE_COPY, NO_KVM, HOLDS_NOTHING, FALSE,
    set_up_save, operate_save, after_failed_save, after_save },
  { "save-named", SUBJECT_SAVE_NAMED, NO_KVM, HOLDS_NOTHING, FALSE,
    set_up_save, operate_save, after_failed_save, after_save },
  { "save-later", SUBJECT_SAVE_LATER, FAULT_ALL_KINDS, HOLDS_NOTHING, TRUE,
    set_up_save, operate_save, after_failed_save, after_save },
  { "save-later-paused", SUBJECT_SAVE_LATER_PAUSED, NO_KVM, HOLDS_NOTHING, TRUE,
    set_up_save, operate_save, after_failed_save, after_save },
  { "save-shared", SUBJECT_SAVE_LATER, NO_KVM, HOLDS_NOTHING, TRUE,
    set_up_save_shared, operate_save, after_failed_save, after_save, .needs_place = TRUE },
  { "restore", RESTORE_COMPLETE, FAULT_ALL_KINDS, HOLDS_ON_SUCCESS, FALSE,
    set_up_restore, operate_restore, after_failed_restore, assert_goes_on },
  { "restore-chained", RESTORE_CHAINED, NO_KVM, HOLDS_ON_SUCCESS, FALSE,
    set_up_restore, operate_restore, after_failed_restore, after_restore_chained },
  { "restore-filled", RESTORE_COMPLETE, FAULT_ALL_KINDS, HOLDS_ON_SUCCESS, FALSE,
    set_up_restore, operate_fill, after_failed_restore, assert_goes_on },
  { "save-chained", RESTORE_CHAINED, NO_KVM, HOLDS_NOTHING, FALSE,
    set_up_save_chained, operate_save, after_failed_save, after_save },
  { "go-back", 0, FAULT_ALL_KINDS, HOLDS_NOTHING, FALSE,
    set_up_go_back, operate_go_back, after_failed_go_back, after_go_back },
  { "go-back-logged", 0, FAULT_ALL_KINDS, HOLDS_NOTHING, FALSE,
    set_up_go_back_logged, operate_go_back, after_failed_go_back, after_go_back },
};
/* clang-format on */

static const Pass passes[] = {
  { .name = "fails", .operations = "*", .plan = { .kinds = FAULT_ALL_KINDS } },
  { .name = "no-space",
    .operations = "save-link save-copy save-later save-shared",
    .plan = { .kinds = 1u << FAULT_FILE, .error_number = ENOSPC },
    .is_light = TRUE },
  { .name = "dead-disk",
    .operations = "save-link save-copy save-later save-shared",
    .plan = { .kinds = 1u << FAULT_FILE, .onwards = TRUE } },
  { .name = "dead-kvm",
    .operations = "pause resume save-link save-later go-back*",
    .plan = { .kinds = 1u << FAULT_KVM, .onwards = TRUE } },
  { .name = "lies", .operations = "save-*", .plan = { .kinds = 1u << FAULT_FILE, .action = FAULT_LIE } },
  { .name = "interrupted",
    .operations = "create restore save-link save-copy save-later save-shared",
    .plan = { .kinds = 1u << FAULT_FILE, .error_number = EINTR },
    .must_succeed = TRUE,
    .is_light = TRUE },
  { .name = "interrupted-kvm",
    .operations = "go-back*", /* reads all of the state, and sets it */
    .plan = { .kinds = 1u << FAULT_KVM, .error_number = EINTR },
    .must_succeed = TRUE },
  { .name = "short",
    .operations = "create restore save-* go-back*",
    .plan = { .kinds = 1u << FAULT_FILE | 1u << FAULT_MEMORY, .action = FAULT_SHORTEN },
    .must_succeed = TRUE,
    .is_light = TRUE },
};

static void
set_up (World *world)
{
  world->operation->set_up (world);
  world->out = g_build_filename (world->subject->directory, "out", NULL);
  world->target = g_build_filename (world->out, "target", NULL);
}

static void
tear_down (World *world)
{
  vmm_snapshot_unref (world->snapshot);
  tiny_machine_free (world->subject);
  g_free (world->out);
  g_free (world->target);
  *world = (World){ .operation = world->operation, .pass = world->pass };
}

/* A VM that is used again is put where it was at first. */
static void
set_up_again (World *world)
{
  if (world->subject == NULL)
    set_up (world);
  else if (world->was_running)
    tiny_machine_resume (world->subject);
  else
    tiny_machine_pause (world->subject);
  subject_remove_tree (world->out);
  g_assert_cmpint (g_mkdir (world->out, 0700), ==, 0);
  if (world->subject->machine == NULL)
    return;
  world->was_running = world->subject->machine->running;
  world->count = tiny_machine_get_word (world->subject, 0);
}

static void
check_error (const Pass *pass, const FaultTally *tally, const GError *error)
{
  g_test_message ("%s: %s", tally->hit, error->message);
  g_assert_true (error->domain == VMM_ERROR);
  g_assert_cmpint (error->code, !=, 0);
  g_assert_null (strstr (error->message, g_strerror (0)));
  if (pass->plan.error_number == ENOSPC)
    g_assert_error (error, VMM_ERROR, VMM_ERROR_NO_SPACE);
}

static void
check_result (World *world,
              guint at,
              gboolean ok,
              const FaultTally *tally,
              const GError *error,
              GHashTable *seen)
{
  const Operation *operation = world->operation;
  const Pass *pass = world->pass;
  gboolean hit = *tally->hit != '\0';

  if (!ok && (!hit || pass->must_succeed))
    g_test_message ("%s, call %u, %s: %s", operation->name, at, tally->hit, error->message);
  g_assert_true (ok || (hit && !pass->must_succeed));
  if (!ok)
    check_error (pass, tally, error);
  else if (hit && pass->plan.action == FAULT_FAIL && !pass->must_succeed && !pass->plan.onwards)
    tolerated_check (operation->name, tally, seen);
}

/* Returns whether there was a call with that number. */
static gboolean
run_once (World *world, guint at, GHashTable *seen, FaultTally *tally)
{
  const Operation *operation = world->operation;
  FaultPlan plan = world->pass->plan;
  Resources before = resources_count ();
  Resources live;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  set_up_again (world);
  live = resources_count ();
  plan.at = at;
  plan.kinds &= operation->kinds;
  fault_calls_begin (&plan);
  ok = operation->operate (world, &error);
  *tally = fault_calls_end ();
  check_result (world, at, ok, tally, error, seen);
  if (operation->holds == HOLDS_NOTHING || (operation->holds == HOLDS_ON_SUCCESS && !ok))
    resources_assert_not_grown (&live);
  if (ok)
    operation->after_success (world);
  else
    operation->after_failure (world, error);
  if (operation->reuses_vm && at > 0)
    return *tally->hit != '\0';
  tear_down (world);
  if (at > 0 && !operation->in_child) /* what is asked once in a process is kept */
    resources_assert_not_grown (&before);
  return *tally->hit != '\0';
}

/* The same in a child, which ends with status 0 or 1. */
static gboolean
run_once_in_child (World *world, guint at, FaultTally *tally)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    {
      g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

      _exit (run_once (world, at, seen, tally) ? 1 : 0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), <=, 1);
  tally->n_calls = at;
  tally->n_by_kind[FAULT_KVM] = at - 1;
  return WEXITSTATUS (status) == 1;
}

typedef struct
{
  const Operation *operation;
  const Pass *pass;
} Case;

static void
test_operation (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  World world = { .operation = test->operation, .pass = test->pass };
  FaultTally tally = { 0 };
  Resources before;
  guint n = 1;

  if (test->operation->needs_place && !have_place ())
    return;
  /* once without, so that what is made once in a process is there */
  if (!test->operation->in_child)
    run_once (&world, 0, seen, &tally);
  before = resources_count ();
  while (test->operation->in_child ? run_once_in_child (&world, n, &tally)
                                   : run_once (&world, n, seen, &tally))
    n++;
  if (world.subject != NULL)
    tear_down (&world);
  resources_assert_not_grown (&before);
  g_assert_true (n > 1 || tally.n_calls == 0);
  if (test->pass == &passes[0])
    {
      g_test_message ("%s: %u kvm, %u file, %u memory, %u other",
                      test->operation->name,
                      tally.n_by_kind[FAULT_KVM],
                      tally.n_by_kind[FAULT_FILE],
                      tally.n_by_kind[FAULT_MEMORY],
                      tally.n_by_kind[FAULT_OTHER]);
      for (guint kind = 0; kind < FAULT_N_KINDS; kind++)
        totals[kind] += tally.n_by_kind[kind];
    }
  g_test_message ("%s, %s: %u runs", test->operation->name, test->pass->name, n);
}

static gboolean
applies (const Pass *pass, const Operation *operation)
{
  g_auto (GStrv) patterns = g_strsplit (pass->operations, " ", -1);
  gboolean matches = FALSE;

  for (char **pattern = patterns; !matches && *pattern != NULL; pattern++)
    matches = g_pattern_match_simple (*pattern, operation->name);
  return matches;
}

static void
add_cases (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (passes); j++)
      {
        g_autofree char *path = g_strdup_printf ("/faults/any-call/%s/%s", operations[i].name, passes[j].name);
        Case *test;

        if (!applies (&passes[j], &operations[i]))
          continue;
        test = g_new (Case, 1);
        *test = (Case){ &operations[i], &passes[j] };
        g_test_add_data_func_full (path, test, test_operation, g_free);
      }
}

static void
finish (void)
{
  g_test_message ("points: %u kvm, %u file, %u memory, %u other",
                  totals[FAULT_KVM],
                  totals[FAULT_FILE],
                  totals[FAULT_MEMORY],
                  totals[FAULT_OTHER]);
  tiny_machine_free (origin);
  loop_place_free (place);
  g_free (sound);
  g_free (chained);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases ();
  return subject_run_tests (finish);
}
