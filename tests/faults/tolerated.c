/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One list of all that may fail without an operation failing, each with its reason. */

#include "config.h"
#include "tests/faults/tolerated.h"

/* Calls whose failure an operation survives; so many of them at most, 0 for any number. */
static const struct
{
  const char *operation; /* pattern */
  const char *call;      /* pattern */
  guint max;
  const char *why;
} tolerated[] = {
  { "create*", "KVM_CHECK_EXTENSION", 1, "what is not there is not offered to the guest" },
  { "restore*", "KVM_CHECK_EXTENSION", 1, "what is not there is not offered to the guest" },
  { "*", "KVM_GET_TSC_KHZ", 2, "a rate of 0 says that it was not told" },
  { "*", "KVM_KVMCLOCK_CTRL", 2, "the guest may not use kvm-clock" },
  { "restore*", "KVM_IRQ_LINE", 0, "fails only for a line that is not there" },
  { "go-back*", "KVM_IRQ_LINE", 0, "fails only for a line that is not there" },
  { "restore*", "KVM_SET_MSRS", 0, "the MSR has the value already" },
  { "go-back*", "KVM_SET_MSRS", 0, "the MSR has the value already" },
  { "restore-filled", "KVM_GET_SREGS", 1, "the page of the first instruction is mapped when it is read" },
  { "restore-filled", "KVM_GET_REGS", 1, "the page of the first instruction is mapped when it is read" },
  { "restore-filled", "KVM_TRANSLATE", 1, "the page of the first instruction is mapped when it is read" },
  { "save-later", "KVM_SET_USER_MEMORY_REGION", 1, "a log of dirty pages that stays on only costs time" },
  { "open-console", "write", 1, "a counter of ours can only be full, which wakes as well" },
  { "create*", "mmap64", 1, "a place that cannot be guessed is cut out of a larger one" },
  { "restore*", "mmap64", 1, "a place that cannot be guessed is cut out of a larger one" },
  { "save-*", "mmap64", 1, "a place that cannot be guessed is cut out of a larger one" },
  { "create*", "statvfs64", 1, "opening the RAM file tells better what is wrong" },
  { "create*", "stat64", 1, "a RAM file that is there already has room" },
  { "create*", "sysinfo", 2, "no limit is known then" },
  { "create", "open64", 1, "without O_TMPFILE a file is made and its name removed" },
  { "save-*", "fdopendir", 1, "stale directories are removed by a later save" },
  { "save-*", "readdir64", 0, "stale directories are removed by a later save" },
  { "save-link", "openat64", 2, "stale directories; a link that cannot be opened is replaced by a copy" },
  { "save-named", "openat64", 2, "stale directories; a link that cannot be opened is replaced by a copy" },
  { "save-c*", "openat64", 1, "stale directories are removed by a later save" },
  { "save-later*", "openat64", 1, "stale directories are removed by a later save" },
  { "save-*", "flock", 1, "a file system may have no locks" },
  { "save-*", "fstat64", 1, "a staging directory that cannot be looked at is given up for another" },
  { "save-*", "fstatat64", 1, "a staging directory that cannot be looked at is given up for another" },
  { "save-named", "flock", 1, "the RAM file is the snapshot's by now" },
  { "save-named", "fstat64", 1, "the name that stays is refused as RAM later" },
  { "save-named", "lstat64", 1, "the name that stays is refused as RAM later" },
  { "save-named", "g_unlink", 1, "the name that stays is refused as RAM later" },
  { "save-*", "linkat", 1, "what cannot be linked is copied" },
  { "save-c*", "ioctl", 1, "what cannot be cloned is copied" },
  { "save-*", "KVM_GET_PIT2", 1, "the rehearsal of a save" },
  { "save-*", "KVM_GET_IRQCHIP", 3, "the rehearsal of a save" },
  { "save-*", "open64", 1, "KVM lets go of RAM in the freeze" },
  { "save-*", "ioctl", 1, "KVM lets go of RAM in the freeze" },
  { "save-*", "g_file_get_contents", 1, "the host's boot ID is for people" },
  { "save-*", "g_thread_try_new", 1, "memory goes to the disk when it is synced" },
  { "save-*", "sync_file_range", 1, "a hint" },
  { "*", "lseek64", 0, "without holes all is data" },
  { "restore*", "openat64", 1, "what was said of a snapshot later is a note" },
  { "restore-chained",
    "openat64",
    3,
    "a parent that is not found where it was is looked for beside its child" },
  { "restore-chained", "fstat64", 3, "a parent that is not found where it was is looked for beside its child" },
  { "restore-chained", "pread64", 3, "a parent that is not found where it was is looked for beside its child" },
  { "restore-chained", "g_file_get_contents", 1, "as many mappings as Linux has by default" },
  { "restore-chained", "madvise", 3, "core files are larger" },
  { "restore-chained", "mmap64", 2, "what cannot be mapped over the base is read into RAM" },
  { "save-chained", "openat64", 0, "without its origin it is known only what is private" },
  { "save-chained", "fstat64", 0, "without its origin it is known only what is private" },
  { "save-chained", "pread64", 0, "without its origin it is known only what is private" },
  { "save-chained", "mremap", 5, "the new view is laid over the old one" },
  { "restore-filled", "process_vm_readv", 1, "the page of the first instruction is mapped when it is read" },
  { "restore-filled", "eventfd", 1, "the console makes its thread when it needs one" },
  { "restore-filled", "pthread_create", 1, "the console makes its thread when it needs one" },
  { "restore-filled", "mmap64", 1, "the console makes its thread when it needs one" },
  { "restore-filled", "madvise", 2, "core files are larger" },
  { "go-back*", "madvise", 2, "a fresh view drops the pages as well" },
  { "*", "madvise", 1, "core files are larger" },
  { "*", "madvise", 3, "the guard of a thread's stack is a mapping then" },
  { "save-later*", "ioctl", 1, "what cannot share its blocks is written" },
  { "save-later*", "fstat64", 1, "what cannot share its blocks is written" },
  { "save-shared", "ioctl", 3, "what cannot share its blocks is written; how they are copied is a hint" },
  { "save-shared", "openat64", 0, "without its origin the digests of all chunks are computed" },
  { "save-shared", "fstat64", 0, "without its origin the digests of all chunks are computed" },
  { "save-shared", "pread64", 0, "without its origin the digests of all chunks are computed" },
  { "save-shared", "fdopendir", 0, "without its origin the digests of all chunks are computed" },
  { "save-shared", "fallocate64", 0, "zeros take room" },
  { "save-*", "mremap", 1, "the new view is laid over the old one" },
};

void
tolerated_check (const char *operation, const FaultTally *tally, GHashTable *seen)
{
  g_autofree char *key = g_strdup_printf ("%s %u", tally->hit, tally->hit_number);

  if (g_hash_table_contains (seen, key))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (tolerated); i++)
    {
      g_autofree char *row = g_strdup_printf ("row %zu", i);
      guint times = GPOINTER_TO_UINT (g_hash_table_lookup (seen, row)) + 1;

      if (!g_pattern_match_simple (tolerated[i].operation, operation) ||
          !g_pattern_match_simple (tolerated[i].call, tally->hit) ||
          (tolerated[i].max != 0 && times > tolerated[i].max))
        continue;
      g_hash_table_insert (seen, g_steal_pointer (&row), GUINT_TO_POINTER (times));
      g_hash_table_add (seen, g_steal_pointer (&key));
      return;
    }
  g_error ("%s succeeds although %s number %u failed; is an error not looked at?",
           operation,
           tally->hit,
           tally->hit_number);
}
