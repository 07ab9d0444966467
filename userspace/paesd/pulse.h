/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Since when a worker has been in a call to its token, in memory shared with
 * the supervisor.  A call that never returns (an HSM that lost its network)
 * looks like one that takes long, and nobody but the supervisor can end it.
 */
#ifndef PAESD_PULSE_H
#define PAESD_PULSE_H

#include <stdint.h>

enum {
	PULSE_FD	= 4,		/* in the worker */
};

struct pulse {
	uint64_t since;			/* ms of CLOCK_MONOTONIC; 0: no call */
};

/* NULL with errno set.  *fd is the memory, for the worker. */
struct pulse *pulse_make(int *fd);
struct pulse *pulse_map(int fd);
void pulse_free(struct pulse *pulse);		/* NULL is fine */

void pulse_begin(struct pulse *pulse);
void pulse_end(struct pulse *pulse);

/* Milliseconds that the call under way has taken so far, 0 if there is none. */
uint64_t pulse_age(const struct pulse *pulse);

#endif
