// SPDX-License-Identifier: GPL-2.0
/*
 * A real token that takes what it is told of keys and forgets it, and has no
 * room for KEK and authenticator: NSS's softokn.  The probe has to see that.
 */
#include "nsstoken.h"
#include "support.h"

#include "probe.h"
#include "token_internal.h"

#include <string.h>

static struct token *token;

static int start(void **state)
{
	return support_enter(state) ? -1 : nsstoken_make(&token);
}

static int stop(void **state)
{
	token_close(token);
	return support_leave(state);
}

static void need_nss(void)
{
	if (token)
		return;
	print_message("# SKIP: NSS (package libnss3) is not installed\n");
	skip();
}

static void test_probe(void **state)
{
	static const enum probe_answer rules[PROBE_RULES] = {
		[PROBE_GENERATED_SECRET] = PROBE_YES,
		[PROBE_UNWRAPPED_SECRET] = PROBE_YES,
		[PROBE_SENSITIVE_STAYS] = PROBE_YES,
		[PROBE_EXTRACTABLE] = PROBE_NO,
		[PROBE_UNWRAP_TEMPLATE] = PROBE_NO,
		[PROBE_ALLOWED_MECHANISMS] = PROBE_NO,
		[PROBE_PAIRS] = PROBE_NO,
		[PROBE_CHANGED_REFUSED] = PROBE_YES,
		[PROBE_STREAMS] = PROBE_YES,
		[PROBE_LARGE_CALLS] = PROBE_YES,
	};
	struct probe probe;

	(void)state;
	need_nss();
	probe_run(&probe, token, PROBE_TOKEN_OBJECTS | PROBE_CHANGED_KEY);
	assert_int_equal(probe_judge(&probe), PROBE_REFUSED);
	for (int i = 0; i < PROBE_RULES; i++) {
		if (probe.rules[i] != rules[i])
			print_error("%s\n", probe_rule_name(i));
		assert_int_equal(probe.rules[i], rules[i]);
	}
	assert_int_equal(probe.mechanisms[PROBE_XTS].offered, false);
	assert_false(probe.left);
}

/* "paes init" is refused as the verdict says, and what it made is gone. */
static void test_no_kek(void **state)
{
	unsigned char kek[PAES_ID_SIZE] = { 1 };
	bool enforced = true;

	(void)state;
	need_nss();
	support_capture();
	assert_true(token_create_kek(token, kek, &enforced) < 0);
	support_assert_holds(support_captured(), "C_GenerateKey (authenticator)");
	assert_int_equal(token_has_kek(token, kek), 0);
}

/* What the engine does with a key of the session works. */
static void test_session_key(void **state)
{
	unsigned char data[4096] = { 0 }, right[PAES_AES_BLOCK];
	token_key key;

	(void)state;
	need_nss();
	assert_int_equal(token_generate_key(token, 32, &key), 0);
	assert_int_equal(token_encrypt(token, key, data, right, sizeof(right)), 0);
	assert_int_equal(token_encrypt_stream(token, key, data, data, sizeof(data)), 0);
	for (size_t i = 0; i < sizeof(data); i += sizeof(right))
		assert_memory_equal(data + i, right, sizeof(right));
	assert_int_equal(token_decrypt_quick(token, key, data, data, sizeof(data)), 0);
	assert_true(paes_blob_all_zero(data, sizeof(data)));
	assert_int_equal(token_destroy_key(token, key), 0);
}

static void test_nothing_left(void **state)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[16];
	CK_ULONG count = 0;
	struct probe probe;

	(void)state;
	need_nss();
	probe_run(&probe, token, PROBE_TOKEN_OBJECTS);
	assert_int_equal(token->module->C_FindObjectsInit(token->session,
							  &template, 1), CKR_OK);
	assert_int_equal(token->module->C_FindObjects(token->session, found, 16,
						      &count), CKR_OK);
	token->module->C_FindObjectsFinal(token->session);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_no_kek),
		cmocka_unit_test(test_session_key),
		cmocka_unit_test(test_nothing_left),
	};

	return cmocka_run_group_tests_name("nss", tests, start, stop);
}
