/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What became of a key's requests, and how long they took.
 */
#ifndef PAES_TALLY_H
#define PAES_TALLY_H

#include <linux/atomic.h>
#include <linux/ktime.h>

struct seq_file;

enum {
	PAES_TALLY_BUCKETS = 28,	/* the last but one ends at 67 s */
};

/**
 * struct paes_tally - see above
 * @taken:	requests that left the key's queue and aren't back in it; the
 *		key's lock
 * @reissued:	times that a request came back from a provider; the key's lock
 * @failed:	requests answered with an error
 * @latency:	requests answered with success: in bucket n those that took less
 *		than 2^n us and no less than half of that; in the last all others
 * @latency_us:	how long these took together
 */
struct paes_tally {
	unsigned long taken;
	unsigned long reissued;
	atomic_long_t failed;
	atomic_long_t latency[PAES_TALLY_BUCKETS];
	atomic64_t latency_us;
};

void paes_tally_done(struct paes_tally *tally, int error, ktime_t since);
void paes_tally_show(struct seq_file *file, const struct paes_tally *tally);
unsigned long paes_tally_finished(const struct paes_tally *tally);

#endif
