/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes the number of the round to one word in each page of 4 to 12 MiB, reads them all back, and counts the rounds in
 * the first word, the mistakes in the second.
 */
#include "guest.inc"
	.set	FIRST, 0x400000
	.set	END, 0xc00000
	mov	$1, %ecx
round:	mov	$FIRST, %edi
1:	mov	%ecx, (%edi)
	add	$4096, %edi
	cmp	$END, %edi
	jb	1b
	mov	$FIRST, %edi
2:	cmp	%ecx, (%edi)
	je	3f
	incl	MAILBOX + 8
3:	add	$4096, %edi
	cmp	$END, %edi
	jb	2b
	mov	%ecx, MAILBOX
	inc	%ecx
	jmp	round
