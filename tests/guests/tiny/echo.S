/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says it is there, then sends every byte back, one larger. */
#include "guest.inc"
	put	'E'
1:	mov	$COM1 + 5, %edx
	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$COM1, %edx
	in	%dx, %al
	inc	%al
	out	%al, %dx
	jmp	1b
