// SPDX-License-Identifier: GPL-2.0
/* How many bytes a call takes: what is found out, and what comes of it. */
#include "batch.h"

#include "token_internal.h"

#include <errno.h>
#include <string.h>

enum {
	TURNS		= 32,	/* that are compared */
	HOPELESS	= 4,
	SECTORS		= TOKEN_CHUNK_MAX / 4096,
};

static const struct token_chunks *chunks(bool encrypt)
{
	return &mocked.token->chunks[encrypt];
}

static struct token_turn begin_turn(bool encrypt, size_t size)
{
	return token_begin_turn(mocked.token, mocked.key.k1, encrypt, size);
}

/* All is to be found out anew, but how to decrypt. */
static void begin_chunks(void)
{
	token_begin_chunks(mocked.token);
	token_end_trials(mocked.token, TOKEN_AND_DROP);
}

/* Turns of `size` bytes at so many ns for TOKEN_CHUNK of them: returns how many. */
static unsigned int take_turns(bool encrypt, size_t size, uint64_t usual,
			       uint64_t other)
{
	const uint64_t ns[] = { [TOKEN_USUAL] = usual, [TOKEN_OTHER] = other };
	unsigned int turns = 0;

	while (begin_turn(encrypt, size).since) {
		token_chunks_took(mocked.token, encrypt, size,
				  ns[token_chunks_next(chunks(encrypt))] *
				  size / TOKEN_CHUNK);
		turns++;
	}
	return turns;
}

static enum token_amount found_out(bool encrypt, size_t size, uint64_t usual,
				   uint64_t other, unsigned int turns)
{
	begin_chunks();
	assert_int_equal(take_turns(encrypt, size, usual, other), turns);
	return chunks(encrypt)->way;
}

static void test_what_is_quicker_to_encrypt(void **state)
{
	const size_t size = TOKEN_CHUNK;

	(void)state;
	support_need_softhsm();
	assert_int_equal(found_out(true, size, 30000, 26000, TURNS), TOKEN_OTHER);
	assert_int_equal(found_out(true, size, 30000, 26500, TURNS), TOKEN_USUAL);
	assert_int_equal(found_out(true, size, 30000, 59000, TURNS), TOKEN_USUAL);
	assert_int_equal(found_out(true, size / 4 * 3, 30000, 26000, TURNS),
			 TOKEN_OTHER);
	assert_int_equal(found_out(true, size - 512, 30000, 31000, TURNS),
			 TOKEN_USUAL);
}

static void test_what_is_quicker_to_decrypt(void **state)
{
	const size_t size = TOKEN_CHUNK_MAX;

	(void)state;
	support_need_softhsm();
	assert_int_equal(found_out(false, size, 30000, 29900, TURNS), TOKEN_OTHER);
	assert_int_equal(found_out(false, size, 30000, 30000, TURNS), TOKEN_USUAL);
	assert_int_equal(found_out(false, size, 30000, 59000, TURNS), TOKEN_USUAL);
	assert_int_equal(found_out(false, size / 4 * 3, 30000, 16000, TURNS),
			 TOKEN_OTHER);
	assert_int_equal(found_out(false, size - 512, 30000, 31000, TURNS),
			 TOKEN_USUAL);
}

/* An HSM far away is seen to be one by two turns. */
static void test_a_heavy_loss_ends_it(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(found_out(true, TOKEN_CHUNK, 30000, 61000, HOPELESS),
			 TOKEN_USUAL);
	assert_int_equal(found_out(true, TOKEN_CHUNK, 2000000, 22000000, HOPELESS),
			 TOKEN_USUAL);
	assert_int_equal(found_out(false, TOKEN_CHUNK_MAX, 30000, 61000, HOPELESS),
			 TOKEN_USUAL);
}

static void took(bool encrypt, uint64_t ns)
{
	token_chunks_took(mocked.token, encrypt, TOKEN_CHUNK, ns);
}

static bool other_is_next(bool encrypt)
{
	return token_chunks_next(chunks(encrypt)) == TOKEN_OTHER;
}

/* The clock goes on while others have the processor. */
static void test_pauses_tell_nothing(void **state)
{
	(void)state;
	support_need_softhsm();
	for (unsigned int late = 0; late < 2 * TURNS; late++) {
		bool encrypt = late & 1;

		begin_chunks();
		for (unsigned int turn = 0; turn < TURNS; turn++)
			took(encrypt, turn == late / 2 ? 4000000 :
			     other_is_next(encrypt) ? 25000 : 30000);
		assert_int_equal(chunks(encrypt)->way, TOKEN_OTHER);
	}
}

