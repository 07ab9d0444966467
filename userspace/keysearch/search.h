/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks for one key, and for schedules of any, and reports as it goes.
 */
#ifndef PAES_KEYSEARCH_SEARCH_H
#define PAES_KEYSEARCH_SEARCH_H

#include "pieces.h"
#include "schedule.h"

enum { SEARCH_NO_HALF = -1 };

/* Where what was found goes; `half` is 0 for K1, 1 for K2, or SEARCH_NO_HALF. */
struct search_report {
	void (*piece)(void *to, const struct piece *piece);
	void (*schedule)(void *to, const struct schedule *schedule, int half);
	void *to;
};

struct search_key {
	const uint8_t *bytes;
	size_t size;		/* 32 or 64, or 0: no key is looked for */
};

/* How often the key was found, or -ENOMEM. */
long search(const uint8_t *bytes, size_t size, const struct search_key *key,
	    const struct search_report *report);

/* How often `part` is in it. */
unsigned long search_count(const uint8_t *bytes, size_t size,
			   const uint8_t *part, size_t part_size);

#endif
