// SPDX-License-Identifier: GPL-2.0
/*
 * Decryption by a token that misbehaves: each of its ways, what is begun ahead
 * of a read, and how many calls a read takes.
 */
#include "batch.h"

#include "token_internal.h"
#include "tweaks.h"

#include <errno.h>
#include <string.h>

/* As if the first calls had found out that it's the quicker one. */
static void decrypt_by(enum token_way way)
{
	token_end_trials(mocked.token, way);
}

static void wrong_answers_decrypting(enum token_way way)
{
	support_need_softhsm();
	decrypt_by(way);
	for (int fault = MOCK_NONE + 1; fault < MOCK_CRYPT_END; fault++) {
		batch_check_fault(fault, false, false);
		batch_check_fault(fault, false, true);
	}
}

static void test_wrong_answers_decrypting(void **state)
{
	(void)state;
	wrong_answers_decrypting(TOKEN_AT_ONCE);
}

static void test_wrong_answers_decrypting_and_dropping(void **state)
{
	(void)state;
	wrong_answers_decrypting(TOKEN_AND_DROP);
	assert_true(mocked.mock->drops > 0);
}

static void test_wrong_answers_decrypting_much(void **state)
{
	(void)state;
	support_need_softhsm();
	token_end_chunks(mocked.token, false, TOKEN_OTHER);
	wrong_answers_decrypting(TOKEN_AT_ONCE);
	wrong_answers_decrypting(TOKEN_AND_DROP);
	token_end_chunks(mocked.token, false, TOKEN_USUAL);
}

static void init_fails(enum token_way way)
{
	struct batch *batch = &the_batch;

	decrypt_by(way);
	for (unsigned int n = 0; n < 3; n++) {
		batch_count_calls(batch, false);
		mock_set_fault(MOCK_INIT_ERROR, n);
		support_capture();
		batch_run(batch);
		support_captured();
		assert_true(batch_check(batch) > 0);
	}
}

static void test_init_fails(void **state)
{
	(void)state;
	support_need_softhsm();
	init_fails(TOKEN_AT_ONCE);
	init_fails(TOKEN_AND_DROP);
}

enum {
	TRIAL_PAIRS	= 32,	/* at most */
	TRIAL_LEAD	= 6,
	TRIAL_CALLS	= 2 * TRIAL_LEAD,
	SMALL		= 4112,
	LARGE		= 32768,
	PIECE_MAX	= 2 * LARGE,
};

/* Rightly; returns whether by dropping. */
static bool decrypt_piece(size_t size)
{
	static unsigned char data[PIECE_MAX], right[PIECE_MAX], found[PIECE_MAX];
	unsigned int drops = mocked.mock->drops;

	support_random(data, size);
	assert_int_equal(token_decrypt(mocked.token, mocked.key.k1, data, right,
				       size), 0);
	memset(found, 0, size);
	assert_int_equal(token_decrypt_quick(mocked.token, mocked.key.k1, data,
					     found, size), 0);
	assert_memory_equal(found, right, size);
	return mocked.mock->drops > drops;
}

/* No two of the same size; returns how many by dropping. */
static unsigned int decrypt_pieces(size_t size, unsigned int calls)
{
	unsigned int drops = 0;

	while (calls--)
		drops += decrypt_piece(size + 16 * calls);
	return drops;
}

static unsigned int decrypt_quick(unsigned int calls)
{
	return decrypt_pieces(LARGE, calls);
}

/* The first calls of that size, then ten more: how many of these by dropping? */
static unsigned int try_size(enum mock_fault fault, size_t size)
{
	const struct token_trial *trial = token_trial_of(mocked.token, size);
	unsigned int drops = 0, pairs = 0;

	mock_set_fault(fault, 0);
	for (; !token_trial_is_over(trial); pairs++)
		drops += decrypt_pieces(size, 2);
	assert_in_range(pairs, 1, TRIAL_PAIRS + 1);
	assert_in_range(drops, 0, pairs + 1);	/* and one before them */
	return decrypt_pieces(size, 10);
}

static unsigned int try_both_ways(enum mock_fault fault, size_t size)
{
	token_begin_trials(mocked.token);
	return try_size(fault, size);
}

static void test_the_quicker_way_is_kept(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(try_both_ways(MOCK_SLOW_DECRYPT, LARGE), 10);
	assert_int_equal(try_both_ways(MOCK_SLOW_SESSION, LARGE), 0);
	assert_int_equal(try_both_ways(MOCK_SLOW_DECRYPT, SMALL), 10);
	assert_int_equal(try_both_ways(MOCK_SLOW_SESSION, SMALL), 0);
}

/* Both ways take the same then, but one of them not while somebody waits. */
static void test_what_can_be_begun_ahead_is_quicker(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(try_both_ways(MOCK_SLOW_INIT, SMALL), 10);
}

