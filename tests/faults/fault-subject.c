/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest counts in one word of RAM: a count that is lower than it was tells RAM that was lost, one that stands
 * still tells a VP that does not run. A second VP waits to be started, so that what is done for each VP can fail for
 * the second.
 */

#include "config.h"
#include "tests/faults/fault-subject.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/acpi.h"
#include "vmm/kvm-private.h"
#include "vmm/snapshot.h"

#define MAILBOX_GPA 0x200000u

static const char *const names[SUBJECT_N_SAVES] = {
  [SUBJECT_SAVE_LINK] = "link",   [SUBJECT_SAVE_COPY] = "copy",
  [SUBJECT_SAVE_LATER] = "later", [SUBJECT_SAVE_LATER_PAUSED] = "later-paused",
  [SUBJECT_SAVE_NAMED] = "named",
};

const char *
subject_save_get_name (SubjectSave save)
{
  return names[save];
}

static void
use_two_vps (VmmConfig *config)
{
  config->vp_count = 2;
}

TinyMachine *
subject_new_bare (SubjectSave save)
{
  TinyMachine *subject = tiny_machine_new_bare ("counter", use_two_vps);

  subject->config->memory_directory = g_strdup (subject->directory);
  if (save == SUBJECT_SAVE_COPY)
    subject->config->memory_backing = VMM_MEMORY_BACKING_MEMFD;
  if (save == SUBJECT_SAVE_NAMED)
    subject->config->memory_file = g_build_filename (subject->directory, "ram", NULL);
  return subject;
}

gboolean
subject_new_machine (TinyMachine *subject, GError **error)
{
  subject->machine =
      vmm_machine_new (subject->config, subject->console, tiny_machine_on_event, subject, error);
  return subject->machine != NULL;
}

TinyMachine *
subject_new (SubjectSave save)
{
  TinyMachine *subject = subject_new_bare (save);
  g_autoptr (GError) error = NULL;

  g_assert_true (subject_new_machine (subject, &error));
  g_assert_no_error (error);
  tiny_machine_resume (subject);
  tiny_machine_wait_word (subject, 0, 1);
  if (save == SUBJECT_SAVE_LATER || save == SUBJECT_SAVE_LATER_PAUSED)
    g_free (tiny_machine_save (subject, "first"));
  if (save == SUBJECT_SAVE_LATER_PAUSED || save == SUBJECT_SAVE_NAMED)
    tiny_machine_pause (subject);
  return subject;
}

gboolean
subject_save (TinyMachine *subject, const char *target, GError **error)
{
  VmmSaveResult result;

  return vmm_machine_save (subject->machine, &(VmmSavePlan){ .directory = target }, &result, error);
}

static guint64
tsc_offset_of (TinyMachine *subject, guint index)
{
  guint64 offset = 0;
  struct kvm_device_attr attribute = {
    .group = KVM_VCPU_TSC_CTRL,
    .attr = KVM_VCPU_TSC_OFFSET,
    .addr = (guintptr) &offset,
  };
  VmmKvmVp *vp = vmm_vp_get_kvm (g_ptr_array_index (subject->machine->vps, index));

  /* 0 for both where KVM does not tell */
  (void) ioctl (vp->fd, KVM_GET_DEVICE_ATTR, &attribute);
  return offset;
}

void
subject_assert_goes_on (TinyMachine *subject)
{
  guint64 count = tiny_machine_get_word (subject, 0);

  tiny_machine_resume (subject);
  tiny_machine_wait_word (subject, 0, count + 2);
  tiny_machine_pause (subject);
  g_assert_cmpuint (tsc_offset_of (subject, 0), ==, tsc_offset_of (subject, 1));
  tiny_machine_resume (subject);
}

void
subject_assert_verifies (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);

  g_assert_no_error (error);
  g_assert_true (vmm_snapshot_verify (snapshot, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
}

guint64
subject_assert_restores (const char *path)
{
  g_autoptr (TinyMachine) restored = NULL;
  guint64 count;

  subject_assert_verifies (path);
  restored = tiny_machine_new_restored (path);
  count = tiny_machine_get_word (restored, 0);
  subject_assert_goes_on (restored);
  return count;
}

void
subject_assert_same_memory (TinyMachine *subject, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VmmSnapshot) snapshot = vmm_snapshot_open (path, &error);
  g_autofree guint8 *ours = g_malloc (subject->config->memory_size);
  g_autofree guint8 *saved = g_malloc (subject->config->memory_size);
  gsize size = subject->config->memory_size;

  g_assert_no_error (error);
  g_assert_true (vmm_memory_read (subject->machine->memory, 0, ours, size, &error));
  g_assert_cmpint (pread (vmm_snapshot_get_memory_fd (snapshot), saved, size, 0), ==, size);
  memset (ours + MAILBOX_GPA, 0, VMM_PAGE_SIZE);
  memset (saved + MAILBOX_GPA, 0, VMM_PAGE_SIZE);
  memset (ours + VMM_ACPI_GENERATION_ID_GPA, 0, VMM_PAGE_SIZE);
  memset (saved + VMM_ACPI_GENERATION_ID_GPA, 0, VMM_PAGE_SIZE);
  g_assert_cmpint (memcmp (ours, saved, size), ==, 0);
}

static int
remove_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  return remove (path);
}

void
subject_remove_tree (const char *path)
{
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    g_assert_cmpint (nftw (path, remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}

static char *
make_place (void)
{
  const char *parent = g_getenv ("TMPDIR");
  char *place;

  if (access ("/dev/shm", W_OK) == 0)
    parent = "/dev/shm";
  place = g_build_filename (parent != NULL ? parent : "/tmp", "faults-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (place));
  g_setenv ("TMPDIR", place, TRUE);
  g_assert_cmpstr (g_get_tmp_dir (), ==, place);
  return place;
}

int
subject_run_tests (void (*finish) (void))
{
  g_autofree char *place = make_place ();
  int result = g_test_run ();

  if (finish != NULL)
    finish ();
  subject_remove_tree (place);
  return result;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
subject_list (const char *directory)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (entries, g_strdup (name));
  g_ptr_array_sort (entries, compare);
  g_ptr_array_add (entries, NULL);
  return g_strjoinv (" ", (char **) entries->pdata);
}
