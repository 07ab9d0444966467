// SPDX-License-Identifier: GPL-2.0
/* A token that misbehaves: nothing wrong may get out of the library. */
#include "batch.h"

#include "token_internal.h"
#include "tweaks.h"

#include <errno.h>
#include <string.h>

static void wrong_answers_encrypting(enum token_amount amount)
{
	support_need_softhsm();
	token_end_chunks(mocked.token, true, amount);
	for (int fault = MOCK_NONE + 1; fault < MOCK_CRYPT_END; fault++) {
		batch_check_fault(fault, true, false);
		batch_check_fault(fault, true, true);
	}
}

static void test_wrong_answers_encrypting(void **state)
{
	(void)state;
	wrong_answers_encrypting(TOKEN_USUAL);
}

static void test_wrong_answers_encrypting_few(void **state)
{
	(void)state;
	wrong_answers_encrypting(TOKEN_OTHER);
	token_end_chunks(mocked.token, true, TOKEN_USUAL);
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
	for (unsigned int n = 0; n < batch_count_calls(batch, true); n++) {
		unsigned int times[BATCH_REQUESTS] = { 0 };

		mock_set_fault(MOCK_DEVICE_ERROR, n);
		support_capture();
		engine_run(mocked.engine, batch->requests, BATCH_REQUESTS, tell,
			   times);
		support_captured();
		for (int i = 0; i < BATCH_REQUESTS; i++)
			assert_int_equal(times[i], 1);
	}
}

enum { MANY_KEYS = 70 };

/* A sector of each key; returns how many operations were begun for it. */
static unsigned int run_keys(const struct xtskey *keys, unsigned int count)
{
	static struct engine_request requests[MANY_KEYS];
	static uint8_t data[MANY_KEYS][512];
	unsigned int inits = mocked.mock->inits;

	for (unsigned int i = 0; i < count; i++)
		requests[i] = (struct engine_request){
			.key = &keys[i], .encrypt = true, .data = data[i],
			.length = 512, .unit_size = 512,
		};
	engine_run(mocked.engine, requests, count, NULL, NULL);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(requests[i].status, 0);
	return mocked.mock->inits - inits;
}

static void make_keys(struct xtskey *keys, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(xtskey_generate(&keys[i], mocked.token, 256), 0);
}

static void close_keys(struct xtskey *keys, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		xtskey_close(&keys[i], mocked.token);
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
	mock_set_fault(MOCK_SESSION_COUNT, 6);
	run_keys(keys, 10);
	for (i = 0; i < 3; i++)
		assert_int_equal(run_keys(keys, 10), 2 * 10 - 6);
	/* A key goes, and two others have its sessions. */
	xtskey_close(&keys[0], mocked.token);
	mock_set_fault(MOCK_SESSION_COUNT, 2);
	run_keys(keys + 1, 9);
	assert_int_equal(run_keys(keys + 1, 9), 2 * 9 - 6);
	/* When only two are used, they have all in the end. */
	mock_set_fault(MOCK_NONE, 0);
	for (i = 0; i < 600 && run_keys(keys + 8, 2); i++)
		;
	assert_in_range(i, 1, 599);
	close_keys(keys + 1, 9);
}

enum { RUN = 8, SECTORS = 2 * RUN };

/* The same of two places, each a run further in each batch: the token's calls. */
static unsigned int run_sectors(struct engine *engine, unsigned int batch,
				uint8_t (*data)[4096])
{
	static struct engine_request requests[SECTORS];
	unsigned int calls = mocked.mock->crypts;

	memset(data, 0, SECTORS * sizeof(*data));
	for (unsigned int i = 0; i < SECTORS; i++) {
		uint64_t iv = 8 * (batch * RUN + i % RUN) + (i < RUN ? 0 : 100000);

		requests[i] = (struct engine_request){
			.key = &mocked.key, .encrypt = true, .data = data[i],
			.length = 4096, .unit_size = 4096,
		};
		memcpy(requests[i].iv, &iv, sizeof(iv));
	}
	engine_run(engine, requests, SECTORS, NULL, NULL);
	for (unsigned int i = 0; i < SECTORS; i++)
		assert_int_equal(requests[i].status, 0);
	return mocked.mock->crypts - calls;
}

