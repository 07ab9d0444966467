/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of the whole module, in /sys/class/misc/paes/stats/, one number a
 * file.
 */
#ifndef PAES_STATS_H
#define PAES_STATS_H

#include <linux/percpu.h>
#include <linux/sysfs.h>

enum paes_stat {
	PAES_STAT_SUBMITTED,	/* data requests taken from the crypto API */
	PAES_STAT_COMPLETED,	/* answered with success */
	PAES_STAT_FAILED,	/* answered with an error */
	PAES_STAT_BACKLOGGED,	/* that found the key's queue full */
	PAES_STAT_ISSUED,	/* descriptors given to providers */
	PAES_STAT_REISSUED,	/* taken back from a provider that went away */
	PAES_STAT_HELD,		/* that found no provider and waited */
	PAES_STAT_EXPIRED,	/* that waited in vain for hold_seconds */
	PAES_STAT_OPENED,	/* wrapped keys accepted */
	PAES_STAT_REJECTED,	/* wrapped keys refused */
	PAES_STAT_STALE,	/* requests refused for their session token */
	PAES_STAT_ROTATED,	/* session tokens that another one followed */
	PAES_STAT_REVOKED,	/* requests refused because their key is revoked */
	PAES_STAT_INVALID,	/* providers broken by an invalid completion */
	PAES_STAT_OVERDUE,	/* providers broken because they did not answer */
	PAES_STATS,
};

struct paes_counters {
	unsigned long count[PAES_STATS];
};

DECLARE_PER_CPU(struct paes_counters, paes_counters);

/**
 * paes_stat_inc() - count one event
 * @stat: what happened
 *
 * Any context.
 */
static inline void paes_stat_inc(enum paes_stat stat)
{
	this_cpu_inc(paes_counters.count[stat]);
}

extern const struct attribute_group *paes_stats_groups[];

#endif
