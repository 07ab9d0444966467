// SPDX-License-Identifier: GPL-2.0
#include "pieces.h"

#include "aes.h"

#include <stdlib.h>

enum {
	TEXT		= 2 * AES_BLOCK,
	/* Either half: all round keys, those between with InvMixColumns, too. */
	NEEDLES_MAX	= 2 * (2 * AES_ROUNDS_MAX) * PIECES_ORDERS,
	STARTS		= 1 << 16,
};

struct needle {
	uint8_t bytes[TEXT];
	size_t size;
	unsigned int half, round;
	enum pieces_order order;
};

/* Sorted by their first two bytes: those with `n` begin at list[start[n]]. */
struct pieces {
	struct needle list[NEEDLES_MAX];
	uint16_t start[STARTS + 1];
	unsigned int count;
};

static unsigned int start_of(const uint8_t *bytes)
{
	return (unsigned int)bytes[0] << 8 | bytes[1];
}

static void write_text(uint8_t *to, const uint8_t *key, const char *digits)
{
	for (unsigned int i = 0; i < AES_BLOCK; i++) {
		*to++ = (uint8_t)digits[key[i] >> 4];
		*to++ = (uint8_t)digits[key[i] & 15];
	}
}

/* Turns round every `unit` bytes. */
static void write_swapped(uint8_t *to, const uint8_t *key, unsigned int unit)
{
	for (unsigned int i = 0; i < AES_BLOCK; i++)
		to[i] = key[i / unit * unit + unit - 1 - i % unit];
}

static void write_needle(struct needle *needle, const uint8_t *key)
{
	static const unsigned int units[] = {
		[PIECES_AS_IS] = 1,
		[PIECES_WORDS_SWAPPED] = 4,
		[PIECES_LONGS_SWAPPED] = 8,
		[PIECES_REVERSED] = 16,
	};
	bool upper = needle->order == PIECES_HEX_UPPER;

	needle->size = AES_BLOCK;
	if (needle->order < PIECES_HEX) {
		write_swapped(needle->bytes, key, units[needle->order]);
		return;
	}
	needle->size = TEXT;
	write_text(needle->bytes, key, upper ? "0123456789ABCDEF" :
					       "0123456789abcdef");
}

static void add_round_key(struct pieces *pieces, const uint8_t *key,
			  unsigned int half, unsigned int round)
{
	for (unsigned int i = 0; i < PIECES_ORDERS; i++) {
		struct needle *needle = &pieces->list[pieces->count++];

		needle->half = half;
		needle->round = round;
		needle->order = (enum pieces_order)i;
		write_needle(needle, key);
	}
}

static void unmix(uint8_t *key)
{
	for (unsigned int i = 0; i < AES_BLOCK; i += 4)
		aes_store(key + i, aes_unmix(aes_load(key + i)));
}

static void add_half(struct pieces *pieces, const uint8_t *key, unsigned int nk,
		     unsigned int half)
{
	uint8_t schedule[AES_SCHEDULE_MAX], *at = schedule;

	aes_expand(schedule, key, nk);
	for (unsigned int i = 0; i <= aes_rounds(nk); i++, at += AES_BLOCK) {
		add_round_key(pieces, at, half, i);
		if (!i || i == aes_rounds(nk))
			continue;
		unmix(at);
		add_round_key(pieces, at, half, i);
	}
}

static int compare(const void *a, const void *b)
{
	const struct needle *x = a, *y = b;

	return (int)start_of(x->bytes) - (int)start_of(y->bytes);
}

static void sort(struct pieces *pieces)
{
	unsigned int next = 0;

	qsort(pieces->list, pieces->count, sizeof(*pieces->list), compare);
	for (unsigned int n = 0; n <= STARTS; n++) {
		while (next < pieces->count &&
		       start_of(pieces->list[next].bytes) < n)
			next++;
		pieces->start[n] = (uint16_t)next;
	}
}

struct pieces *pieces_new(const uint8_t *key, size_t size)
{
	struct pieces *pieces = calloc(1, sizeof(*pieces));
	unsigned int nk = (unsigned int)size / 8;

	if (!pieces)
		return NULL;
	add_half(pieces, key, nk, 0);
	add_half(pieces, key + size / 2, nk, 1);
	sort(pieces);
	return pieces;
}

void pieces_free(struct pieces *pieces)
{
	free(pieces);
}

static const struct needle *needle_at(const struct pieces *pieces,
				      const uint8_t *at, size_t left)
{
	unsigned int n = start_of(at);

	for (unsigned int i = pieces->start[n]; i < pieces->start[n + 1]; i++) {
		const struct needle *needle = &pieces->list[i];

		if (needle->size <= left && !memcmp(needle->bytes, at, needle->size))
			return needle;
	}
	return NULL;
}

/* The others that stand behind the first. */
static void extend(const struct pieces *pieces, struct piece *piece,
		   const uint8_t *bytes, size_t size)
{
	const struct needle *next;
	size_t end;

	while ((end = piece->offset + piece->size) + AES_BLOCK <= size) {
		next = needle_at(pieces, bytes + end, size - end);
		if (!next || next->half != piece->half ||
		    next->order != piece->order)
			break;
		piece->last = next->round;
		piece->size += next->size;
	}
}

bool pieces_find(const struct pieces *pieces, struct piece *found,
		 const uint8_t *bytes, size_t size, size_t from)
{
	for (size_t at = from; at + AES_BLOCK <= size; at++) {
		const struct needle *needle = needle_at(pieces, bytes + at,
							size - at);

		if (!needle)
			continue;
		*found = (struct piece){
			.offset = at, .size = needle->size,
			.half = needle->half, .order = needle->order,
			.first = needle->round, .last = needle->round,
		};
		extend(pieces, found, bytes, size);
		return true;
	}
	return false;
}
