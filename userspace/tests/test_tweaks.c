// SPDX-License-Identifier: GPL-2.0
/* What is made ahead, and for whom; the token is played by make(). */
#include "support.h"

#include "tweaks.h"
#include "xts.h"

#include <string.h>

enum { STRIDE = 8 };

static struct tweaks *tweaks;

static int start(void **state)
{
	(void)state;
	tweaks = tweaks_new();
	return tweaks ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	tweaks_free(tweaks);
	return 0;
}

static struct xtskey key_of(token_key handle, uint8_t known)
{
	return (struct xtskey){ .k1 = handle + 1000, .k2 = handle,
				.known2 = { known } };
}

/* The tweak value, changed by the key. */
static void make(const struct xtskey *key, uint8_t *blocks, size_t size)
{
	for (size_t i = 0; i < size; i++)
		blocks[i] ^= key->known2[0];
}

static struct tweaks_span span_at(const struct xtskey *key, uint8_t iv[16],
				  uint64_t sector)
{
	memset(iv, 0, 16);
	memcpy(iv, &sector, sizeof(sector));
	return (struct tweaks_span){ key, iv, 1, STRIDE };
}

/* One request as the engine does it; returns how many tweaks its call made. */
static size_t request(const struct xtskey *key, uint64_t sector)
{
	uint8_t iv[16], expected[16], got[16], ahead[TWEAKS_ASK_MAX];
	struct tweaks_span span = span_at(key, iv, sector);
	bool here = tweaks_get(tweaks, &span, got);
	size_t size;

	memcpy(expected, iv, 16);
	make(key, expected, 16);
	if (here)
		assert_memory_equal(got, expected, 16);
	tweaks_note(tweaks, &span);
	size = tweaks_ask(tweaks, key, ahead);
	assert_true(!here || !size);
	make(key, ahead, size);
	if (size)
		tweaks_put(tweaks, key, ahead);
	return here ? 0 : 1 + size / 16;
}

static void check_sequence(const struct xtskey *key, uint64_t step)
{
	uint64_t sector = 1000;

	assert_int_equal(request(key, sector), 1);
	for (int window = 0; window < 3; window++) {
		assert_int_equal(request(key, sector += step), 1 + TWEAKS_AHEAD);
		for (int i = 0; i < TWEAKS_AHEAD; i++)
			assert_int_equal(request(key, sector += step), 0);
	}
}

static void test_sequence(void **state)
{
	const struct xtskey key = key_of(7, 1), other = key_of(9, 2);

	(void)state;
	check_sequence(&key, STRIDE);
	check_sequence(&other, 1);
}

/* Some of a sequence are served by others. */
static void test_gaps(void **state)
{
	const struct xtskey key = key_of(7, 1);

	(void)state;
	assert_int_equal(request(&key, 0), 1);
	assert_int_equal(request(&key, 3 * STRIDE), 1 + TWEAKS_AHEAD);
	for (int i = 5; i < 60; i += 3)
		assert_int_equal(request(&key, (uint64_t)i * STRIDE), 0);
	assert_int_equal(request(&key, 1000 * STRIDE), 1);
}

static void test_random(void **state)
{
	const struct xtskey key = key_of(7, 1);
	uint64_t sector = 1;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		sector = sector * 6364136223846793005u + 1442695040888963407u;
		assert_int_equal(request(&key, sector >> 20), 1);
	}
}

/* As many readers as a key can have, and a stray request now and then. */
static void test_interleaved(void **state)
{
	const struct xtskey key = key_of(7, 1);
	size_t made = 0;

	(void)state;
	for (uint64_t i = 0; i < 66; i++) {
		for (uint64_t r = 0; r < TWEAKS_TRAILS - 1; r++)
			made += request(&key, 100000 * r + i * STRIDE) > 0;
		request(&key, 7000000 + 1001 * i);
	}
	assert_int_equal(made, 2 * (TWEAKS_TRAILS - 1));
}

static void test_many_keys(void **state)
{
	struct xtskey keys[64];
	size_t made = 0;

	(void)state;
	for (unsigned int k = 0; k < 64; k++)
		keys[k] = key_of(2 + 2 * k, (uint8_t)(k + 1));
	for (uint64_t i = 0; i < 66; i++)
		for (unsigned int k = 0; k < 64; k++)
			made += request(&keys[k], 500 + i) > 0;
	assert_int_equal(made, 2 * 64);
}

/* More sequences than there are windows: each right, none but late. */
static void test_too_many(void **state)
{
	struct xtskey keys[2 * TWEAKS_WINDOWS];

	(void)state;
	for (unsigned int k = 0; k < 2 * TWEAKS_WINDOWS; k++)
		keys[k] = key_of(2 + 2 * k, (uint8_t)k);
	for (uint64_t i = 0; i < 5; i++)
		for (unsigned int k = 0; k < 2 * TWEAKS_WINDOWS; k++)
			request(&keys[k], 500 + i);
}

