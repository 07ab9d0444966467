/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AES-XTS (IEEE 1619) for a batch of requests over a token that offers ECB.
 * It doesn't know how a token works inside.
 *
 * For each key and direction in a batch: one token call makes all tweaks, if
 * they weren't made ahead (tweaks.h), and one in-place call a chunk does the
 * data, with the XOR on the way in and out.  A chunk is TOKEN_CHUNK bytes, or
 * what the token is quicker with.  Units that steal ciphertext share one
 * more call.  Every call carries the known block; a wrong answer to it fails the
 * requests of that call with -EBADMSG before one byte of them is given out, and
 * with them those behind it that share their key and direction.
 */
#ifndef PAES_ENGINE_H
#define PAES_ENGINE_H

#include "xtskey.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	ENGINE_BATCH_MAX	= 256,	/* requests of one run */
	ENGINE_REQUEST_MAX	= 1 << 20, /* bytes of one request */
};

/* One request: the meaning of linux/paes.h, section 4. */
struct engine_request {
	const struct xtskey *key;
	bool encrypt;
	uint32_t length;	/* bytes; a multiple of unit_size, to ENGINE_REQUEST_MAX */
	uint32_t unit_size;	/* bytes; at least 16 */
	uint32_t first_block;	/* blocks of the unit before this piece */
	uint8_t iv[16];
	uint8_t *data;		/* changed in place, only when status is 0 */
	int status;		/* out: 0, -EINVAL, -EIO, or -EBADMSG: see above */
	uint32_t units;		/* the engine's own: how many there are */
};

struct engine;

/* All memory that a run needs, locked; NULL with errno set.  `token` outlives it. */
struct engine *engine_new(struct token *token);
void engine_free(struct engine *engine);	/* NULL is fine */

/*
 * Told as soon as `count` requests have their status, in the order of a round.
 * What it is told of may be published at once: their data isn't touched again.
 */
typedef void engine_done(void *context, struct engine_request *const *requests,
			 unsigned int count);

/*
 * Runs a batch; each request gets its status and is told of once, also when it
 * failed; `done` may be NULL.  Allocates nothing.  Scratch that held tweaks or
 * clear data is wiped before it returns; tweaks made ahead stay.
 */
void engine_run(struct engine *engine, struct engine_request *requests,
		unsigned int count, engine_done *done, void *context);

/* Wipes what was made ahead for a key; to be called before it is closed. */
void engine_forget(struct engine *engine, const struct xtskey *key);

#endif
