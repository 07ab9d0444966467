// SPDX-License-Identifier: GPL-2.0
#include "search.h"

#include "aes.h"

#include <errno.h>

static int half_of(const struct schedule *schedule, const struct search_key *key)
{
	size_t size = 4 * schedule->nk;

	for (int half = 0; half < 2; half++)
		if (key->size == 2 * size &&
		    !memcmp(schedule->key, key->bytes + half * size, size))
			return half;
	return SEARCH_NO_HALF;
}

static long find_schedules(const uint8_t *bytes, size_t size,
			   const struct search_key *key,
			   const struct search_report *report)
{
	struct schedule found;
	size_t from = 0;
	long count = 0;

	while (schedule_find(&found, bytes, size, from)) {
		int half = half_of(&found, key);

		count += half != SEARCH_NO_HALF;
		report->schedule(report->to, &found, half);
		from = found.offset + 1;
	}
	return count;
}

static long find_pieces(const uint8_t *bytes, size_t size,
			const struct search_key *key,
			const struct search_report *report)
{
	struct pieces *pieces = pieces_new(key->bytes, key->size);
	struct piece found;
	size_t from = 0;
	long count = 0;

	if (!pieces)
		return -ENOMEM;
	while (pieces_find(pieces, &found, bytes, size, from)) {
		count++;
		report->piece(report->to, &found);
		from = found.offset + found.size;
	}
	pieces_free(pieces);
	return count;
}

long search(const uint8_t *bytes, size_t size, const struct search_key *key,
	    const struct search_report *report)
{
	long pieces = 0;

	aes_setup();
	if (key->size)
		pieces = find_pieces(bytes, size, key, report);
	if (pieces < 0)
		return pieces;
	return pieces + find_schedules(bytes, size, key, report);
}

unsigned long search_count(const uint8_t *bytes, size_t size,
			   const uint8_t *part, size_t part_size)
{
	const uint8_t *at = bytes, *end = bytes + size;
	unsigned long count = 0;

	while ((at = memmem(at, (size_t)(end - at), part, part_size))) {
		count++;
		at += part_size;
	}
	return count;
}
