// SPDX-License-Identifier: GPL-2.0
/* How many bytes a call encrypts: what is found out, and what comes of it. */
#include "batch.h"

#include "token_internal.h"

#include <errno.h>
#include <string.h>

enum {
	TURNS		= 32,	/* that are compared */
	HOPELESS	= 4,
	SECTORS		= 2 * TOKEN_CHUNK / 4096,
};

static const struct token_chunks *chunks(void)
{
	return &mocked.token->chunks;
}

/* Turns of `size` bytes at so many ns for TOKEN_CHUNK of them: returns how many. */
static unsigned int take_turns(size_t size, uint64_t many, uint64_t few)
{
	const uint64_t ns[] = { [TOKEN_MANY] = many, [TOKEN_FEW] = few };
	unsigned int turns = 0;

	while (token_begin_turn(mocked.token, size).since) {
		token_chunks_took(mocked.token, size,
				  ns[token_chunks_next(chunks())] * size / TOKEN_CHUNK);
		turns++;
	}
	return turns;
}

static enum token_amount found_out(size_t size, uint64_t many, uint64_t few,
				   unsigned int turns)
{
	token_begin_chunks(mocked.token);
	assert_int_equal(take_turns(size, many, few), turns);
	return chunks()->way;
}

static void test_what_is_quicker(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(found_out(TOKEN_CHUNK, 30000, 26000, TURNS), TOKEN_FEW);
	assert_int_equal(found_out(TOKEN_CHUNK, 30000, 26500, TURNS), TOKEN_MANY);
	assert_int_equal(found_out(TOKEN_CHUNK, 30000, 59000, TURNS), TOKEN_MANY);
	assert_int_equal(found_out(TOKEN_CHUNK / 2, 30000, 26000, TURNS), TOKEN_FEW);
	assert_int_equal(found_out(TOKEN_CHUNK - 512, 30000, 31000, TURNS),
			 TOKEN_MANY);
}

/* An HSM far away is seen to be one by two turns. */
static void test_a_heavy_loss_ends_it(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(found_out(TOKEN_CHUNK, 30000, 61000, HOPELESS), TOKEN_MANY);
	assert_int_equal(found_out(TOKEN_CHUNK, 2000000, 22000000, HOPELESS),
			 TOKEN_MANY);
}

/* The clock goes on while others have the processor. */
static void test_pauses_tell_nothing(void **state)
{
	(void)state;
	support_need_softhsm();
	for (unsigned int late = 0; late < TURNS; late++) {
		token_begin_chunks(mocked.token);
		for (unsigned int turn = 0; turn < TURNS; turn++)
			token_chunks_took(mocked.token, TOKEN_CHUNK,
					  turn == late ? 4000000 :
					  token_chunks_next(chunks()) == TOKEN_FEW ?
					  25000 : 30000);
		assert_int_equal(chunks()->way, TOKEN_FEW);
	}
}

/* Two kinds of turns that take turns: neither way has only one kind. */
static void test_what_alternates_tells_nothing(void **state)
{
	(void)state;
	support_need_softhsm();
	for (unsigned int odd = 0; odd < 2; odd++) {
		token_begin_chunks(mocked.token);
		for (unsigned int turn = 0; turn < TURNS; turn++)
			token_chunks_took(mocked.token, TOKEN_CHUNK,
					  turn % 2 == odd ? 20000 : 30000);
		assert_int_equal(chunks()->way, TOKEN_MANY);
	}
}

/* The same speed, whichever turns happen to be shorter. */
static void test_turns_count_by_their_bytes(void **state)
{
	(void)state;
	support_need_softhsm();
	for (enum token_amount shorter = TOKEN_MANY; shorter <= TOKEN_FEW; shorter++) {
		token_begin_chunks(mocked.token);
		for (unsigned int turn = 0; turn < TURNS; turn++) {
			size_t size = TOKEN_CHUNK /
				      (token_chunks_next(chunks()) == shorter ? 2 : 1);

			token_chunks_took(mocked.token, size, size / 4);
		}
		assert_int_equal(chunks()->way, TOKEN_MANY);
		assert_int_equal(chunks()->turns, TURNS);
	}
}

/* Turns that are small, or of one request that is no chunk, aren't like others. */
static void test_other_turns_are_not_compared(void **state)
{
	static const size_t sizes[] = { 16, 4096, TOKEN_CHUNK / 2 - 1,
					TOKEN_CHUNK + 1, 1 << 20 };

	(void)state;
	support_need_softhsm();
	token_begin_chunks(mocked.token);
	for (int i = 0; i < 5; i++) {
		struct token_turn turn = token_begin_turn(mocked.token, sizes[i]);

		assert_int_equal(turn.since, 0);
		assert_int_equal(turn.chunk, TOKEN_CHUNK);
		token_end_turn(mocked.token, &turn);
	}
	assert_int_equal(chunks()->turns, 0);
	token_end_chunks(mocked.token, TOKEN_FEW);
	for (int i = 0; i < 5; i++)
		assert_int_equal(token_begin_turn(mocked.token, sizes[i]).chunk,
				 chunks()->few);
}

/* Whatever the processor: a sector at least, and several calls in a turn. */
static void test_few_bytes(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_in_range(chunks()->few, 4096, TOKEN_CHUNK / 2);
	assert_int_equal(chunks()->few % 4096, 0);
}

static struct engine_request requests[SECTORS];
static uint8_t data[SECTORS][4096], before[SECTORS][4096], right[SECTORS][4096];

