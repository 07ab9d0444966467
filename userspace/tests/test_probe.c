// SPDX-License-Identifier: GPL-2.0
/* What the probe says of tokens: an honest one, and one liar for each question. */
#include "mock.h"

#include "probe.h"
#include "token_internal.h"

#include <signal.h>
#include <string.h>

static struct {
	struct probe probe;
	unsigned int flags;	/* that it was looked at with */
	char text[256];
} here;

static int keys_in_token(void)
{
	CK_FUNCTION_LIST *module = mocked.token->module;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[64];
	CK_ULONG count = 0;

	assert_int_equal(module->C_FindObjectsInit(mocked.token->session,
						   &template, 1), CKR_OK);
	assert_int_equal(module->C_FindObjects(mocked.token->session, found, 64,
					       &count), CKR_OK);
	module->C_FindObjectsFinal(mocked.token->session);
	return (int)count;
}

/* Of a token with this fault; and nothing is left, also of session keys. */
static enum probe_verdict look(enum mock_fault fault, unsigned int flags)
{
	support_need_softhsm();
	mocked.mock->fault = fault;
	here.flags = flags;
	probe_run(&here.probe, mocked.token, flags);
	mocked.mock->fault = MOCK_NONE;
	probe_explain(&here.probe, false, here.text, sizeof(here.text));
	assert_int_equal(keys_in_token(), 0);
	assert_int_equal(mocked.mock->objects, 0);
	return probe_judge(&here.probe);
}

/* All rules are kept but this one. */
static void breaks_only(enum probe_rule rule)
{
	for (int i = 0; i < PROBE_RULES; i++) {
		enum probe_answer right = i == (int)rule ? PROBE_NO : PROBE_YES;

		if ((i == PROBE_PAIRS && !(here.flags & PROBE_TOKEN_OBJECTS)) ||
		    (i == PROBE_CHANGED_REFUSED &&
		     !(here.flags & PROBE_CHANGED_KEY)))
			right = PROBE_UNTRIED;

		if (here.probe.rules[i] != right)
			print_error("%s: %d\n", probe_rule_name(i),
				    here.probe.rules[i]);
		assert_int_equal(here.probe.rules[i], right);
	}
}

static enum probe_answer works(enum probe_mechanism mechanism)
{
	return here.probe.mechanisms[mechanism].works;
}

static void collect(void *context, const char *text)
{
	char *all = context;

	strncat(all, text, 4095 - strlen(all));
	strncat(all, "\n", 4095 - strlen(all));
}

static const char *warnings(void)
{
	static char all[4096];

	*all = '\0';
	probe_warn(&here.probe, collect, all);
	return all;
}

static void test_softhsm(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_NONE, 0), PROBE_USABLE);
	breaks_only(PROBE_RULES);
	assert_false(here.probe.mechanisms[PROBE_XTS].offered);
	assert_int_equal(works(PROBE_XTS), PROBE_UNTRIED);
	for (int i = PROBE_ECB; i < PROBE_MECHANISMS; i++) {
		assert_true(here.probe.mechanisms[i].offered);
		assert_int_equal(works(i), PROBE_YES);
	}
	assert_string_equal(here.text, "usable: wrapped keys, ECB in calls of 128 KiB, or what it is quicker with");
	assert_string_equal(warnings(), "");
	assert_true(probe_accepts(&here.probe, false));
}

/* With a pair of token objects, which are gone behind it. */
static void test_pairs(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_NONE, PROBE_TOKEN_OBJECTS), PROBE_USABLE);
	breaks_only(PROBE_RULES);
}

static void test_no_import(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_NO_IMPORT, 0), PROBE_USABLE);
	breaks_only(PROBE_RULES);
}

static void test_cbc_only(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_CBC_ONLY, 0), PROBE_REFUSED);
	assert_false(here.probe.mechanisms[PROBE_ECB].offered);
	assert_int_equal(works(PROBE_CBC), PROBE_YES);
	assert_int_equal(works(PROBE_WRAP), PROBE_YES);
	support_assert_holds(here.text, "refused: no ECB (not offered), and by CBC");
	assert_false(probe_accepts(&here.probe, true));
}

