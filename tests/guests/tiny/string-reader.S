/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads port 0x510 sixteen times with one instruction to the words from the fourth on, then counts in the first. */
#include "guest.inc"
	mov	$0x510, %edx
	mov	$MAILBOX + 24, %edi
	mov	$16, %ecx
	cld
	rep insb
	mov	%ecx, MAILBOX + 8
	incl	MAILBOX + 16
1:	incl	MAILBOX
	jmp	1b
