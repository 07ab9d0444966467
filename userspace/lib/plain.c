// SPDX-License-Identifier: GPL-2.0
#include "plain.h"

#include <stdio.h>

size_t plain_print(const char *text)
{
	size_t count;

	for (count = 0; *text; count++)
		putchar(plain_next(&text));
	return count;
}