/* Two kinds of turns that take turns: neither way has only one kind. */
static void test_what_alternates_tells_nothing(void **state)
{
	(void)state;
	support_need_softhsm();
	for (unsigned int odd = 0; odd < 2; odd++) {
		begin_chunks();
		for (unsigned int turn = 0; turn < TURNS; turn++) {
			took(true, turn % 2 == odd ? 20000 : 30000);
			took(false, turn % 2 == odd ? 20000 : 30000);
		}
		assert_int_equal(chunks(true)->way, TOKEN_USUAL);
		assert_int_equal(chunks(false)->way, TOKEN_USUAL);
	}
}

/* The same speed, whichever turns happen to be shorter. */
static void test_turns_count_by_their_bytes(void **state)
{
	(void)state;
	support_need_softhsm();
	for (enum token_amount shorter = TOKEN_USUAL; shorter <= TOKEN_OTHER; shorter++) {
		begin_chunks();
		for (unsigned int turn = 0; turn < TURNS; turn++) {
			size_t size = TOKEN_CHUNK /
				(token_chunks_next(chunks(true)) == shorter ? 2 : 1);

			token_chunks_took(mocked.token, true, size, size / 4);
		}
		assert_int_equal(chunks(true)->way, TOKEN_USUAL);
		assert_int_equal(chunks(true)->turns, TURNS);
	}
}

/* Turns that are small, or of one request that is no chunk, aren't like others. */
static void others_are_not_compared(bool encrypt, const size_t sizes[5])
{
	begin_chunks();
	for (int i = 0; i < 5; i++) {
		struct token_turn turn = begin_turn(encrypt, sizes[i]);

		assert_int_equal(turn.since, 0);
		assert_int_equal(turn.chunk, TOKEN_CHUNK);
		token_end_turn(mocked.token, &turn);
	}
	assert_int_equal(chunks(encrypt)->turns, 0);
	token_end_chunks(mocked.token, encrypt, TOKEN_OTHER);
	for (int i = 0; i < 5; i++)
		assert_int_equal(begin_turn(encrypt, sizes[i]).chunk,
				 chunks(encrypt)->sizes[TOKEN_OTHER]);
}

static void test_other_turns_are_not_compared(void **state)
{
	static const size_t to_encrypt[] = { 16, 4096, TOKEN_CHUNK / 4 * 3 - 1,
					     TOKEN_CHUNK + 1, 1 << 20 };
	static const size_t to_decrypt[] = { 16, TOKEN_CHUNK,
					     TOKEN_CHUNK_MAX / 4 * 3 - 1,
					     TOKEN_CHUNK_MAX + 1, 1 << 20 };

	(void)state;
	support_need_softhsm();
	others_are_not_compared(true, to_encrypt);
	others_are_not_compared(false, to_decrypt);
}

/* One thing at a time: a turn would tell of both. */
static void test_the_way_to_decrypt_is_found_first(void **state)
{
	struct token_turn turn;

	(void)state;
	support_need_softhsm();
	begin_chunks();
	token_begin_trials(mocked.token);
	turn = begin_turn(false, TOKEN_CHUNK_MAX);
	assert_int_equal(turn.since, 0);
	assert_int_equal(turn.chunk, TOKEN_CHUNK);
	assert_int_not_equal(begin_turn(true, TOKEN_CHUNK).since, 0);
	token_end_trials(mocked.token, TOKEN_AT_ONCE);
	assert_int_not_equal(begin_turn(false, TOKEN_CHUNK_MAX).since, 0);
}