static void test_sizes_are_tried_apart(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(try_both_ways(MOCK_SLOW_DECRYPT, SMALL), 10);
	assert_int_equal(try_size(MOCK_SLOW_SESSION, LARGE), 0);
	assert_int_equal(decrypt_pieces(SMALL, 3), 3);
	assert_int_equal(try_both_ways(MOCK_SLOW_SESSION, SMALL), 0);
	assert_int_equal(try_size(MOCK_SLOW_DECRYPT, LARGE), 10);
	assert_int_equal(decrypt_pieces(SMALL, 3), 0);
}

/* Whoever tries once more isn't served in the same way again. */
static void test_a_try_that_fails_is_lost(void **state)
{
	unsigned char data[SMALL] = { 0 };

	(void)state;
	support_need_softhsm();
	token_begin_trials(mocked.token);
	decrypt_piece(SMALL);
	mock_set_fault(MOCK_NO_UPDATE, 0);
	support_capture();
	for (int i = 0; i < TRIAL_CALLS / 2; i++) {
		assert_int_equal(token_decrypt_quick(mocked.token, mocked.key.k1,
						     data, data, SMALL),
				 -EOPNOTSUPP);
		decrypt_piece(SMALL);
	}
	support_assert_holds(support_captured(), "C_DecryptUpdate");
	mock_set_fault(MOCK_NONE, 0);
	assert_int_equal(decrypt_pieces(SMALL, 10), 0);
}

/* The sessions went after the trial began: each try is made at once, and lost. */
static void test_a_try_without_a_session_is_lost(void **state)
{
	(void)state;
	support_need_softhsm();
	token_begin_trials(mocked.token);
	decrypt_piece(SMALL);
	mock_set_fault(MOCK_SESSION_COUNT, 0);
	support_capture();
	assert_int_equal(decrypt_pieces(SMALL, TRIAL_CALLS), 0);
	assert_string_equal(support_captured(), "");
	mock_set_fault(MOCK_NONE, 0);
	assert_int_equal(decrypt_pieces(SMALL, 10), 0);
}

/* Small pieces that differ much tell nothing about the ways. */
static void test_unlike_sizes_are_not_compared(void **state)
{
	(void)state;
	support_need_softhsm();
	token_begin_trials(mocked.token);
	decrypt_piece(SMALL);
	for (int i = 0; i < TRIAL_CALLS; i++) {
		assert_false(decrypt_piece(2 * SMALL));
		assert_false(decrypt_piece(SMALL));
	}
	assert_true(decrypt_piece(SMALL));
}

/* A pair: at once in 1000 ns, or begun and the rest. */
static void add_pair(struct token_trial *trial, size_t size, uint64_t begin,
		     uint64_t rest)
{
	token_trial_begin(trial, size, 1000);
	token_trial_end(mocked.token, trial, begin, rest);
}

/* What comes of pairs that are all alike: they are few. */
static enum token_way way_after(size_t size, uint64_t begin, uint64_t rest)
{
	struct token_trial *trial = token_trial_of(mocked.token, size);

	token_begin_trials(mocked.token);
	for (int pair = 0; pair < TRIAL_LEAD; pair++) {
		assert_false(token_trial_is_over(trial));
		add_pair(trial, size, begin, rest);
	}
	assert_true(token_trial_is_over(trial));
	return trial->way;
}

static void test_what_is_quicker(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(way_after(SMALL, 0, 890), TOKEN_AND_DROP);
	assert_int_equal(way_after(SMALL, 0, 910), TOKEN_AT_ONCE);
	assert_int_equal(way_after(SMALL, 600, 890), TOKEN_AND_DROP);
	assert_int_equal(way_after(SMALL, 580, 910), TOKEN_AT_ONCE);
	assert_int_equal(way_after(SMALL, 620, 890), TOKEN_AT_ONCE);
	assert_int_equal(way_after(SMALL, 1000, 400), TOKEN_AND_DROP);
	assert_int_equal(way_after(SMALL, 1200, 400), TOKEN_AT_ONCE);
}

/* Of much nothing is begun ahead. */
static void test_what_is_quicker_for_much(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(way_after(LARGE, 0, 990), TOKEN_AND_DROP);
	assert_int_equal(way_after(LARGE, 0, 1000), TOKEN_AT_ONCE);
	assert_int_equal(way_after(LARGE, 100, 890), TOKEN_AND_DROP);
	assert_int_equal(way_after(LARGE, 120, 890), TOKEN_AT_ONCE);
	assert_int_equal(way_after(LARGE, 500, 600), TOKEN_AT_ONCE);
	assert_int_equal(way_after(LARGE, UINT64_MAX, 600), TOKEN_AT_ONCE);
	assert_int_equal(way_after(LARGE, 0, UINT64_MAX), TOKEN_AT_ONCE);
}

