/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds what is left of one AES-XTS key: any round key of either half, of which
 * the first are the key itself, at any address.  A round key has 16 bytes, so
 * that a key or a schedule of which parts were overwritten is found as well.
 */
#ifndef PAES_KEYSEARCH_PIECES_H
#define PAES_KEYSEARCH_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pieces_order {
	PIECES_AS_IS,
	PIECES_WORDS_SWAPPED,		/* the bytes of each 32 bits */
	PIECES_LONGS_SWAPPED,		/* of each 64 bits */
	PIECES_REVERSED,		/* of all 16 */
	PIECES_HEX,			/* as text */
	PIECES_HEX_UPPER,
	PIECES_ORDERS,
};

/* Round keys that stand side by side. */
struct piece {
	size_t offset;
	size_t size;
	unsigned int half;		/* 0 is K1, 1 is K2 */
	unsigned int first, last;	/* rounds */
	enum pieces_order order;
};

struct pieces;

/* `size` is 32 or 64: K1, then K2.  NULL when memory is short. */
struct pieces *pieces_new(const uint8_t *key, size_t size);
void pieces_free(struct pieces *pieces);

/* As schedule_find(). */
bool pieces_find(const struct pieces *pieces, struct piece *found,
		 const uint8_t *bytes, size_t size, size_t from);

#endif
