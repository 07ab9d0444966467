// SPDX-License-Identifier: GPL-2.0
/* Finding, opening and using a token, against SoftHSM. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NO_MODULE "/nonexistent/module.so"

static int start(void **state)
{
	if (support_enter_token(state))
		return -1;
	if (support_softhsm()) {
		support_add_token("twin");
		support_add_token("twin");
	}
	return 0;
}

/* Expects the open to fail; returns what was logged. */
static const char *open_fails(const char *uri, const char *pin, int error)
{
	CLEANUP(secret) struct secret *secret = support_pin(pin);
	struct token *token = (struct token *)1;
	int found;

	support_capture();
	found = token_open(&token, uri, secret);
	if (found != error)
		print_error("%s\n", support_captured());
	assert_int_equal(found, error);
	assert_null(token);
	return support_captured();
}

static void test_uri_is_no_uri(void **state)
{
	const char *log;

	(void)state;
	log = open_fails("token=paes", TEST_PIN, -EINVAL);
	support_assert_holds(log, "\"token=paes\"");
	support_assert_holds(log, "pkcs11:token=LABEL");
	open_fails("", TEST_PIN, -EINVAL);
	open_fails("pkcs11:token=%zz", TEST_PIN, -EINVAL);
	log = open_fails("pkcs11:tokn=paes", TEST_PIN, -EINVAL);
	support_assert_holds(log, "parts that don't describe a token");
}

static void test_uri_with_pin(void **state)
{
	const char *log = open_fails("pkcs11:token=t?pin-value=seCret1", TEST_PIN, -EINVAL);

	(void)state;
	support_assert_holds(log, "pin-value");
	support_assert_lacks(log, "seCret1");
	log = open_fails("pkcs11:broken token?pin-value=seCret1", TEST_PIN, -EINVAL);
	support_assert_lacks(log, "seCret1");
	log = open_fails("pkcs11:token=t?pin-va\nlue=seCret1", TEST_PIN, -EINVAL);
	support_assert_holds(log, "white space");
	support_assert_lacks(log, "seCret1");
	log = open_fails("pkcs11:token=t?PIN-VALUE=seCret1", TEST_PIN, -EINVAL);
	support_assert_holds(log, "pin-value");
	support_assert_lacks(log, "seCret1");
	log = open_fails("pkcs11:token=%zz?Pin-Value=seCret1", TEST_PIN, -EINVAL);
	support_assert_lacks(log, "seCret1");
	log = open_fails("pkcs11:token=t?pin-source=file:/etc/pin", TEST_PIN, -EINVAL);
	support_assert_holds(log, "pin-source");
}

static void test_no_module(void **state)
{
	(void)state;
	support_assert_holds(open_fails(support_uri("t", NO_MODULE), TEST_PIN, -ENOENT),
			     NO_MODULE);
}

/* What was looked for, and what is there. */
static void test_no_match(void **state)
{
	const char *uri = support_uri("missing", support_softhsm());
	const char *log;

	(void)state;
	support_need_softhsm();
	log = open_fails(uri, TEST_PIN, -ENOENT);
	support_assert_holds(log, uri);
	support_assert_holds(log, "there is: token \"" TEST_LABEL "\", serial ");
	support_assert_holds(log, "there is: token \"twin\"");
	support_assert_holds(log, support_softhsm());
}

static void test_many_matches(void **state)
{
	const char *log;

	(void)state;
	support_need_softhsm();
	log = open_fails(support_uri("twin", support_softhsm()), TEST_PIN, -ENOTUNIQ);
	support_assert_holds(log, "2 tokens match");
	support_assert_holds(log, "there is: token \"twin\"");
	support_assert_lacks(log, TEST_LABEL);
}

static void test_wrong_pin(void **state)
{
	const char *log;

	(void)state;
	support_need_softhsm();
	log = open_fails(support_uri(TEST_LABEL, support_softhsm()), "wrong-Pin", -EACCES);
	support_assert_holds(log, "CKR_PIN_INCORRECT");
	support_assert_holds(log, "tried once");
	support_assert_lacks(log, "wrong-Pin");
}

