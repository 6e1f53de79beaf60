/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In long mode, for RAM of up to 16 GiB: writes to every page of RAM from 4 MiB on, says so with F, and counts in the first word
 * until the second is not zero: then it changes that many pages less one, from 4 MiB on, answers A, and halts for good.
 * Spec: Intel SDM volume 3A, section 10.8.5, Initializing IA-32e Mode; Xen, docs/misc/pvh.pandoc, hvm_start_info.
 */
#include "guest.inc"
	.set	FIRST, 0x400000
	.set	PML4, 0x300000
	.set	PDPT, PML4 + 0x1000
	.set	PD, PML4 + 0x2000
	.set	GIBS, 16
	mov	%ebx, %esi

	movl	$PDPT + 3, PML4
	mov	$PDPT, %edi
	mov	$PD + 3, %eax
	mov	$GIBS, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x1000, %eax
	dec	%ecx
	jnz	1b
	mov	$PD, %edi
	mov	$0x83, %eax		/* present, writable, 2 MiB */
	xor	%edx, %edx
	mov	$GIBS * 512, %ecx
1:	mov	%eax, (%edi)
	mov	%edx, 4(%edi)
	add	$8, %edi
	add	$0x200000, %eax
	adc	$0, %edx
	dec	%ecx
	jnz	1b

	mov	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	$PML4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER */
	rdmsr
	or	$0x100, %eax		/* LME */
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	lgdtl	gdt_pointer
	ljmpl	$8, $long
	.balign	8
gdt:	.quad	0
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
gdt_pointer:
	.word	23
	.long	gdt

	.code64
long:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	40(%rsi), %rbx		/* the memory map, and its entries */
	mov	48(%rsi), %ecx
map:	cmpl	$1, 16(%rbx)		/* RAM */
	jne	3f
	mov	(%rbx), %rdi
	mov	8(%rbx), %rdx
	add	%rdi, %rdx
	cmp	$FIRST, %rdi
	jae	2f
	mov	$FIRST, %edi
	jmp	2f
1:	mov	%rdx, (%rdi)
	add	$4096, %rdi
2:	cmp	%rdx, %rdi
	jb	1b
3:	add	$24, %rbx
	dec	%ecx
	jnz	map
	put	'F'

1:	incq	MAILBOX
	mov	MAILBOX + 8, %ecx
	test	%ecx, %ecx
	jz	1b
	mov	$FIRST, %edi
	jmp	2f
1:	incq	(%rdi)
	add	$4096, %rdi
2:	dec	%ecx
	jnz	1b
	put	'A'
	cli
1:	hlt
	jmp	1b
