/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes two 32-bit numbers from the serial port: where its RAM ends, and a number of cycles. Writes to every page from 4 MiB to
 * there, says so with F, and from then on writes to 256 pages, a MiB, every so many cycles, round and round. Counts the MiB in
 * the first word.
 */
#include "guest.inc"
	.set	FIRST, 0x400000
	put	'>'
	mov	$0x80000, %esp
	call	take
	mov	%ebx, %esi		/* the end */
	call	take			/* ebx: cycles a MiB */
	mov	$FIRST, %edi
1:	mov	%edi, (%edi)
	add	$4096, %edi
	cmp	%esi, %edi
	jb	1b
	put	'F'

	mov	$FIRST, %edi
	rdtsc
	mov	%eax, %ebp		/* when the next MiB is due */
mib:	mov	$256, %ecx
1:	incl	(%edi)
	add	$4096, %edi
	dec	%ecx
	jnz	1b
	cmp	%esi, %edi
	jb	2f
	mov	$FIRST, %edi
2:	incl	MAILBOX
	add	%ebx, %ebp
3:	rdtsc
	sub	%ebp, %eax
	js	3b
	jmp	mib

take:	mov	$4, %ecx
1:	mov	$COM1 + 5, %edx
	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$COM1, %edx
	in	%dx, %al
	shrd	$8, %eax, %ebx
	dec	%ecx
	jnz	1b
	ret
