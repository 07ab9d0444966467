/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text of others (a token's label, a file's name) on its way to a terminal,
 * which must not take it for commands.
 */
#ifndef PAES_PLAIN_H
#define PAES_PLAIN_H

#include <stddef.h>

/* Control characters: one byte of C0, or DEL, or two of C1 in UTF-8. */
static inline size_t plain_control(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
		return 2;
	return at[0] < ' ' || at[0] == 0x7f;
}

/* Goes on to what follows; '?' stands for a control character. */
static inline char plain_next(const char **text)
{
	size_t control = plain_control(*text);
	char shown = control ? '?' : **text;

	*text += control ? control : 1;
	return shown;
}

/* To standard output; returns how many bytes came out. */
size_t plain_print(const char *text);

#endif