static void test_label_and_random(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_string_equal(token_label(token), TEST_LABEL);
	assert_int_equal(token_random(token, a, sizeof(a)), 0);
	assert_int_equal(token_random(token, b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_keks(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	unsigned char made[2][PAES_ID_SIZE] = { { 1 }, { 2 } };
	unsigned char listed[4][PAES_ID_SIZE];
	bool enforced = false;

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_int_equal(token_list_keks(token, listed, 4), 0);
	assert_int_equal(token_has_kek(token, made[0]), 0);
	assert_int_equal(token_create_kek(token, made[0], &enforced), 0);
	assert_true(enforced);
	assert_int_equal(token_has_kek(token, made[0]), 1);
	assert_int_equal(token_has_kek(token, made[1]), 0);
	assert_int_equal(token_create_kek(token, made[1], &enforced), 0);
	assert_int_equal(token_list_keks(token, listed, 4), 2);
	assert_int_equal(token_list_keks(token, listed, 1), 2);
	assert_int_equal(token_list_keks(token, listed, 0), 2);
}

/* Token objects: there after a restart. */
static void test_keks_stay(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	unsigned char listed[4][PAES_ID_SIZE];

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_int_equal(token_list_keks(token, listed, 4), 2);
	assert_int_not_equal(listed[0][0], listed[1][0]);
}

static void test_several_with_one_id(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	unsigned char id[PAES_ID_SIZE] = { 9 };
	bool enforced;

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_int_equal(token_create_kek(token, id, &enforced), 0);
	assert_int_equal(token_create_kek(token, id, &enforced), 0);
	support_capture();
	assert_int_equal(token_has_kek(token, id), -ENOTUNIQ);
	support_assert_holds(support_captured(), "same CKA_ID");
}

static void check_wrap(struct token *token, unsigned int size)
{
	const unsigned char kek[PAES_ID_SIZE] = { 1 };
	unsigned char wrapped[PAES_WRAPPED_MAX], a[16], b[16];
	token_key key, back;

	assert_int_equal(token_generate_key(token, size, &key), 0);
	assert_int_equal(token_wrap_key(token, kek, key, wrapped, size), 0);
	assert_int_equal(token_unwrap_key(token, kek, wrapped, size, &back), 0);
	assert_int_equal(token_encrypt(token, key, PAES_KNOWN_BLOCK, a, 16), 0);
	assert_int_equal(token_encrypt(token, back, PAES_KNOWN_BLOCK, b, 16), 0);
	assert_memory_equal(a, b, 16);
	assert_int_equal(token_decrypt(token, back, a, a, 16), 0);
	assert_memory_equal(a, PAES_KNOWN_BLOCK, 16);
	assert_int_equal(token_destroy_key(token, key), 0);
	assert_int_equal(token_destroy_key(token, back), 0);
}

static void test_wrap(void **state)
{
	CLEANUP(token) struct token *token = NULL;

	(void)state;
	support_need_softhsm();
	token = support_open();
	check_wrap(token, 16);
	check_wrap(token, 32);
}

/* Wrapped under one KEK, given to another; changed; and without a KEK. */
static void test_unwrap_refusals(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	const unsigned char kek[PAES_ID_SIZE] = { 1 }, other[PAES_ID_SIZE] = { 2 };
	const unsigned char none[PAES_ID_SIZE] = { 3 };
	unsigned char wrapped[PAES_WRAPPED_MAX];
	token_key key, back;

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_int_equal(token_generate_key(token, 32, &key), 0);
	assert_int_equal(token_wrap_key(token, kek, key, wrapped, 32), 0);
	support_capture();
	assert_int_equal(token_unwrap_key(token, other, wrapped, 32, &back), -EKEYREJECTED);
	assert_int_equal(token_unwrap_key(token, none, wrapped, 32, &back), -ENOENT);
	assert_int_equal(token_wrap_key(token, none, key, wrapped, 32), -ENOENT);
	wrapped[17] ^= 4;
	assert_int_equal(token_unwrap_key(token, kek, wrapped, 32, &back), -EKEYREJECTED);
	assert_int_equal(back, TOKEN_NO_KEY);
	support_assert_holds(support_captured(), "CKR_GENERAL_ERROR");
}

static void test_mac(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	const unsigned char kek[PAES_ID_SIZE] = { 1 }, other[PAES_ID_SIZE] = { 2 };
	unsigned char mac[PAES_MAC_SIZE];

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_int_equal(token_mac(token, kek, "abc", 3, mac), 0);
	assert_int_equal(token_check_mac(token, kek, "abc", 3, mac), 0);
	support_capture();
	assert_int_equal(token_check_mac(token, kek, "abd", 3, mac), -EKEYREJECTED);
	assert_int_equal(token_check_mac(token, other, "abc", 3, mac), -EKEYREJECTED);
	for (int bit = 0; bit < PAES_MAC_SIZE * 8; bit++) {
		mac[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(token_check_mac(token, kek, "abc", 3, mac), -EKEYREJECTED);
		mac[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	support_assert_holds(support_captured(), "MAC is wrong");
}

static void test_partial_blocks(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	unsigned char data[64] = { 0 };
	token_key key;

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_int_equal(token_import_key(token, data, 16, &key), 0);
	support_capture();
	assert_true(token_encrypt(token, key, data, data, 17) < 0);
	assert_true(token_decrypt(token, key, data, data, 17) < 0);
	support_captured();
	assert_int_equal(token_encrypt(token, key, data, data, 64), 0);
	assert_int_equal(token_decrypt(token, key, data, data, 64), 0);
	assert_true(paes_blob_all_zero(data, 64));
}

/* After a key is destroyed nothing can be done with its handle. */
static void test_destroyed_key(void **state)
{
	CLEANUP(token) struct token *token = NULL;
	unsigned char data[16] = { 0 };
	token_key key;

	(void)state;
	support_need_softhsm();
	token = support_open();
	assert_int_equal(token_generate_key(token, 16, &key), 0);
	assert_int_equal(token_destroy_key(token, key), 0);
	support_capture();
	assert_int_equal(token_encrypt(token, key, data, data, 16), -EIO);
	support_assert_holds(support_captured(), "HANDLE_INVALID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri_is_no_uri),
		cmocka_unit_test(test_uri_with_pin),
		cmocka_unit_test(test_no_module),
		cmocka_unit_test(test_no_match),
		cmocka_unit_test(test_many_matches),
		cmocka_unit_test(test_wrong_pin),
		cmocka_unit_test(test_label_and_random),
		cmocka_unit_test(test_keks),
		cmocka_unit_test(test_keks_stay),
		cmocka_unit_test(test_several_with_one_id),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_unwrap_refusals),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_partial_blocks),
		cmocka_unit_test(test_destroyed_key),
	};

	return cmocka_run_group_tests_name("token", tests, start, support_leave);
}
