// SPDX-License-Identifier: GPL-2.0
/* Counts requests by how long they took. */

#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/seq_file.h>

#include "tally.h"

static unsigned int paes_tally_bucket(u64 us)
{
	return min_t(unsigned int, fls64(us), PAES_TALLY_BUCKETS - 1);
}

/**
 * paes_tally_done() - a request is answered
 * @tally:	of its key
 * @error:	what its caller is told
 * @since:	when it was submitted
 *
 * Any context, no lock.
 */
void paes_tally_done(struct paes_tally *tally, int error, ktime_t since)
{
	u64 us;

	if (error) {
		atomic_long_inc(&tally->failed);
		return;
	}
	us = max_t(s64, ktime_us_delta(ktime_get(), since), 0);
	atomic_long_inc(&tally->latency[paes_tally_bucket(us)]);
	atomic64_add(us, &tally->latency_us);
}

/**
 * paes_tally_finished() - how many requests are answered, rightly or not
 * @tally:	read without a lock: read this before what it's taken from
 */
unsigned long paes_tally_finished(const struct paes_tally *tally)
{
	unsigned long finished = atomic_long_read(&tally->failed);
	unsigned int i;

	for (i = 0; i < PAES_TALLY_BUCKETS; i++)
		finished += atomic_long_read(&tally->latency[i]);
	return finished;
}

/**
 * paes_tally_show() - times as text: their sum in us, a blank, the buckets
 * @file:	gets them up to the last that isn't empty, with commas between
 * @tally:	read without a lock
 */
void paes_tally_show(struct seq_file *file, const struct paes_tally *tally)
{
	unsigned int i, used = PAES_TALLY_BUCKETS;

	while (used > 1 && !atomic_long_read(&tally->latency[used - 1]))
		used--;
	seq_printf(file, "%lld ", atomic64_read(&tally->latency_us));
	for (i = 0; i < used; i++)
		seq_printf(file, "%s%lu", i ? "," : "",
			   atomic_long_read(&tally->latency[i]));
}
