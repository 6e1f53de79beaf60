/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arms the local APIC's timer in TSC-deadline mode for a time far away, sets task priority and error entry to values that are
 * to be kept, stores the deadline in the second word, then counts in the first.
 * Spec: Intel SDM volume 3A, section 11.5.4.1, TSC-Deadline Mode.
 */
#include "guest.inc"
	.set	APIC, 0xfee00000
	movl	$0x1ff, APIC + 0xf0
	movl	$0x400ef, APIC + 0x320	/* timer: TSC deadline, vector 0xef */
	movl	$0x100fe, APIC + 0x370	/* error entry: masked, vector 0xfe */
	movl	$0x50, APIC + 0x80	/* task priority */
	rdtsc
	add	$0x10000, %edx
	mov	$0x6e0, %ecx
	wrmsr
	mov	%eax, MAILBOX + 8
	mov	%edx, MAILBOX + 12
1:	incl	MAILBOX
	jmp	1b
