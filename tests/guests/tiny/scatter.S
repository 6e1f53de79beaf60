/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes two 32-bit numbers from the serial port: where its RAM ends, and a number of pages. Writes to every page from 4 MiB to
 * there, and says so with F. For each byte that comes then it reads as many pages, here and there in its RAM, writes to every
 * fourth of them, and answers A. Which ones they are only depends on how often it was asked before.
 */
#include "guest.inc"
	.set	FIRST, 0x400000
	put	'>'
	mov	$0x80000, %esp
	call	take32
	mov	%ebx, %esi		/* the end */
	call	take32
	mov	%ebx, %ebp		/* pages */
	mov	$FIRST, %edi
1:	mov	%edi, (%edi)
	add	$4096, %edi
	cmp	%esi, %edi
	jb	1b
	sub	$FIRST, %esi
	shr	$12, %esi		/* pages there are */
	put	'F'

	mov	$1, %ebx		/* as random as it need be */
ask:	call	take
	mov	%ebp, %ecx
1:	imul	$1664525, %ebx, %ebx
	add	$1013904223, %ebx
	mov	%ebx, %eax
	mul	%esi
	shl	$12, %edx
	mov	FIRST(%edx), %eax
	test	$3, %cl
	jnz	2f
	mov	%ecx, FIRST(%edx)
2:	dec	%ecx
	jnz	1b
	put	'A'
	jmp	ask

take32:	mov	$4, %ecx
1:	call	take
	shrd	$8, %eax, %ebx
	dec	%ecx
	jnz	1b
	ret

take:	mov	$COM1 + 5, %edx
1:	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$COM1, %edx
	in	%dx, %al
	ret
