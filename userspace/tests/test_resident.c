// SPDX-License-Identifier: GPL-2.0
/* Keys that stay in the token: which object is used, shared, and destroyed. */
#include "support.h"

#include "engine.h"
#include "token_internal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

static struct token *token;
static struct engine *engine;
static unsigned char kek[PAES_ID_SIZE];

static int start(void **state)
{
	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		return 0;
	token = support_open();
	support_kek(token, kek);
	engine = engine_new(token);
	return engine ? 0 : -1;
}

static int stop(void **state)
{
	engine_free(engine);
	token_close(token);
	return support_leave(state);
}

/* All token objects with this label. */
static CK_ULONG count_objects(const char *label)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE found[256];
	CK_ULONG count;

	token_template_bool(&template, CKA_TOKEN, true);
	token_template_add(&template, CKA_LABEL, label, strlen(label));
	assert_int_equal(token_find_objects(token, &template, found, 256, &count),
			 CKR_OK);
	return count;
}

static void make(struct xtskey *key, struct paes_blob *blob)
{
	assert_int_equal(xtskey_generate_resident(key, token, 256), 0);
	assert_int_equal(xtskey_seal(key, token, kek, 256, 0, blob), 0);
}

static void sign_again(struct paes_blob *blob)
{
	unsigned char message[PAES_BLOB_HEADER + PAES_BLOB_MAC_COVERS];

	memcpy(message, blob, PAES_BLOB_HEADER);
	memcpy(message + PAES_BLOB_HEADER, &blob->recipient[0], PAES_BLOB_MAC_COVERS);
	assert_int_equal(token_mac(token, kek, message, sizeof(message),
				   blob->recipient[0].mac), 0);
}

static void refuse(const struct paes_blob *blob, int error, const char *words)
{
	struct xtskey key;

	support_capture();
	assert_int_equal(xtskey_open(&key, token, blob), error);
	support_assert_holds(support_captured(), words);
	assert_int_equal(key.k1, TOKEN_NO_KEY);
	assert_int_equal(key.k2, TOKEN_NO_KEY);
}

static void test_what_is_made(void **state)
{
	CK_BBOOL values[5] = { 9, 9, 9, 9, 9 };
	CK_ATTRIBUTE read[] = {
		{ CKA_SENSITIVE, &values[0], 1 },
		{ CKA_EXTRACTABLE, &values[1], 1 },
		{ CKA_PRIVATE, &values[2], 1 },
		{ CKA_MODIFIABLE, &values[3], 1 },
		{ CKA_NEVER_EXTRACTABLE, &values[4], 1 },
	};
	CK_MECHANISM other = { CKM_AES_CBC, kek, sizeof(kek) };
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	assert_int_equal(xtskey_generate_resident(&key, token, 128), 0);
	assert_int_equal(token->module->C_GetAttributeValue(token->session, key.k2,
							    read, 5), CKR_OK);
	assert_memory_equal(values, ((CK_BBOOL[]){ 1, 0, 1, 0, 1 }), 5);
	/* ECB and nothing else. */
	assert_int_not_equal(token->module->C_EncryptInit(token->session, &other,
							  key.k1), CKR_OK);
	assert_int_equal(xtskey_destroy(&key, token), 0);
}

static void test_stays_and_goes(void **state)
{
	CK_ULONG before = 0;
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	before = count_objects(TOKEN_KEY_LABEL);
	make(&key, &blob);
	assert_int_equal(count_objects(TOKEN_KEY_LABEL), before + 2);
	xtskey_close(&key, token);
	assert_int_equal(count_objects(TOKEN_KEY_LABEL), before + 2);
	assert_int_equal(xtskey_open(&key, token, &blob), 0);
	assert_int_equal(xtskey_destroy(&key, token), 0);
	assert_int_equal(key.k1, TOKEN_NO_KEY);
	assert_int_equal(count_objects(TOKEN_KEY_LABEL), before);
	refuse(&blob, -ENOKEY, "restore it from the token's backup");
}

