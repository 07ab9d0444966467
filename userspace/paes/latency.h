/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counts of things by how long they took: a JSON array, of which place n counts
 * what took less than 2^n us, and no less than half of that; the last of
 * LATENCY_BUCKETS has no upper end.
 */
#ifndef PAES_LATENCY_H
#define PAES_LATENCY_H

#include "jsonfile.h"

enum {
	LATENCY_BUCKETS = 28,
};

/* No less than 0, and no more than can be summed up: what paesd says may be anything. */
long long latency_count(struct json_object *buckets, size_t place);
long long latency_total(struct json_object *buckets);

/* "<263ms", rounded up: what `percent` of them did not exceed; "-" for none. */
void latency_percentile(struct json_object *buckets, unsigned int percent,
			char *text, size_t size);

#endif
