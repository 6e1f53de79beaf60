/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* machine.h: what the files machine*.c share (private to them); the machine's interface is in vmm.h */

#pragma once

#include "vmm/bus.h"
#include "vmm/console.h"
#include "vmm/kvm.h"
#include "vmm/manifest.h"
#include "vmm/memory.h"
#include "vmm/page-exchange.h"
#include "vmm/saved-state.h"
#include "vmm/snapshot-writer.h"
#include "vmm/vp.h"

G_BEGIN_DECLS

typedef struct _VmmRecorder VmmRecorder;

struct _VmmMachine
{
  VmmConfig *config;
  VmmConsole *console;
  VmmConsoleThread *console_thread; /* for the console that the machine gets when it is adopted; NULL for none */
  VmmEventFunc event;
  gpointer event_data;

  GMutex lock; /* serializes the operations of vmm.h; never taken on a VP's thread */
  gboolean running;
  gboolean has_run;
  gint ended; /* atomic: the machine has come to its end by itself */

  VmmMemory *memory;

  /* The snapshot that RAM was last the same as: restored from it, or saved to it. */
  char *origin_uuid;      /* NULL for none */
  char *origin_directory; /* where it was then */
  GBytes *origin_sha256;  /* digest of its manifest */
  VmmPageSet *changed; /* pages that are not as in the origin any more, with those in KVM's log of dirty pages,
                             which is on; NULL where the view itself tells: all that is private has changed */

  VmmKvm *kvm;
  VmmBus *bus;
  GPtrArray *devices; /* of VmmDevice */
  GPtrArray *vps;     /* of VmmVp */

  /* The guest's clocks at the moment it last stood still; they go on from there. */
  gboolean clocks_held;
  guint64 held_clock_ns;
  guint64 held_tsc;           /* of VP 0 */
  guint64 held_wall_clock_ns; /* the host's then; 0 if it is not known */
  gboolean catches_up;        /* they jump to where they had come by themselves, when the VPs run next */
  gint64 tsc_move;            /* by which the VPs' counters are moved at a release */
  guint n_tscs_moved;         /* of how many VPs they have been, if that failed half-way */
  gboolean deadlines_stale;   /* they move away from what KVM has set timers by: those are to be set again */

  gboolean populated;    /* all of RAM was read in advance: what the guest uses of it cannot be told */
  VmmRecorder *recorder; /* of the working set: waits for the first run, or runs; NULL for none */

  VmmSavedState *owed_state; /* that could not be put back, and must be before anything else; NULL for none */

  GMutex input_lock;
  gboolean input_held; /* input of the console waits until the VPs run */
};

