// SPDX-License-Identifier: GPL-2.0
#include "schedule.h"

#include "aes.h"

#include <byteswap.h>

/* Where the round keys stand, and what is looked at first. */
struct shape {
	unsigned int nk;
	bool backwards;
	size_t size;
	size_t round;	/* the round key whose first word is 4 + nk, */
	size_t nk_ago;	/* that one nk words before it, */
	size_t before;	/* the word before it */
};

#define PLACE(nk, backwards, round) \
	((size_t)AES_BLOCK * ((backwards) ? (nk) + 6 - (round) : (round)))

#define SHAPE(words, last_first) {					\
	.nk = (words), .backwards = (last_first),			\
	.size = AES_BLOCK * ((words) + 7),				\
	.round = PLACE(words, last_first, ((words) + 4) / 4),		\
	.nk_ago = PLACE(words, last_first, 1),				\
	.before = PLACE(words, last_first, (words) / 4) + 12,		\
}

static const struct shape shapes[] = {
	SHAPE(4, false), SHAPE(4, true), SHAPE(8, false), SHAPE(8, true),
};

enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* Of three words, each the other two's sum but in a key's own words. */
static inline bool adds_up(const uint8_t *round, const uint8_t *nk_ago,
			   unsigned int column)
{
	return aes_load(round + 4 * column) ==
	       (aes_load(nk_ago + 4 * column) ^ aes_load(round + 4 * column - 4));
}

/*
 * True for all schedules of this shape and for little else.  All of it is
 * linear, so that it holds whether words are mixed and swapped or not; and
 * where the word before is 0, the S-box makes a difference that isn't.  Without
 * that, empty memory would pass.
 */
static inline bool may_be(const struct shape *shape, const uint8_t *at)
{
	const uint8_t *round = at + shape->round, *nk_ago = at + shape->nk_ago;

	if (!aes_load(at + shape->before) && aes_load(round) == aes_load(nk_ago))
		return false;
	return adds_up(round, nk_ago, 1) && adds_up(round, nk_ago, 2) &&
	       adds_up(round, nk_ago, 3);
}

/* Word i as in FIPS 197. */
static uint32_t word(const struct schedule *schedule, const uint8_t *at,
		     unsigned int i)
{
	unsigned int nk = schedule->nk, round = i / 4;
	uint32_t found = aes_load(at + PLACE(nk, schedule->backwards, round) +
				  4 * (i % 4));

	if (schedule->swapped)
		found = bswap_32(found);
	if (schedule->mixed && round && round < aes_rounds(nk))
		found = aes_mix(found);
	return found;
}

static bool follows(const struct schedule *schedule, const uint8_t *at)
{
	unsigned int nk = schedule->nk;

	for (unsigned int i = nk; i < 4 * (aes_rounds(nk) + 1); i++)
		if (word(schedule, at, i) !=
		    (word(schedule, at, i - nk) ^
		     aes_step(word(schedule, at, i - 1), i, nk)))
			return false;
	return true;
}

static bool is_schedule(struct schedule *found, const struct shape *shape,
			const uint8_t *at)
{
	for (unsigned int kind = 0; kind < 4; kind++) {
		found->nk = shape->nk;
		found->backwards = shape->backwards;
		found->mixed = kind & 1;
		found->swapped = kind & 2;
		if (!follows(found, at))
			continue;
		for (unsigned int i = 0; i < found->nk; i++)
			aes_store(found->key + 4 * i, word(found, at, i));
		return true;
	}
	return false;
}

bool schedule_find(struct schedule *found, const uint8_t *bytes, size_t size,
		   size_t from)
{
	for (size_t at = from; at < size; at++) {
		for (unsigned int i = 0; i < SHAPES; i++) {
			if (shapes[i].size > size - at ||
			    !may_be(&shapes[i], bytes + at) ||
			    !is_schedule(found, &shapes[i], bytes + at))
				continue;
			found->offset = at;
			return true;
		}
	}
	return false;
}
