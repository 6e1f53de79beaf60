/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the time-stamp counter for ever: the last value in the second word, the largest step in the third, steps back in the fourth. */
#include "guest.inc"
	rdtsc
	mov	%eax, %esi
	mov	%edx, %edi
1:	rdtsc
	mov	%eax, %ebx
	mov	%edx, %ebp
	sub	%esi, %eax
	sbb	%edi, %edx
	jae	2f
	incl	MAILBOX + 24
	jmp	4f
2:	cmp	MAILBOX + 20, %edx
	jb	4f
	ja	3f
	cmp	MAILBOX + 16, %eax
	jbe	4f
3:	mov	%eax, MAILBOX + 16
	mov	%edx, MAILBOX + 20
4:	mov	%ebx, %esi
	mov	%ebp, %edi
	mov	%esi, MAILBOX + 8
	mov	%edi, MAILBOX + 12
	incl	MAILBOX
	jmp	1b