/* Half of it in the token is as good as nothing. */
static void test_half_is_missing(void **state)
{
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	make(&key, &blob);
	assert_int_equal(token_destroy_resident(token, key.k2), 0);
	key.k2 = TOKEN_NO_KEY;
	refuse(&blob, -ENOKEY, "(K2)");
	assert_int_equal(xtskey_destroy(&key, token), 0);
	refuse(&blob, -ENOKEY, "(K1)");
}

static void test_find_and_destroy(void **state)
{
	CK_ULONG before = 0;
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	before = count_objects(TOKEN_KEY_LABEL);
	make(&key, &blob);
	assert_int_equal(token_destroy_resident(token, key.k1), 0);
	blob.recipient[0].mac[0] ^= 1;
	support_capture();
	assert_int_equal(xtskey_find_resident(&key, token, &blob), -EKEYREJECTED);
	support_assert_holds(support_captured(), "MAC is wrong");
	blob.recipient[0].mac[0] ^= 1;
	/* A half alone can be got rid of. */
	assert_int_equal(xtskey_find_resident(&key, token, &blob), 0);
	assert_int_equal(xtskey_destroy(&key, token), 0);
	assert_int_equal(count_objects(TOKEN_KEY_LABEL), before);
	support_capture();
	assert_int_equal(xtskey_find_resident(&key, token, &blob), -ENOKEY);
	support_assert_holds(support_captured(), "nothing is left to do");
}

/* What is made of a pair that isn't accepted goes again. */
static void test_nothing_is_left(void **state)
{
	unsigned char same[64];
	CK_ULONG before = 0;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	before = count_objects(TOKEN_KEY_LABEL);
	memset(same, 7, sizeof(same));
	support_capture();
	assert_int_equal(xtskey_import_resident(&key, token, same, 256), -EKEYREJECTED);
	support_captured();
	assert_int_equal(count_objects(TOKEN_KEY_LABEL), before);
}

/* An AES key in the token, or in the session, that nobody made for a disk. */
static void plant(const char *label, const unsigned char *id, bool in_token,
		  bool sensitive, bool extractable, size_t size,
		  CK_OBJECT_HANDLE *planted)
{
	static const unsigned char value[32] = "planted by whoever has the PIN";
	static const CK_KEY_TYPE aes = CKK_AES;
	struct token_template template = { .count = 0 };
	CK_SESSION_HANDLE session;

	assert_int_equal(token_open_writable(token, &session), 0);
	token_template_class(&template, &aes);
	token_template_bool(&template, CKA_TOKEN, in_token);
	token_template_bool(&template, CKA_PRIVATE, in_token);
	token_template_bool(&template, CKA_SENSITIVE, sensitive);
	token_template_bool(&template, CKA_EXTRACTABLE, extractable);
	token_template_bool(&template, CKA_ENCRYPT, true);
	token_template_bool(&template, CKA_DECRYPT, true);
	token_template_add(&template, CKA_LABEL, label, strlen(label));
	token_template_add(&template, CKA_ID, id, PAES_ID_SIZE);
	token_template_add(&template, CKA_VALUE, value, size);
	assert_int_equal(token->module->C_CreateObject(in_token ? session : token->session,
						       template.attributes,
						       template.count, planted), CKR_OK);
	token->module->C_CloseSession(session);
}

/* In place of a genuine K1, which is gone; the blob is as it was. */
static void refuse_planted(const char *label, bool in_token, bool sensitive,
			   bool extractable, size_t size, int error,
			   const char *words)
{
	CK_OBJECT_HANDLE planted;
	struct paes_blob blob;
	struct xtskey key;

	make(&key, &blob);
	assert_int_equal(token_destroy_resident(token, key.k1), 0);
	plant(label, key.id1, in_token, sensitive, extractable, size, &planted);
	refuse(&blob, error, words);
	if (in_token)
		assert_int_equal(token_destroy_resident(token, planted), 0);
	else
		assert_int_equal(token_destroy_key(token, planted), 0);
	key.k1 = TOKEN_NO_KEY;
	assert_int_equal(xtskey_destroy(&key, token), 0);
}

