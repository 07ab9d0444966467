// SPDX-License-Identifier: GPL-2.0
/* The figures of a token: bounds of the buckets, names of errors. */
#include "support.h"

#include "figures.h"
#include "token.h"

#include <errno.h>
#include <string.h>

static struct figures figures;

static void expect_bucket(uint64_t ns, unsigned int bucket)
{
	memset(&figures, 0, sizeof(figures));
	figures_call(&figures, ns);
	assert_int_equal(figures.calls[bucket], 1);
	assert_int_equal(figures.calls_us, ns / 1000);
}

static void test_buckets(void **state)
{
	(void)state;
	expect_bucket(0, 0);
	expect_bucket(999, 0);
	expect_bucket(1000, 1);
	expect_bucket(1999, 1);
	expect_bucket(2000, 2);
	expect_bucket(4000, 3);
	for (unsigned int n = 1; n < FIGURES_BUCKETS - 1; n++) {
		expect_bucket((1000ull << n) - 1, n);
		expect_bucket(1000ull << n, n + 1);
	}
	expect_bucket(UINT64_MAX, FIGURES_BUCKETS - 1);
}

static void test_errors(void **state)
{
	unsigned int count = 0;

	(void)state;
	memset(&figures, 0, sizeof(figures));
	while (token_error_name(count))
		count++;
	assert_in_range(count, 70, FIGURES_ERRORS);
	assert_string_equal(token_error_name(count - 1), "other");
	assert_null(token_error_name(UINT32_MAX));
	figures_error(&figures, FIGURES_ERRORS);
	for (unsigned int i = 0; i < FIGURES_ERRORS; i++)
		assert_int_equal(figures.errors[i], 0);
}

static void test_sum(void **state)
{
	struct figures sum = { 0 };

	(void)state;
	memset(&figures, 0, sizeof(figures));
	figures_call(&figures, 5000);
	figures_error(&figures, 3);
	figures_add(&sum, &figures);
	figures_add(&sum, &figures);
	assert_int_equal(sum.calls[3], 2);
	assert_int_equal(sum.calls_us, 10);
	assert_int_equal(sum.errors[3], 2);
	assert_int_equal(sum.errors[2], 0);
}

/* A login that fails is counted by name, and so are calls with data. */
static void test_token_is_watched(void **state)
{
	unsigned char block[PAES_AES_BLOCK] = { 0 };
	struct token *token = NULL;
	unsigned int place = 0;
	struct secret *wrong;
	token_key key;

	(void)state;
	support_need_softhsm();
	wrong = support_pin("4321");
	memset(&figures, 0, sizeof(figures));
	token_watch(&figures);
	support_capture();
	assert_int_equal(token_open(&token, support_uri(TEST_LABEL, support_softhsm()),
				    wrong), -EACCES);
	support_captured();
	while (strcmp(token_error_name(place), "CKR_PIN_INCORRECT"))
		place++;
	assert_int_equal(figures.errors[place], 1);
	secret_free(wrong);
	token = support_open();
	assert_int_equal(token_generate_key(token, 32, &key), 0);
	for (unsigned int i = 0; i < FIGURES_SAMPLE; i++) {
		assert_int_equal(token_encrypt_stream(token, key, block, block, sizeof(block)), 0);
		assert_int_equal(token_decrypt_quick(token, key, block, block, sizeof(block)), 0);
	}
	token_watch(NULL);
	for (unsigned int i = 1; i < FIGURES_BUCKETS; i++)
		figures.calls[0] += figures.calls[i];
	assert_int_equal(figures.calls[0], 2);
	token_close(token);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_token_is_watched),
	};

	return cmocka_run_group_tests(tests, support_enter_token, support_leave);
}