/* By an engine that hasn't made anything ahead. */
static unsigned int run_afresh(unsigned int batch, uint8_t (*data)[4096])
{
	struct engine *engine = engine_new(mocked.token);
	unsigned int calls = run_sectors(engine, batch, data);

	engine_free(engine);
	return calls;
}

static void check_sectors(unsigned int batch, unsigned int calls)
{
	static uint8_t data[SECTORS][4096], right[SECTORS][4096];

	assert_int_equal(run_sectors(mocked.engine, batch, data), calls);
	assert_int_equal(run_afresh(batch, right), 2);
	assert_memory_equal(data, right, sizeof(data));
}

/* Who goes on where the last batch ended finds the tweaks made. */
static void test_sequences(void **state)
{
	static uint8_t data[SECTORS][4096];
	unsigned int batch = 0;

	(void)state;
	support_need_softhsm();
	engine_forget(mocked.engine, &mocked.key);
	/* The token's operations open with the first calls. */
	while (run_afresh(0, data) > 2)
		assert_in_range(batch++, 0, 8);
	batch = 0;
	check_sectors(batch++, 2);
	for (int window = 0; window < 3; window++) {
		check_sectors(batch++, 2);
		for (int i = 0; i < TWEAKS_AHEAD / RUN; i++)
			check_sectors(batch++, 1);
	}
}

/* A token without operations that stay open is served call by call. */
static void test_no_streams(void **state)
{
	struct batch *batch = &the_batch;

	(void)state;
	support_need_softhsm();
	batch_fill(batch, true);
	batch_run_rightly(batch);
	/* The open one ends here, and no other begins. */
	mock_set_fault(MOCK_NO_UPDATE, 0);
	support_capture();
	batch_run(batch);
	support_captured();
	assert_int_equal(batch_check(batch), BATCH_REQUESTS);
	batch_run(batch);
	assert_int_equal(batch_check(batch), 0);
}

/* After trouble the next batch is served as if nothing had been. */
static void test_trouble_passes(void **state)
{
	struct batch *batch = &the_batch;

	(void)state;
	support_need_softhsm();
	batch_fill(batch, true);
	batch_run_rightly(batch);
	mock_set_fault(MOCK_DEVICE_ERROR, 0);
	support_capture();
	batch_run(batch);
	support_assert_holds(support_captured(), "CKR_DEVICE_ERROR");
	assert_int_equal(batch_check(batch), BATCH_REQUESTS);
	mock_set_fault(MOCK_NONE, 0);
	batch_run(batch);
	assert_int_equal(batch_check(batch), 0);
}

static void test_known_block_names_itself(void **state)
{
	struct batch *batch = &the_batch;

	(void)state;
	support_need_softhsm();
	batch_fill(batch, true);
	mock_set_fault(MOCK_OTHER_KEY, 0);
	support_capture();
	batch_run(batch);
	support_assert_holds(support_captured(), "known block");
}

static void refuse_open(enum mock_fault fault, int error, const char *message)
{
	struct paes_blob blob;
	struct xtskey key;

	mock_set_fault(MOCK_NONE, 0);
	assert_int_equal(xtskey_seal(&mocked.key, mocked.token, mocked.kek, 256,
				     0, &blob), 0);
	mock_set_fault(fault, 0);
	support_capture();
	assert_int_equal(xtskey_open(&key, mocked.token, &blob), error);
	support_assert_holds(support_captured(), message);
	assert_int_equal(key.k1, TOKEN_NO_KEY);
	assert_int_equal(key.k2, TOKEN_NO_KEY);
}

