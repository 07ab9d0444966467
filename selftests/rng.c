// SPDX-License-Identifier: GPL-2.0
/* SplitMix64, by Sebastiano Vigna: in the public domain. */
#include <string.h>

#include "rng.h"

uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
	r->state = seed;
	r->state = rng_next(r) ^ stream;
	r->state = rng_next(r);
}

unsigned int rng_below(struct rng *r, unsigned int n)
{
	return (rng_next(r) >> 32) * n >> 32;
}

bool rng_one_in(struct rng *r, unsigned int n)
{
	return !rng_below(r, n);
}

void rng_fill(struct rng *r, void *bytes, size_t length)
{
	uint8_t *to = bytes;
	uint64_t word;
	size_t n;

	for (; length; length -= n, to += n) {
		word = rng_next(r);
		n = length < sizeof(word) ? length : sizeof(word);
		memcpy(to, &word, n);
	}
}