static void test_offers_and_does_not(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_LIES_ECB, 0), PROBE_REFUSED);
	assert_true(here.probe.mechanisms[PROBE_ECB].offered);
	support_assert_holds(here.text, "CKR_MECHANISM_INVALID");
	support_assert_holds(warnings(), "offers CKM_AES_ECB, and it doesn't work");
	assert_int_equal(look(MOCK_LIES_WRAP, 0), PROBE_RESIDENT);
	assert_true(here.probe.mechanisms[PROBE_WRAP].offered);
	support_assert_holds(here.text, "usable for resident keys only: no CKM_AES_KEY_WRAP (C_WrapKey: CKR_MECHANISM_INVALID)");
	assert_int_equal(look(MOCK_SIGN_WRONG, 0), PROBE_REFUSED);
	support_assert_holds(here.text, "no CKM_SHA256_HMAC (C_Sign: a wrong answer)");
	assert_int_equal(look(MOCK_OFFERS_XTS, 0), PROBE_USABLE);
	assert_int_equal(works(PROBE_XTS), PROBE_UNTRIED);
	support_assert_lacks(here.text, "native");
}

static void test_no_wrap(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_NO_WRAP, 0), PROBE_RESIDENT);
	support_assert_holds(here.text, "no CKM_AES_KEY_WRAP (not offered)");
	assert_int_equal(here.probe.rules[PROBE_UNWRAPPED_SECRET], PROBE_UNTRIED);
	assert_true(probe_accepts(&here.probe, false));
}

/* CKR_OK and nonsense: a round trip alone wouldn't tell all of these. */
static void test_wrong_answers(void **state)
{
	(void)state;
	for (enum mock_fault fault = MOCK_ZEROES; fault < MOCK_CRYPT_END; fault++) {
		assert_int_equal(look(fault, 0), PROBE_REFUSED);
		assert_int_equal(works(PROBE_ECB), PROBE_NO);
		support_assert_holds(here.text, "refused: no ECB");
		assert_false(probe_accepts(&here.probe, true));
	}
}

static void test_small_calls(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_SMALL_CALLS, 0), PROBE_REFUSED);
	breaks_only(PROBE_LARGE_CALLS);
	support_assert_holds(here.text, "no call of 128 KiB");
}

static void test_streams(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_NO_UPDATE, 0), PROBE_USABLE);
	breaks_only(PROBE_STREAMS);
	assert_int_equal(look(MOCK_UPDATE_SHIFTED, 0), PROBE_USABLE);
	breaks_only(PROBE_STREAMS);
	support_assert_holds(warnings(), "C_EncryptUpdate can't be used");
}

static void test_readable(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_READABLE, 0), PROBE_READABLE);
	assert_int_equal(here.probe.rules[PROBE_GENERATED_SECRET], PROBE_NO);
	assert_int_equal(here.probe.rules[PROBE_UNWRAPPED_SECRET], PROBE_NO);
	support_assert_holds(here.text, "refused: generated keys stay readable");
	assert_false(probe_accepts(&here.probe, false));
	assert_true(probe_accepts(&here.probe, true));
	probe_explain(&here.probe, true, here.text, sizeof(here.text));
	support_assert_holds(here.text, "usable: keys stay readable, which is allowed");
	assert_int_equal(look(MOCK_UNWRAP_READABLE, 0), PROBE_READABLE);
	assert_int_equal(here.probe.rules[PROBE_GENERATED_SECRET], PROBE_YES);
	support_assert_holds(here.text, "refused: unwrapped keys stay readable");
	support_assert_holds(warnings(), "unwrapped keys can be read");
}

/* It doesn't heed the template of an unwrap, but what is set behind it. */
static void test_hardened(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_UNWRAP_IGNORES, 0), PROBE_USABLE);
	assert_int_equal(here.probe.rules[PROBE_UNWRAPPED_SECRET], PROBE_YES);
	assert_int_equal(here.probe.rules[PROBE_UNWRAP_TEMPLATE], PROBE_NO);
}