static void test_readable_keys(void **state)
{
	(void)state;
	support_need_softhsm();
	refuse_open(MOCK_READABLE, -EKEYREJECTED, "lets the key be read");
	refuse_open(MOCK_NOT_SENSITIVE, -EKEYREJECTED, "keep the key sensitive");
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
	mock_set_fault(MOCK_WRAP_SHORT, 0);
	support_capture();
	assert_int_equal(xtskey_seal(&mocked.key, mocked.token, mocked.kek, 256,
				     0, &blob), -EIO);
	support_assert_holds(support_captured(), "CKR_WRAPPED_KEY_LEN_RANGE");
	assert_true(paes_blob_all_zero((void *)&blob, sizeof(blob)));
}

static CK_ULONG count_residents(void)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE found[64];
	CK_ULONG count;

	token_template_add(&template, CKA_LABEL, TOKEN_KEY_LABEL,
			   strlen(TOKEN_KEY_LABEL));
	assert_int_equal(token_find_objects(mocked.token, &template, found, 64,
					    &count), CKR_OK);
	return count;
}

static void refuse_resident(enum mock_fault fault, unsigned int after, int error,
			    const char *message)
{
	struct xtskey key;

	mock_set_fault(fault, after);
	support_capture();
	assert_int_equal(xtskey_generate_resident(&key, mocked.token, 256), error);
	support_assert_holds(support_captured(), message);
	assert_int_equal(key.k1, TOKEN_NO_KEY);
	mock_set_fault(MOCK_NONE, 0);
	assert_int_equal(count_residents(), 0);
}

/* Whatever is between the first half and a pair that works: nothing stays. */
static void test_half_made(void **state)
{
	(void)state;
	support_need_softhsm();
	refuse_resident(MOCK_RESIDENT_FAILS, 0, -EIO, "CKR_DEVICE_MEMORY");
	refuse_resident(MOCK_RESIDENT_FAILS, 1, -EIO, "CKR_DEVICE_MEMORY");
	refuse_resident(MOCK_READABLE, 0, -EKEYREJECTED, "lets the key be read");
	refuse_resident(MOCK_NOT_SENSITIVE, 0, -EKEYREJECTED, "sensitive");
	refuse_resident(MOCK_EXTRACTABLE, 0, -EKEYREJECTED, "unextractable");
	refuse_resident(MOCK_VALUE_LEN, 0, -EKEYREJECTED, "another length");
	refuse_resident(MOCK_INIT_ERROR, 1, -EIO, "CKR_DEVICE_ERROR");
	refuse_resident(MOCK_ZEROES, 0, -EKEYREJECTED, "K1 == K2");
}

/* The restriction to ECB is a favour of the token's. */
static void test_residents_without_restrictions(void **state)
{
	unsigned char clear[64];
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	support_random(clear, sizeof(clear));
	mock_set_fault(MOCK_REFUSE_TEMPLATE, 0);
	assert_int_equal(xtskey_generate_resident(&key, mocked.token, 256), 0);
	assert_int_equal(xtskey_destroy(&key, mocked.token), 0);
	mock_set_fault(MOCK_NO_TEMPLATE, 0);
	assert_int_equal(xtskey_import_resident(&key, mocked.token, clear, 256), 0);
	assert_int_equal(xtskey_destroy(&key, mocked.token), 0);
}

/* Made well, it is read from outside later: refused, but not destroyed. */
static void refuse_resident_open(enum mock_fault fault, const char *message)
{
	struct paes_blob blob;
	struct xtskey made, key;

	assert_int_equal(xtskey_generate_resident(&made, mocked.token, 256), 0);
	assert_int_equal(xtskey_seal(&made, mocked.token, mocked.kek, 256, 0,
				     &blob), 0);
	mock_set_fault(fault, 0);
	support_capture();
	assert_int_equal(xtskey_open(&key, mocked.token, &blob), -EKEYREJECTED);
	support_assert_holds(support_captured(), message);
	mock_set_fault(MOCK_NONE, 0);
	assert_int_equal(count_residents(), 2);
	assert_int_equal(xtskey_destroy(&made, mocked.token), 0);
}