static void fill_sectors(bool encrypt)
{
	for (unsigned int i = 0; i < SECTORS; i++)
		requests[i] = (struct engine_request){
			.key = &mocked.key, .encrypt = encrypt,
			.data = data[i], .length = 4096, .unit_size = 4096,
			.iv = { (uint8_t)i },
		};
	memcpy(data, before, sizeof(data));
}

/* Two turns; returns how many calls of the token they took. */
static unsigned int run_sectors(bool encrypt)
{
	unsigned int calls = mocked.mock->crypts;

	fill_sectors(encrypt);
	engine_run(mocked.engine, requests, SECTORS, NULL, NULL);
	return mocked.mock->crypts - calls;
}

/* All of them, by many bytes a call: what is right. */
static void find_right(void)
{
	support_random(before, sizeof(before));
	token_end_chunks(mocked.token, TOKEN_MANY);
	run_sectors(true);
	memcpy(right, data, sizeof(right));
}

/* Those at the beginning that went well; all others are as before. */
static unsigned int check_sectors(void)
{
	unsigned int well = 0;

	for (unsigned int i = 0; i < SECTORS; i++) {
		assert_true(!requests[i].status || requests[i].status == -EIO ||
			    requests[i].status == -EBADMSG);
		assert_memory_equal(data[i], requests[i].status ? before[i] :
				    right[i], sizeof(data[i]));
		if (!requests[i].status)
			assert_int_equal(well++, i);
	}
	return well;
}

/* Calls of two turns, the tweaks' one included. */
static unsigned int calls_of_many(void)
{
	return 1 + 2;
}

static unsigned int calls_of_few(void)
{
	size_t sectors = chunks()->few / 4096, turn = SECTORS / 2;

	return 1 + 2 * (unsigned int)((turn + sectors - 1) / sectors);
}

static void find_out(enum mock_fault fault, unsigned int calls)
{
	find_right();
	token_begin_chunks(mocked.token);
	mock_set_fault(fault, 0);
	for (unsigned int i = 0; i < TURNS / 2; i++) {
		run_sectors(true);
		assert_int_equal(check_sectors(), SECTORS);
	}
	assert_int_equal(run_sectors(true), calls);
	assert_int_equal(check_sectors(), SECTORS);
}

static void test_the_quicker_way_is_kept(void **state)
{
	(void)state;
	support_need_softhsm();
	find_out(MOCK_SLOW_UPDATE, calls_of_many());
	find_out(MOCK_SLOW_LARGE_UPDATE, calls_of_few());
}

/* Each decrypting call begins an operation. */
static void test_decryption_has_large_calls(void **state)
{
	(void)state;
	support_need_softhsm();
	find_right();
	memcpy(before, right, sizeof(before));
	token_end_chunks(mocked.token, TOKEN_FEW);
	token_end_trials(mocked.token, TOKEN_AT_ONCE);
	assert_int_equal(run_sectors(false), calls_of_many());
	token_end_trials(mocked.token, TOKEN_AND_DROP);
	assert_int_equal(run_sectors(false), calls_of_many());
}

/* Once or from then on: what is behind the call that fails isn't run. */
static void check_failing_call(unsigned int n, bool once)
{
	size_t sectors = chunks()->few / 4096, turn = SECTORS / 2;
	unsigned int well;

	mock_set_fault(n % 2 ? MOCK_OTHER_KEY : MOCK_DEVICE_ERROR, n);
	mocked.mock->once = once;
	support_capture();
	run_sectors(true);
	support_captured();
	well = check_sectors();
	if (n == 0)
		assert_int_equal(well, 0);
	else if ((n - 1) * sectors <= turn)
		assert_int_equal(well, (n - 1) * sectors);
	else
		assert_in_range(well, turn, SECTORS - 1);
	assert_int_equal(requests[SECTORS - 1].status, requests[well].status);
}

static void test_each_call_fails(void **state)
{
	(void)state;
	support_need_softhsm();
	find_right();
	token_end_chunks(mocked.token, TOKEN_FEW);
	for (unsigned int n = 0; n < calls_of_few(); n++) {
		mock_set_fault(MOCK_NONE, 0);
		run_sectors(true);
		check_failing_call(n, true);
		mock_set_fault(MOCK_NONE, 0);
		run_sectors(true);
		check_failing_call(n, false);
	}
}

/* How long it took until it failed tells nothing. */
static void test_a_turn_that_fails_is_not_compared(void **state)
{
	(void)state;
	support_need_softhsm();
	find_right();
	token_begin_chunks(mocked.token);
	run_sectors(true);
	assert_int_equal(chunks()->turns, 2);
	mock_set_fault(MOCK_DEVICE_ERROR, 2);
	support_capture();
	run_sectors(true);
	support_captured();
	assert_int_equal(chunks()->turns, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOCK_TEST(test_few_bytes),
		MOCK_TEST(test_what_is_quicker),
		MOCK_TEST(test_a_heavy_loss_ends_it),
		MOCK_TEST(test_pauses_tell_nothing),
		MOCK_TEST(test_what_alternates_tells_nothing),
		MOCK_TEST(test_turns_count_by_their_bytes),
		MOCK_TEST(test_other_turns_are_not_compared),
		MOCK_TEST(test_the_quicker_way_is_kept),
		MOCK_TEST(test_decryption_has_large_calls),
		MOCK_TEST(test_each_call_fails),
		MOCK_TEST(test_a_turn_that_fails_is_not_compared),
	};

	return cmocka_run_group_tests_name("bytes of a call", tests,
					   mock_enter_engine, mock_leave);
}
