// SPDX-License-Identifier: GPL-2.0
#include "serve.h"
#include "log.h"
#include "processors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct serve *serve_new(struct token *token, struct ring *ring,
			struct pulse *pulse)
{
	struct serve *serve = calloc(1, sizeof(*serve));

	if (!serve)
		return NULL;
	serve->token = token;
	serve->ring = ring;
	serve->pulse = pulse;
	serve->keys.token = token;
	spin_setup(&serve->spin, processors_usable(), spin_measure_wake());
	serve->engine = engine_new(token);
	if (!serve->engine) {
		free(serve);
		return NULL;
	}
	serve->keys.engine = serve->engine;
	return serve;
}

void serve_free(struct serve *serve)
{
	if (!serve)
		return;
	keys_close_all(&serve->keys);
	engine_free(serve->engine);
	secret_wipe(serve, sizeof(*serve));
	free(serve);
}

/*
 * Publishes what was answered.  When there is nothing more to do, and nothing
 * comes before the wait, the wait itself tells the kernel: one system call for
 * both.
 */
static int serve_publish(struct serve *serve)
{
	serve->untold = ring_publish(serve->ring);
	if (!serve->untold)
		return 0;
	if (!serve->spin.limit && !ring_pending(serve->ring) &&
	    token_is_prepared(serve->token))
		return 0;
	serve->untold = false;
	return ring_enter(serve->ring, false);
}

/*
 * The second try of one request, alone.  What it is answered with, or
 * -EREMOTEIO when it must not be answered by this worker.
 */
static int serve_again(struct serve *serve, struct engine_request *run)
{
	engine_run(serve->engine, run, 1, NULL, NULL);
	if (!run->status)
		return 0;
	if (run->status == -EBADMSG || !keys_works(&serve->keys, run->key))
		return -EREMOTEIO;
	log_error("a request of %u bytes failed twice (%s) under a key that works: answered with an I/O error",
		  run->length, strerror(-run->status));
	return -EIO;
}

/* Tells the kernel now: there is more to do here before this worker waits. */
static int serve_publish_early(struct serve *serve)
{
	serve->untold = false;
	return ring_publish(serve->ring) ? ring_enter(serve->ring, false) : 0;
}

/* Seldom: what is asked of each request must cost nothing. */
static const uint8_t *serve_next_token(struct serve *serve,
				       const struct xtskey *key)
{
	return serve->keys.due ? keys_rotate(&serve->keys, key) : NULL;
}

/*
 * A part of the batch is done: the kernel takes it over while the token works
 * on the next.  What failed is left to serve_answer_failed().
 */
static void serve_answer_round(void *context,
			       struct engine_request *const *requests,
			       unsigned int count)
{
	struct serve *serve = context;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!requests[i]->status)
			ring_answer(serve->ring,
				    &serve->taken[requests[i] - serve->run], 0,
				    serve_next_token(serve, requests[i]->key));
	serve->done += count;
	if (serve->done - serve->told < SERVE_TELL ||
	    serve->done == serve->count || serve->error)
		return;
	serve->told = serve->done;
	serve->error = serve_publish_early(serve);
}

static int serve_answer_failed(struct serve *serve)
{
	int lost = 0;
	unsigned int i;

	for (i = 0; i < serve->count; i++) {
		int status = serve->run[i].status;

		if (!status || lost)
			continue;	/* no use in asking a lost token again */
		/* Who lied once isn't asked again. */
		status = status == -EBADMSG ? -EREMOTEIO :
			 serve_again(serve, &serve->run[i]);
		if (status == -EREMOTEIO)
			lost = status;
		else
			ring_answer(serve->ring, &serve->taken[i], status, NULL);
	}
	return lost;
}

static int serve_batch(struct serve *serve)
{
	int lost, error;

	if (!serve->count)
		return 0;
	pulse_beat(serve->pulse);
	keys_look_at_clock(&serve->keys);
	serve->done = 0;
	serve->told = 0;
	serve->error = 0;
	engine_run(serve->engine, serve->run, serve->count, serve_answer_round,
		   serve);
	lost = serve_answer_failed(serve);
	serve->keys.due = false;
	serve->count = 0;
	error = serve_publish(serve);
	if (lost)
		return lost;
	return serve->error ? serve->error : error;
}

static int serve_refuse(struct serve *serve, const struct ring_request *request,
			int status)
{
	ring_answer(serve->ring, request, status, NULL);
	return serve_publish(serve);
}

/* serve->taken[serve->count] becomes part of the batch, or is refused. */
static int serve_add(struct serve *serve)
{
	const struct ring_request *request = &serve->taken[serve->count];
	const struct paes_desc *desc = &request->desc;
	struct engine_request *run = &serve->run[serve->count];
	const struct xtskey *key;
	int error = keys_find(&serve->keys, desc->key, desc->token, &key);

	if (error)
		return serve_refuse(serve, request, error);
	*run = (struct engine_request){
		.key = key,
		.encrypt = desc->op == PAES_OP_ENCRYPT,
		.length = desc->length,
		.unit_size = desc->unit_size,
		.first_block = desc->first_block,
		.data = request->data,
	};
	memcpy(run->iv, desc->iv, sizeof(run->iv));
	serve->count++;
	return serve->count < ENGINE_BATCH_MAX ? 0 : serve_batch(serve);
}

