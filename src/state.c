/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which operation is allowed in which state, and where it leads. The model asks only this table; the tests
 * walk it on the model and over the bus. What a VM really is after an operation the driver says (driver.h): the guest
 * may have been quicker.
 */

#include "config.h"
#include "src/state.h"

#include "src/error.h"

typedef struct
{
  const char *verb;
  gint8 next[OVM_STATE_COUNT]; /* -1: not allowed */
} Transition;

enum
{
  NO = -1,
  STOP = OVM_STATE_STOPPED,
  RUN = OVM_STATE_RUNNING,
  PAUSE = OVM_STATE_PAUSED,
  CRASH = OVM_STATE_CRASHED,
};

static const char *const state_names[OVM_STATE_COUNT] = {
  [OVM_STATE_STOPPED] = "stopped",
  [OVM_STATE_RUNNING] = "running",
  [OVM_STATE_PAUSED] = "paused",
  [OVM_STATE_CRASHED] = "crashed",
};

/* clang-format off */
static const Transition transitions[OVM_OPERATION_COUNT] = {
  /*                                                       in: stopped running paused crashed */
  [OVM_OPERATION_START]           = { "start",               { RUN,    NO,     NO,    NO    } },
  [OVM_OPERATION_START_PAUSED]    = { "start",               { PAUSE,  NO,     NO,    NO    } },
  [OVM_OPERATION_PAUSE]           = { "pause",               { NO,     PAUSE,  PAUSE, NO    } },
  [OVM_OPERATION_RESUME]          = { "resume",              { NO,     RUN,    RUN,   NO    } },
  [OVM_OPERATION_SHUTDOWN]        = { "shut down",           { NO,     RUN,    NO,    NO    } },
  [OVM_OPERATION_POWER_OFF]       = { "power off",           { NO,     STOP,   STOP,  STOP  } },
  [OVM_OPERATION_RESET]           = { "reset",               { NO,     RUN,    RUN,   RUN   } },
  [OVM_OPERATION_DELETE]          = { "delete",              { STOP,   NO,     NO,    STOP  } },
  [OVM_OPERATION_DELETE_FORCED]   = { "delete",              { STOP,   STOP,   STOP,  STOP  } },
  [OVM_OPERATION_SAVE]            = { "save a snapshot of",  { NO,     RUN,    PAUSE, NO    } },
  [OVM_OPERATION_RESTORE]         = { "restore",             { RUN,    RUN,    RUN,   RUN   } },
  [OVM_OPERATION_RESTORE_PAUSED]  = { "restore",             { PAUSE,  PAUSE,  PAUSE, PAUSE } },
  [OVM_OPERATION_OPEN_CONSOLE]    = { "open the console of", { STOP,   RUN,    PAUSE, CRASH } },
  [OVM_OPERATION_GUEST_POWER_OFF] = { "power off",           { NO,     STOP,   NO,    NO    } },
  [OVM_OPERATION_GUEST_REBOOT]    = { "reboot",              { NO,     RUN,    NO,    NO    } },
  [OVM_OPERATION_GUEST_CRASH]     = { "crash",               { NO,     CRASH,  NO,    NO    } },
};
/* clang-format on */

const char *
ovm_state_to_string (OvmState state)
{
  g_return_val_if_fail ((guint) state < OVM_STATE_COUNT, "unknown");
  return state_names[state];
}

const char *
ovm_operation_to_string (OvmOperation operation)
{
  g_return_val_if_fail ((guint) operation < OVM_OPERATION_COUNT, "unknown");
  return transitions[operation].verb;
}

static char *
list_allowed_states (const Transition *transition)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (int state = 0; state < OVM_STATE_COUNT; state++)
    if (transition->next[state] != NO)
      g_string_append_printf (list, "%s%s", list->len > 0 ? " or " : "", state_names[state]);
  return g_string_free (g_steal_pointer (&list), FALSE);
}

gboolean
ovm_state_next (OvmState state, OvmOperation operation, OvmState *next, GError **error)
{
  const Transition *transition;

  g_return_val_if_fail ((guint) state < OVM_STATE_COUNT, FALSE);
  g_return_val_if_fail ((guint) operation < OVM_OPERATION_COUNT, FALSE);

  transition = &transitions[operation];
  if (transition->next[state] == NO)
    {
      g_autofree char *allowed = list_allowed_states (transition);

      g_set_error (error,
                   OVM_ERROR,
                   OVM_ERROR_INVALID_STATE,
                   "cannot %s a %s VM; it must be %s",
                   transition->verb,
                   state_names[state],
                   allowed);
      return FALSE;
    }
  if (next != NULL)
    *next = (OvmState) transition->next[state];
  return TRUE;
}
