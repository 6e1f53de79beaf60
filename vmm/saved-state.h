/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* saved-state.h: state.bin, a list of named units (private) */

#pragma once

#include "vmm/vmm.h"
#include <protobuf-c/protobuf-c.h>

G_BEGIN_DECLS

#define VMM_SAVED_STATE_SIZE_MAX (256 * 1024 * 1024u) /* bytes */
#define VMM_SAVED_STATE_UNITS_MAX 1024u
#define VMM_SAVED_STATE_UNIT_SIZE_MAX (4 * 1024 * 1024u) /* bytes of one unit's message */
#define VMM_SAVED_STATE_NAME_MAX 255u                    /* bytes of a unit's name, or of its type */

typedef struct _VmmSavedState VmmSavedState;

VmmSavedState *vmm_saved_state_new (void);
void vmm_saved_state_free (VmmSavedState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmmSavedState, vmm_saved_state_free)

/** vmm_saved_state_add: appends a unit. @name must not be there yet (programming error). */
void vmm_saved_state_add (VmmSavedState *state,
                          const char *name,
                          const ProtobufCMessageDescriptor *type,
                          GBytes *packed);

/**
 * vmm_saved_state_add_message:
 * @message: (transfer full): allocated as protobuf_c_message_free_unpacked() frees it
 *
 * As vmm_saved_state_add(); it is packed when its bytes are asked for, so not while a guest stands still.
 */
void vmm_saved_state_add_message (VmmSavedState *state, const char *name, ProtobufCMessage *message);

/** vmm_saved_state_pack: (transfer full): the bytes of state.bin; of a state within the limits. */
GBytes *vmm_saved_state_pack (VmmSavedState *state);
gsize vmm_saved_state_get_packed_size (VmmSavedState *state); /* bytes */

/** vmm_saved_state_check_limits: whether this can be read again. Errors: LIMIT_EXCEEDED, naming what is too large. */
gboolean vmm_saved_state_check_limits (VmmSavedState *state, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_saved_state_unpack:
 *
 * The messages in the units are not looked into, and refer to @bytes. @bytes is hostile. Errors: CORRUPT
 * (encoding; a unit without a name), INCOMPATIBLE (a name twice), LIMIT_EXCEEDED.
 */
VmmSavedState *vmm_saved_state_unpack (GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** vmm_saved_state_get_names: (transfer container) (array zero-terminated=1): in order; strings belong to @state */
const char **vmm_saved_state_get_names (VmmSavedState *state);

/**
 * vmm_saved_state_lookup:
 *
 * Errors: INCOMPATIBLE if there is no such unit, or it is of another type than @type.
 * Returns: (transfer full): the packed message
 */
GBytes *vmm_saved_state_lookup (VmmSavedState *state,
                                const char *name,
                                const ProtobufCMessageDescriptor *type,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_saved_state_lookup_message:
 *
 * As vmm_saved_state_lookup(), unpacked; this is done once. Thread: any, also several at once. Errors: also CORRUPT.
 * Returns: (transfer none): belongs to @state
 */
const ProtobufCMessage *vmm_saved_state_lookup_message (VmmSavedState *state,
                                                        const char *name,
                                                        const ProtobufCMessageDescriptor *type,
                                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * vmm_saved_state_check_names:
 * @expected: (array zero-terminated=1): the units of this machine
 *
 * Errors: INCOMPATIBLE, listing every unit that only one side has.
 */
gboolean vmm_saved_state_check_names (VmmSavedState *state,
                                      const char *const *expected,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
