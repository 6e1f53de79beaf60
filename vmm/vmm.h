/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmm.h: all that the service may know of the VMM
 *
 * The other two rings are vmm-device.h, for authors of devices, and the private headers.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* ---- errors ---------------------------------------------------------------------------- */

#define VMM_ERROR (vmm_error_quark ())
GQuark vmm_error_quark (void);

/**
 * VmmError:
 *
 * One code a condition. The service gives each its own name on the bus (src/error.c).
 */
typedef enum
{
  VMM_ERROR_FAILED,
  VMM_ERROR_INVALID_CONFIG,      /* values that do not go together */
  VMM_ERROR_INVALID_MEMORY_SIZE, /* zero, not page-aligned, too small, more than the host allows */
  VMM_ERROR_INVALID_VP_COUNT,    /* not 1 to 64 */
  VMM_ERROR_INVALID_CMDLINE,     /* too long for the boot protocol */
  VMM_ERROR_NO_SUCH_FILE,        /* a kernel or initrd that is not there */
  VMM_ERROR_INVALID_KERNEL,      /* not a kernel we can boot; the message says why */
  VMM_ERROR_INVALID_INITRD,      /* empty, not a file, or does not fit into RAM */
  VMM_ERROR_INVALID_MEMORY_FILE, /* wrong size or type, or cannot be opened for writing */
  VMM_ERROR_MEMORY_FILE_IN_USE,  /* held by another VM or by a snapshot */
  VMM_ERROR_INVALID_STATE,       /* not allowed in the state the machine is in */
  VMM_ERROR_NOT_SUPPORTED,
  VMM_ERROR_NO_HYPERVISOR,     /* no /dev/kvm, or one that lacks what we need */
  VMM_ERROR_HYPERVISOR_DENIED, /* no permission on /dev/kvm */
  VMM_ERROR_NO_SUCH_SNAPSHOT,  /* the directory, or a file of it, is not there */
  VMM_ERROR_NO_PARENT,         /* an incremental save of a VM that runs from no published snapshot */
  VMM_ERROR_PARENT_MISSING,    /* an incremental snapshot's parent is not to be found */
  VMM_ERROR_PARENT_CHANGED,    /* what is found in the parent's place is not what it was */
  VMM_ERROR_EXISTS,            /* the target of a save is already there */
  VMM_ERROR_INCOMPATIBLE,      /* a sound snapshot that this program or host cannot restore */
  VMM_ERROR_CORRUPT,           /* damage: wrong digest, length or encoding */
  VMM_ERROR_NO_SPACE,
  VMM_ERROR_NOT_AUTHORIZED, /* the file system refused us */
  VMM_ERROR_CANCELLED,
  VMM_ERROR_TIMED_OUT,
  VMM_ERROR_LIMIT_EXCEEDED,
  VMM_ERROR_BAD_ADDRESS, /* a guest-physical range that leaves RAM */
  VMM_ERROR_HOST,        /* the host failed: errno is in the message */
  VMM_ERROR_GUEST,       /* the guest did what no machine survives */
} VmmError;

/* ---- configuration --------------------------------------------------------------------- */

typedef enum
{
  VMM_MEMORY_BACKING_FILE = 1, /* the values are those of openvmm.MemoryBacking */
  VMM_MEMORY_BACKING_MEMFD = 2,
  VMM_MEMORY_BACKING_ANONYMOUS = 3,
} VmmMemoryBacking;

#define VMM_MEMORY_SIZE_MIN (16 * 1024 * 1024ull)
#define VMM_VP_COUNT_MAX 64

/**
 * VmmConfig:
 * @name: the VM's name
 * @uuid: its UUID, lower-case
 * @description: free text
 * @memory_size: guest RAM, in bytes
 * @vp_count: virtual processors
 * @memory_backing: what RAM is made of
 * @memory_file: (nullable): path of the RAM file; %NULL for a nameless one in @memory_directory
 * @memory_directory: (nullable): where nameless RAM files go; not part of a snapshot
 * @kernel: path of a bzImage, or of an ELF with a PVH note
 * @initrd: (nullable): path
 * @cmdline: (nullable): kernel command line
 *
 * Strings are owned. Nothing here is checked until vmm_config_validate().
 */
