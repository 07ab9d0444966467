/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAES_PROCESSORS_H
#define PAES_PROCESSORS_H

#include <sched.h>
#include <unistd.h>

/* That this process may run on, a cpuset or taskset considered: at least 1. */
static inline unsigned int processors_usable(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned int)CPU_COUNT(&set);
	/* More processors than cpu_set_t has room for. */
	return online > 0 ? (unsigned int)online : 1;
}

#endif
