/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A token and an engine that do as the test says.  "AES" is an exclusive or
 * with one byte; a blob's first recipient names the two halves and the result
 * of opening it.
 */
#ifndef TESTS_PAESD_FAKETOKEN_H
#define TESTS_PAESD_FAKETOKEN_H

#include "engine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

struct fake_token {
	unsigned int runs, opened, closed;
	unsigned int forgotten;		/* keys, by the engine */
	unsigned int run_sizes[64];
	unsigned int failures;		/* requests still to fail, in order */
	unsigned int unprepared;	/* operations to begin ahead */
	const unsigned int *enters;	/* counted by somebody */
	unsigned int prepared_after;	/* how many of these */
	bool lost;			/* every call fails */
	bool forgets;			/* keys give wrong answers, with success */
	bool lies;			/* the next request, but no known block */
	bool forgets_known;		/* but only token_encrypt() shows it */
	int keks;
	int open_error;
	volatile sig_atomic_t *interrupts;	/* set by each run */
	uint32_t fails_length;		/* requests of this size always fail */
};

static struct fake_token fake;

static inline void fake_aes(token_key key, const void *in, void *out,
			    size_t size)
{
	const unsigned char *from = in;
	unsigned char *to = out;

	for (size_t i = 0; i < size; i++)
		to[i] = from[i] ^ (unsigned char)key;
}

int token_encrypt(struct token *token, token_key key, const void *in, void *out,
		  size_t size)
{
	(void)token;
	if (fake.lost)
		return -EIO;
	fake_aes(fake.forgets || fake.forgets_known ? key + 1 : key, in, out, size);
	return 0;
}

bool token_is_prepared(struct token *token)
{
	(void)token;
	return !fake.unprepared;
}

void token_prepare(struct token *token)
{
	(void)token;
	fake.unprepared--;
	fake.prepared_after = fake.enters ? *fake.enters : 0;
}

int token_list_keks(struct token *token, unsigned char ids[][PAES_ID_SIZE],
		    unsigned int max)
{
	(void)token;
	(void)ids;
	(void)max;
	return fake.lost ? -EIO : fake.keks;
}

int xtskey_open(struct xtskey *key, struct token *token,
		const struct paes_blob *blob)
{
	(void)token;
	if (fake.lost)
		return -EIO;
	if (fake.open_error)
		return fake.open_error;
	key->k1 = blob->recipient[0].k1[0];
	key->k2 = blob->recipient[0].k2[0];
	fake_aes(key->k1, PAES_KNOWN_BLOCK, key->known1, sizeof(key->known1));
	fake_aes(key->k2, PAES_KNOWN_BLOCK, key->known2, sizeof(key->known2));
	fake.opened++;
	return 0;
}

void engine_forget(struct engine *engine, const struct xtskey *key)
{
	(void)engine;
	fake.forgotten += key->k2 != TOKEN_NO_KEY;
}

void xtskey_close(struct xtskey *key, struct token *token)
{
	(void)token;
	/* The engine must not know it longer than the token does. */
	assert_int_equal(fake.forgotten, fake.closed + 1);
	memset(key, 0, sizeof(*key));
	fake.closed++;
}

struct engine {
	int nothing;
};

static struct engine the_engine;

struct engine *engine_new(struct token *token)
{
	(void)token;
	return &the_engine;
}

void engine_free(struct engine *engine)
{
	(void)engine;
}

static inline void fake_run(struct engine_request *request)
{
	request->status = -EIO;
	if (fake.lost || fake.forgets || request->length == fake.fails_length)
		return;
	if (fake.lies) {
		fake.lies = false;
		request->status = -EBADMSG;
		return;
	}
	if (fake.failures) {
		fake.failures--;
		return;
	}
	fake_aes(request->key->k1, request->data, request->data,
		 request->length);
	request->status = 0;
}

enum {
	FAKE_ROUND = 8,		/* requests whose answers come together */
};

void engine_run(struct engine *engine, struct engine_request *requests,
		unsigned int count, engine_done *done, void *context)
{
	struct engine_request *round[FAKE_ROUND];
	unsigned int n = 0;

	(void)engine;
	fake.run_sizes[fake.runs++ % 64] = count;
	if (fake.interrupts)
		*fake.interrupts = 1;
	for (unsigned int i = 0; i < count; i++) {
		fake_run(&requests[i]);
		round[n++] = &requests[i];
		if (done && (n == FAKE_ROUND || i == count - 1)) {
			done(context, round, n);
			n = 0;
		}
	}
}

#endif