typedef struct
{
  char *name;
  char *uuid;
  char *description;
  guint64 memory_size;
  guint vp_count;
  VmmMemoryBacking memory_backing;
  char *memory_file;
  char *memory_directory;
  char *kernel;
  char *initrd;
  char *cmdline;
} VmmConfig;

/** vmm_config_new: one VP, 512 MiB of file-backed RAM, a fresh UUID, nothing else. */
VmmConfig *vmm_config_new (void);
VmmConfig *vmm_config_copy (const VmmConfig *config);
void vmm_config_free (VmmConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmConfig, vmm_config_free)

/**
 * vmm_config_validate:
 *
 * Checks the values and how they go together, without touching any file.
 *
 * Errors: %VMM_ERROR_INVALID_MEMORY_SIZE, %VMM_ERROR_INVALID_VP_COUNT, %VMM_ERROR_INVALID_CONFIG,
 * %VMM_ERROR_INVALID_CMDLINE.
 */
gboolean vmm_config_validate (const VmmConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- threads ---------------------------------------------------------------------------- */

/**
 * vmm_time_slice_set:
 * @usec: from 100 to 100000; 0 for what the kernel gives by itself
 *
 * How long the calling thread, and each that it makes from now on, wants to run at a time when others want the
 * processor, too. With short slices it goes before VPs, whose slices are the kernel's own whatever their makers' are. A
 * hint: nothing changes before Linux 6.12, nor for a thread whose scheduling policy is not the usual one.
 */
void vmm_time_slice_set (guint usec);

/* ---- console ---------------------------------------------------------------------------- */

/**
 * VmmConsole:
 *
 * The host's end of a VM's serial port: clients on sockets, and a log file. It outlives the machine it
 * is plugged into, so that a reboot or a restore in place keeps clients connected.
 */
typedef struct _VmmConsole VmmConsole;

/**
 * vmm_console_new:
 * @log_file: (nullable): path that guest output is appended to; created if missing, never truncated
 *
 * Thread: any. Errors: %VMM_ERROR_INVALID_CONFIG if the log cannot be opened, with path and reason.
 */
VmmConsole *vmm_console_new (const char *log_file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_console_open:
 *
 * Connects one more client. It first receives the last output the console remembers (64 KiB), then what
 * comes. A client that does not read loses the oldest output, never the guest's time.
 *
 * Thread: any. Errors: %VMM_ERROR_LIMIT_EXCEEDED, %VMM_ERROR_HOST.
 * Returns: a stream socket the caller owns, or -1
 */
int vmm_console_open (VmmConsole *console, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_console_free (VmmConsole *console);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmConsole, vmm_console_free)

/* ---- progress --------------------------------------------------------------------------- */

/** VmmProgressFunc: called on the working thread, at most every 16 MiB and at the end. */
typedef void (*VmmProgressFunc) (guint64 done_bytes, guint64 total_bytes, gpointer user_data);

/* ---- snapshots on disk ------------------------------------------------------------------ */

/**
 * VmmSnapshot:
 *
 * A snapshot directory that was opened, and whose manifest and state were found whole. Immutable; holds
 * the files open, so that nothing that happens to the names later matters.
 */
typedef struct _VmmSnapshot VmmSnapshot;

/**
 * vmm_snapshot_open:
 * @directory: absolute path
 *
 * Thread: any; reads up to 257 MiB. Errors: %VMM_ERROR_NO_SUCH_SNAPSHOT, %VMM_ERROR_NOT_AUTHORIZED,
 * %VMM_ERROR_CORRUPT, %VMM_ERROR_INCOMPATIBLE (every reason in one message).
 */
VmmSnapshot *vmm_snapshot_open (const char *directory, GError **error) G_GNUC_WARN_UNUSED_RESULT;
VmmSnapshot *vmm_snapshot_ref (VmmSnapshot *snapshot);
void vmm_snapshot_unref (VmmSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmSnapshot, vmm_snapshot_unref)

const char *vmm_snapshot_get_directory (VmmSnapshot *snapshot);
const char *vmm_snapshot_get_uuid (VmmSnapshot *snapshot);
const char *vmm_snapshot_get_vm_uuid (VmmSnapshot *snapshot);
const char *vmm_snapshot_get_vm_name (VmmSnapshot *snapshot);
const char *vmm_snapshot_get_parent_uuid (VmmSnapshot *snapshot); /* (nullable) */
const char *vmm_snapshot_get_description (
    VmmSnapshot *snapshot); /* the latest when it was opened; "" for none */
const char *vmm_snapshot_get_architecture (VmmSnapshot *snapshot);
const char *vmm_snapshot_get_version (VmmSnapshot *snapshot);     /* program that saved it */
gboolean vmm_snapshot_get_running (VmmSnapshot *snapshot);        /* was the VM running? */
guint64 vmm_snapshot_get_created_at_usec (VmmSnapshot *snapshot); /* since the epoch */
guint64 vmm_snapshot_get_freeze_usec (VmmSnapshot *snapshot);
guint64 vmm_snapshot_get_size_on_disk (VmmSnapshot *snapshot); /* bytes, from st_blocks */
guint64 vmm_snapshot_get_state_size (VmmSnapshot *snapshot); /* bytes of state.bin, which is kept in memory */
const VmmConfig *vmm_snapshot_get_config (VmmSnapshot *snapshot);
gboolean vmm_snapshot_get_incremental (
    VmmSnapshot *snapshot); /* whether it holds only what its parent does not */

/** vmm_snapshot_describe_cpu: (transfer full): the processor its guest has seen, for people; "" if there is none. */
char *vmm_snapshot_describe_cpu (VmmSnapshot *snapshot);

/** vmm_snapshot_list_cpu_features: (transfer full): what its guest has seen, and any host must have, by name. */
char **vmm_snapshot_list_cpu_features (VmmSnapshot *snapshot);

/** VmmCpuPolicy: which processors a snapshot may be restored on. */
typedef enum
{
  VMM_CPU_EXACT,    /* the model it was saved on, with every feature the guest has seen */
  VMM_CPU_SUPERSET, /* any of the same maker with every feature the guest has seen */
  VMM_CPU_ANY,      /* any with every feature the guest has seen: without them it could not go on at all */
} VmmCpuPolicy;

/**
 * vmm_snapshot_check_cpu:
 *
 * Whether @snapshot may be restored on this host's processor. That the guest's features are there is checked by every
 * restore; the rest is for the caller.
 *
 * Thread: any. Errors: %VMM_ERROR_INCOMPATIBLE, with the names of all features that are missing; %VMM_ERROR_CORRUPT,
 * and those of vmm_probe().
 */
gboolean vmm_snapshot_check_cpu (VmmSnapshot *snapshot,
                                 VmmCpuPolicy policy,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_open_chain:
 *
 * Opens the snapshots whose memory lies under @snapshot's, up to the complete one: where they were when @snapshot was
 * made, or under the same or another name beside @snapshot. Does nothing for a complete snapshot, or a second time.
 *
 * Thread: any that may block. Errors: %VMM_ERROR_PARENT_MISSING,
 * %VMM_ERROR_PARENT_CHANGED, %VMM_ERROR_CORRUPT, each naming the snapshot and its parent, %VMM_ERROR_LIMIT_EXCEEDED.
 */
gboolean vmm_snapshot_open_chain (VmmSnapshot *snapshot, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_snapshot_has_whole_chain: whether the chain is open down to the complete one. */
gboolean vmm_snapshot_has_whole_chain (VmmSnapshot *snapshot);

/** vmm_snapshot_get_chain_length: 1 for a complete snapshot; for others once vmm_snapshot_open_chain() was called. */
guint vmm_snapshot_get_chain_length (VmmSnapshot *snapshot);

/**
 * vmm_snapshot_verify:
 * @progress: (nullable): told of the bytes of memory.bin read
 *
 * Reads all of memory.bin and compares it with the digests in the manifest; then that of each snapshot under it, as far
 * as vmm_snapshot_open_chain() has opened them.
 *
 * Thread: any that may block. Errors: %VMM_ERROR_CORRUPT, with a line for each damaged place: file, bytes, their digest
 * and the one expected, 32 of them at most; %VMM_ERROR_CANCELLED, %VMM_ERROR_HOST.
 */
gboolean vmm_snapshot_verify (VmmSnapshot *snapshot,
                              VmmProgressFunc progress,
                              gpointer user_data,
                              GCancellable *cancellable,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_verify_directory:
 * @directory: absolute path
 * @uuid: (nullable): of the snapshot that should be there
 * @chain: whether those under it are verified, too
 * @progress: (nullable): told of the bytes of memory.bin read
 *
 * Looks for all that is wrong with a snapshot that may be damaged: manifest, state and memory, and of those under it
 * what a restore needs, which is all but their state.
 *
 * Thread: any that may block. Errors: %VMM_ERROR_CORRUPT as of vmm_snapshot_verify(); if nothing is damaged but the
 * chain is broken, %VMM_ERROR_PARENT_MISSING, %VMM_ERROR_PARENT_CHANGED or %VMM_ERROR_LIMIT_EXCEEDED;
 * %VMM_ERROR_NO_SUCH_SNAPSHOT, %VMM_ERROR_INCOMPATIBLE, %VMM_ERROR_NOT_AUTHORIZED, %VMM_ERROR_CANCELLED,
 * %VMM_ERROR_HOST.
 */
gboolean vmm_snapshot_verify_directory (const char *directory,
                                        const char *uuid,
                                        gboolean chain,
                                        VmmProgressFunc progress,
                                        gpointer user_data,
                                        GCancellable *cancellable,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_set_description:
 * @text: UTF-8, up to 64 KiB
 *
 * Says something else of a snapshot than was said when it was saved. It stands in a file of its own: those that make up
 * the snapshot stay as they are. What was opened goes on to tell the old one. One at a time for a snapshot. If it fails
 * there is the old one or, only where the disk failed at last, the new.
 *
 * Thread: any that may block. Errors: %VMM_ERROR_LIMIT_EXCEEDED, %VMM_ERROR_INVALID_CONFIG, %VMM_ERROR_NO_SPACE,
 * %VMM_ERROR_NOT_AUTHORIZED, %VMM_ERROR_NO_SUCH_FILE if the snapshot was deleted, %VMM_ERROR_HOST.
 */
gboolean vmm_snapshot_set_description (VmmSnapshot *snapshot,
                                       const char *text,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_is_current:
 *
 * Whether the name of @snapshot's directory still leads to the one that was opened, and no file in it was replaced or
 * written to since; and the same of those of its chain that were opened: so whether opening it again would find the
 * same.
 * Thread: any that may block.
 */
gboolean vmm_snapshot_is_current (VmmSnapshot *snapshot);

/**
 * vmm_snapshot_consolidate:
 * @progress: (nullable): told of the bytes of memory.bin written and read
 *
 * Makes an incremental snapshot complete, under the same name and UUID, so that it needs no parent. Its children, and
 * what runs from it or from them, are not disturbed. At each moment the old one is there, or the new. Does nothing
 * for a complete one. @snapshot stays what was opened.
 *
 * Thread: any that may block for long. Errors: those of vmm_snapshot_open_chain(), NO_SUCH_SNAPSHOT, NO_SPACE,
 * NOT_AUTHORIZED, CANCELLED, NOT_SUPPORTED if the file system cannot exchange two names, HOST.
 */
gboolean vmm_snapshot_consolidate (VmmSnapshot *snapshot,
                                   VmmProgressFunc progress,
                                   gpointer progress_data,
                                   GCancellable *cancellable,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_delete:
 *
 * Removes the directory, and only what a snapshot consists of: other files make it fail before anything
 * is removed. VMs that run from it are not disturbed.
 *
 * Thread: any that may block. Errors: %VMM_ERROR_NO_SUCH_SNAPSHOT, %VMM_ERROR_NOT_AUTHORIZED, %VMM_ERROR_HOST.
 */
gboolean vmm_snapshot_delete (VmmSnapshot *snapshot, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * VmmSavePlan: how a snapshot is to be made
 * @directory: absolute path that does not exist, in a directory that does
 * @description: (nullable): free text
 * @parent_uuid: (nullable): of a complete one: the snapshot that the VM came from
 * @incremental: whether it is to hold only what has changed since the snapshot before it
 * @progress: (nullable): told of the bytes of RAM made durable
 * @cancellable: (nullable):
 */
typedef struct
{
  const char *directory;
  const char *description;
  const char *parent_uuid;
  gboolean incremental;
  VmmProgressFunc progress;
  gpointer progress_data;
  GCancellable *cancellable;
} VmmSavePlan;

/**
 * VmmSaveResult:
 * @uuid: of the new snapshot
 * @freeze_usec: how long the VPs stood still; set by a save that fails after that, too
 */
typedef struct
{
  char uuid[37];
  guint64 freeze_usec;
} VmmSaveResult;

/**
 * vmm_snapshot_write:
 * @config: the VM's configuration
 * @running: whether a restore lets the VM run
 * @freeze_usec: how long the VM stood still
 * @parent_directory: (nullable): of an incremental one: that of a sound snapshot of the same VM, whose memory is the
 *   VM's
 * @result: (out caller-allocates): filled on success
 *
 * Writes a sound snapshot of a VM that has no machine behind it: RAM is all zero (a hole), or its parent's, and there
 * are no units of state.
 *
 * Thread: any that may block. Errors: those of vmm_machine_save(), and INVALID_CONFIG.
 */
gboolean vmm_snapshot_write (const VmmConfig *config,
                             gboolean running,
                             guint64 freeze_usec,
                             const VmmSavePlan *plan,
                             const char *parent_directory,
                             VmmSaveResult *result,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- the machine ------------------------------------------------------------------------ */

typedef struct _VmmMachine VmmMachine;

typedef enum
{
  VMM_EVENT_POWER_OFF, /* the guest switched itself off */
  VMM_EVENT_RESET,     /* the guest asked for a reboot */
  VMM_EVENT_CRASH,     /* triple fault, or KVM or the host failed; the reason says which */
} VmmEvent;

/**
 * VmmEventFunc:
 * @reason: what happened, for people
 *
 * Called once a machine, on one of its VP threads, when the machine has come to its end by itself. The other VPs have
 * been told to stand still, and may not do so yet. Must not block and must not call back into the machine.
 */
typedef void (*VmmEventFunc) (VmmEvent event, const char *reason, gpointer user_data);

/** vmm_probe: whether machines can be made here. Errors: NO_HYPERVISOR, HYPERVISOR_DENIED, HOST. */
gboolean vmm_probe (GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_new:
 * @config: copied
 * @console: must outlive the machine
 * @event: told when the machine ends by itself
 *
 * Builds a machine with its kernel loaded, paused before its first instruction.
 *
 * Thread: any that may block; so all functions of the machine, which are serialized inside. Errors: those of
 * vmm_config_validate(), NO_SUCH_FILE, INVALID_KERNEL, INVALID_INITRD, INVALID_CMDLINE,
 * INVALID_MEMORY_FILE, MEMORY_FILE_IN_USE, NO_SPACE, NO_HYPERVISOR, HYPERVISOR_DENIED, HOST.
 */
VmmMachine *vmm_machine_new (const VmmConfig *config,
                             VmmConsole *console,
                             VmmEventFunc event,
                             gpointer user_data,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_new_from_snapshot:
 * @config: as for vmm_machine_new(); must agree with the snapshot's in memory size and VP count
 *
 * Builds a machine as it was when @snapshot was taken, paused. RAM is a private view of memory.bin: nothing is
 * copied, and the snapshot is never written to. @console may be %NULL if the machine is adopted before it runs.
 *
 * Errors: INCOMPATIBLE (every reason in one message), CORRUPT, NO_HYPERVISOR, HYPERVISOR_DENIED, HOST.
 */
VmmMachine *vmm_machine_new_from_snapshot (VmmSnapshot *snapshot,
                                           const VmmConfig *config,
                                           VmmConsole *console,
                                           VmmEventFunc event,
                                           gpointer user_data,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_new_blank:
 * @config: memory size and VP count
 *
 * A machine without content, for vmm_machine_fill(): most of what a restore takes is making it, and depends on nothing
 * else. It never runs as it is; its first VP has a thread, and KVM has made what the VP's first run would make.
 *
 * Errors: INVALID_MEMORY_SIZE, NO_HYPERVISOR, HYPERVISOR_DENIED, HOST.
 */
VmmMachine *vmm_machine_new_blank (const VmmConfig *config,
                                   VmmEventFunc event,
                                   gpointer user_data,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_fill:
 * @machine: made by vmm_machine_new_blank()
 * @config: copied; must agree with the snapshot's, and with the blank machine's, in memory size and VP count
 * @console: must outlive the machine
 *
 * Makes @machine what vmm_machine_new_from_snapshot() would have made. Errors: the same; then it is of no use.
 */
gboolean vmm_machine_fill (VmmMachine *machine,
                           VmmSnapshot *snapshot,
                           const VmmConfig *config,
                           VmmConsole *console,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_get_ready:
 * @machine: to be adopted later: made from a snapshot, or filled with one, and resumed never yet
 *
 * Does ahead what the guest would wait for when it runs: pages of RAM that the first VP's next instruction needs are
 * mapped, and the console that the machine will have gets its thread. What fails is done then. Thread: any.
 */
void vmm_machine_get_ready (VmmMachine *machine);

/**
 * vmm_machine_adopt:
 * @machine: made by vmm_machine_new_from_snapshot() out of @snapshot, and resumed never yet; its console may have been
 *   %NULL
 * @config: copied; must agree with the snapshot's in memory size and VP count
 * @console: must outlive the machine
 *
 * Gives a machine that was built in advance its name and console. It is what it would be if it were made only now: the
 * guest's timers have not gone on meanwhile, and its generation ID is a new one.
 *
 * Errors: INVALID_STATE, INCOMPATIBLE, HOST; then the machine is of no use.
 */
gboolean vmm_machine_adopt (VmmMachine *machine,
                            VmmSnapshot *snapshot,
                            const VmmConfig *config,
                            VmmConsole *console,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_populate:
 * @progress: (nullable): told how far into RAM it has come
 *
 * Reads all of a restored machine's RAM that is in its snapshot into memory now, rather than when the guest asks for
 * it. Clones go on sharing it.
 *
 * Errors: NOT_SUPPORTED (a kernel before 5.14), CANCELLED, HOST.
 */
gboolean vmm_machine_populate (VmmMachine *machine,
                               VmmProgressFunc progress,
                               gpointer progress_data,
                               GCancellable *cancellable,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_use_working_set:
 * @path: absolute, of a file that is made and replaced as needed
 * @progress: (nullable): told how far into RAM it has come
 *
 * Reads that part of a restored machine's RAM into memory now that a guest of the same snapshot used in its first
 * seconds, as the record at @path tells. If there is none, or none that is sound and of this snapshot, @machine makes
 * one: when it has run for two seconds for the first time. It is not made if the machine is paused, saved or freed
 * before, or if all of its RAM was populated.
 *
 * Errors: CANCELLED; all else only means that nothing is read, or recorded.
 */
gboolean vmm_machine_use_working_set (VmmMachine *machine,
                                      const char *path,
                                      VmmProgressFunc progress,
                                      gpointer progress_data,
                                      GCancellable *cancellable,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_snapshot_write_working_set:
 * @path: as for vmm_machine_use_working_set()
 *
 * Writes a sound record in which there are no pages, for a VM that has no machine behind it.
 *
 * Errors: NO_SPACE, NOT_AUTHORIZED, NO_SUCH_FILE, EXISTS, LIMIT_EXCEEDED, HOST.
 */
gboolean vmm_snapshot_write_working_set (VmmSnapshot *snapshot,
                                         const char *path,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_free: stops the VPs and gives everything back. Not to be called from VmmEventFunc. */
void vmm_machine_free (VmmMachine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmMachine, vmm_machine_free)

/**
 * vmm_machine_resume:
 *
 * Lets the VPs run. Idempotent. Errors: INVALID_STATE after the machine has ended, HOST.
 */
gboolean vmm_machine_resume (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_pause:
 *
 * Stops the VPs, each with its pending I/O finished. The guest's clocks stand still until the next resume.
 * Idempotent. Errors: INVALID_STATE after the machine has ended, TIMED_OUT, HOST; then it runs on.
 */
gboolean vmm_machine_pause (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_is_running:
 *
 * Whether its VPs run: not so after a save or a going back that failed so badly that the machine could not go on; the
 * error says so then, and the next resume tries again.
 */
gboolean vmm_machine_is_running (VmmMachine *machine);

/**
 * vmm_machine_catch_up:
 * @catches_up: %FALSE takes it back
 *
 * When the machine runs next, the guest's clocks jump on by what the host's wall clock has gone on since they last
 * stood still, be it in a pause or in the snapshot; they never jump back. Without this they go on from where they
 * stood. Where the processor's time-stamp counter cannot be moved, kvm-clock alone does.
 */
void vmm_machine_catch_up (VmmMachine *machine, gboolean catches_up);

/** vmm_machine_runs_from: whether @machine can go back to @snapshot in place: RAM was last the same as it. */
gboolean vmm_machine_runs_from (VmmMachine *machine, VmmSnapshot *snapshot);

/**
 * vmm_machine_go_back:
 * @snapshot: the one that @machine runs from: restored from it, or saved to it last
 * @paused: whether the machine stands still afterwards
 *
 * Makes the machine what it was when @snapshot was taken, in place, at the cost of what has changed since.
 *
 * Errors: INVALID_STATE if it does not run from @snapshot, or has ended; CORRUPT, HOST, TIMED_OUT; then it goes on
 * as it was.
 */
gboolean vmm_machine_go_back (VmmMachine *machine, VmmSnapshot *snapshot, gboolean paused, GError **error)
    G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_press_power_button: asks the guest to shut down; whether it does is its choice. */
void vmm_machine_press_power_button (VmmMachine *machine);

/**
 * vmm_machine_save:
 * @result: (out caller-allocates): filled on success
 *
 * Makes a snapshot. A running machine stands still for the freeze only, and runs on whether or not the save
 * succeeds; a paused one stays paused. On return the snapshot is whole and durable, or not there at all.
 *
 * An incremental one has what has changed since the snapshot that @machine was restored from or saved to last, which
 * becomes its parent. The VM's RAM stays what it is: a view of an older file, and pages of its own.
 *
 * Errors: EXISTS, NO_SUCH_FILE if the parent directory is missing, NOT_AUTHORIZED, NO_SPACE, CANCELLED,
 * INVALID_STATE, HOST; of an incremental one also NO_PARENT if there is no such snapshot, or it, or one under it, is
 * not to be found or not as it was, and LIMIT_EXCEEDED if too many lie under it.
 */
gboolean vmm_machine_save (VmmMachine *machine,
                           const VmmSavePlan *plan,
                           VmmSaveResult *result,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
