/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fault-subject.h: a VM that operations fail on, in a directory of its own */

#pragma once

#include "tests/vmm/tiny-machine.h"

G_BEGIN_DECLS

/* How the VM gets to the save that is tested. */
typedef enum
{
  SUBJECT_SAVE_LINK,         /* first save, running, RAM in a file beside the snapshot */
  SUBJECT_SAVE_COPY,         /* first save, running, RAM in a memfd: another file system */
  SUBJECT_SAVE_LATER,        /* running, from a private view: passes over what changes, then the rest */
  SUBJECT_SAVE_LATER_PAUSED, /* paused, from a private view */
  SUBJECT_SAVE_NAMED,        /* first save, paused, RAM in a file with a name */
  SUBJECT_N_SAVES,
} SubjectSave;

/**
 * subject_run_tests:
 * @finish: (nullable): called after the last test
 *
 * Runs all tests that were added. What is temporary lies in a directory of its own, in memory where that can be, and
 * goes with it in the end, also what the killed leave behind. Called before anything else asks for a temporary
 * directory, which GLib remembers. Returns: as g_test_run()
 */
int subject_run_tests (void (*finish) (void)) G_GNUC_WARN_UNUSED_RESULT;

const char *subject_save_get_name (SubjectSave save);

/** subject_new_bare: two VPs, RAM as @save wants it, nameless files in the subject's directory; no machine. */
TinyMachine *subject_new_bare (SubjectSave save);

/** subject_new: at the point where it is saved. */
TinyMachine *subject_new (SubjectSave save);

/** subject_new_machine: makes the machine of @subject, paused; the caller looks at @error. */
gboolean subject_new_machine (TinyMachine *subject, GError **error);

/** subject_save: to @target. */
gboolean subject_save (TinyMachine *subject, const char *target, GError **error);

/** subject_assert_goes_on: lets it run if it does not, and sees the guest count, on clocks that all VPs share. */
void subject_assert_goes_on (TinyMachine *subject);

/** subject_assert_verifies: @path is whole. */
void subject_assert_verifies (const char *path);

/** subject_assert_restores: @path is whole, and a VM goes on from it. Returns the guest's count at that moment. */
guint64 subject_assert_restores (const char *path);

/** subject_assert_same_memory: what the guest does not write all the time is in @path as in RAM. */
void subject_assert_same_memory (TinyMachine *subject, const char *path);

/** subject_remove_tree: removes @path with all in it, if it is there. */
void subject_remove_tree (const char *path);

/** subject_list: (transfer full): names in @directory, sorted, with blanks in between. */
char *subject_list (const char *directory);

G_END_DECLS
