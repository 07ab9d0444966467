/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was asked of a token and how it went.  One process counts, another may
 * read at any time: each figure is right by itself and only ever grows.
 */
#ifndef PAES_FIGURES_H
#define PAES_FIGURES_H

#include <stdint.h>

enum {
	FIGURES_BUCKETS	= 28,
	FIGURES_ERRORS	= 96,
	FIGURES_SAMPLE	= 16,		/* of so many calls one is timed */
};

struct figures {
	/*
	 * Timed calls with data, good or bad: in bucket n those that took less than
	 * 2^n us and no less than half of that; in the last all others.
	 */
	uint64_t calls[FIGURES_BUCKETS];
	uint64_t calls_us;			/* together */
	uint64_t errors[FIGURES_ERRORS];	/* see token_error_name() */
};

void figures_call(struct figures *figures, uint64_t ns);
void figures_error(struct figures *figures, unsigned int place);

/* Adds what another process may be counting. */
void figures_add(struct figures *sum, const struct figures *part);

#endif
