// SPDX-License-Identifier: GPL-2.0
/* Keys between tokens of two makes, SoftHSM's and NSS's. */
#include "nsstoken.h"
#include "support.h"

#include "token_internal.h"

#include <string.h>

static struct token *soft, *nss;

static int start(void **state)
{
	if (support_enter_token(state))
		return -1;
	if (!support_softhsm())
		return 0;
	soft = support_open();
	return nsstoken_make(&nss);
}

static int stop(void **state)
{
	token_close(nss);
	token_close(soft);
	return support_leave(state);
}

static void need_both(void)
{
	if (soft && nss)
		return;
	print_message("# SKIP: needs SoftHSM (package softhsm2) and NSS (libnss3)\n");
	skip();
}

static CK_ULONG count_objects(struct token *token)
{
	struct token_template template = { .count = 0 };
	CK_OBJECT_HANDLE found[64];
	CK_ULONG count;

	token_template_bool(&template, CKA_TOKEN, true);
	assert_int_equal(token_find_objects(token, &template, found, 64, &count),
			 CKR_OK);
	return count;
}

/* The same key afterwards, by what it makes of the known block. */
static void move(struct token *from, struct token *to)
{
	unsigned char before[PAES_AES_BLOCK], after[PAES_AES_BLOCK];
	token_key key, moved;

	need_both();
	assert_int_equal(token_generate_key(from, 32, &key), 0);
	assert_int_equal(token_move_key(from, key, to, &moved), 0);
	assert_int_equal(token_encrypt(from, key, PAES_KNOWN_BLOCK, before,
				       sizeof(before)), 0);
	assert_int_equal(token_encrypt(to, moved, PAES_KNOWN_BLOCK, after,
				       sizeof(after)), 0);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(token_destroy_key(from, key), 0);
	assert_int_equal(token_destroy_key(to, moved), 0);
}

static void test_to_nss(void **state)
{
	(void)state;
	move(soft, nss);
}

static void test_from_nss(void **state)
{
	(void)state;
	move(nss, soft);
}

/*
 * NSS keeps one secret key with a CKA_ID, and a KEK and its authenticator are
 * two: it can be no replica, and neither token is left with half of one.
 */
static void test_no_replica(void **state)
{
	struct token *tokens[] = { soft, nss };
	unsigned char id[PAES_ID_SIZE] = "makes";
	CK_ULONG before[2] = { 0 };
	bool enforced[2];

	(void)state;
	need_both();
	before[0] = count_objects(soft);
	before[1] = count_objects(nss);
	support_capture();
	assert_true(token_create_kek_in(tokens, 2, id, enforced) < 0);
	support_assert_holds(support_captured(), "token \"NSS Certificate DB\"");
	assert_int_equal(count_objects(soft), before[0]);
	assert_int_equal(count_objects(nss), before[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_nss),
		cmocka_unit_test(test_from_nss),
		cmocka_unit_test(test_no_replica),
	};

	return cmocka_run_group_tests_name("tokens of two makes", tests, start,
					   stop);
}
