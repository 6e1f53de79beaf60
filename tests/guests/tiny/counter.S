/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Says it is there, then counts in the first word for ever. The word is one of 64 bits and changes at once: one of 32 comes
 * to its end within a minute.
 */
#include "guest.inc"
	put	'C'
1:	mov	%eax, %ebx
	mov	%edx, %ecx
	add	$1, %ebx
	adc	$0, %ecx
	lock cmpxchg8b	MAILBOX		/* the first time, this only reads */
	jnz	1b
	mov	%ebx, %eax
	mov	%ecx, %edx
	jmp	1b
