// SPDX-License-Identifier: GPL-2.0
#include "figures.h"

static uint64_t read_one(const uint64_t *figure)
{
	return __atomic_load_n(figure, __ATOMIC_RELAXED);
}

/* There is one writer, so this need not be atomic as a whole. */
static void increase(uint64_t *figure, uint64_t by)
{
	__atomic_store_n(figure, *figure + by, __ATOMIC_RELAXED);
}

void figures_call(struct figures *figures, uint64_t ns)
{
	uint64_t us = ns / 1000;
	unsigned int bucket = us ? 64 - (unsigned int)__builtin_clzll(us) : 0;

	if (bucket >= FIGURES_BUCKETS)
		bucket = FIGURES_BUCKETS - 1;
	increase(&figures->calls[bucket], 1);
	increase(&figures->calls_us, us);
}

void figures_error(struct figures *figures, unsigned int place)
{
	if (place < FIGURES_ERRORS)
		increase(&figures->errors[place], 1);
}

void figures_add(struct figures *sum, const struct figures *part)
{
	unsigned int i;

	for (i = 0; i < FIGURES_BUCKETS; i++)
		sum->calls[i] += read_one(&part->calls[i]);
	sum->calls_us += read_one(&part->calls_us);
	for (i = 0; i < FIGURES_ERRORS; i++)
		sum->errors[i] += read_one(&part->errors[i]);
}