static void test_planted(void **state)
{
	const char *label = TOKEN_KEY_LABEL;

	(void)state;
	support_need_softhsm();
	refuse_planted("paes-kez", true, true, false, 32, -ENOKEY, "isn't there");
	refuse_planted("", true, true, false, 32, -ENOKEY, "isn't there");
	refuse_planted(label, false, true, false, 32, -ENOKEY, "isn't there");
	refuse_planted(label, true, false, false, 32, -EKEYREJECTED, "sensitive");
	refuse_planted(label, true, true, true, 32, -EKEYREJECTED, "unextractable");
	refuse_planted(label, true, true, false, 16, -EKEYREJECTED, "length");
	refuse_planted(label, true, true, false, 32, -EKEYREJECTED, "known block");
}

/* With a MAC that is right, but for a key that isn't a disk's. */
static void test_names_another_object(void **state)
{
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	make(&key, &blob);
	memcpy(blob.recipient[0].k1, kek, PAES_ID_SIZE);
	sign_again(&blob);
	refuse(&blob, -ENOKEY, "isn't there");
	/* K2 in the place of K1, and the reverse. */
	memcpy(blob.recipient[0].k1, key.id2, PAES_ID_SIZE);
	memcpy(blob.recipient[0].k2, key.id1, PAES_ID_SIZE);
	sign_again(&blob);
	refuse(&blob, -EKEYREJECTED, "known block");
	assert_int_equal(xtskey_destroy(&key, token), 0);
}

static void test_id_twice(void **state)
{
	CK_OBJECT_HANDLE planted;
	struct paes_blob blob;
	struct xtskey key;

	(void)state;
	support_need_softhsm();
	make(&key, &blob);
	plant(TOKEN_KEY_LABEL, key.id2, true, true, false, 32, &planted);
	refuse(&blob, -EKEYREJECTED, "several keys");
	assert_int_equal(token_destroy_resident(token, planted), 0);
	assert_int_equal(xtskey_open(&(struct xtskey){ .k1 = 0 }, token, &blob), 0);
	assert_int_equal(xtskey_destroy(&key, token), 0);
}

enum { UNIT = 512, UNITS = 8, SMALL = UNIT * UNITS, LARGE = 4 * 65536 };

static void by_openssl(const unsigned char *clear, uint8_t *data, size_t size,
		       uint8_t first)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	for (size_t at = 0; at < size; at += UNIT) {
		size_t unit = first + at / UNIT;
		uint8_t iv[16] = { (uint8_t)unit, (uint8_t)(unit >> 8) };
		int n;

		assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_xts(),
						    NULL, clear, iv), 1);
		assert_int_equal(EVP_EncryptUpdate(context, data + at, &n,
						   data + at, UNIT), 1);
	}
	EVP_CIPHER_CTX_free(context);
}

/* There and back under `key`, held against OpenSSL. */
static void check_use(const struct xtskey *key, const unsigned char *clear,
		      size_t size, uint8_t first)
{
	static uint8_t data[LARGE], before[LARGE], right[LARGE];
	struct engine_request request = {
		.key = key, .encrypt = true, .length = (uint32_t)size,
		.unit_size = UNIT, .iv = { first }, .data = data,
	};

	support_random(before, size);
	memcpy(data, before, size);
	memcpy(right, before, size);
	by_openssl(clear, right, size, first);
	engine_run(engine, &request, 1, NULL, NULL);
	assert_int_equal(request.status, 0);
	assert_memory_equal(data, right, size);
	request.encrypt = false;
	engine_run(engine, &request, 1, NULL, NULL);
	assert_int_equal(request.status, 0);
	assert_memory_equal(data, before, size);
}

