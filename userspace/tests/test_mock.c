// SPDX-License-Identifier: GPL-2.0
/* A token that misbehaves: nothing wrong may get out of the library. */
#include "support.h"

#include "engine.h"
#include "mock_token.h"
#include "token_internal.h"
#include "tweaks.h"

#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	char module[PATH_MAX];
	struct mock *mock;
	struct token *token;
	struct engine *engine;
	struct xtskey key;
	unsigned char kek[PAES_ID_SIZE];
} here;

/* Beside this program. */
static bool find_module(void)
{
	char path[PATH_MAX - 32];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	void *module;

	if (n < 0)
		return false;
	path[n] = '\0';
	snprintf(here.module, sizeof(here.module), "%s/mock_token.so", dirname(path));
	module = dlopen(here.module, RTLD_NOW | RTLD_NODELETE);
	here.mock = module ? dlsym(module, "mock") : NULL;
	return here.mock;
}

static int open_token(struct token **token)
{
	CLEANUP(secret) struct secret *pin = support_pin(TEST_PIN);

	return token_open(token, support_uri(TEST_LABEL, here.module), pin);
}

static int start(void **state)
{
	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		return 0;
	setenv("MOCK_BEHIND", support_softhsm(), 1);
	if (!find_module() || open_token(&here.token))
		return -1;
	support_kek(here.token, here.kek);
	here.engine = engine_new(here.token);
	return here.engine ? xtskey_generate(&here.key, here.token, 256) : -1;
}

static int stop(void **state)
{
	if (here.token)
		xtskey_close(&here.key, here.token);
	engine_free(here.engine);
	token_close(here.token);
	return support_leave(state);
}

static int healthy(void **state)
{
	(void)state;
	if (here.mock)
		*here.mock = (struct mock){ .fault = MOCK_NONE };
	return 0;
}

static void set_fault(enum mock_fault fault, unsigned int after)
{
	*here.mock = (struct mock){ .fault = fault, .after = after };
}

enum { REQUESTS = 5, SIZE_MAX_HERE = 3 * ENGINE_CHUNK };

struct batch {
	struct engine_request requests[REQUESTS];
	uint8_t data[REQUESTS][SIZE_MAX_HERE];
	uint8_t before[REQUESTS][SIZE_MAX_HERE];
	uint8_t right[REQUESTS][SIZE_MAX_HERE];
};

static struct batch the_batch;

/* Small, several units, stealing, and larger than a chunk. */
static void fill_batch(struct batch *batch, bool encrypt)
{
	static const uint32_t sizes[REQUESTS][2] = {
		{ 512, 512 }, { 4096, 512 }, { 4099, 4099 },
		{ 3 * 33, 33 }, { 2 * ENGINE_CHUNK + 40, 2 * ENGINE_CHUNK + 40 },
	};

	for (int i = 0; i < REQUESTS; i++) {
		batch->requests[i] = (struct engine_request){
			.key = &here.key, .encrypt = encrypt,
			.length = sizes[i][0], .unit_size = sizes[i][1],
			.data = batch->data[i], .iv = { (uint8_t)i },
		};
		support_random(batch->before[i], sizes[i][0]);
		memcpy(batch->data[i], batch->before[i], sizes[i][0]);
	}
}

static void run_healthy(struct batch *batch)
{
	set_fault(MOCK_NONE, 0);
	engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
	for (int i = 0; i < REQUESTS; i++) {
		assert_int_equal(batch->requests[i].status, 0);
		memcpy(batch->right[i], batch->data[i], batch->requests[i].length);
		memcpy(batch->data[i], batch->before[i], batch->requests[i].length);
	}
}

/* Right and 0, or untouched and -EIO; returns how many failed. */
static unsigned int check_batch(const struct batch *batch)
{
	unsigned int failed = 0;

	for (int i = 0; i < REQUESTS; i++) {
		const struct engine_request *r = &batch->requests[i];

		if (r->status)
			assert_int_equal(r->status, -EIO);
		assert_memory_equal(r->data, r->status ? batch->before[i] :
				    batch->right[i], r->length);
		failed += r->status != 0;
	}
	return failed;
}

/* Calls of a batch, once the token's operations are open. */
static unsigned int count_calls(struct batch *batch, bool encrypt)
{
	fill_batch(batch, encrypt);
	run_healthy(batch);
	fill_batch(batch, encrypt);
	run_healthy(batch);
	fill_batch(batch, encrypt);
	run_healthy(batch);
	return here.mock->crypts;
}

