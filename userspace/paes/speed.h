/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How fast a token is: short measurements of ECB, in the ways that paesd's
 * workers use.  What they found goes for this machine at this moment.
 */
#ifndef PAES_SPEED_H
#define PAES_SPEED_H

#include "token.h"

#include <stddef.h>

enum { SPEED_SIZES = 5 };

/* Bytes of a call, from 4 KiB to 1 MiB. */
extern const size_t speed_sizes[SPEED_SIZES];

struct speed {
	double encrypt;		/* bytes a second */
	double decrypt;
};

/* Takes half a second, or two calls of a slow token; 0 or -errno, logged. */
int speed_measure(struct token *token, token_key key, size_t size,
		  struct speed *speed);

/* Median of a call with one block, in microseconds. */
int speed_latency(struct token *token, token_key key, double *us);

#endif