static void test_rules(void **state)
{
	static const struct {
		enum mock_fault fault;
		enum probe_rule broken;
		const char *warning;
	} cases[] = {
		{ MOCK_GOES_BACK, PROBE_SENSITIVE_STAYS, "can be made readable" },
		{ MOCK_WRAPS_ANY, PROBE_EXTRACTABLE, "so leave the token" },
		{ MOCK_UNWRAPS_ANY, PROBE_CHANGED_REFUSED, "a changed wrapped key" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(look(cases[i].fault, PROBE_CHANGED_KEY),
				 PROBE_USABLE);
		breaks_only(cases[i].broken);
		support_assert_holds(warnings(), cases[i].warning);
	}
}

/* Takes the attributes and forgets them; and won't have them. */
static void test_restrictions(void **state)
{
	static const enum mock_fault faults[] = {
		MOCK_IGNORE_TEMPLATE, MOCK_REFUSE_TEMPLATE,
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(look(faults[i], 0), PROBE_USABLE);
		assert_int_equal(here.probe.rules[PROBE_UNWRAP_TEMPLATE], PROBE_NO);
		assert_int_equal(here.probe.rules[PROBE_ALLOWED_MECHANISMS], PROBE_NO);
		support_assert_holds(warnings(), "CKA_UNWRAP_TEMPLATE isn't enforced");
		support_assert_holds(warnings(), "CKA_ALLOWED_MECHANISMS isn't enforced");
	}
}

/* Unwrapped keys have to be the session's, so such a token has resident ones. */
static void test_token_objects(void **state)
{
	(void)state;
	assert_int_equal(look(MOCK_NO_SESSION_KEYS, 0), PROBE_UNKNOWN);
	support_assert_holds(here.text, "not known");
	assert_true(probe_accepts(&here.probe, false));
	look(MOCK_NO_SESSION_KEYS, PROBE_TOKEN_OBJECTS);
	breaks_only(PROBE_RULES);
	assert_int_equal(works(PROBE_ECB), PROBE_YES);
	assert_false(here.probe.left);
}

static volatile sig_atomic_t objects_at_signal = -1;

static void on_signal(int number)
{
	(void)number;
	objects_at_signal = mocked.mock->objects;
}

static void test_interrupted(void **state)
{
	struct sigaction action = { .sa_handler = on_signal }, before;

	(void)state;
	support_need_softhsm();
	sigaction(SIGINT, &action, &before);
	look(MOCK_INTERRUPTED, PROBE_TOKEN_OBJECTS);
	sigaction(SIGINT, &before, NULL);
	assert_int_equal(objects_at_signal, 0);
}

/* Nothing can be done about it but to say so. */
static void test_keeps_keys(void **state)
{
	(void)state;
	support_need_softhsm();
	mocked.mock->fault = MOCK_KEEPS;
	support_capture();
	probe_run(&here.probe, mocked.token, PROBE_TOKEN_OBJECTS);
	support_assert_holds(support_captured(), "can't be destroyed: CKR_FUNCTION_FAILED: remove the objects labelled \"paes-probe\"");
	mocked.mock->fault = MOCK_NONE;
	assert_true(here.probe.left);
	support_assert_holds(warnings(), "paes-probe");
}

/* What the verdict says is what becomes of a wrapped key. */
static void test_allowed(void **state)
{
	unsigned char wrapped[PAES_WRAPPED_MAX];
	unsigned char kek[PAES_ID_SIZE] = { 7 };
	token_key key, back;
	bool enforced;

	(void)state;
	support_need_softhsm();
	mocked.mock->fault = MOCK_UNWRAP_READABLE;
	assert_int_equal(token_create_kek(mocked.token, kek, &enforced), 0);
	assert_false(enforced);
	assert_int_equal(token_generate_key(mocked.token, 32, &key), 0);
	assert_int_equal(token_wrap_key(mocked.token, kek, key, wrapped, 32), 0);
	support_capture();
	assert_true(token_unwrap_key(mocked.token, kek, wrapped, 32, &back) < 0);
	support_assert_holds(support_captured(), "--allow-readable-keys");
	token_allow_readable(mocked.token);
	assert_int_equal(token_unwrap_key(mocked.token, kek, wrapped, 32,
					  &back), 0);
	mocked.mock->fault = MOCK_VALUE_LEN;
	support_capture();
	assert_true(token_unwrap_key(mocked.token, kek, wrapped, 32, &back) < 0);
	support_assert_holds(support_captured(), "another length");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOCK_TEST(test_softhsm),
		MOCK_TEST(test_pairs),
		MOCK_TEST(test_no_import),
		MOCK_TEST(test_cbc_only),
		MOCK_TEST(test_offers_and_does_not),
		MOCK_TEST(test_no_wrap),
		MOCK_TEST(test_wrong_answers),
		MOCK_TEST(test_small_calls),
		MOCK_TEST(test_streams),
		MOCK_TEST(test_readable),
		MOCK_TEST(test_hardened),
		MOCK_TEST(test_rules),
		MOCK_TEST(test_restrictions),
		MOCK_TEST(test_token_objects),
		MOCK_TEST(test_interrupted),
		/* These leave keys behind. */
		MOCK_TEST(test_keeps_keys),
		MOCK_TEST(test_allowed),
	};

	return cmocka_run_group_tests_name("probe", tests, mock_enter, mock_leave);
}