/* Into the statuses that linux/paes.h has for OPEN. */
static int open_status(int error)
{
	switch (error) {
	case 0:
	case -ENOKEY:
	case -EKEYREJECTED:
	case -EKEYREVOKED:
		return error;
	case -ENOENT:
		return -ENOKEY;
	case -EINVAL:
		return -EKEYREJECTED;
	default:
		return -EIO;
	}
}

/*
 * After an OPEN that the token had trouble with: is it worth staying?  Keys
 * that work are: some tokens serve them on when they can't open new ones.
 */
static bool serve_useful(struct serve *serve)
{
	const struct xtskey *key = keys_any(&serve->keys);
	unsigned char id[1][PAES_ID_SIZE];

	if (key)
		return keys_works(&serve->keys, key);
	return token_list_keks(serve->token, id, 1) > 0;
}

static int serve_open(struct serve *serve, const struct ring_request *request)
{
	uint8_t session[PAES_TOKEN_SIZE] = { 0 };
	struct paes_blob blob;
	int error, status;

	pulse_beat(serve->pulse);
	memcpy(&blob, request->data, sizeof(blob));
	error = keys_open(&serve->keys, request->desc.key, &blob, session);
	secret_wipe(&blob, sizeof(blob));
	status = open_status(error);
	if (status == -EIO && error != -ENOSPC && !serve_useful(serve))
		return -EREMOTEIO;
	log_debug("key %u: %s", request->desc.key,
		  status ? strerror(-status) : "opened");
	/* All zeroes when there is none. */
	ring_answer(serve->ring, request, status, session);
	secret_wipe(session, sizeof(session));
	return serve_publish(serve);
}

static int serve_close(struct serve *serve, const struct ring_request *request)
{
	pulse_beat(serve->pulse);
	keys_close(&serve->keys, request->desc.key);
	log_debug("key %u: closed", request->desc.key);
	ring_answer(serve->ring, request, 0, NULL);
	return serve_publish(serve);
}

/*
 * OPEN and CLOSE: requests that came before are done first, since they may
 * use the key that goes away, and a pointer into the table holds no longer.
 */
static int serve_control(struct serve *serve)
{
	struct ring_request request = serve->taken[serve->count];
	int error = serve_batch(serve);

	if (error)
		return error;
	if (request.desc.op == PAES_OP_OPEN)
		return serve_open(serve, &request);
	return serve_close(serve, &request);
}

static int serve_request(struct serve *serve)
{
	const struct ring_request *request = &serve->taken[serve->count];

	if (request->fault) {
		log_warning("request of kind %u with %u bytes in units of %u makes no sense: refused",
			    request->desc.op, request->desc.length,
			    request->desc.unit_size);
		return serve_refuse(serve, request, request->fault);
	}
	if (request->desc.op == PAES_OP_ENCRYPT ||
	    request->desc.op == PAES_OP_DECRYPT)
		return serve_add(serve);
	return serve_control(serve);
}

static int serve_queued(struct serve *serve)
{
	int got, error = 0;

	/* Load that never ends must not keep it from what interrupts it. */
	while (!error && !serve->ring->interrupted) {
		got = ring_next(serve->ring, &serve->taken[serve->count]);
		if (got < 0)
			return got;
		if (!got)
			return serve_batch(serve);
		error = serve_request(serve);
	}
	return error ? error : serve_batch(serve);
}

static int serve_idle(struct serve *serve)
{
	uint64_t start = spin_clock();
	uint64_t busy = start - serve->busy_since;
	int error = 0;

	/* A token that is slow at this will be ended, as at anything else. */
	while (!ring_pending(serve->ring) && !token_is_prepared(serve->token))
		token_prepare(serve->token);
	pulse_beat(serve->pulse);
	if (!spin_wait(&serve->spin, serve->ring, start))
		error = ring_enter(serve->ring, true);
	else if (serve->untold)
		error = ring_enter(serve->ring, false);
	serve->untold = false;
	/* It may have been a long pause, and tokens age in it. */
	keys_look_at_clock(&serve->keys);
	serve->busy_since = spin_clock();
	spin_learn(&serve->spin, busy, serve->busy_since - start);
	return error;
}

int serve_heed(struct serve *serve)
{
	int closed;

	pulse_beat(serve->pulse);
	closed = keys_heed(&serve->keys);
	/* A successor may, or is at least asked for the key in due form. */
	return closed < 0 ? -EREMOTEIO : closed;
}

int serve_run(struct serve *serve)
{
	int error = 0;

	while (!error && !serve->ring->interrupted) {
		error = serve_queued(serve);
		if (!error && !serve->ring->interrupted)
			error = serve_idle(serve);
	}
	/* What was answered last counts too. */
	if (serve->untold)
		ring_enter(serve->ring, false);
	return error;
}
