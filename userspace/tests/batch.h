/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests of all sorts for the engine of mock.h, and what is right of them:
 * the tests look what becomes of such a batch when the token misbehaves.
 */
#ifndef PAES_TESTS_BATCH_H
#define PAES_TESTS_BATCH_H

#include "mock.h"

#include "engine.h"

enum { BATCH_REQUESTS = 5, BATCH_SIZE_MAX = 3 * TOKEN_CHUNK };

struct batch {
	struct engine_request requests[BATCH_REQUESTS];
	uint8_t data[BATCH_REQUESTS][BATCH_SIZE_MAX];
	uint8_t before[BATCH_REQUESTS][BATCH_SIZE_MAX];
	uint8_t right[BATCH_REQUESTS][BATCH_SIZE_MAX];
};

extern struct batch the_batch;	/* too large for a stack */

void batch_fill(struct batch *batch, bool encrypt);
void batch_run(struct batch *batch);

/* Finds out what is right, and leaves the data as it was before. */
void batch_run_rightly(struct batch *batch);

/* Right and 0, or untouched and an error; returns how many failed. */
unsigned int batch_check(const struct batch *batch);

/* Calls of a batch, once the token's operations are open; it is filled anew. */
unsigned int batch_count_calls(struct batch *batch, bool encrypt);

/* Each call of a batch in turn goes wrong, alone or with all behind it. */
void batch_check_fault(enum mock_fault fault, bool encrypt, bool once);

#endif