/* Each `odd`th pair tells the contrary of what is right: returns the pairs. */
static unsigned int disturbed(unsigned int odd, bool drop)
{
	struct token_trial *trial = token_trial_of(mocked.token, LARGE);
	unsigned int pairs = 0;

	token_begin_trials(mocked.token);
	while (!token_trial_is_over(trial)) {
		bool right = pairs++ % odd;

		add_pair(trial, LARGE, 100, right == drop ? 600 : 5000);
	}
	assert_int_equal(trial->way, drop ? TOKEN_AND_DROP : TOKEN_AT_ONCE);
	return pairs;
}

static void test_pauses_tell_nothing(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_in_range(disturbed(3, true), TRIAL_LEAD + 1, TRIAL_PAIRS - 1);
	assert_in_range(disturbed(3, false), TRIAL_LEAD + 1, TRIAL_PAIRS - 1);
	assert_int_equal(disturbed(8, true), TRIAL_LEAD + 2);
}

/* One as quick as the other: it ends, and nothing is dropped for nothing. */
static void test_a_draw_ends_it(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(disturbed(2, false), TRIAL_PAIRS);
}

/* None of these costs a caller an error. */
static void test_tokens_that_cannot_drop(void **state)
{
	(void)state;
	support_need_softhsm();
	support_capture();
	assert_int_equal(try_both_ways(MOCK_NO_UPDATE, LARGE), 0);
	assert_int_equal(try_both_ways(MOCK_NO_UPDATE, SMALL), 0);
	assert_int_equal(try_both_ways(MOCK_HELD_BACK, LARGE), 0);
	assert_int_equal(try_both_ways(MOCK_HELD_BACK, SMALL), 0);
	assert_int_equal(try_both_ways(MOCK_SESSION_COUNT, LARGE), 0);
	assert_int_equal(try_both_ways(MOCK_SESSION_COUNT, SMALL), 0);
	assert_string_equal(support_captured(), "");
}

static void prepare_all(void)
{
	while (!token_is_prepared(mocked.token))
		token_prepare(mocked.token);
}

/* Nothing is left to begin when the next read comes. */
static void test_begun_ahead(void **state)
{
	(void)state;
	support_need_softhsm();
	decrypt_by(TOKEN_AND_DROP);
	decrypt_quick(1);
	assert_false(token_is_prepared(mocked.token));
	prepare_all();
	mocked.mock->inits = 0;
	assert_int_equal(decrypt_quick(1), 1);
	assert_int_equal(mocked.mock->inits, 1);	/* by what is right */
	decrypt_by(TOKEN_AT_ONCE);
	assert_true(token_is_prepared(mocked.token));
}

/* What was begun with a key that is no more is never used. */
static void test_begun_ahead_with_a_key_that_went(void **state)
{
	unsigned char data[16] = { 1 }, found[16];
	struct xtskey other;

	(void)state;
	support_need_softhsm();
	decrypt_by(TOKEN_AND_DROP);
	for (int i = 0; i < 3 * TOKEN_PLACES; i++) {
		assert_int_equal(xtskey_generate(&other, mocked.token, 256), 0);
		assert_int_equal(token_encrypt(mocked.token, other.k1, data,
					       found, 16), 0);
		assert_int_equal(token_decrypt_quick(mocked.token, other.k1, found,
						     found, 16), 0);
		assert_memory_equal(found, data, 16);
		prepare_all();
		if (i % 2)
			xtskey_close(&other, mocked.token);
	}
	assert_int_equal(decrypt_quick(2), 2);
}

/* Trouble ahead of time is nobody's; trouble in time is told. */
static void test_preparing_fails(void **state)
{
	unsigned char data[16] = { 0 };

	(void)state;
	support_need_softhsm();
	decrypt_by(TOKEN_AND_DROP);
	decrypt_quick(1);
	mock_set_fault(MOCK_INIT_ERROR, 0);
	support_capture();
	prepare_all();
	assert_string_equal(support_captured(), "");
	support_capture();
	assert_int_equal(token_decrypt_quick(mocked.token, mocked.key.k1, data,
					     data, sizeof(data)), -EIO);
	support_assert_holds(support_captured(), "C_DecryptInit");
	mock_set_fault(MOCK_NONE, 0);
	assert_int_equal(decrypt_quick(1), 1);
}

/* A token whose sessions were taken by others meanwhile. */
static void test_no_session_to_drop(void **state)
{
	(void)state;
	support_need_softhsm();
	decrypt_by(TOKEN_AND_DROP);
	assert_int_equal(decrypt_quick(3), 3);
	mock_set_fault(MOCK_SESSION_COUNT, 0);
	assert_int_equal(decrypt_quick(3), 0);
	mock_set_fault(MOCK_NONE, 0);
	assert_int_equal(decrypt_quick(3), 3);
}

