// SPDX-License-Identifier: GPL-2.0
#include "speed.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { CALLS_OF_LATENCY = 101 };

static const uint64_t SECOND = 1000000000;

const size_t speed_sizes[SPEED_SIZES] = {
	4096, 16384, 65536, 262144, 1048576,
};

typedef int crypt_call(struct token *token, token_key key, const void *in,
		       void *out, size_t size);

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/* The first call is another: an operation is begun, memory had for the first time. */
static int measure(crypt_call *call, struct token *token, token_key key,
		   void *data, size_t size, double *rate)
{
	int error = call(token, key, data, data, size);
	uint64_t start = now(), taken = 0;
	double bytes = 0;

	while (!error && taken < SECOND / 4) {
		error = call(token, key, data, data, size);
		bytes += (double)size;
		taken = now() - start;
	}
	*rate = error ? 0 : bytes * (double)SECOND / (double)taken;
	return error;
}

int speed_measure(struct token *token, token_key key, size_t size,
		  struct speed *speed)
{
	CLEANUP(free) void *data = calloc(1, size);
	int error = data ? 0 : -ENOMEM;

	if (!error)
		error = measure(token_encrypt_stream, token, key, data, size,
				&speed->encrypt);
	if (!error)
		error = measure(token_decrypt_quick, token, key, data, size,
				&speed->decrypt);
	return error;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int speed_latency(struct token *token, token_key key, double *us)
{
	unsigned char block[PAES_AES_BLOCK] = { 0 };
	uint64_t taken[CALLS_OF_LATENCY];

	for (int i = 0; i < CALLS_OF_LATENCY; i++) {
		uint64_t start = now();
		int error = token_decrypt(token, key, block, block,
					  sizeof(block));

		taken[i] = now() - start;
		if (error)
			return error;
	}
	qsort(taken, CALLS_OF_LATENCY, sizeof(*taken), compare);
	*us = (double)taken[CALLS_OF_LATENCY / 2] / 1000;
	return 0;
}
