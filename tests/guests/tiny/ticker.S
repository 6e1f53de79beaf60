/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has channel 0 of the timer tick 100 times a second, and counts the ticks: by polling the interrupt controller, which takes a
 * poll that finds an interrupt for its acknowledgement, and answers with its number, or 7 if there is none. Older
 * kernels do not set bit 7 beside it, as they should.
 */
#include "guest.inc"
	.set	DIVISOR, 11932
	mov	$0x34, %al		/* channel 0, two bytes, mode 2 */
	out	%al, $0x43
	mov	$DIVISOR & 0xff, %al
	out	%al, $0x40
	mov	$DIVISOR >> 8, %al
	out	%al, $0x40
1:	mov	$0x0c, %al		/* OCW3: poll */
	out	%al, $0x20
	in	$0x20, %al
	test	$7, %al			/* input 0 */
	jnz	1b
	incl	MAILBOX
	jmp	1b