/* Whatever the processor: a sector at least, and several calls in a turn. */
static void test_few_bytes(void **state)
{
	const size_t *few = &chunks(true)->sizes[TOKEN_OTHER];

	(void)state;
	support_need_softhsm();
	assert_in_range(*few, 4096, TOKEN_CHUNK / 2);
	assert_int_equal(*few % 4096, 0);
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

/* Two turns, or one to decrypt; returns how many calls of the token they took. */
static unsigned int run_sectors(bool encrypt)
{
	unsigned int calls = mocked.mock->crypts;

	fill_sectors(encrypt);
	engine_run(mocked.engine, requests, SECTORS, NULL, NULL);
	return mocked.mock->crypts - calls;
}

/* All of them, by the usual calls: what is right, and then what was before. */
static void find_right(bool encrypt)
{
	support_random(before, sizeof(before));
	token_end_chunks(mocked.token, true, TOKEN_USUAL);
	run_sectors(true);
	if (!encrypt)
		memcpy(right, before, sizeof(right));
	memcpy(encrypt ? right : before, data, sizeof(right));
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

/* Calls of all sectors, the tweaks' one included. */
static unsigned int calls_of(bool encrypt, enum token_amount amount)
{
	size_t sectors = chunks(encrypt)->sizes[amount] / 4096;
	size_t turn = chunks(encrypt)->turn / 4096;

	return 1 + SECTORS / turn * (unsigned int)((turn + sectors - 1) / sectors);
}

static void test_calls(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(calls_of(true, TOKEN_USUAL), 1 + 2);
	assert_int_equal(calls_of(false, TOKEN_USUAL), 1 + 2);
	assert_int_equal(calls_of(false, TOKEN_OTHER), 1 + 1);
	assert_true(calls_of(true, TOKEN_OTHER) >= 1 + 4);
}

static void find_out(bool encrypt, enum mock_fault fault, unsigned int calls)
{
	mock_set_fault(MOCK_NONE, 0);
	find_right(encrypt);
	begin_chunks();
	if (!encrypt)
		token_end_trials(mocked.token, TOKEN_AT_ONCE);
	mock_set_fault(fault, 0);
	for (unsigned int i = 0; i < TURNS; i++) {
		run_sectors(encrypt);
		assert_int_equal(check_sectors(), SECTORS);
	}
	assert_int_equal(chunks(encrypt)->turns, TURNS);
	assert_int_equal(run_sectors(encrypt), calls);
	assert_int_equal(check_sectors(), SECTORS);
}

static void test_the_quicker_way_is_kept(void **state)
{
	(void)state;
	support_need_softhsm();
	find_out(true, MOCK_SLOW_UPDATE, calls_of(true, TOKEN_USUAL));
	find_out(true, MOCK_SLOW_LARGE_UPDATE, calls_of(true, TOKEN_OTHER));
	find_out(false, MOCK_SLOW_DECRYPT, calls_of(false, TOKEN_OTHER));
	find_out(false, MOCK_SLOW_LARGE_DECRYPT, calls_of(false, TOKEN_USUAL));
}

/* None of these costs a caller an error, nor is it logged. */
static void takes_not_much(enum mock_fault fault, enum token_way way)
{
	find_right(false);
	begin_chunks();
	token_end_trials(mocked.token, way);
	mock_set_fault(fault, 0);
	support_capture();
	run_sectors(false);
	assert_string_equal(support_captured(), "");
	assert_int_equal(check_sectors(), SECTORS);
	assert_int_equal(chunks(false)->way, TOKEN_USUAL);
	assert_int_equal(chunks(false)->turns, TURNS);
	assert_int_equal(run_sectors(false), calls_of(false, TOKEN_USUAL));
	assert_int_equal(check_sectors(), SECTORS);
	mock_set_fault(MOCK_NONE, 0);
}

static void test_tokens_that_take_not_much(void **state)
{
	(void)state;
	support_need_softhsm();
	takes_not_much(MOCK_MEDIUM_CALLS, TOKEN_AT_ONCE);
	takes_not_much(MOCK_MEDIUM_CALLS, TOKEN_AND_DROP);
	takes_not_much(MOCK_CUT_UPDATES, TOKEN_AND_DROP);
	takes_not_much(MOCK_SESSION_COUNT, TOKEN_AT_ONCE);
	takes_not_much(MOCK_SESSION_COUNT, TOKEN_AND_DROP);
}

/* Once or from then on: what is behind the call that fails isn't run. */
static void check_failing_call(unsigned int n, bool once)
{
	size_t sectors = chunks(true)->sizes[TOKEN_OTHER] / 4096;
	size_t turn = TOKEN_CHUNK / 4096;
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
	find_right(true);
	token_end_chunks(mocked.token, true, TOKEN_OTHER);
	for (unsigned int n = 0; n < calls_of(true, TOKEN_OTHER); n++) {
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
	find_right(true);
	begin_chunks();
	run_sectors(true);
	assert_int_equal(chunks(true)->turns, 2);
	mock_set_fault(MOCK_DEVICE_ERROR, 2);
	support_capture();
	run_sectors(true);
	support_captured();
	assert_int_equal(chunks(true)->turns, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOCK_TEST(test_few_bytes),
		MOCK_TEST(test_what_is_quicker_to_encrypt),
		MOCK_TEST(test_what_is_quicker_to_decrypt),
		MOCK_TEST(test_a_heavy_loss_ends_it),
		MOCK_TEST(test_pauses_tell_nothing),
		MOCK_TEST(test_what_alternates_tells_nothing),
		MOCK_TEST(test_turns_count_by_their_bytes),
		MOCK_TEST(test_other_turns_are_not_compared),
		MOCK_TEST(test_the_way_to_decrypt_is_found_first),
		MOCK_TEST(test_calls),
		MOCK_TEST(test_the_quicker_way_is_kept),
		MOCK_TEST(test_tokens_that_take_not_much),
		MOCK_TEST(test_each_call_fails),
		MOCK_TEST(test_a_turn_that_fails_is_not_compared),
	};

	return cmocka_run_group_tests_name("bytes of a call", tests,
					   mock_enter_engine, mock_leave);
}