static void test_units(void **state)
{
	const struct xtskey key = key_of(7, 1);
	uint8_t iv[16], got[TWEAKS_AHEAD * 16];
	struct tweaks_span span = span_at(&key, iv, 102);

	(void)state;
	span.stride = 1;
	request(&key, 100);
	request(&key, 101);
	for (span.units = 1; span.units <= TWEAKS_AHEAD; span.units++)
		assert_true(tweaks_get(tweaks, &span, got));
	assert_int_equal(got[16 * (TWEAKS_AHEAD - 1)], (102 + TWEAKS_AHEAD - 1) ^ 1);
	assert_false(tweaks_get(tweaks, &span, got));
	span = span_at(&key, iv, 103);
	span.stride = 1;
	span.units = TWEAKS_AHEAD;
	assert_false(tweaks_get(tweaks, &span, got));
}

/* Units of several requests are as far apart as the requests. */
static void test_strides(void **state)
{
	const struct xtskey key = key_of(7, 1);
	uint8_t iv[16], got[TWEAKS_AHEAD * 16];
	struct tweaks_span span = span_at(&key, iv, 1000 + 2 * STRIDE);
	uint64_t last = 1000 + (TWEAKS_AHEAD + 1) * STRIDE;

	(void)state;
	request(&key, 1000);
	request(&key, 1000 + STRIDE);
	for (span.units = 1; span.units <= TWEAKS_AHEAD; span.units++)
		assert_true(tweaks_get(tweaks, &span, got));
	assert_int_equal(got[16 * (TWEAKS_AHEAD - 1)], (last & 0xff) ^ 1);
	assert_false(tweaks_get(tweaks, &span, got));
	span.units = 2;
	assert_true(tweaks_get(tweaks, &span, got));
	span.stride = 1;
	assert_false(tweaks_get(tweaks, &span, got));
	span.stride = 2 * STRIDE;
	assert_false(tweaks_get(tweaks, &span, got));
	/* It goes on behind its last unit. */
	span.units = TWEAKS_AHEAD;
	span.stride = STRIDE;
	tweaks_note(tweaks, &span);
	assert_int_equal(request(&key, last + STRIDE), 1 + TWEAKS_AHEAD);
}

/* Where the lower half of the tweak value ends, so does a sequence: but right. */
static void test_carry(void **state)
{
	const struct xtskey key = key_of(7, 1);
	uint8_t iv[16], next[16], got[16];
	struct tweaks_span span = span_at(&key, iv, UINT64_MAX);

	(void)state;
	request(&key, UINT64_MAX - 2);
	request(&key, UINT64_MAX - 1);
	assert_true(tweaks_get(tweaks, &span, got));
	xts_iv_add(next, iv, 1);
	span.iv = next;
	assert_false(tweaks_get(tweaks, &span, got));
	span = span_at(&key, iv, 0);
	assert_false(tweaks_get(tweaks, &span, got));
}

/* A token may give a closed key's handle to another. */
static void test_same_handle(void **state)
{
	const struct xtskey old = key_of(7, 1), new = key_of(7, 2);
	uint8_t iv[16], got[16];
	struct tweaks_span span = span_at(&new, iv, 102);

	(void)state;
	request(&old, 100);
	request(&old, 101);
	assert_false(tweaks_get(tweaks, &span, got));
	assert_int_equal(request(&new, 102), 1);
}

static void test_failed_call(void **state)
{
	const struct xtskey key = key_of(7, 1);
	uint8_t iv[16], ahead[TWEAKS_ASK_MAX], got[16];
	struct tweaks_span span = span_at(&key, iv, 101);

	(void)state;
	request(&key, 100);
	tweaks_note(tweaks, &span);
	assert_int_equal(tweaks_ask(tweaks, &key, ahead), TWEAKS_AHEAD * 16);
	span = span_at(&key, iv, 102);
	assert_false(tweaks_get(tweaks, &span, got));
	assert_int_equal(request(&key, 102), 1 + TWEAKS_AHEAD);
	assert_int_equal(request(&key, 103), 0);
}

static void test_forget(void **state)
{
	const struct xtskey key = key_of(7, 1), other = key_of(9, 2);
	uint8_t iv[16], got[16];
	struct tweaks_span span;

	(void)state;
	for (uint64_t sector = 100; sector < 102; sector++) {
		request(&key, sector);
		request(&other, sector);
	}
	tweaks_forget(tweaks, &key);
	span = span_at(&key, iv, 102);
	assert_false(tweaks_get(tweaks, &span, got));
	span.key = &other;
	assert_true(tweaks_get(tweaks, &span, got));
	tweaks_forget(tweaks, &other);
	assert_true(paes_blob_all_zero((void *)tweaks->windows,
				       sizeof(tweaks->windows)));
	assert_true(paes_blob_all_zero((void *)tweaks->trails,
				       sizeof(tweaks->trails)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sequence),
		TEST(test_gaps),
		TEST(test_random),
		TEST(test_interleaved),
		TEST(test_many_keys),
		TEST(test_too_many),
		TEST(test_units),
		TEST(test_strides),
		TEST(test_carry),
		TEST(test_same_handle),
		TEST(test_failed_call),
		TEST(test_forget),
	};

	return cmocka_run_group_tests_name("tweaks", tests, NULL, NULL);
}
