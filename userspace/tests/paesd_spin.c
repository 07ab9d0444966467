// SPDX-License-Identifier: GPL-2.0
/* How long a worker looks at its ring before it sleeps. */
#include "paesd_kernel.h"

#include "../paesd/spin.h"

#include <time.h>

enum {
	WAKE_NS = 15000,
	LONGEST_NS = SPIN_WAKES * WAKE_NS,
	SHORT_NS = SPIN_SHORT * LONGEST_NS,
	LOOK_NS = 50,
};

static struct spin spin;

/* A clock that goes on by LOOK_NS with each look at the ring. */
static struct {
	bool on;
	uint64_t looks, reads;
	uint64_t pending_at;		/* looks until there is something */
	uint64_t signal_at;		/* and until a signal */
	struct ring ring;
} fake;

bool __wrap_ring_pending(const struct ring *ring);
bool __wrap_ring_pending(const struct ring *ring)
{
	(void)ring;
	fake.ring.interrupted |= ++fake.looks == fake.signal_at;
	return fake.looks >= fake.pending_at;
}

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	if (!fake.on)
		return __real_clock_gettime(clock, time);
	fake.reads++;
	*time = (struct timespec){ .tv_nsec = (long)(fake.looks * LOOK_NS) };
	return 0;
}

static int start(void **state)
{
	(void)state;
	spin_setup(&spin, 2, WAKE_NS);
	memset(&fake, 0, sizeof(fake));
	return 0;
}

static bool waits(uint64_t pending_at)
{
	fake.on = true;
	fake.looks = 0;
	fake.reads = 0;
	fake.pending_at = pending_at;
	return spin_wait(&spin, &fake.ring, 0);
}

static void looks_until_the_time_is_over(void **state)
{
	(void)state;
	for (spin.limit = SPIN_START_NS; spin.limit <= SPIN_MOST_NS; spin.limit *= 2) {
		assert_false(waits(UINT64_MAX));
		assert_in_range(fake.looks * LOOK_NS, spin.limit,
				spin.limit * 3 / 2 + LOOK_NS);
		/* Who looks all the time doesn't read the clock all the time. */
		assert_in_range(fake.reads, 1, 12);
	}
}

static void sees_what_comes_at_once(void **state)
{
	(void)state;
	spin.limit = SPIN_MOST_NS;
	for (uint64_t at = 1; at < SPIN_MOST_NS / LOOK_NS; at += 37) {
		assert_true(waits(at));
		assert_int_equal(fake.looks, at);
	}
	/* Mostly it's there by then. */
	assert_true(waits(20));
	assert_int_equal(fake.reads, 0);
}

static void looks_once_without_time(void **state)
{
	(void)state;
	spin.limit = 0;
	assert_false(waits(UINT64_MAX));
	assert_int_equal(fake.looks, 1);
}

static void ends_when_interrupted(void **state)
{
	(void)state;
	spin.limit = SPIN_MOST_NS;
	fake.signal_at = 100;
	assert_false(waits(UINT64_MAX));
	assert_in_range(fake.looks, 100, 300);
	/* And doesn't begin again. */
	assert_false(waits(UINT64_MAX));
	assert_int_equal(fake.looks, 1);
}

static void learn(uint64_t idle, int times)
{
	while (times--)
		spin_learn(&spin, 0, idle);
}

static void follows_the_pauses(void **state)
{
	(void)state;
	assert_int_equal(spin.limit, 0);
	learn(SHORT_NS, 1);
	assert_int_equal(spin.limit, SPIN_START_NS);
	learn(SPIN_START_NS, 10);
	assert_int_equal(spin.limit, SPIN_START_NS);
	learn(SHORT_NS, 5);
	assert_int_equal(spin.limit, LONGEST_NS);
	learn(SHORT_NS + 1, 10);
	assert_int_equal(spin.limit, 0);
}

/* Of a token that takes milliseconds, say: its workers are many. */
static void is_for_little_work(void **state)
{
	(void)state;
	spin.limit = spin.most;
	spin_learn(&spin, LONGEST_NS, 1000);
	assert_int_equal(spin.limit, LONGEST_NS);
	for (int i = 0; i < 10; i++)
		spin_learn(&spin, LONGEST_NS + 1, 1000);
	assert_int_equal(spin.limit, 0);
}

/* Pauses that the longest doesn't outlast: it would only burn the processor. */
static void gives_up_in_vain(void **state)
{
	(void)state;
	spin.limit = spin.most;
	learn(LONGEST_NS + 1, SPIN_MISSES - 1);
	learn(LONGEST_NS, 1);
	learn(LONGEST_NS + 1, SPIN_MISSES - 1);
	assert_int_equal(spin.limit, LONGEST_NS);
	learn(LONGEST_NS + 1, 1);
	assert_int_equal(spin.limit, 0);
	learn(1000, SPIN_REST);
	assert_int_equal(spin.limit, 0);
	learn(1000, 1);
	assert_int_equal(spin.limit, SPIN_START_NS);
}

static void keeps_within_bounds(void **state)
{
	(void)state;
	spin_setup(&spin, 2, 0);
	assert_int_equal(spin.most, SPIN_LEAST_NS);
	spin_setup(&spin, 2, UINT64_MAX / SPIN_WAKES);
	assert_int_equal(spin.most, SPIN_MOST_NS);
	spin_setup(&spin, 1, WAKE_NS);
	learn(0, 10);
	learn(1, 10);
	assert_int_equal(spin.limit, 0);
	assert_in_range(spin_measure_wake(), 1, 1000000000);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(looks_until_the_time_is_over),
		TEST(sees_what_comes_at_once),
		TEST(looks_once_without_time),
		TEST(ends_when_interrupted),
		TEST(follows_the_pauses),
		TEST(is_for_little_work),
		TEST(gives_up_in_vain),
		TEST(keeps_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
