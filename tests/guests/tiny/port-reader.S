/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads port 0x510 once into the second word, counts the reads in the third, then counts in the first. */
#include "guest.inc"
	xor	%eax, %eax
	mov	$0x510, %dx
	in	%dx, %al
	mov	%eax, MAILBOX + 8
	incl	MAILBOX + 16
1:	incl	MAILBOX
	jmp	1b
