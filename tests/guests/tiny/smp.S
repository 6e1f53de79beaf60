/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts all other VPs by INIT and start-up interrupts. VP 0 counts in the first word; every other VP takes a ticket from the
 * second word, and counts in the word of its ticket, from the third word on.
 * Spec: Intel SDM volume 3A, section 9.4.4, MP Initialization Example.
 */
#include "guest.inc"
	.set	APIC, 0xfee00000
	.set	ICR_LOW, APIC + 0x300
	.set	SPURIOUS, APIC + 0xf0
	.set	TRAMPOLINE, 0x8000

	mov	$trampoline, %esi
	mov	$TRAMPOLINE, %edi
	mov	$trampoline_end - trampoline, %ecx
	cld
	rep movsb

	movl	$0x1ff, SPURIOUS	/* switch the local APIC on */
	movl	$0x000c4500, ICR_LOW	/* INIT, to all but self */
	call	wait
	movl	$0x000c4600 + (TRAMPOLINE >> 12), ICR_LOW
	call	wait
	movl	$0x000c4600 + (TRAMPOLINE >> 12), ICR_LOW
1:	incl	MAILBOX
	jmp	1b

wait:	mov	$2000, %ecx
1:	dec	%ecx
	jnz	1b
	ret

	.code16
trampoline:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	gdt_pointer - trampoline + TRAMPOLINE
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$8, $(flat - trampoline + TRAMPOLINE)
	.code32
flat:	mov	$16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$1, %eax
	lock xadd %eax, MAILBOX + 8
1:	incl	MAILBOX + 16(,%eax,8)
	jmp	1b
	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
gdt_pointer:
	.word	23
	.long	gdt - trampoline + TRAMPOLINE
trampoline_end:
