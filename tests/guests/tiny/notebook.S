/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes down each byte that comes on the serial port, in one of 64 pages from 4 MiB on, round and round. A byte of zero asks for
 * a sum over all pages, which goes over all that was written: four bytes, the lowest first.
 */
#include "guest.inc"
	.set	FIRST, 0x400000
	.set	PAGES, 64
	mov	$0x80000, %esp
	xor	%ecx, %ecx		/* bytes taken down */
	put	'>'
next:	call	take
	test	%al, %al
	jz	tell
	mov	%ecx, %edi
	and	$PAGES - 1, %edi
	shl	$12, %edi
	movzbl	%al, %eax
	mov	%eax, FIRST(%edi)
	inc	%ecx
	mov	%ecx, MAILBOX
	jmp	next

tell:	mov	$FIRST, %edi
	xor	%ebx, %ebx
1:	imul	$33, %ebx, %ebx
	add	(%edi), %ebx
	add	$4096, %edi
	cmp	$FIRST + PAGES * 4096, %edi
	jb	1b
	mov	$4, %esi
	mov	$COM1, %edx
2:	mov	%bl, %al
	out	%al, %dx
	shr	$8, %ebx
	dec	%esi
	jnz	2b
	jmp	next

take:	mov	$COM1 + 5, %edx
1:	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$COM1, %edx
	in	%dx, %al
	ret