/* Each call of a batch in turn goes wrong, alone or with all behind it. */
static void check_fault(enum mock_fault fault, bool encrypt, bool once)
{
	struct batch *batch = &the_batch;
	unsigned int n;

	for (n = 0; n < count_calls(batch, encrypt); n++) {
		set_fault(fault, n);
		here.mock->once = once;
		support_capture();
		engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
		support_captured();
		assert_true(check_batch(batch) > 0);
	}
	assert_true(n >= 4);
}

static void test_wrong_answers_encrypting(void **state)
{
	(void)state;
	support_need_softhsm();
	for (int fault = MOCK_NONE + 1; fault < MOCK_CRYPT_END; fault++) {
		check_fault(fault, true, false);
		check_fault(fault, true, true);
	}
}

/* As if the first calls had found out that it's the quicker one. */
static void decrypt_by(enum token_way way)
{
	token_end_trial(here.token, way);
}

static void wrong_answers_decrypting(enum token_way way)
{
	support_need_softhsm();
	decrypt_by(way);
	for (int fault = MOCK_NONE + 1; fault < MOCK_CRYPT_END; fault++) {
		check_fault(fault, false, false);
		check_fault(fault, false, true);
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
	assert_true(here.mock->drops > 0);
}

static void init_fails(enum token_way way)
{
	struct batch *batch = &the_batch;

	decrypt_by(way);
	for (unsigned int n = 0; n < 3; n++) {
		count_calls(batch, false);
		set_fault(MOCK_INIT_ERROR, n);
		support_capture();
		engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
		support_captured();
		assert_true(check_batch(batch) > 0);
	}
}

static void test_init_fails(void **state)
{
	(void)state;
	support_need_softhsm();
	init_fails(TOKEN_AT_ONCE);
	init_fails(TOKEN_AND_DROP);
}

enum { TRIAL_CALLS = 16, TRIAL_SIZE = 32768 };

/* Decrypts rightly, `calls` times; returns how many times by dropping. */
static unsigned int decrypt_quick(unsigned int calls)
{
	static unsigned char data[2 * TRIAL_SIZE], right[2 * TRIAL_SIZE],
		found[2 * TRIAL_SIZE];

	here.mock->drops = 0;
	support_random(data, sizeof(data));
	assert_int_equal(token_decrypt(here.token, here.key.k1, data, right,
				       sizeof(data)), 0);
	while (calls--) {
		/* No two of the same size. */
		size_t size = TRIAL_SIZE + 16 * calls;

		memset(found, 0, sizeof(found));
		assert_int_equal(token_decrypt_quick(here.token, here.key.k1,
						     data, found, size), 0);
		assert_memory_equal(found, right, size);
	}
	return here.mock->drops;
}

/* The first calls of a token, then ten more: how many of these by dropping? */
static unsigned int try_both_ways(enum mock_fault fault)
{
	unsigned int drops;

	token_begin_trial(here.token);
	set_fault(fault, 0);
	drops = decrypt_quick(TRIAL_CALLS);
	assert_in_range(drops, fault == MOCK_SESSION_COUNT ? 0 : 1,
			TRIAL_CALLS / 2 + 1);
	return decrypt_quick(10);
}

static void test_the_quicker_way_is_kept(void **state)
{
	(void)state;
	support_need_softhsm();
	assert_int_equal(try_both_ways(MOCK_SLOW_DECRYPT), 10);
	assert_int_equal(try_both_ways(MOCK_SLOW_SESSION), 0);
}

/* None of these costs a caller an error. */
static void test_tokens_that_cannot_drop(void **state)
{
	(void)state;
	support_need_softhsm();
	support_capture();
	assert_int_equal(try_both_ways(MOCK_NO_UPDATE), 0);
	assert_int_equal(try_both_ways(MOCK_HELD_BACK), 0);
	assert_int_equal(try_both_ways(MOCK_SESSION_COUNT), 0);
	assert_string_equal(support_captured(), "");
}

static void prepare_all(void)
{
	while (!token_is_prepared(here.token))
		token_prepare(here.token);
}

/* Nothing is left to begin when the next read comes. */
static void test_begun_ahead(void **state)
{
	(void)state;
	support_need_softhsm();
	decrypt_by(TOKEN_AND_DROP);
	decrypt_quick(1);
	assert_false(token_is_prepared(here.token));
	prepare_all();
	here.mock->inits = 0;
	assert_int_equal(decrypt_quick(1), 1);
	assert_int_equal(here.mock->inits, 1);	/* by what is right */
	decrypt_by(TOKEN_AT_ONCE);
	assert_true(token_is_prepared(here.token));
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
		assert_int_equal(xtskey_generate(&other, here.token, 256), 0);
		assert_int_equal(token_encrypt(here.token, other.k1, data, found, 16), 0);
		assert_int_equal(token_decrypt_quick(here.token, other.k1, found,
						     found, 16), 0);
		assert_memory_equal(found, data, 16);
		prepare_all();
		if (i % 2)
			xtskey_close(&other, here.token);
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
	set_fault(MOCK_INIT_ERROR, 0);
	support_capture();
	prepare_all();
	assert_string_equal(support_captured(), "");
	support_capture();
	assert_int_equal(token_decrypt_quick(here.token, here.key.k1, data, data,
					     sizeof(data)), -EIO);
	support_assert_holds(support_captured(), "C_DecryptInit");
	set_fault(MOCK_NONE, 0);
	assert_int_equal(decrypt_quick(1), 1);
}

/* A token whose sessions were taken by others meanwhile. */
static void test_no_session_to_drop(void **state)
{
	(void)state;
	support_need_softhsm();
	decrypt_by(TOKEN_AND_DROP);
	assert_int_equal(decrypt_quick(3), 3);
	set_fault(MOCK_SESSION_COUNT, 0);
	assert_int_equal(decrypt_quick(3), 0);
	set_fault(MOCK_NONE, 0);
	assert_int_equal(decrypt_quick(3), 3);
}

static void tell(void *context, struct engine_request *const *requests,
		 unsigned int count)
{
	unsigned int *times = context;

	for (unsigned int i = 0; i < count; i++)
		times[requests[i] - the_batch.requests]++;
}

/* In whichever call the trouble begins, each request is told of once. */
static void test_told_once(void **state)
{
	struct batch *batch = &the_batch;

	(void)state;
	support_need_softhsm();
	for (unsigned int n = 0; n < count_calls(batch, true); n++) {
		unsigned int times[REQUESTS] = { 0 };

		set_fault(MOCK_DEVICE_ERROR, n);
		support_capture();
		engine_run(here.engine, batch->requests, REQUESTS, tell, times);
		support_captured();
		for (int i = 0; i < REQUESTS; i++)
			assert_int_equal(times[i], 1);
	}
}

/* Enough requests in one batch that nothing is looked up: what is right. */
static void read_rightly(uint64_t sector, uint8_t data[4096])
{
	struct engine_request requests[TWEAKS_AHEAD];
	static uint8_t others[TWEAKS_AHEAD][16];

	for (unsigned int i = 0; i < TWEAKS_AHEAD; i++)
		requests[i] = (struct engine_request){
			.key = &here.key, .data = i ? others[i] : data,
			.length = i ? 16 : 4096, .unit_size = i ? 16 : 4096,
		};
	memcpy(requests[0].iv, &sector, sizeof(sector));
	engine_run(here.engine, requests, TWEAKS_AHEAD, NULL, NULL);
}

/* Reads a sector and checks it; returns how many calls of the token it took. */
static unsigned int read_sector(uint64_t sector)
{
	static uint8_t data[4096], right[4096];
	struct engine_request request = {
		.key = &here.key, .data = data, .length = 4096,
		.unit_size = 4096,
	};
	unsigned int calls = here.mock->crypts;

	memcpy(request.iv, &sector, sizeof(sector));
	memset(data, 0x5a, sizeof(data));
	memset(right, 0x5a, sizeof(right));
	engine_run(here.engine, &request, 1, NULL, NULL);
	calls = here.mock->crypts - calls;
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
	engine_forget(here.engine, &here.key);
	assert_int_equal(read_sector(800 + 8 * 68), 2);
}

/* What came with a wrong answer to the known block isn't kept. */
static void test_ahead_is_checked(void **state)
{
	struct engine_request request = {
		.key = &here.key, .data = the_batch.data[0], .length = 4096,
		.unit_size = 4096, .iv = { 48 },
	};

	(void)state;
	support_need_softhsm();
	read_sector(40);
	set_fault(MOCK_OTHER_KEY, 0);
	here.mock->once = true;
	support_capture();
	engine_run(here.engine, &request, 1, NULL, NULL);
	support_assert_holds(support_captured(), "known block");
	assert_int_equal(request.status, -EIO);
	assert_int_equal(read_sector(56), 2);
	assert_int_equal(read_sector(64), 1);
}

enum { MANY_KEYS = 70 };

/* A sector of each key; returns how many operations were begun for it. */
static unsigned int run_keys(const struct xtskey *keys, unsigned int count)
{
	static struct engine_request requests[MANY_KEYS];
	static uint8_t data[MANY_KEYS][512];
	unsigned int inits = here.mock->inits;

	for (unsigned int i = 0; i < count; i++)
		requests[i] = (struct engine_request){
			.key = &keys[i], .encrypt = true, .data = data[i],
			.length = 512, .unit_size = 512,
		};
	engine_run(here.engine, requests, count, NULL, NULL);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(requests[i].status, 0);
	return here.mock->inits - inits;
}

static void make_keys(struct xtskey *keys, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(xtskey_generate(&keys[i], here.token, 256), 0);
}

static void close_keys(struct xtskey *keys, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		xtskey_close(&keys[i], here.token);
}

/* Of many keys each keeps its two operations. */
static void test_many_streams(void **state)
{
	struct xtskey keys[MANY_KEYS];

	(void)state;
	support_need_softhsm();
	make_keys(keys, MANY_KEYS);
	assert_true(run_keys(keys, MANY_KEYS) >= 2 * MANY_KEYS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(run_keys(keys, MANY_KEYS), 0);
	close_keys(keys, MANY_KEYS);
}

/* With fewer sessions than keys, those that have one keep it. */
static void test_few_sessions(void **state)
{
	struct xtskey keys[10];
	int i;

	(void)state;
	support_need_softhsm();
	make_keys(keys, 10);
	set_fault(MOCK_SESSION_COUNT, 6);
	run_keys(keys, 10);
	for (i = 0; i < 3; i++)
		assert_int_equal(run_keys(keys, 10), 2 * 10 - 6);
	/* A key goes, and two others have its sessions. */
	xtskey_close(&keys[0], here.token);
	set_fault(MOCK_SESSION_COUNT, 2);
	run_keys(keys + 1, 9);
	assert_int_equal(run_keys(keys + 1, 9), 2 * 9 - 6);
	/* When only two are used, they have all in the end. */
	set_fault(MOCK_NONE, 0);
	for (i = 0; i < 600 && run_keys(keys + 8, 2); i++)
		;
	assert_in_range(i, 1, 599);
	close_keys(keys + 1, 9);
}

/* A token without operations that stay open is served call by call. */
static void test_no_streams(void **state)
{
	struct batch *batch = &the_batch;

	(void)state;
	support_need_softhsm();
	fill_batch(batch, true);
	run_healthy(batch);
	/* The open one ends here, and no other begins. */
	set_fault(MOCK_NO_UPDATE, 0);
	support_capture();
	engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
	support_captured();
	assert_int_equal(check_batch(batch), REQUESTS);
	engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
	assert_int_equal(check_batch(batch), 0);
}

/* After trouble the next batch is served as if nothing had been. */
static void test_trouble_passes(void **state)
{
	struct batch *batch = &the_batch;

	(void)state;
	support_need_softhsm();
	fill_batch(batch, true);
	run_healthy(batch);
	set_fault(MOCK_DEVICE_ERROR, 0);
	support_capture();
	engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
	support_assert_holds(support_captured(), "CKR_DEVICE_ERROR");
	assert_int_equal(check_batch(batch), REQUESTS);
	set_fault(MOCK_NONE, 0);
	engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
	assert_int_equal(check_batch(batch), 0);
}

static void test_known_block_names_itself(void **state)
{
	struct batch *batch = &the_batch;

	(void)state;
	support_need_softhsm();
	fill_batch(batch, true);
	set_fault(MOCK_OTHER_KEY, 0);
	support_capture();
	engine_run(here.engine, batch->requests, REQUESTS, NULL, NULL);
	support_assert_holds(support_captured(), "known block");
}

static void refuse_open(enum mock_fault fault, int error, const char *message)
{
	struct paes_blob blob;
	struct xtskey key;

	set_fault(MOCK_NONE, 0);
	assert_int_equal(xtskey_seal(&here.key, here.token, here.kek, 256, 0, &blob), 0);
	set_fault(fault, 0);
	support_capture();
	assert_int_equal(xtskey_open(&key, here.token, &blob), error);
	support_assert_holds(support_captured(), message);
	assert_int_equal(key.k1, TOKEN_NO_KEY);
	assert_int_equal(key.k2, TOKEN_NO_KEY);
}

static void test_readable_keys(void **state)
{
	(void)state;
	support_need_softhsm();
	refuse_open(MOCK_READABLE, -EKEYREJECTED, "lets unwrapped keys be read");
	refuse_open(MOCK_NOT_SENSITIVE, -EKEYREJECTED, "keep unwrapped keys sensitive");
	refuse_open(MOCK_EXTRACTABLE, -EKEYREJECTED, "unextractable");
	refuse_open(MOCK_VALUE_LEN, -EKEYREJECTED, "another length");
}

static void test_open_trouble(void **state)
{
	(void)state;
	support_need_softhsm();
	refuse_open(MOCK_UNWRAP_DEVICE, -EIO, "CKR_DEVICE_ERROR");
	refuse_open(MOCK_SIGN_SHORT, -EIO, "CKR_SIGNATURE_LEN_RANGE");
	refuse_open(MOCK_SIGN_WRONG, -EKEYREJECTED, "MAC is wrong");
	refuse_open(MOCK_OTHER_KEY, -EKEYREJECTED, "");
	refuse_open(MOCK_SHORT, -EIO, "expected 16 bytes, got 0");
}

static void test_seal_trouble(void **state)
{
	struct paes_blob blob;

	(void)state;
	support_need_softhsm();
	set_fault(MOCK_WRAP_SHORT, 0);
	support_capture();
	assert_int_equal(xtskey_seal(&here.key, here.token, here.kek, 256, 0, &blob), -EIO);
	support_assert_holds(support_captured(), "CKR_WRAPPED_KEY_LEN_RANGE");
	assert_true(paes_blob_all_zero((void *)&blob, sizeof(blob)));
}

static void create(enum mock_fault fault, int expected, bool expected_enforced)
{
	unsigned char id[PAES_ID_SIZE];
	bool enforced = !expected_enforced;
	int error;

	support_random(id, sizeof(id));
	set_fault(fault, 0);
	support_capture();
	error = token_create_kek(here.token, id, &enforced);
	support_captured();
	assert_int_equal(error, expected);
	if (!error)
		assert_int_equal(enforced, expected_enforced);
	set_fault(MOCK_NONE, 0);
	/* All of it or nothing. */
	assert_int_equal(token_has_kek(here.token, id), !error);
}

static void test_enforcement_is_proved(void **state)
{
	(void)state;
	support_need_softhsm();
	create(MOCK_NONE, 0, true);
	create(MOCK_REFUSE_TEMPLATE, 0, false);
	create(MOCK_IGNORE_TEMPLATE, 0, false);
	create(MOCK_AUTH_FAILS, -EIO, false);
	create(MOCK_WRAP_SHORT, -EIO, false);
}

/* These close the program's token: one token a process. */
static void refuse_login(enum mock_fault fault, const char *pin,
			 unsigned int logins, const char *message)
{
	CLEANUP(secret) struct secret *secret = support_pin(pin);
	struct token *token = NULL;

	set_fault(fault, 0);
	support_capture();
	assert_int_equal(token_open(&token, support_uri(TEST_LABEL, here.module),
				    secret), -EACCES);
	support_assert_holds(support_captured(), message);
	assert_null(token);
	assert_int_equal(here.mock->logins, logins);
}

static void test_pin_is_tried_once(void **state)
{
	(void)state;
	support_need_softhsm();
	xtskey_close(&here.key, here.token);
	token_close(here.token);
	here.token = NULL;
	refuse_login(MOCK_NONE, "9999", 1, "CKR_PIN_INCORRECT");
	refuse_login(MOCK_PIN_FINAL_TRY, TEST_PIN, 0, "one try is left");
	refuse_login(MOCK_PIN_LOCKED, TEST_PIN, 0, "locked");
}

#define TEST(name) cmocka_unit_test_setup(name, healthy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wrong_answers_encrypting),
		TEST(test_wrong_answers_decrypting),
		TEST(test_wrong_answers_decrypting_and_dropping),
		TEST(test_the_quicker_way_is_kept),
		TEST(test_tokens_that_cannot_drop),
		TEST(test_no_session_to_drop),
		TEST(test_begun_ahead),
		TEST(test_begun_ahead_with_a_key_that_went),
		TEST(test_preparing_fails),
		TEST(test_init_fails),
		TEST(test_trouble_passes),
		TEST(test_known_block_names_itself),
		TEST(test_readable_keys),
		TEST(test_open_trouble),
		TEST(test_seal_trouble),
		TEST(test_enforcement_is_proved),
		TEST(test_told_once),
		TEST(test_many_streams),
		TEST(test_few_sessions),
		TEST(test_calls),
		TEST(test_ahead_is_checked),
		TEST(test_no_streams),
		TEST(test_pin_is_tried_once),
	};

	return cmocka_run_group_tests_name("misbehaving token", tests, start, stop);
}
