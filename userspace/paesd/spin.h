/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long to look at the ring before sleeping.  A wake-up across processors
 * costs as much as the AES of several hundred KB, so a short look pays when
 * requests follow each other closely, and is a waste when they don't: the
 * length follows what the last pauses would have needed.
 */
#ifndef PAESD_SPIN_H
#define PAESD_SPIN_H

#include "ring.h"

enum {
	SPIN_MAX_NS	= 50000,
	SPIN_START_NS	= 5000,		/* below this it is not tried at all */
	/*
	 * A pause this short may have been one that spinning would have saved:
	 * when it was slept through, most of it was the wake-up itself.
	 */
	SPIN_SHORT_NS	= 4 * SPIN_MAX_NS,
};

struct spin {
	uint64_t most;		/* 0: one processor, never */
	uint64_t limit;		/* now, in ns */
};

void spin_setup(struct spin *spin, unsigned int processors);

/* Processors that this process may run on. */
unsigned int spin_processors(void);
uint64_t spin_clock(void);

/* True as soon as something is queued, false when the time is over. */
bool spin_wait(const struct spin *spin, const struct ring *ring);

/* The last pause took `idle` ns, spinning or asleep. */
void spin_learn(struct spin *spin, uint64_t idle);

#endif
