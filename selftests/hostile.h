/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hostile brokers: a process with threads that live as providers, and one that
 * changes what they share with the module.
 */
#ifndef PAES_TEST_HOSTILE_H
#define PAES_TEST_HOSTILE_H

#include <pthread.h>

#include "provider.h"
#include "rng.h"

enum {
	HOSTILE_THREADS	= 2,		/* of a process, without the scribbler */
	HOSTILE_LIVES	= 3,		/* providers of a thread */
	HOSTILE_DEPTH	= 64,		/* requests, at most */
};

/* What is known of a provider, as it can't be all at once. */
enum hostile_kind {
	HOSTILE_OBSERVED,	/* nobody scribbles: what it sees is checked */
	HOSTILE_SCRIBBLED,
	HOSTILE_STRICT,		/* serves the honest key: no answer is valid */
	HOSTILE_KINDS,
};

enum hostile_stage {
	HOSTILE_CLOSED,
	HOSTILE_OPEN,
	HOSTILE_SET_UP,		/* and mapped */
	HOSTILE_SERVING,
};

/**
 * struct hostile - a provider; its thread's but for what @lock is for
 * @lock:	who writes to @stage, file and map holds it for writing, others
 *		who use them for reading
 * @keks:	a bit for each enum fuzz_kek that it serves
 * @secret:	its session tokens are made of it
 * @taken:	requests that it hasn't answered
 * @answered:	the answer before the last one
 */
struct hostile {
	pthread_rwlock_t lock;
	enum hostile_kind kind;
	enum hostile_stage stage;
	struct provider p;
	unsigned int keks;
	uint64_t secret;
	struct paes_desc taken[HOSTILE_DEPTH];
	unsigned int count;
	struct paes_cqe answered;
};

/*
 * Lives and lets live until fuzz->phase says that it's enough, or somebody
 * kills it.  Its threads' progress is counted from `watch` on.
 */
int hostile_main(unsigned int incarnation, unsigned int watch);

/* What a provider that nobody scribbles on sees is its own. */
void hostile_inspect(const struct hostile *h);
void hostile_inspect_request(const struct hostile *h, const struct paes_desc *desc);

/* A mapping that was never used. */
void hostile_inspect_first(const struct hostile *h);

/*
 * One of its session tokens, whose first byte is `nth`.  It gives them to any
 * key: some of its breaches are answers to another request than it believes.
 */
void hostile_token(const struct hostile *h, uint8_t nth, uint8_t *token);

/* Answers one of the requests taken, rightly or not. */
void hostile_answer(struct rng *r, struct hostile *h, const struct hostile *other);

/* Changes what is shared, where its kind allows that. */
void hostile_scribble(struct rng *r, const struct hostile *h);

#endif