static void test_readable_residents(void **state)
{
	(void)state;
	support_need_softhsm();
	refuse_resident_open(MOCK_READABLE, "lets the key be read");
	refuse_resident_open(MOCK_NOT_SENSITIVE, "sensitive");
	refuse_resident_open(MOCK_EXTRACTABLE, "unextractable");
	refuse_resident_open(MOCK_VALUE_LEN, "another length");
	refuse_resident_open(MOCK_OTHER_KEY, "");
	refuse_resident_open(MOCK_SIGN_WRONG, "MAC is wrong");
}

static void create(enum mock_fault fault, int expected, bool expected_enforced)
{
	unsigned char id[PAES_ID_SIZE];
	bool enforced = !expected_enforced;
	int error;

	support_random(id, sizeof(id));
	mock_set_fault(fault, 0);
	support_capture();
	error = token_create_kek(mocked.token, id, &enforced);
	support_captured();
	assert_int_equal(error, expected);
	if (!error)
		assert_int_equal(enforced, expected_enforced);
	mock_set_fault(MOCK_NONE, 0);
	/* All of it or nothing. */
	assert_int_equal(token_has_kek(mocked.token, id), !error);
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

	mock_set_fault(fault, 0);
	support_capture();
	assert_int_equal(token_open(&token, mock_uri(),
				    secret), -EACCES);
	support_assert_holds(support_captured(), message);
	assert_null(token);
	assert_int_equal(mocked.mock->logins, logins);
}

static void close_token(void)
{
	xtskey_close(&mocked.key, mocked.token);
	token_close(mocked.token);
	mocked.token = NULL;
}

/* As SoftHSM hides a token while somebody logs in. */
static void test_token_is_absent_for_a_moment(void **state)
{
	CLEANUP(secret) struct secret *pin = support_pin(TEST_PIN);

	(void)state;
	support_need_softhsm();
	close_token();
	mock_set_fault(MOCK_ABSENT, 0);
	support_capture();
	assert_int_equal(token_open(&mocked.token, mock_uri(), pin), 0);
	assert_string_equal(support_captured(), "");
	assert_int_equal(mocked.mock->ends, 2);
	assert_int_equal(mocked.mock->logins, 1);
	close_token();
}

static void test_pin_is_tried_once(void **state)
{
	(void)state;
	support_need_softhsm();
	close_token();
	refuse_login(MOCK_NONE, "9999", 1, "CKR_PIN_INCORRECT");
	refuse_login(MOCK_PIN_FINAL_TRY, TEST_PIN, 0, "one try is left");
	refuse_login(MOCK_PIN_LOCKED, TEST_PIN, 0, "locked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOCK_TEST(test_wrong_answers_encrypting),
		MOCK_TEST(test_wrong_answers_encrypting_few),
		MOCK_TEST(test_trouble_passes),
		MOCK_TEST(test_known_block_names_itself),
		MOCK_TEST(test_readable_keys),
		MOCK_TEST(test_half_made),
		MOCK_TEST(test_residents_without_restrictions),
		MOCK_TEST(test_readable_residents),
		MOCK_TEST(test_open_trouble),
		MOCK_TEST(test_seal_trouble),
		MOCK_TEST(test_enforcement_is_proved),
		MOCK_TEST(test_told_once),
		MOCK_TEST(test_many_streams),
		MOCK_TEST(test_few_sessions),
		MOCK_TEST(test_sequences),
		MOCK_TEST(test_no_streams),
		MOCK_TEST(test_token_is_absent_for_a_moment),
		MOCK_TEST(test_pin_is_tried_once),
	};

	return cmocka_run_group_tests_name("misbehaving token", tests,
					   mock_enter_engine, mock_leave);
}
