// SPDX-License-Identifier: GPL-2.0
#include "latency.h"

#include <stdio.h>

/* A million a second for thirty years; so many, times 100, can be summed up. */
#define COUNT_MAX	1000000000000000ll

long long latency_count(struct json_object *buckets, size_t place)
{
	long long count;

	if (!json_object_is_type(buckets, json_type_array) ||
	    place >= json_object_array_length(buckets))
		return 0;
	count = json_object_get_int64(json_object_array_get_idx(buckets, place));
	if (count < 0)
		return 0;
	return count < COUNT_MAX ? count : COUNT_MAX;
}

long long latency_total(struct json_object *buckets)
{
	long long total = 0;

	for (size_t i = 0; i < LATENCY_BUCKETS; i++)
		total += latency_count(buckets, i);
	return total;
}

/* At most three digits, and never less than it is. */
static void format_us(unsigned long long us, char *text, size_t size)
{
	static const char *const units[] = { "us", "ms", "s" };
	unsigned int unit = 0;
	unsigned long long tenths = us * 10;

	while (tenths >= 10000 && unit < 2) {
		tenths = (tenths + 999) / 1000;
		unit++;
	}
	if (tenths >= 100 || tenths % 10 == 0)
		snprintf(text, size, "<%llu%s", (tenths + 9) / 10, units[unit]);
	else
		snprintf(text, size, "<%llu.%llu%s", tenths / 10, tenths % 10,
			 units[unit]);
}

void latency_percentile(struct json_object *buckets, unsigned int percent,
			char *text, size_t size)
{
	long long total = latency_total(buckets), seen = 0;
	size_t place = 0;

	if (!total) {
		snprintf(text, size, "-");
		return;
	}
	while (place < LATENCY_BUCKETS &&
	       (seen += latency_count(buckets, place)) * 100 < total * percent)
		place++;
	if (place >= LATENCY_BUCKETS - 1)
		snprintf(text, size, ">=%llus",
			 (1ull << (LATENCY_BUCKETS - 2)) / 1000000);
	else
		format_us(1ull << place, text, size);
}
