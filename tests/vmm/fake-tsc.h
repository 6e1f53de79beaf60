/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fake-tsc.h: time-stamp counters that stand still until a test moves them on, over a KVM that does all else: also on a
 * host where the counters of guests cannot be moved. The program is linked with --wrap=ioctl.
 *
 * As KVM does up to Linux 6.6, a counter that is set to a value less than a second away from where the last one that
 * was set has come to is not set to it, but made equal to that one. There is one virtual machine: the one made last.
 * The KVM must have offsets of its own, as it has since Linux 5.16, else none is asked of the one played here.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FAKE_TSC_HZ G_GUINT64_CONSTANT (1000000000)

/** fake_tsc_begin: of virtual machines that are made from now on, until fake_tsc_end(). */
void fake_tsc_begin (void);
void fake_tsc_end (void);

/** fake_tsc_advance: lets all counters go on. */
void fake_tsc_advance (guint64 cycles);

/** fake_tsc_refuse: the @nth offset that is set from now on (from 1) is refused. */
void fake_tsc_refuse (guint nth);

/** fake_tsc_get_deadline_base: where the counter of a VP stood when the deadline of its timer was last set. */
guint64 fake_tsc_get_deadline_base (void);

G_END_DECLS
