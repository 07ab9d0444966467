// SPDX-License-Identifier: GPL-2.0
/* The module's counters and their files. */

#include <linux/device.h>
#include <linux/kernel.h>

#include "stats.h"

DEFINE_PER_CPU(struct paes_counters, paes_counters);

struct paes_stat_attribute {
	struct device_attribute attr;
	enum paes_stat stat;
};

static ssize_t paes_stat_show(struct device *dev,
			      struct device_attribute *attr, char *buf)
{
	struct paes_stat_attribute *a =
		container_of(attr, struct paes_stat_attribute, attr);
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(paes_counters, cpu).count[a->stat]);
	return sysfs_emit(buf, "%lu\n", sum);
}

#define PAES_STAT_ATTR(_name, _stat)					\
	static struct paes_stat_attribute stat_##_name = {		\
		.attr = __ATTR(_name, 0444, paes_stat_show, NULL),	\
		.stat = _stat,						\
	}

PAES_STAT_ATTR(submitted, PAES_STAT_SUBMITTED);
PAES_STAT_ATTR(completed, PAES_STAT_COMPLETED);
PAES_STAT_ATTR(failed, PAES_STAT_FAILED);
PAES_STAT_ATTR(backlogged, PAES_STAT_BACKLOGGED);
PAES_STAT_ATTR(issued, PAES_STAT_ISSUED);
PAES_STAT_ATTR(reissued, PAES_STAT_REISSUED);
PAES_STAT_ATTR(held, PAES_STAT_HELD);
PAES_STAT_ATTR(expired, PAES_STAT_EXPIRED);
PAES_STAT_ATTR(opened, PAES_STAT_OPENED);
PAES_STAT_ATTR(rejected, PAES_STAT_REJECTED);
PAES_STAT_ATTR(stale, PAES_STAT_STALE);
PAES_STAT_ATTR(rotated, PAES_STAT_ROTATED);
PAES_STAT_ATTR(revoked, PAES_STAT_REVOKED);
PAES_STAT_ATTR(invalid, PAES_STAT_INVALID);
PAES_STAT_ATTR(overdue, PAES_STAT_OVERDUE);

static struct attribute *paes_stat_attrs[] = {
	&stat_submitted.attr.attr,
	&stat_completed.attr.attr,
	&stat_failed.attr.attr,
	&stat_backlogged.attr.attr,
	&stat_issued.attr.attr,
	&stat_reissued.attr.attr,
	&stat_held.attr.attr,
	&stat_expired.attr.attr,
	&stat_opened.attr.attr,
	&stat_rejected.attr.attr,
	&stat_stale.attr.attr,
	&stat_rotated.attr.attr,
	&stat_revoked.attr.attr,
	&stat_invalid.attr.attr,
	&stat_overdue.attr.attr,
	NULL
};

static const struct attribute_group paes_stats_group = {
	.name = "stats",
	.attrs = paes_stat_attrs,
};

const struct attribute_group *paes_stats_groups[] = {
	&paes_stats_group,
	NULL
};
