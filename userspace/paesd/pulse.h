/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a worker was last seen to get on, in memory shared with the supervisor:
 * before and after each batch of work, and while there is none every
 * RING_WAIT_MS.  A call to the token that never returns (an HSM that lost its
 * network) looks like one that takes long, and nobody but the supervisor can
 * end it; nor a worker that somebody has stopped.  And what came of its calls,
 * for the status.
 */
#ifndef PAESD_PULSE_H
#define PAESD_PULSE_H

#include "figures.h"

enum {
	PULSE_FD	= 4,		/* in the worker */
};

struct pulse {
	uint64_t beat;			/* ms of CLOCK_MONOTONIC; 0: none yet */
	struct figures figures;
};

/* NULL with errno set.  *fd is the memory, for the worker. */
struct pulse *pulse_make(int *fd);
struct pulse *pulse_map(int fd);
void pulse_free(struct pulse *pulse);		/* NULL is fine */

void pulse_beat(struct pulse *pulse);

/* Milliseconds since the last beat, 0 before the first. */
uint64_t pulse_age(const struct pulse *pulse);

#endif
