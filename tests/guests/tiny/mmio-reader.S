/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the word at 0xd0000000 once into the second word, counts the reads in the third, then counts in the first. */
#include "guest.inc"
	mov	0xd0000000, %eax
	mov	%eax, MAILBOX + 8
	incl	MAILBOX + 16
1:	incl	MAILBOX
	jmp	1b
