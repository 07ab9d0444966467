/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers from a seed: the same seed and stream give the same ones again.
 * Nothing secret is made of them.
 */
#ifndef PAES_TEST_RNG_H
#define PAES_TEST_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* Streams of one seed have nothing in common. */
void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);

uint64_t rng_next(struct rng *r);

/* 0 to n - 1; n is not 0. */
unsigned int rng_below(struct rng *r, unsigned int n);

/* True once in n times. */
bool rng_one_in(struct rng *r, unsigned int n);

void rng_fill(struct rng *r, void *bytes, size_t length);

#endif
