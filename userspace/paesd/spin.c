// SPDX-License-Identifier: GPL-2.0
#include "spin.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOKS_A_CLOCK = 32,	/* looks at the ring for each look at the clock */
};

void spin_setup(struct spin *spin, unsigned int processors)
{
	spin->most = processors > 1 ? SPIN_MAX_NS : 0;
	spin->limit = 0;
}

unsigned int spin_processors(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned int)CPU_COUNT(&set);
	/* More processors than cpu_set_t has room for. */
	return online > 0 ? (unsigned int)online : 1;
}

uint64_t spin_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool spin_look(const struct ring *ring)
{
	int i;

	for (i = 0; i < LOOKS_A_CLOCK; i++) {
		if (ring_pending(ring))
			return true;
		spin_pause();
	}
	return false;
}

bool spin_wait(const struct spin *spin, const struct ring *ring)
{
	uint64_t end;

	if (ring_pending(ring))
		return true;
	if (!spin->limit)
		return false;
	end = spin_clock() + spin->limit;
	do {
		if (spin_look(ring))
			return true;
	} while (spin_clock() < end && !ring->interrupted);
	return false;
}

void spin_learn(struct spin *spin, uint64_t idle)
{
	if (idle > SPIN_SHORT_NS)
		spin->limit /= 2;
	else if (spin->limit < SPIN_START_NS)
		spin->limit = SPIN_START_NS;
	else
		spin->limit *= 2;
	if (spin->limit > spin->most)
		spin->limit = spin->most;
	if (spin->limit < SPIN_START_NS)
		spin->limit = 0;
}
