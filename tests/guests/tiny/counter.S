/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says it is there, then counts in the first word for ever. */
#include "guest.inc"
	put	'C'
1:	incl	MAILBOX
	jmp	1b
