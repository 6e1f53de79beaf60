/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tiny-machine.h: a machine on /dev/kvm with one of the tiny guests, for tests */

#pragma once

#include "vmm/machine.h"

G_BEGIN_DECLS

typedef struct
{
  VmmConfig *config;
  VmmConsole *console;
  VmmMachine *machine;
  char *directory; /* for snapshots; removed with all in it */

  GMutex lock;
  GCond changed;
  gboolean has_event;
  VmmEvent event;
  char *reason;
} TinyMachine;

/**
 * tiny_machine_new: a guest of tests/guests/tiny in 16 MiB of RAM, paused; @adjust (nullable) may change the
 * configuration.
 */
TinyMachine *tiny_machine_new (const char *guest, void (*adjust) (VmmConfig *config));

/** tiny_machine_new_restored: a machine of its own, out of the snapshot at @path, paused. */
TinyMachine *tiny_machine_new_restored (const char *path);

/** tiny_machine_new_bare: as tiny_machine_new(), without a machine: for tests that assemble one. */
TinyMachine *tiny_machine_new_bare (const char *guest, void (*adjust) (VmmConfig *config));

/** tiny_machine_on_event: the VmmEventFunc of these machines. */
void tiny_machine_on_event (VmmEvent event, const char *reason, gpointer user_data);

void tiny_machine_free (TinyMachine *tiny);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TinyMachine, tiny_machine_free)

void tiny_machine_resume (TinyMachine *tiny);
void tiny_machine_pause (TinyMachine *tiny);

/** tiny_machine_save: to @name in the tiny machine's directory; returns the path (transfer full). */
char *tiny_machine_save (TinyMachine *tiny, const char *name);

/** tiny_machine_get_word: word @index of the guest's mailbox. */
guint64 tiny_machine_get_word (TinyMachine *tiny, guint index);

/** tiny_machine_wait_word: until word @index is at least @value; fails the test after 60 s. */
void tiny_machine_wait_word (TinyMachine *tiny, guint index, guint64 value);

/** tiny_machine_wait_event: until the machine has ended by itself; fails the test after 60 s. */
VmmEvent tiny_machine_wait_event (TinyMachine *tiny);

/** tiny_machine_wait_byte: reads @fd until @byte comes; fails the test after 60 s. */
void tiny_machine_wait_byte (int fd, char byte);

G_END_DECLS