/* Enough requests in one batch that nothing is looked up: what is right. */
static void read_rightly(uint64_t sector, uint8_t data[4096])
{
	struct engine_request requests[TWEAKS_AHEAD];
	static uint8_t others[TWEAKS_AHEAD][16];

	for (unsigned int i = 0; i < TWEAKS_AHEAD; i++)
		requests[i] = (struct engine_request){
			.key = &mocked.key, .data = i ? others[i] : data,
			.length = i ? 16 : 4096, .unit_size = i ? 16 : 4096,
		};
	memcpy(requests[0].iv, &sector, sizeof(sector));
	engine_run(mocked.engine, requests, TWEAKS_AHEAD, NULL, NULL);
}

/* Reads a sector and checks it; returns how many calls of the token it took. */
static unsigned int read_sector(uint64_t sector)
{
	static uint8_t data[4096], right[4096];
	struct engine_request request = {
		.key = &mocked.key, .data = data, .length = 4096,
		.unit_size = 4096,
	};
	unsigned int calls = mocked.mock->crypts;

	memcpy(request.iv, &sector, sizeof(sector));
	memset(data, 0x5a, sizeof(data));
	memset(right, 0x5a, sizeof(right));
	engine_run(mocked.engine, &request, 1, NULL, NULL);
	calls = mocked.mock->crypts - calls;
	assert_int_equal(request.status, 0);
	read_rightly(sector, right);
	assert_memory_equal(data, right, sizeof(data));
	return calls;
}

static void test_calls(void **state)
{
	unsigned int calls = 0;

	(void)state;
	support_need_softhsm();
	read_sector(1 << 20);
	assert_int_equal(read_sector(800), 2);
	for (uint64_t i = 1; i <= 64; i++)
		calls += read_sector(800 + 8 * i);
	assert_int_equal(calls, 64 + 1);
	/* Elsewhere, backwards, and again in the sequence. */
	assert_int_equal(read_sector(80000), 2);
	assert_int_equal(read_sector(79992), 2);
	assert_int_equal(read_sector(800 + 8 * 65), 1);
	assert_int_equal(read_sector(800 + 8 * 66), 2);
	assert_int_equal(read_sector(800 + 8 * 67), 1);
	engine_forget(mocked.engine, &mocked.key);
	assert_int_equal(read_sector(800 + 8 * 68), 2);
}

/* What came with a wrong answer to the known block isn't kept. */
static void test_ahead_is_checked(void **state)
{
	struct engine_request request = {
		.key = &mocked.key, .data = the_batch.data[0], .length = 4096,
		.unit_size = 4096, .iv = { 48 },
	};

	(void)state;
	support_need_softhsm();
	read_sector(40);
	mock_set_fault(MOCK_OTHER_KEY, 0);
	mocked.mock->once = true;
	support_capture();
	engine_run(mocked.engine, &request, 1, NULL, NULL);
	support_assert_holds(support_captured(), "known block");
	assert_int_equal(request.status, -EBADMSG);
	assert_int_equal(read_sector(56), 2);
	assert_int_equal(read_sector(64), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOCK_TEST(test_wrong_answers_decrypting),
		MOCK_TEST(test_wrong_answers_decrypting_and_dropping),
		MOCK_TEST(test_wrong_answers_decrypting_much),
		MOCK_TEST(test_the_quicker_way_is_kept),
		MOCK_TEST(test_what_can_be_begun_ahead_is_quicker),
		MOCK_TEST(test_sizes_are_tried_apart),
		MOCK_TEST(test_a_try_that_fails_is_lost),
		MOCK_TEST(test_a_try_without_a_session_is_lost),
		MOCK_TEST(test_unlike_sizes_are_not_compared),
		MOCK_TEST(test_what_is_quicker),
		MOCK_TEST(test_what_is_quicker_for_much),
		MOCK_TEST(test_pauses_tell_nothing),
		MOCK_TEST(test_a_draw_ends_it),
		MOCK_TEST(test_tokens_that_cannot_drop),
		MOCK_TEST(test_no_session_to_drop),
		MOCK_TEST(test_begun_ahead),
		MOCK_TEST(test_begun_ahead_with_a_key_that_went),
		MOCK_TEST(test_preparing_fails),
		MOCK_TEST(test_init_fails),
		MOCK_TEST(test_calls),
		MOCK_TEST(test_ahead_is_checked),
	};

	return cmocka_run_group_tests_name("decryption by a misbehaving token",
					   tests, mock_enter_engine, mock_leave);
}
