/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process set up as a worker of paesd is, with a key of a volume open: what
 * is measured here is measured under its conditions.
 */
#ifndef PAES_BENCH_H
#define PAES_BENCH_H

#include "engine.h"
#include "sample.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BENCH_DATA = 1 << 20,	/* bytes of the buffer */
};

struct bench {
	struct token *token;
	struct paes_blob blob;	/* the key, wrapped for the token's first KEK */
	struct xtskey key;
	struct engine *engine;
	uint8_t *data;		/* BENCH_DATA bytes */
	uint64_t sector;	/* the next one */
	struct engine_request requests[BENCH_BATCH];
};

/* Ends the program, after logging why, when anything is missing. */
void bench_open(struct bench *bench, const char *uri, const char *pin_file);
void bench_close(struct bench *bench);

/* `sectors` of 4 KiB as one batch of one-sector requests, in place. */
void bench_engine(struct bench *bench, bool encrypt, unsigned int sectors);

/* `size` bytes by one call of the token, in place. */
void bench_token(struct bench *bench, bool encrypt, size_t size);

/* For what must not go wrong here. */
void bench_check(int error, const char *what);

#endif
