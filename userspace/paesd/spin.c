// SPDX-License-Identifier: GPL-2.0
#include "spin.h"

#include <sched.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Looks at the ring before the clock is looked at, at first and at most. */
	LOOKS_LEAST	= 32,
	LOOKS_MOST	= 4096,
};

void spin_setup(struct spin *spin, unsigned int processors, uint64_t wake)
{
	uint64_t most = SPIN_WAKES * wake;

	if (most < SPIN_LEAST_NS)
		most = SPIN_LEAST_NS;
	if (most > SPIN_MOST_NS)
		most = SPIN_MOST_NS;
	*spin = (struct spin){ .most = processors > 1 ? most : 0 };
}

/* How much longer than asked for a short sleep is. */
uint64_t spin_measure_wake(void)
{
	struct timespec nap = { .tv_nsec = 10000 };
	uint64_t least = UINT64_MAX;

	prctl(PR_SET_TIMERSLACK, 1UL);
	for (int i = 0; i < 5; i++) {
		uint64_t start = spin_clock();
		uint64_t late;

		nanosleep(&nap, NULL);
		late = spin_clock() - start - (uint64_t)nap.tv_nsec;
		if (late < least)
			least = late;
	}
	prctl(PR_SET_TIMERSLACK, 0UL);
	return least;
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

static bool spin_look(const struct ring *ring, unsigned int looks)
{
	while (looks--) {
		if (ring_pending(ring))
			return true;
		spin_pause();
	}
	return false;
}

/* The clock may be a system call: it's read after ever more looks. */
bool spin_wait(const struct spin *spin, const struct ring *ring, uint64_t start)
{
	unsigned int looks = LOOKS_LEAST;
	uint64_t spent = 0;

	if (ring_pending(ring))
		return true;
	while (spent < spin->limit && !ring->interrupted) {
		if (spin_look(ring, looks))
			return true;
		spent = spin_clock() - start;
		/* As many as all so far, unless that were a large part of it. */
		if (spent < spin->limit / 4 && looks < LOOKS_MOST)
			looks *= 2;
	}
	return false;
}

static void spin_set(struct spin *spin, uint64_t limit)
{
	spin->limit = limit < spin->most ? limit : spin->most;
	if (spin->limit < SPIN_START_NS)
		spin->limit = 0;
}

/* A short pause, but too long. */
static void spin_miss(struct spin *spin)
{
	if (spin->limit < spin->most) {
		spin_set(spin, spin->limit ? 2 * spin->limit : SPIN_START_NS);
	} else if (++spin->misses == SPIN_MISSES) {
		spin->rest = SPIN_REST;
		spin->misses = 0;
		spin->limit = 0;
	}
}

void spin_learn(struct spin *spin, uint64_t busy, uint64_t idle)
{
	if (spin->rest) {
		spin->rest--;
	} else if (busy > spin->most) {
		spin_set(spin, spin->limit / 2);
	} else if (idle > SPIN_SHORT * spin->most) {
		spin_set(spin, spin->limit / 2);
	} else if (idle > spin->limit) {
		spin_miss(spin);
	} else {
		spin->misses = 0;
	}
}
