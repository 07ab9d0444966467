// SPDX-License-Identifier: GPL-2.0
/* How long a worker looks at its ring before it sleeps. */
#include "paesd_kernel.h"

#include "../paesd/spin.h"

enum {
	WAKE_NS = 15000,
	LONGEST_NS = SPIN_WAKES * WAKE_NS,
	SHORT_NS = SPIN_SHORT * LONGEST_NS,
};

static struct spin spin;

static int start(void **state)
{
	(void)state;
	spin_setup(&spin, 2, WAKE_NS);
	return 0;
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
		TEST(follows_the_pauses),
		TEST(is_for_little_work),
		TEST(gives_up_in_vain),
		TEST(keeps_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