/** vmm_machine_assemble: a machine with RAM, VPs and devices in their power-on state, paused. Takes @memory over. */
VmmMachine *vmm_machine_assemble (const VmmConfig *config,
                                  VmmMemory *memory,
                                  VmmConsole *console,
                                  VmmEventFunc event,
                                  gpointer event_data,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What RAM was last the same as: machine-origin.c. The lock is held. */

/** vmm_machine_set_origin: @manifest is the one in @directory, with its digest. */
void vmm_machine_set_origin (VmmMachine *machine, const VmmManifest *manifest, const char *directory);
void vmm_machine_clear_origin (VmmMachine *machine);

/**
 * vmm_machine_track_changes:
 *
 * From now on it is noted which pages change, as the view shows an older snapshot than the origin. Errors: HOST; then
 * it is as before.
 */
gboolean vmm_machine_track_changes (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vmm_machine_stop_tracking (VmmMachine *machine);

/** vmm_machine_collect_changes: adds to @pages what has changed since it is tracked. Errors: HOST. */
gboolean vmm_machine_collect_changes (VmmMachine *machine,
                                      VmmPageSet *pages,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_take_changes: (transfer full): what has changed since it is tracked; from now on it is noted anew. */
VmmPageSet *vmm_machine_take_changes (VmmMachine *machine) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_find_origin:
 * @directory: of a snapshot to be, which the origin may lie beside
 *
 * There is one. Errors: PARENT_MISSING, PARENT_CHANGED, CORRUPT, LIMIT_EXCEEDED.
 * Returns: (transfer full): the origin with its chain, without its state
 */
VmmSnapshot *vmm_machine_find_origin (VmmMachine *machine,
                                      const char *directory,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * VmmMachineShare:
 * @shared: whether memory.bin shares its content with another file
 * @since_origin: it is the origin's; what is to be written has been tracked. Else what is private in the view is
 * @source: the complete snapshot whose file that is; %NULL if it is not known
 */
typedef struct
{
  gboolean shared;
  gboolean since_origin;
  VmmSnapshot *source;
} VmmMachineShare;

void vmm_machine_share_clear (VmmMachineShare *share);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VmmMachineShare, vmm_machine_share_clear)

/**
 * vmm_machine_share_memory:
 * @writer: whose memory.bin was just made
 * @directory: of the snapshot to be
 * @share: (out caller-allocates): all zero before
 *
 * Lets memory.bin share what RAM was made of, if the file system can. Errors: NO_SPACE, HOST.
 */
gboolean vmm_machine_share_memory (VmmMachine *machine,
                                   VmmSnapshotWriter *writer,
                                   const char *directory,
                                   VmmMachineShare *share,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_stop_vps, vmm_machine_release_vps: the lock is held. On failure the VPs are as they were. */
gboolean vmm_machine_stop_vps_locked (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_machine_release_vps_locked (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_check_not_ended: Errors: INVALID_STATE. */
gboolean vmm_machine_check_not_ended (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The guest's clocks, with the VPs standing still: machine-clocks.c. Releasing those that are not held is harmless. */
gboolean vmm_machine_hold_clocks (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean vmm_machine_release_clocks (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_check_config: that @config fits @snapshot. Errors: INCOMPATIBLE, every reason in one message. */
gboolean vmm_machine_check_config (VmmSnapshot *snapshot,
                                   const VmmConfig *config,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

#define VMM_GENERATION_ID_SIZE 16

/** vmm_machine_write_generation: a new generation ID, of random bytes, in the guest's RAM. Errors: HOST. */
gboolean vmm_machine_write_generation (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_announce_generation: tells a guest that was running before of its new generation ID. */
void vmm_machine_announce_generation (VmmMachine *machine);

/**
 * vmm_machine_renew_generation:
 *
 * The same, of a guest that was running before, which is told. After state and RAM are what the guest goes on with.
 */
gboolean vmm_machine_renew_generation (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The record of what a guest uses first: machine-working-set.c. The lock is held. */

/** vmm_machine_start_recording: the machine runs; if it is to be recorded, it is from now on. */
void vmm_machine_start_recording (VmmMachine *machine);

/** vmm_machine_stop_recording: ends a recording that has begun, as the guest stands still from now on. */
void vmm_machine_stop_recording (VmmMachine *machine);

/** vmm_machine_forget_recording: and one that waits, as others touch RAM from now on. */
void vmm_machine_forget_recording (VmmMachine *machine);

/* State of the stopped machine: machine-state.c */

/**
 * vmm_machine_rehearse_save:
 *
 * Does what vmm_machine_save_state() will do, as far as that can be done while VPs run, and throws away what comes of
 * it: code and memory that nobody has used for a while are then at hand when the guest stands still. With the machine
 * locked.
 */
void vmm_machine_rehearse_save (VmmMachine *machine);

/** vmm_machine_save_state: (transfer full): devices, then VPs, then platform. Errors: HOST. */
VmmSavedState *vmm_machine_save_state (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_machine_load_state: @state is hostile. Errors: INCOMPATIBLE, CORRUPT, HOST; the machine is of no use then. */
gboolean vmm_machine_load_state (VmmMachine *machine,
                                 VmmSavedState *state,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_load_timers:
 *
 * Loads @state once more into a machine that it was loaded into, and that has not run since: what has gone on by itself
 * meanwhile is as it was. Without a timer that runs nothing has. Errors: as vmm_machine_load_state().
 */
gboolean vmm_machine_load_timers (VmmMachine *machine,
                                  VmmSavedState *state,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_settle_locked:
 *
 * Puts back the state that the stopped machine is owed since going back failed, and so did undoing that. Called before
 * the state is used. Errors: HOST; then the machine is owed it still.
 */
gboolean vmm_machine_settle_locked (VmmMachine *machine, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_machine_go_back_to_state_locked:
 * @changed: what has changed in RAM, as it was then; %NULL if the view shows the snapshot itself, and its file has all
 *
 * Puts @state, which is hostile, and the RAM that belongs to it back; the VPs stand still. On failure the machine
 * is as it was, or will be when it is settled.
 */
gboolean vmm_machine_go_back_to_state_locked (VmmMachine *machine,
                                              VmmSavedState *state,
                                              VmmPageExchange *changed,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
