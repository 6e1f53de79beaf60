/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waits for a byte on the serial port, and ends as it says: p powers off, r reboots, t triple-faults. */
#include "guest.inc"
	put	'>'
1:	mov	$COM1 + 5, %edx
	in	%dx, %al
	test	$1, %al
	jz	1b
	mov	$COM1, %edx
	in	%dx, %al
	cmp	$'p', %al
	je	power_off
	cmp	$'r', %al
	je	reboot
	cmp	$'t', %al
	jne	1b
	lidt	no_idt
	ud2
power_off:
	mov	$0x604, %edx
	mov	$(1 << 13) | (5 << 10), %eax
	out	%ax, %dx
	jmp	1b
reboot:	mov	$0xfe, %al
	out	%al, $0x64
	jmp	1b
	.balign	8
no_idt:	.word	0
	.long	0
