/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* session.h: openvmmctl on a terminal, and a person in front of it */

#pragma once

#include "tests/src/ctl/fixture.h"

#include <termios.h>

G_BEGIN_DECLS

/**
 * OvmCtlSession:
 * @process: openvmmctl
 * @leader: what the person has in hand
 * @follower: what openvmmctl has
 * @before: the settings of the terminal at first
 * @seen: all that was on the screen so far
 */
typedef struct
{
  GSubprocess *process;
  int leader;
  int follower;
  struct termios before;
  GString *seen;
} OvmCtlSession;

/** ovm_ctl_session_open: runs openvmmctl with the words of @line on a new terminal */
void ovm_ctl_session_open (OvmCtlSession *s, OvmCtlFixture *f, const char *line);

/** ovm_ctl_session_expect: waits until @text was on the screen */
void ovm_ctl_session_expect (OvmCtlSession *s, const char *text);

/** ovm_ctl_session_type: presses the keys of @text */
void ovm_ctl_session_type (OvmCtlSession *s, const char *text);

/** ovm_ctl_session_ends: waits for the end; asserts the exit status, and that the terminal is as it was */
void ovm_ctl_session_ends (OvmCtlSession *s, int status);

G_END_DECLS
