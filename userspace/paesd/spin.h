/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long to look at the ring before sleeping.  A wake-up across processors
 * costs as much as the AES of several hundred KB, so a short look pays when
 * requests follow each other closely, and is a waste when they don't: the
 * length follows what the last pauses would have needed, and where even the
 * longest is too short, it is left alone for a while.  It is for little work:
 * what took longer than the longest spin takes hardly longer for a wake-up, and
 * a sleeper is woken where a processor is idle.
 */
#ifndef PAESD_SPIN_H
#define PAESD_SPIN_H

#include "ring.h"

enum {
	/*
	 * The longest is worth so many wake-ups: until the next request comes,
	 * who waited for the answer is woken, and who submits, and they work.
	 */
	SPIN_WAKES	= 8,
	SPIN_MOST_NS	= 500000,	/* but never longer than this, */
	SPIN_LEAST_NS	= 50000,	/* or the longest shorter than this */
	SPIN_START_NS	= 5000,		/* below this it is not tried at all */
	/*
	 * A pause up to so many times the longest may have been one that
	 * spinning would have saved: when it was slept through, most of it was
	 * the wake-ups themselves.
	 */
	SPIN_SHORT	= 2,
	SPIN_MISSES	= 4,		/* of the longest, in a row */
	SPIN_REST	= 64,		/* pauses without, after that */
};

struct spin {
	uint64_t most;		/* in ns; 0: one processor, never */
	uint64_t limit;		/* now, in ns */
	unsigned int misses;
	unsigned int rest;	/* pauses left without spinning */
};

/* `wake` is what a wake-up costs here, in ns. */
void spin_setup(struct spin *spin, unsigned int processors, uint64_t wake);

/* What it costs, tried: from 2 us on bare metal to over 100 us in an emulator. */
uint64_t spin_measure_wake(void);

uint64_t spin_clock(void);

/*
 * True as soon as something is queued; false when spin->limit ns have passed
 * since `start`, or up to half as many more.  A signal ends it, too, but is looked
 * at no more often than the clock.
 */
bool spin_wait(const struct spin *spin, const struct ring *ring, uint64_t start);

/*
 * The last pause took `idle` ns, spinning or asleep, and came after `busy` ns of
 * work.
 */
void spin_learn(struct spin *spin, uint64_t busy, uint64_t idle);

#endif