/* Enough for open streams, tweaks made ahead, and both ways of decryption. */
static void check_much(const struct xtskey *key, const unsigned char *clear)
{
	for (uint8_t i = 0; i < 12; i++)
		check_use(key, clear, SMALL, (uint8_t)(i * UNITS));
	for (uint8_t i = 0; i < 10; i++)
		check_use(key, clear, LARGE, i);
	while (!token_is_prepared(token))
		token_prepare(token);
	check_use(key, clear, UNIT, 200);
}

static void close_one(struct xtskey *key)
{
	engine_forget(engine, key);
	xtskey_close(key, token);
}

/*
 * Opened twice, as two volumes with one wrapped key are: both share the handles
 * by which streams, places and tweaks are kept.  Either goes, the other stays.
 */
static void open_twice(enum token_way way)
{
	struct xtskey made, one, two;
	unsigned char clear[64];
	struct paes_blob blob;

	support_need_softhsm();
	support_random(clear, sizeof(clear));
	assert_int_equal(xtskey_import_resident(&made, token, clear, 256), 0);
	assert_int_equal(xtskey_seal(&made, token, kek, 256, 0, &blob), 0);
	close_one(&made);
	token_end_trials(token, way);
	assert_int_equal(xtskey_open(&one, token, &blob), 0);
	assert_int_equal(xtskey_open(&two, token, &blob), 0);
	for (int i = 0; i < 3; i++) {
		check_much(&one, clear);
		check_much(&two, clear);
		close_one(&one);
		check_much(&two, clear);
		assert_int_equal(xtskey_open(&one, token, &blob), 0);
		check_use(&two, clear, SMALL, 0);
		check_much(&one, clear);
		close_one(&two);
		check_much(&one, clear);
		assert_int_equal(xtskey_open(&two, token, &blob), 0);
	}
	close_one(&two);
	assert_int_equal(xtskey_destroy(&one, token), 0);
}

static void test_open_twice(void **state)
{
	(void)state;
	open_twice(TOKEN_AT_ONCE);
}

static void test_open_twice_and_dropping(void **state)
{
	(void)state;
	open_twice(TOKEN_AND_DROP);
}

/* The other's requests fail, and nothing else is made of them. */
static void test_destroyed_while_open(void **state)
{
	uint8_t data[SMALL] = { 0 };
	struct engine_request request = {
		.encrypt = true, .length = SMALL, .unit_size = UNIT, .data = data,
	};
	struct paes_blob blob;
	struct xtskey one, two;

	(void)state;
	support_need_softhsm();
	make(&one, &blob);
	assert_int_equal(xtskey_open(&two, token, &blob), 0);
	request.key = &two;
	engine_run(engine, &request, 1, NULL, NULL);
	assert_int_equal(request.status, 0);
	assert_int_equal(xtskey_destroy(&one, token), 0);
	memset(data, 0, sizeof(data));
	support_capture();
	engine_run(engine, &request, 1, NULL, NULL);
	support_assert_holds(support_captured(), "HANDLE_INVALID");
	assert_int_equal(request.status, -EIO);
	assert_true(paes_blob_all_zero(data, sizeof(data)));
	close_one(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_made),
		cmocka_unit_test(test_stays_and_goes),
		cmocka_unit_test(test_half_is_missing),
		cmocka_unit_test(test_find_and_destroy),
		cmocka_unit_test(test_nothing_is_left),
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_names_another_object),
		cmocka_unit_test(test_id_twice),
		cmocka_unit_test(test_open_twice),
		cmocka_unit_test(test_open_twice_and_dropping),
		cmocka_unit_test(test_destroyed_while_open),
	};

	return cmocka_run_group_tests_name("resident keys", tests, start, stop);
}
